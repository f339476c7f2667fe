// The directives of [Install] (systemd.unit(5)) and of [X-Hearth], hearth's own.
import { err, ok } from 'neverthrow'
import { execCommandText, plain, spaced, yesNo } from '../print.ts'
import type { ExecCommand } from '../unit.ts'
import { boolean } from '../values/boolean.ts'
import { readCommands } from '../values/command.ts'
import { logDestinations } from '../values/log-destination.ts'
import { oneOf, type Parse } from '../values/parse.ts'
import { type Directive, list, setting } from './directive.ts'
import { unitNames } from './unit.ts'

const instance: Parse<string | null> = (text, context) =>
  context
    .expand(text)
    .andThen(name =>
      /^[0-9A-Za-z:_.\\@-]+$/.test(name)
        ? ok(name)
        : err('expected what may stand behind the @ of a name'),
    )

const command: Parse<ExecCommand | null> = (text, context) =>
  readCommands(text, context).andThen(([only, ...more]) =>
    only && more.length === 0 ? ok(only) : err('expected one command'),
  )

export const installDirectives = (): Directive[] => [
  list('install', 'WantedBy', 'wantedBy', unitNames),
  list('install', 'RequiredBy', 'requiredBy', unitNames),
  list('install', 'UpheldBy', 'upheldBy', unitNames),
  list('install', 'Alias', 'alias', unitNames),
  list('install', 'Also', 'also', unitNames),
  setting('install', 'DefaultInstance', 'defaultInstance', instance),
]

export const hearthDirectives = (): Directive[] => [
  setting('hearth', 'Dependants', 'dependants', oneOf('hold', 'fail'), {
    print: plain,
    property: 'HearthDependants',
    note: 'hold: it waits while a unit that it requires restarts by itself; fail: it fails with that one, as in systemd',
  }),
  setting(
    'hearth',
    'ConsoleOutput',
    'consoleOutput',
    oneOf('inherit', 'prefix', 'json', 'raw', 'off'),
    {
      print: plain,
      property: 'HearthConsoleOutput',
      note: 'how its lines go to the standard output of hearth, or off; inherit: as --console and --console-format say',
    },
  ),
  setting('hearth', 'LogPipe', 'logPipe', command, {
    print: value => (value === null ? '' : execCommandText(value)),
    property: 'HearthLogPipe',
    note: 'a command that is given its output in place of the log, as s6-log; it runs as the user of the unit, outside of its sandbox',
  }),
  setting('hearth', 'LogForward', 'logForward', logDestinations, {
    print: value => (value === null ? '' : value.length === 0 ? 'no' : spaced(value)),
    property: 'HearthLogForward',
    note: 'URLs that its lines are forwarded to (udp, tcp, unix: syslog; http, https: OTLP), or no; without it as hearth --log-forward has it',
  }),
  setting('hearth', 'Strict', 'strict', boolean, {
    print: yesNo,
    property: 'HearthStrict',
    note: 'yes: it is not started less confined than its file says; without it as hearth --strict has it',
  }),
]
