// The directives of [Service] but those of the execution environment (systemd.service(5), systemd.kill(5)).
import { err, ok } from 'neverthrow'
import { isLimit, notifyAccess } from '../notify-access.ts'
import { execCommandText, exitStatusSetText, plain, spaced, usec, yesNo } from '../print.ts'
import { oomPolicy } from '../resources.ts'
import type { ExitStatusSet, ServiceSettings } from '../unit.ts'
import { boolean, readBoolean } from '../values/boolean.ts'
import { readCommands } from '../values/command.ts'
import { exitStatusSet } from '../values/exit-status.ts'
import { integer } from '../values/number.ts'
import { openFile, openFileText } from '../values/open-file.ts'
import { oneOf, type Parse } from '../values/parse.ts'
import { pidFile } from '../values/path.ts'
import { signal } from '../values/signal.ts'
import { timeout, timespan } from '../values/timespan.ts'
import { unitType } from '../values/unit-name.ts'
import { custom, type Directive, ignored, list, setting, take } from './directive.ts'
import { movedToUnit, unitNames } from './unit.ts'

type ExecField =
  | 'execCondition'
  | 'execStartPre'
  | 'execStart'
  | 'execStartPost'
  | 'execReload'
  | 'execStop'
  | 'execStopPost'

const exec = (name: string, field: ExecField): Directive =>
  list('service', name, field, readCommands, {
    // Not map's second argument: that would be taken for the timing.
    print: commands => commands.map(command => execCommandText(command)),
  })

const span = (
  name: string,
  field:
    | 'restartUsec'
    | 'runtimeMaxUsec'
    | 'runtimeRandomizedExtraUsec'
    | 'restartMaxDelayUsec'
    | 'timeoutStartUsec'
    | 'timeoutStopUsec',
  parse: Parse<number>,
  aliases: readonly string[] = [],
): Directive =>
  setting('service', name, field, parse, {
    aliases,
    print: usec,
    property: name.replace(/Sec$/, 'USec'),
  })

type StatusField = 'successExitStatus' | 'restartPreventExitStatus' | 'restartForceExitStatus'

/** Lists of statuses: an assignment adds to what is there. */
const statuses = (name: string, field: StatusField): Directive =>
  custom(
    name,
    (draft, text, context) => {
      if (text === '') {
        delete draft.service[field]
        return ok()
      }
      return take(exitStatusSet(text, context), added => {
        const known: ExitStatusSet = draft.service[field] ?? { statuses: [], signals: [] }
        draft.service[field] = {
          statuses: [...new Set([...known.statuses, ...added.statuses])],
          signals: [...new Set([...known.signals, ...added.signals])],
        }
      })
    },
    { statuses: [], signals: [] },
    {
      properties: [
        { name, print: unit => (unit.service ? exitStatusSetText(unit.service[field]) : '') },
      ],
    },
  )

const serviceType: Parse<ServiceSettings['type']> = oneOf(
  'simple',
  'exec',
  'forking',
  'oneshot',
  'dbus',
  'notify',
  'notify-reload',
  'idle',
)
/** The D-Bus specification, Bus names: of two elements at least, in a language of its own. */
const busName: Parse<string> = (text, context) =>
  context
    .expand(text)
    .andThen(name =>
      name.length <= 255 && /^[A-Za-z_-][\w-]*(?:\.[A-Za-z_-][\w-]*)+$/.test(name)
        ? ok(name)
        : err('expected a well-known name of a bus, such as org.example.Web'),
    )

const failureMode = oneOf('terminate', 'abort', 'kill')

const sockets: Parse<string[]> = (text, context) =>
  unitNames(text, context).andThen(names =>
    names.every(name => unitType(name) === 'socket') ? ok(names) : err('expected names of sockets'),
  )

const preserve: Parse<ServiceSettings['fileDescriptorStorePreserve']> = text => {
  if (text === 'restart') return ok('restart')
  const value = readBoolean(text)
  return value === null ? err('expected yes, no or restart') : ok(value ? 'yes' : 'no')
}

