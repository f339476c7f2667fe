// The verbs of ctl: one table for the two readers of the command line, the help and the completions.

export type VerbGroup = 'Units' | 'What there is' | 'Unit files' | 'Jobs' | 'The daemon' | 'ctl'
export type Verb = {
  name: VerbName
  group: VerbGroup
  about: string
  /** As in a usage line: `UNIT...` or `[PATTERN...]`. */
  args: string
  /** Fewest and most arguments. */
  min: number
  max: number
  /** What the arguments are, for completions. */
  completes: 'units' | 'files' | 'verbs' | 'shells' | 'levels' | 'none'
  /** Long names of the options that mean something to it, beside those of ctl itself. */
  options: readonly string[]
  /** On a terminal, what it prints goes to a pager when it is more than a screen. */
  pages: boolean
}

const MANY = Number.POSITIVE_INFINITY

type Row = { name: string } & Pick<Verb, 'group' | 'about'> &
  Partial<Pick<Verb, 'args' | 'options' | 'completes' | 'pages'>>

/** Reads the number of arguments off the usage line, the way people do. */
function toVerb(row: Row & { name: VerbName }): Verb {
  const { args = '', options = [], completes = /UNIT|PATTERN/.test(args) ? 'units' : 'none' } = row
  const { pages = false } = row
  const optional = args.startsWith('[')
  const several = args.includes('...')
  return {
    ...row,
    args,
    options,
    completes,
    pages,
    min: args === '' || optional ? 0 : 1,
    max: args === '' ? 0 : several ? MANY : 1,
  }
}

const JOB_OPTIONS = ['no-block', 'job-mode']
const LIST_OPTIONS = ['all', 'state', 'type', 'failed', 'plain', 'no-legend', 'full']

