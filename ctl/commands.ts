// Which module runs which verb. Each is loaded when it is asked for.
import type { Command } from './context.ts'
import type { VerbName } from './verbs.ts'

type Load = () => Promise<{ run: Command }>

const jobs: Load = () => import('./commands/jobs.ts')
const isActive: Load = () => import('./commands/is-active.ts')
const unitFiles: Load = () => import('./commands/unit-files.ts')
const environment: Load = () => import('./commands/environment.ts')
const shutdown: Load = () => import('./commands/shutdown.ts')

const COMMANDS: Readonly<Record<VerbName, Load>> = {
  start: jobs,
  stop: jobs,
  restart: jobs,
  'try-restart': jobs,
  reload: jobs,
  'reload-or-restart': jobs,
  'try-reload-or-restart': jobs,
  isolate: jobs,
  kill: () => import('./commands/kill.ts'),
  clean: () => import('./commands/clean.ts'),
  'reset-failed': () => import('./commands/reset-failed.ts'),
  status: () => import('./commands/status.ts'),
  'list-units': () => import('./commands/list-units.ts'),
  'list-sockets': () => import('./commands/list-sockets.ts'),
  'list-timers': () => import('./commands/list-timers.ts'),
  'list-paths': () => import('./commands/list-paths.ts'),
  'list-dependencies': () => import('./commands/list-dependencies.ts'),
  show: () => import('./commands/show.ts'),
  logs: () => import('./commands/logs.ts'),
  history: () => import('./commands/history.ts'),
  record: () => import('./commands/record.ts'),
  'is-active': isActive,
  'is-failed': isActive,
  'list-unit-files': () => import('./commands/list-unit-files.ts'),
  cat: () => import('./commands/cat.ts'),
  edit: () => import('./commands/edit.ts'),
  revert: () => import('./commands/revert.ts'),
  'set-property': () => import('./commands/set-property.ts'),
  verify: () => import('./commands/verify.ts'),
  fidelity: () => import('./commands/fidelity.ts'),
  'is-enabled': () => import('./commands/is-enabled.ts'),
  enable: unitFiles,
  disable: unitFiles,
  reenable: unitFiles,
  preset: unitFiles,
  'preset-all': unitFiles,
  mask: unitFiles,
  unmask: unitFiles,
  'list-jobs': () => import('./commands/list-jobs.ts'),
  cancel: () => import('./commands/cancel.ts'),
  'daemon-reload': () => import('./commands/daemon-reload.ts'),
  'daemon-reexec': () => import('./commands/daemon-reexec.ts'),
  'is-system-running': () => import('./commands/is-system-running.ts'),
  'log-level': () => import('./commands/log-level.ts'),
  'show-environment': environment,
  'set-environment': environment,
  'unset-environment': environment,
  'import-environment': environment,
  exit: shutdown,
  poweroff: shutdown,
  reboot: shutdown,
  halt: shutdown,
  analyze: () => import('./commands/analyze.ts'),
  version: () => import('./commands/version.ts'),
  help: () => import('./commands/help.ts'),
  completion: () => import('./commands/completion.ts'),
}

/** The command of a verb. */
export const loadCommand = async (verb: VerbName): Promise<Command> => (await COMMANDS[verb]()).run