export const serviceDirectives = (runtime: string): Directive[] => [
  setting('service', 'Type', 'type', serviceType, { print: plain }),
  setting('service', 'ExitType', 'exitType', oneOf('main', 'cgroup'), { print: plain }),
  setting(
    'service',
    'Restart',
    'restart',
    oneOf('no', 'on-success', 'on-failure', 'on-abnormal', 'on-watchdog', 'on-abort', 'always'),
    { print: plain },
  ),
  setting('service', 'RestartMode', 'restartMode', oneOf('normal', 'direct'), {
    print: plain,
    missing: 'debug (systemd 257)',
  }),
  setting('service', 'PIDFile', 'pidFile', pidFile(runtime), { print: plain }),
  setting('service', 'BusName', 'busName', busName, {
    print: plain,
    needs: ({ service }) => (service?.type === 'dbus' ? ['bus'] : []),
    fallback: 'emulated',
    note: 'the service is up when it runs',
  }),
  exec('ExecCondition', 'execCondition'),
  exec('ExecStartPre', 'execStartPre'),
  exec('ExecStart', 'execStart'),
  exec('ExecStartPost', 'execStartPost'),
  exec('ExecReload', 'execReload'),
  exec('ExecStop', 'execStop'),
  exec('ExecStopPost', 'execStopPost'),
  span('RestartSec', 'restartUsec', timespan),
  setting('service', 'RestartSteps', 'restartSteps', integer(0, 0xffffffff), { print: plain }),
  span('RestartMaxDelaySec', 'restartMaxDelayUsec', timespan, ['RestartSecMax']),
  span('TimeoutStartSec', 'timeoutStartUsec', timeout),
  span('TimeoutStopSec', 'timeoutStopUsec', timeout),
  custom(
    'TimeoutSec',
    (draft, text, context) => {
      if (text === '') {
        delete draft.service.timeoutStartUsec
        delete draft.service.timeoutStopUsec
        return ok()
      }
      return take(timeout(text, context), value => {
        draft.service.timeoutStartUsec = value
        draft.service.timeoutStopUsec = value
      })
    },
    null,
    { note: 'TimeoutStartSec= and TimeoutStopSec= at once' },
  ),
  setting('service', 'TimeoutAbortSec', 'timeoutAbortUsec', timeout, {
    properties: [
      {
        name: 'TimeoutAbortUSec',
        print: ({ service }) =>
          service ? usec(service.timeoutAbortUsec ?? service.timeoutStopUsec) : '',
      },
    ],
  }),
  setting('service', 'TimeoutStartFailureMode', 'timeoutStartFailureMode', failureMode, {
    print: plain,
  }),
  setting('service', 'TimeoutStopFailureMode', 'timeoutStopFailureMode', failureMode, {
    print: plain,
  }),
  span('RuntimeMaxSec', 'runtimeMaxUsec', timespan),
  span('RuntimeRandomizedExtraSec', 'runtimeRandomizedExtraUsec', timespan),
  setting('service', 'WatchdogSec', 'watchdogUsec', timespan, {
    property: 'WatchdogUSec',
    print: value => usec(isLimit(value) ? value : Infinity),
  }),
  ...movedToUnit(),
  ignored('RebootArgument', 'not-enforced', 'a reboot takes no argument'),
  setting('service', 'PermissionsStartOnly', 'permissionsStartOnly', boolean, { print: yesNo }),
  setting('service', 'RootDirectoryStartOnly', 'rootDirectoryStartOnly', boolean, { print: yesNo }),
  setting('service', 'RemainAfterExit', 'remainAfterExit', boolean, { print: yesNo }),
  setting('service', 'GuessMainPID', 'guessMainPid', boolean, { print: yesNo }),
  statuses('SuccessExitStatus', 'successExitStatus'),
  statuses('RestartPreventExitStatus', 'restartPreventExitStatus'),
  statuses('RestartForceExitStatus', 'restartForceExitStatus'),
  setting('service', 'NonBlocking', 'nonBlocking', boolean, { print: yesNo }),
  setting('service', 'FileDescriptorStoreMax', 'fileDescriptorStoreMax', integer(0, 0xffffffff), {
    print: plain,
  }),
  setting('service', 'FileDescriptorStorePreserve', 'fileDescriptorStorePreserve', preserve, {
    print: plain,
  }),
  setting('service', 'NotifyAccess', 'notifyAccess', oneOf('none', 'main', 'exec', 'all'), {
    properties: [
      { name: 'NotifyAccess', print: ({ service }) => (service ? notifyAccess(service) : '') },
    ],
  }),
  list('service', 'Sockets', 'sockets', sockets, { print: spaced }),
  setting('service', 'OOMPolicy', 'oomPolicy', oneOf('continue', 'stop', 'kill'), {
    properties: [{ name: 'OOMPolicy', print: unit => oomPolicy(unit) }],
    needs: unit => (oomPolicy(unit) === 'continue' ? [] : ['cgroup-memory']),
  }),
  setting('service', 'ReloadSignal', 'reloadSignal', signal, { print: plain }),
  list('service', 'OpenFile', 'openFiles', openFile, { print: files => files.map(openFileText) }),
  ignored('USBFunctionDescriptors', 'inert', 'USB gadgets are a matter of hardware'),
  ignored('USBFunctionStrings', 'inert', 'USB gadgets are a matter of hardware'),
  ignored('SysVStartPriority', 'inert', 'there are no SysV scripts to order by', ['SysVRunlevels']),
]

/** The modes that mean every process of the unit. */
const REACHES_ALL: readonly string[] = ['control-group', 'mixed']

export const killDirectives = (): Directive[] => [
  setting('kill', 'KillMode', 'killMode', oneOf('control-group', 'mixed', 'process', 'none'), {
    print: plain,
    needs: ({ kill }) => (REACHES_ALL.includes(kill?.killMode ?? '') ? ['cgroup'] : []),
    fallback: 'emulated',
    note: 'without a cgroup processes are found by their parents and the mark of their run',
  }),
  setting('kill', 'KillSignal', 'killSignal', signal, { print: plain }),
  setting('kill', 'RestartKillSignal', 'restartKillSignal', signal, {
    properties: [
      {
        name: 'RestartKillSignal',
        print: ({ kill }) => (kill ? String(kill.restartKillSignal ?? kill.killSignal) : ''),
      },
    ],
  }),
  setting('kill', 'FinalKillSignal', 'finalKillSignal', signal, { print: plain }),
  setting('kill', 'WatchdogSignal', 'watchdogSignal', signal, { print: plain }),
  setting('kill', 'SendSIGHUP', 'sendSighup', boolean, { print: yesNo }),
  setting('kill', 'SendSIGKILL', 'sendSigkill', boolean, { print: yesNo }),
  ignored('SurviveFinalKillSignal', 'not-enforced', null),
]
