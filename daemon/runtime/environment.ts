// The environment block of a unit's processes (systemd.exec(5), ENVIRONMENT VARIABLES IN SPAWNED PROCESSES).
import type { ExecSettings } from '../units/unit.ts'
import { DEFAULT_SEARCH_PATH } from './command.ts'
import type { Assignment } from './environment-file.ts'
import type { Identity } from './users.ts'

/** Whole entries (`NAME=value`) by name, so that nothing is put together again for the execve. */
export type Environment = Map<string, string>

type OwnEnvironment = Readonly<Record<string, string | undefined>>

/** What the daemon was told for itself, not for those it starts (systemd.exec(5), PassEnvironment=). */
const OUR_OWN =
  /^(HEARTH_\w*|NOTIFY_SOCKET|LISTEN_\w+|WATCHDOG_\w+|MAINPID|MANAGERPID|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|NODE_\w+|npm_\w+|INIT_CWD|container\w*|PWD|OLDPWD|SHLVL|_)$/
const LOCALE = /^(LANG|LANGUAGE|LC_[A-Z]+)$/

/**
 * The manager's environment at boot: what every service gets, and `ctl set-environment` changes later.
 *
 * As systemd does it: a system manager (root) passes on PATH, at its fixed value, and the locale; everything else that was
 * given to the daemon, as by `docker run -e NAME=value`, reaches a service that names it with PassEnvironment=NAME. So a
 * unit means the same here and there, and a secret given to the container is not spread over all that runs in it. Whoever
 * wants one variable everywhere puts PassEnvironment= into a drop-in for all services (service.d/environment.conf).
 * An ordinary user's manager passes on its own environment, less what was meant for the daemon itself.
 */
export function initialEnvironment(own: OwnEnvironment, isRoot: boolean): string[] {
  const path = isRoot ? DEFAULT_SEARCH_PATH.join(':') : (own.PATH ?? DEFAULT_SEARCH_PATH.join(':'))
  const entries = [`PATH=${path}`]
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined || name === 'PATH' || OUR_OWN.test(name)) continue
    if (isRoot ? LOCALE.test(name) : /^\w+$/.test(name)) entries.push(`${name}=${value}`)
  }
  return entries
}

export type UnitSources = {
  manager: readonly string[]
  /** The daemon's own, for PassEnvironment=. */
  own: OwnEnvironment
  exec: ExecSettings
  identity: Identity
  notifySocket: string | null
  /** `RUNTIME_DIRECTORY=…` and its like. */
  directories: readonly string[]
  /** Told to the services of an ordinary user's manager alone. */
  managerPid: number | null
  /** Null: no stream is a terminal. */
  term: string | null
}

/** The part that stays the same from start to start. Made once per unit and reused. */
export type UnitEnvironment = {
  entries: Environment
  /** Names whose value the unit itself has set: what the manager knows of a start does not replace them. */
  fixed: ReadonlySet<string>
}

/** Puts the sources together, the later ones win. */
export function unitEnvironment(sources: UnitSources): UnitEnvironment {
  const { exec, identity, own } = sources
  const entries: Environment = new Map()
  setEntries(entries, sources.manager)
  if (sources.notifySocket !== null) setVariable(entries, 'NOTIFY_SOCKET', sources.notifySocket)
  if (sources.managerPid !== null) setVariable(entries, 'MANAGERPID', String(sources.managerPid))
  if (exec.setLoginEnvironment ?? identity.name !== null) {
    if (identity.home !== null) setVariable(entries, 'HOME', identity.home)
    if (identity.name !== null) {
      setVariable(entries, 'LOGNAME', identity.name)
      setVariable(entries, 'USER', identity.name)
    }
    if (identity.shell !== null) setVariable(entries, 'SHELL', identity.shell)
  }
  if (sources.term !== null) setVariable(entries, 'TERM', sources.term)
  setEntries(entries, sources.directories)
  if (exec.logNamespace !== null) setVariable(entries, 'LOG_NAMESPACE', exec.logNamespace)
  if (exec.execSearchPath.length > 0) setVariable(entries, 'PATH', exec.execSearchPath.join(':'))

  const above: Environment = new Map()
  for (const name of exec.passEnvironment) {
    const value = own[name]
    if (value !== undefined) setVariable(above, name, value)
  }
  setEntries(above, exec.environment)
  for (const [name, entry] of above) entries.set(name, entry)
  return { entries, fixed: new Set(above.keys()) }
}

/** The block of one start: `facts` are what the manager knows of it, `files` what EnvironmentFile= says now. */
export function startEnvironment(
  unit: UnitEnvironment,
  facts: readonly string[],
  files: readonly Assignment[],
  exec: ExecSettings,
): Environment {
  const entries: Environment = new Map(unit.entries)
  for (const entry of facts) {
    const name = nameOf(entry)
    if (!unit.fixed.has(name)) entries.set(name, entry)
  }
  for (const [name, value] of files) setVariable(entries, name, value)
  for (const name of exec.unsetEnvironment) {
    if (!name.includes('=')) entries.delete(name)
    else if (entries.get(nameOf(name)) === name) entries.delete(nameOf(name))
  }
  return entries
}

/** The value of a variable, for `$` expansion. */
export const variable = (environment: Environment, name: string): string | undefined =>
  environment.get(name)?.slice(name.length + 1)

const nameOf = (entry: string) => {
  const at = entry.indexOf('=')
  return at < 0 ? entry : entry.slice(0, at)
}

const setVariable = (to: Environment, name: string, value: string) =>
  to.set(name, `${name}=${value}`)

function setEntries(to: Environment, entries: readonly string[]): void {
  for (const entry of entries) to.set(nameOf(entry), entry)
}
