// RuntimeDirectory= and its like: which directories a unit has, and where (systemd.exec(5), SANDBOXING).
import { statSync } from 'node:fs'
import type { DirectoryKind, ExecSettings } from '../units/unit.ts'
import { EXIT } from './failure.ts'

/** Where directories of each kind lie. */
export type DirectoryRoots = Readonly<Record<DirectoryKind, string>>

type KindFacts = { directive: string; variable: string; step: string; exitStatus: number }

export const KINDS: Readonly<Record<DirectoryKind, KindFacts>> = {
  runtime: facts('RuntimeDirectory', 'RUNTIME_DIRECTORY', EXIT.runtimeDirectory),
  state: facts('StateDirectory', 'STATE_DIRECTORY', EXIT.stateDirectory),
  cache: facts('CacheDirectory', 'CACHE_DIRECTORY', EXIT.cacheDirectory),
  logs: facts('LogsDirectory', 'LOGS_DIRECTORY', EXIT.logsDirectory),
  configuration: facts(
    'ConfigurationDirectory',
    'CONFIGURATION_DIRECTORY',
    EXIT.configurationDirectory,
  ),
}
const ORDER = Object.keys(KINDS) as DirectoryKind[]

function facts(directive: string, variable: string, exitStatus: number): KindFacts {
  return { directive, variable, exitStatus, step: variable }
}

/** The system's places, or a user's own as the XDG base directory specification gives them. */
export function directoryRoots(
  isRoot: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): DirectoryRoots {
  if (isRoot) {
    return {
      runtime: '/run',
      state: '/var/lib',
      cache: '/var/cache',
      logs: '/var/log',
      configuration: '/etc',
    }
  }
  const home = environment.HOME ?? '/'
  const state = environment.XDG_STATE_HOME ?? `${home}/.local/state`
  return {
    runtime: environment.XDG_RUNTIME_DIR ?? `/tmp/hearth-${process.geteuid?.() ?? 0}`,
    state,
    cache: environment.XDG_CACHE_HOME ?? `${home}/.cache`,
    logs: `${state}/log`,
    configuration: environment.XDG_CONFIG_HOME ?? `${home}/.config`,
  }
}

export const hasDirectories = (exec: ExecSettings) => ORDER.some(kind => exec.directories[kind])

/** One of a unit's directories. */
export type Directory = {
  kind: DirectoryKind
  /** As the unit names it. */
  path: string
  /** Where all of its kind lie. */
  root: string
  /** Where it lies. */
  full: string
  /** Names beside it that lead to it. */
  symlinks: readonly string[]
  mode: number
  /** Below `private`, where root alone may go: for a dynamic user, whose number may be another's tomorrow. */
  isPrivate: boolean
}

/** Where the directories of dynamic users lie, below those of their kind. */
export const PRIVATE = 'private'

/** The unit's directories in the order in which they are made; `hides`: whether a dynamic user's are private. */
export function directoriesOf(
  exec: ExecSettings,
  roots: DirectoryRoots,
  hides: boolean,
): Directory[] {
  return ORDER.flatMap(kind => {
    const settings = exec.directories[kind]
    if (!settings) return []
    const isPrivate = hides && canBePrivate(exec, kind)
    const root = roots[kind]
    const at = isPrivate ? `${root}/${PRIVATE}` : root
    return settings.paths.map(({ path, symlinks }) => ({
      ...{ kind, path, root, symlinks, isPrivate },
      full: `${at}/${path}`,
      mode: settings.mode,
    }))
  })
}

/** What goes with the unit needs no hiding, and what administrators write is root's. */
const canBePrivate = (exec: ExecSettings, kind: DirectoryKind) =>
  exec.dynamicUser &&
  kind !== 'configuration' &&
  (kind !== 'runtime' || exec.runtimeDirectoryPreserve !== 'no')

/** The setting that asks for it. */
export const settingOf = ({ kind, path }: Directory) => `${KINDS[kind].directive}=${path}`

/** `RUNTIME_DIRECTORY=/run/a:/run/b` and so on, for the kinds that the unit sets. */
export function directoryVariables(directories: readonly Directory[]): string[] {
  return ORDER.flatMap(kind => {
    const paths = directories.filter(one => one.kind === kind).map(({ full }) => full)
    return paths.length === 0 ? [] : [`${KINDS[kind].variable}=${paths.join(':')}`]
  })
}

/** Whom the directories that stay belong to: a dynamic user gets its old number, where it is free. */
export const ownersOf = (directories: readonly Directory[]): number[] =>
  directories
    .filter(({ kind }) => kind !== 'configuration')
    .flatMap(({ full }) => statSync(full, { throwIfNoEntry: false })?.uid ?? [])
