// The options of ctl: one table for the two readers of the command line, the help and the completions.

/** What the command line says beside the verb and its arguments. */
export type Options = {
  socket: string | null
  json: boolean
  property: string[]
  /** -P: as -p with --value. */
  propertyValue: string[]
  value: boolean
  all: boolean
  state: string[]
  type: string[]
  failed: boolean
  noBlock: boolean
  wait: boolean
  jobMode: string | null
  quiet: boolean
  full: boolean
  lines: string | null
  noPager: boolean
  noLegend: boolean
  plain: boolean
  output: string | null
  signal: string | null
  killWhom: string | null
  what: string[]
  reverse: boolean
  showTypes: boolean
  after: boolean
  before: boolean
  /** `-f` is --follow for logs and --force for the others. */
  force: boolean
  follow: boolean
  unit: string[]
  since: string | null
  until: string | null
  priority: string | null
  stream: string | null
  run: string | null
  boot: boolean
  pagerEnd: boolean
  directory: string | null
  grep: string | null
  now: boolean
  runtime: boolean
  stdin: boolean
  dropIn: string | null
  presetMode: string | null
  noAskPassword: boolean
  noReload: boolean
  noWall: boolean
  system: boolean
  user: boolean
}

type Keys<Value> = { [K in keyof Options]: Options[K] extends Value ? K : never }[keyof Options]

type Common = { long: string; short?: string; about: string; group: OptionGroup }
export type OptionSpec = Common &
  (
    | { kind: 'flag'; key: Keys<boolean> }
    | { kind: 'value'; key: Keys<string | null>; value: string; values?: readonly string[] }
    /** May be given several times, with commas too. */
    | { kind: 'list'; key: Keys<string[]>; value: string; values?: readonly string[] }
  )
export type OptionGroup = 'What is shown' | 'What is done' | 'Logs' | 'ctl itself' | 'Ignored'

/** journalctl(1), --output=. */
export const LOG_FORMATS = [
  'short',
  'short-iso',
  'short-iso-precise',
  'short-precise',
  'short-full',
  'short-unix',
  'with-unit',
  'cat',
  'raw',
  'json',
] as const

const JOB_MODES = [
  'replace',
  'replace-irreversibly',
  'fail',
  'isolate',
  'ignore-dependencies',
  'ignore-requirements',
  'flush',
  'restart-dependencies',
] as const
export const UNIT_TYPES = [
  'service',
  'target',
  'socket',
  'timer',
  'path',
  'mount',
  'automount',
  'swap',
  'slice',
  'scope',
  'device',
] as const

const show = 'What is shown'
const act = 'What is done'
const logs = 'Logs'
const self = 'ctl itself'
const ignored = 'Ignored'

const flag = (
  group: OptionGroup,
  key: Keys<boolean>,
  names: string,
  about: string,
): OptionSpec => ({ kind: 'flag', key, group, about, ...named(names) })

/** `-q, --quiet` or `--quiet`, without what follows. */
function named(names: string): { long: string; short?: string } {
  const [first = '', second] = names.split(', ')
  return second === undefined
    ? { long: first.slice(2) }
    : { short: first.slice(1), long: second.slice(2) }
}

