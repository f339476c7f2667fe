// ctl analyze: what values of unit files mean, and what is wrong with unit files, without a daemon.
import { complain, print, refuse, type Subcommand } from './command.ts'

type Row = { load: () => Promise<{ run: Subcommand }>; args: string; about: string }

const SUBCOMMANDS: Readonly<Record<string, Row>> = {
  verify: {
    load: () => import('./verify.ts'),
    args: 'FILE...',
    about: 'what is wrong with unit files, or all those of a directory',
  },
  timespan: {
    load: () => import('./timespan.ts'),
    args: 'SPAN...',
    about: 'what a time span comes to',
  },
  timestamp: {
    load: () => import('./timestamp.ts'),
    args: 'TIMESTAMP...',
    about: 'which moment is meant',
  },
  calendar: {
    load: () => import('./calendar.ts'),
    args: 'EXPRESSION... [--base-time=T] [--iterations=N]',
    about: 'when a calendar expression comes next',
  },
  condition: {
    load: () => import('./condition.ts'),
    args: 'CONDITION... | --unit=UNIT',
    about: 'whether conditions and asserts hold',
  },
  'exec-line': {
    load: () => import('./exec-line.ts'),
    args: 'LINE... [--unit=UNIT]',
    about: 'the commands of an ExecStart=, as JSON',
  },
  escape: {
    load: () => import('./escape.ts'),
    args: 'STRING... [--path] [--unescape] [--mangle] [--suffix=TYPE] [--template=UNIT] [--instance]',
    about: 'strings as parts of unit names, and back',
  },
  'unit-name': {
    load: () => import('./unit-name.ts'),
    args: 'NAME...',
    about: 'the parts of a unit name',
  },
  'unit-paths': {
    load: () => import('./unit-paths.ts'),
    args: '',
    about: 'the directories that unit files are looked for in',
  },
  'exit-status': {
    load: () => import('./exit-status.ts'),
    args: '[STATUS...]',
    about: 'exit statuses by name and number',
  },
  capability: {
    load: () => import('./capability.ts'),
    args: '[CAPABILITY...]',
    about: 'capabilities by name and number',
  },
  'syscall-filter': {
    load: () => import('./syscall-filter.ts'),
    args: '[GROUP...]',
    about: 'the system calls in the groups of SystemCallFilter=',
  },
}

/** Runs `ctl analyze WORDS...`; gives the exit status. */
export async function run(words: readonly string[]): Promise<number> {
  const [name, ...rest] = words
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    print(...usage())
    return 0
  }
  const row = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined
  if (row === undefined) {
    complain(`cannot analyze '${name}': there is no such subcommand`, ...usage())
    return 1
  }
  if (rest.includes('--help') && !rest.includes('--')) {
    print(`Usage: ctl analyze ${name} ${row.args}`.trimEnd(), '', row.about)
    return 0
  }
  if (rest.length === 0 && row.args !== '' && !row.args.startsWith('['))
    return refuse(`cannot analyze: ${name} wants ${row.args}`)
  return (await row.load()).run(rest)
}

const usage = () => [
  'Usage: ctl analyze SUBCOMMAND ARGUMENTS',
  '',
  ...Object.entries(SUBCOMMANDS).flatMap(([name, { args, about }]) => [
    `  ${`${name} ${args}`.trimEnd()}`,
    `      ${about}`,
  ]),
]