const ROWS = [
  {
    name: 'start',
    group: 'Units',
    about: 'start units',
    args: 'UNIT...',
    completes: 'files',
    options: [...JOB_OPTIONS, 'wait'],
  },
  {
    name: 'stop',
    group: 'Units',
    about: 'stop units',
    args: 'UNIT...',
    options: JOB_OPTIONS,
  },
  {
    name: 'restart',
    group: 'Units',
    about: 'stop and start units, or start them',
    args: 'UNIT...',
    completes: 'files',
    options: [...JOB_OPTIONS, 'wait'],
  },
  {
    name: 'try-restart',
    group: 'Units',
    about: 'restart units that are up',
    args: 'UNIT...',
    options: JOB_OPTIONS,
  },
  {
    name: 'reload',
    group: 'Units',
    about: 'have units read their configuration anew',
    args: 'UNIT...',
    options: JOB_OPTIONS,
  },
  {
    name: 'reload-or-restart',
    group: 'Units',
    about: 'reload units that can, restart the others',
    args: 'UNIT...',
    options: JOB_OPTIONS,
  },
  {
    name: 'try-reload-or-restart',
    group: 'Units',
    about: 'the same, for units that are up',
    args: 'UNIT...',
    options: JOB_OPTIONS,
  },
  {
    name: 'isolate',
    group: 'Units',
    about: 'start a unit, stop all it does not need',
    args: 'UNIT',
    options: ['no-block'],
  },
  {
    name: 'kill',
    group: 'Units',
    about: 'send a signal to the processes of units',
    args: 'UNIT...',
    options: ['signal', 'kill-whom'],
  },
  {
    name: 'clean',
    group: 'Units',
    about: 'remove what units that are down have kept: caches, runtime data, state',
    args: 'UNIT...',
    options: ['what'],
  },
  {
    name: 'reset-failed',
    group: 'Units',
    about: 'forget that units have failed, all or those named',
    args: '[PATTERN...]',
  },
  {
    name: 'status',
    pages: true,
    group: 'What there is',
    about: 'how units are, or the daemon: state, processes, last lines',
    args: '[PATTERN|PID...]',
    options: ['lines', 'full', 'all'],
  },
  {
    name: 'list-units',
    pages: true,
    group: 'What there is',
    about: 'units in memory (the default)',
    args: '[PATTERN...]',
    options: LIST_OPTIONS,
  },
  {
    name: 'list-sockets',
    pages: true,
    group: 'What there is',
    about: 'where sockets listen, and what they start',
    args: '[PATTERN...]',
    options: ['all', 'show-types', 'plain', 'no-legend', 'full'],
  },
  {
    name: 'list-timers',
    pages: true,
    group: 'What there is',
    about: 'when timers elapse next, and when they last did',
    args: '[PATTERN...]',
    options: ['all', 'plain', 'no-legend', 'full'],
  },
  {
    name: 'list-paths',
    pages: true,
    group: 'What there is',
    about: 'what path units watch',
    args: '[PATTERN...]',
    options: ['all', 'plain', 'no-legend', 'full'],
  },
  {
    name: 'list-dependencies',
    pages: true,
    group: 'What there is',
    about: 'what units need, or what needs them',
    args: '[UNIT...]',
    options: ['reverse', 'after', 'before', 'all', 'plain'],
  },
  {
    name: 'show',
    pages: true,
    group: 'What there is',
    about: 'properties of units, or of the daemon, for programs',
    args: '[PATTERN...]',
    options: ['property', 'property-value', 'value', 'all'],
  },
  {
    name: 'logs',
    pages: true,
    group: 'What there is',
    about: 'what units have written',
    args: '[UNIT...]',
    options: [
      ...['follow', 'lines', 'unit', 'since', 'until', 'boot', 'run', 'priority', 'grep', 'stream'],
      ...['reverse', 'pager-end', 'output', 'directory'],
    ],
  },
  {
    name: 'history',
    pages: true,
    group: 'What there is',
    about: 'how the runs of services have ended',
    args: 'UNIT...',
    options: ['lines', 'directory'],
  },
  {
    name: 'record',
    group: 'What there is',
    about: "the daemon's latest decisions, for 'hearth replay'",
    args: '[FILE]',
  },
  {
    name: 'is-active',
    group: 'What there is',
    about: 'whether one of the units is active: exit status 0, else 3',
    args: 'PATTERN...',
  },
  {
    name: 'is-failed',
    group: 'What there is',
    about: 'whether one of the units has failed: exit status 0, else 1',
    args: 'PATTERN...',
  },
  {
    name: 'list-unit-files',
    pages: true,
    group: 'Unit files',
    about: 'unit files there are, and whether they are enabled',
    args: '[PATTERN...]',
    completes: 'files',
    options: ['state', 'type', 'no-legend', 'full'],
  },
  {
    name: 'cat',
    pages: true,
    group: 'Unit files',
    about: 'the text of unit files and drop-ins',
    args: 'PATTERN...',
    completes: 'files',
  },
  {
    name: 'edit',
    group: 'Unit files',
    about: 'write a drop-in for units, or a whole unit file, in an editor',
    args: 'UNIT...',
    completes: 'files',
    options: ['full', 'force', 'runtime', 'stdin', 'drop-in'],
  },
  {
    name: 'set-property',
    group: 'Unit files',
    about: 'change limits of a unit, now and from now on: MemoryMax=1G, CPUQuota=50% …',
    args: 'UNIT NAME=VALUE...',
    completes: 'files',
    options: ['runtime'],
  },
  {
    name: 'revert',
    group: 'Unit files',
    about: 'undo what edit, set-property and mask have changed of units',
    args: 'UNIT...',
    completes: 'files',
  },
  {
    name: 'verify',
    group: 'Unit files',
    about: 'what is wrong with unit files',
    args: '[PATTERN...]',
    completes: 'files',
  },
  {
    name: 'fidelity',
    pages: true,
    group: 'Unit files',
    about:
      'how units are carried out on this machine: exit status 1 when less confined than they say',
    args: '[PATTERN...]',
    completes: 'files',
    options: ['all', 'no-legend', 'full'],
  },
  {
    name: 'is-enabled',
    group: 'Unit files',
    about: 'whether one of the units is enabled: exit status 0, else 1',
    args: 'UNIT...',
    completes: 'files',
  },
  {
    name: 'enable',
    group: 'Unit files',
    about: 'have units started at boot',
    args: 'UNIT...',
    completes: 'files',
    options: ['now', 'runtime', 'force'],
  },
  {
    name: 'disable',
    group: 'Unit files',
    about: 'no longer have units started at boot',
    args: 'UNIT...',
    completes: 'files',
    options: ['now', 'runtime'],
  },
  {
    name: 'reenable',
    group: 'Unit files',
    about: 'disable units and enable them again, by what their files say now',
    args: 'UNIT...',
    completes: 'files',
    options: ['now', 'runtime', 'force'],
  },
  {
    name: 'preset',
    group: 'Unit files',
    about: 'enable or disable units as the preset files say',
    args: 'UNIT...',
    completes: 'files',
    options: ['now', 'runtime', 'force', 'preset-mode'],
  },
  {
    name: 'preset-all',
    group: 'Unit files',
    about: 'the same for all units that can be enabled',
    options: ['now', 'runtime', 'force', 'preset-mode'],
  },
  {
    name: 'mask',
    group: 'Unit files',
    about: 'make units impossible to start',
    args: 'UNIT...',
    completes: 'files',
    options: ['now', 'runtime'],
  },
  {
    name: 'unmask',
    group: 'Unit files',
    about: 'make masked units possible to start again',
    args: 'UNIT...',
    completes: 'files',
    options: ['runtime'],
  },
  {
    name: 'list-jobs',
    pages: true,
    group: 'Jobs',
    about: 'jobs that are queued or under way',
    args: '[PATTERN...]',
    options: ['no-legend', 'full'],
  },
  {
    name: 'cancel',
    group: 'Jobs',
    about: 'cancel jobs, all or those of the numbers',
    args: '[JOB...]',
  },
  {
    name: 'daemon-reload',
    group: 'The daemon',
    about: 'read all unit files anew',
  },
  {
    name: 'daemon-reexec',
    group: 'The daemon',
    about: 'execute hearth anew, as it is installed now; the services run on',
  },
  {
    name: 'is-system-running',
    group: 'The daemon',
    about: 'the state of the whole: exit status 0 when running',
  },
  {
    name: 'log-level',
    group: 'The daemon',
    about: 'what its own log holds, and with a level what it is to hold: debug, info, warn …',
    args: '[LEVEL]',
    completes: 'levels',
  },
  {
    name: 'show-environment',
    pages: true,
    group: 'The daemon',
    about: 'the environment that services get',
  },
  {
    name: 'set-environment',
    group: 'The daemon',
    about: 'add to it',
    args: 'NAME=VALUE...',
  },
  {
    name: 'unset-environment',
    group: 'The daemon',
    about: 'take from it',
    args: 'NAME...',
  },
  {
    name: 'import-environment',
    group: 'The daemon',
    about: 'add these variables of ctl to it, or all',
    args: '[NAME...]',
  },
  {
    name: 'exit',
    group: 'The daemon',
    about: 'stop everything and end the daemon with that exit status',
    args: '[STATUS]',
  },
  {
    name: 'poweroff',
    group: 'The daemon',
    about: 'stop everything; power the machine off if it is one',
  },
  {
    name: 'reboot',
    group: 'The daemon',
    about: 'stop everything; start the machine again if it is one',
  },
  {
    name: 'halt',
    group: 'The daemon',
    about: 'stop everything; halt the machine if it is one',
  },
  {
    name: 'analyze',
    group: 'ctl',
    about: 'what values and unit files mean, without the daemon: ctl analyze help',
    args: '[SUBCOMMAND...]',
  },
  {
    name: 'version',
    group: 'ctl',
    about: 'versions of ctl and of the daemon',
  },
  {
    name: 'help',
    pages: true,
    group: 'ctl',
    about: 'this, or how a verb is used',
    args: '[VERB]',
    completes: 'verbs',
  },
  {
    name: 'completion',
    group: 'ctl',
    about: 'the completion script for bash, zsh or fish',
    args: 'SHELL',
    completes: 'shells',
  },
] as const satisfies readonly Row[]
export type VerbName = (typeof ROWS)[number]['name']

/** What scripts may also write, as for systemctl. */
const OTHER_NAMES: Readonly<Record<string, VerbName>> = {
  condstop: 'stop',
  condrestart: 'try-restart',
  'reload-or-try-restart': 'try-reload-or-restart',
  condreload: 'try-reload-or-restart',
  'force-reload': 'try-reload-or-restart',
}

export const otherNamesOf = (verb: VerbName): readonly string[] =>
  Object.keys(OTHER_NAMES).filter(name => OTHER_NAMES[name] === verb)

export const DEFAULT_VERB: VerbName = 'list-units'

/** All verbs, in the order of the help. */
export const allVerbs = (): readonly Verb[] => ROWS.map(toVerb)

export function findVerb(name: string): Verb | undefined {
  const meant = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : name
  const row = ROWS.find(one => one.name === meant)
  return row === undefined ? undefined : toVerb(row)
}