export const OPTIONS: readonly OptionSpec[] = [
  flag(show, 'all', '-a, --all', 'inactive units too; empty properties too; every dependency'),
  {
    kind: 'list',
    key: 'state',
    group: show,
    long: 'state',
    value: 'STATE',
    about: 'only units in one of these load, active or sub states',
    values: ['active', 'inactive', 'failed', 'activating', 'deactivating', 'running', 'dead'],
  },
  {
    kind: 'list',
    key: 'type',
    group: show,
    short: 't',
    long: 'type',
    value: 'TYPE',
    about: 'only units of these types',
    values: UNIT_TYPES,
  },
  flag(show, 'failed', '--failed', 'as --state=failed'),
  {
    kind: 'list',
    key: 'property',
    group: show,
    short: 'p',
    long: 'property',
    value: 'NAME',
    about: 'show only these properties',
  },
  {
    kind: 'list',
    key: 'propertyValue',
    group: show,
    short: 'P',
    long: 'property-value',
    value: 'NAME',
    about: 'as --value --property=NAME',
  },
  flag(show, 'value', '--value', 'show values without the names of the properties'),
  flag(show, 'showTypes', '--show-types', 'show the type of each socket'),
  flag(
    show,
    'reverse',
    '-r, --reverse',
    'show what depends on the unit; of logs the latest lines first',
  ),
  flag(show, 'after', '--after', 'show the units that are ordered before it (its After=)'),
  flag(show, 'before', '--before', 'show the units that are ordered after it (its Before=)'),
  flag(show, 'full', '-l, --full', 'cut nothing to the width of the terminal'),
  flag(show, 'plain', '--plain', 'no dots and no lines'),
  flag(show, 'noLegend', '--no-legend', 'no header and no explanations'),
  flag(show, 'json', '--json', 'print JSON'),
  {
    kind: 'value',
    key: 'output',
    group: show,
    short: 'o',
    long: 'output',
    value: 'FORMAT',
    about: `of log lines: ${LOG_FORMATS.join(', ')}`,
    values: LOG_FORMATS,
  },
  flag(act, 'noBlock', '--no-block', 'do not wait until the job is done'),
  flag(act, 'wait', '--wait', 'wait until the started units have ended'),
  {
    kind: 'value',
    key: 'jobMode',
    group: act,
    long: 'job-mode',
    value: 'MODE',
    about: `what to do about jobs that are queued: ${JOB_MODES.join(', ')}`,
    values: JOB_MODES,
  },
  {
    kind: 'value',
    key: 'signal',
    group: act,
    short: 's',
    long: 'signal',
    value: 'SIGNAL',
    about: 'the signal to send (SIGTERM)',
    values: ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'SIGSTOP'],
  },
  {
    kind: 'list',
    key: 'what',
    group: act,
    long: 'what',
    value: 'KIND',
    about: 'what to remove: runtime, cache, state, logs, configuration, all (runtime and cache)',
    values: ['runtime', 'cache', 'state', 'logs', 'configuration', 'all'],
  },
  {
    kind: 'value',
    key: 'killWhom',
    group: act,
    long: 'kill-whom',
    value: 'WHOM',
    about: 'which processes get it: main, control, all (all)',
    values: ['main', 'control', 'all'],
  },
  flag(act, 'now', '--now', 'also start or stop the units'),
  flag(act, 'runtime', '--runtime', 'until the next boot only'),
  flag(
    act,
    'force',
    '-f, --force',
    'replace links that stand in the way; edit a unit that is not there',
  ),
  flag(act, 'stdin', '--stdin', 'take what edit writes from standard input'),
  {
    kind: 'value',
    key: 'dropIn',
    group: act,
    long: 'drop-in',
    value: 'NAME',
    about: 'the drop-in that edit writes (override.conf)',
  },
  {
    kind: 'value',
    key: 'presetMode',
    group: act,
    long: 'preset-mode',
    value: 'MODE',
    about: 'what preset does: full, enable-only or disable-only (full)',
    values: ['full', 'enable-only', 'disable-only'],
  },
  flag(logs, 'follow', '--follow', 'go on with what is written from now on; also -f'),
  {
    kind: 'value',
    key: 'lines',
    group: logs,
    short: 'n',
    long: 'lines',
    value: 'N',
    about: 'the last N lines only; all for all',
  },
  {
    kind: 'list',
    key: 'unit',
    group: logs,
    short: 'u',
    long: 'unit',
    value: 'UNIT',
    about: 'of these units (as the arguments)',
  },
  {
    kind: 'value',
    key: 'since',
    group: logs,
    short: 'S',
    long: 'since',
    value: 'TIME',
    about: "from then on: '2026-11-25 21:00', '10min ago', today, yesterday",
  },
  {
    kind: 'value',
    key: 'until',
    group: logs,
    short: 'U',
    long: 'until',
    value: 'TIME',
    about: 'up to then',
  },
  {
    kind: 'value',
    key: 'priority',
    group: logs,
    long: 'priority',
    value: 'LEVEL',
    about:
      'also -p: lines of this level and more urgent ones: emerg, alert, crit, err, warning, notice, info',
    values: ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'],
  },
  {
    kind: 'value',
    key: 'stream',
    group: logs,
    long: 'stream',
    value: 'STREAM',
    about: 'lines of standard output (out) or standard error (err) only',
    values: ['out', 'err'],
  },
  {
    kind: 'value',
    key: 'run',
    group: logs,
    long: 'run',
    value: 'RUN',
    about: 'of one run: 0 is the last, -1 the one before, or an invocation id',
  },
  flag(logs, 'boot', '-b, --boot', 'since hearth was started'),
  flag(logs, 'pagerEnd', '-e, --pager-end', 'the last 1000 lines'),
  {
    kind: 'value',
    key: 'directory',
    group: logs,
    short: 'D',
    long: 'directory',
    value: 'DIR',
    about: 'read the log files there, without a daemon',
  },
  {
    kind: 'value',
    key: 'grep',
    group: logs,
    short: 'g',
    long: 'grep',
    value: 'REGEXP',
    about: 'lines that match the regular expression',
  },
  {
    kind: 'value',
    key: 'socket',
    group: self,
    long: 'socket',
    value: 'PATH',
    about: "the daemon's control socket (default: control.sock in $HEARTH_RUNTIME or /run/hearth)",
  },
  flag(self, 'quiet', '-q, --quiet', 'print nothing but errors'),
  flag(self, 'noPager', '--no-pager', 'on a terminal, too, print all at once'),
  flag(ignored, 'noAskPassword', '--no-ask-password', 'no password is asked for'),
  flag(ignored, 'noReload', '--no-reload', 'unit files are always read anew after a change'),
  flag(ignored, 'noWall', '--no-wall', 'nobody is told of a shutdown'),
  flag(ignored, 'system', '--system', 'there is one daemon behind a socket'),
  flag(ignored, 'user', '--user', 'there is one daemon behind a socket'),
]

export const noOptions = (): Options => ({
  socket: null,
  json: false,
  property: [],
  propertyValue: [],
  value: false,
  all: false,
  state: [],
  type: [],
  failed: false,
  noBlock: false,
  wait: false,
  jobMode: null,
  quiet: false,
  full: false,
  lines: null,
  noPager: false,
  noLegend: false,
  plain: false,
  output: null,
  signal: null,
  killWhom: null,
  what: [],
  reverse: false,
  showTypes: false,
  after: false,
  before: false,
  force: false,
  follow: false,
  unit: [],
  since: null,
  until: null,
  priority: null,
  stream: null,
  run: null,
  boot: false,
  pagerEnd: false,
  directory: null,
  grep: null,
  now: false,
  runtime: false,
  stdin: false,
  dropIn: null,
  presetMode: null,
  noAskPassword: false,
  noReload: false,
  noWall: false,
  system: false,
  user: false,
})

/** Notes that the option was given, with its value. */
export function setOption(options: Options, spec: OptionSpec, value: string): void {
  if (spec.kind === 'flag') options[spec.key] = true
  else if (spec.kind === 'value') options[spec.key] = value
  else options[spec.key].push(...value.split(',').filter(item => item !== ''))
}
