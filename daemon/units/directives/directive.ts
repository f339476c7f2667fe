// What a row of the table of directives is, and the ways to make one.
import { err, ok, type Result } from 'neverthrow'
import {
  EXEC_DEFAULTS,
  HEARTH_DEFAULTS,
  INSTALL_DEFAULTS,
  KILL_DEFAULTS,
  MOUNT_DEFAULTS,
  PATH_DEFAULTS,
  SANDBOX_DEFAULTS,
  SERVICE_DEFAULTS,
  SOCKET_DEFAULTS,
  SWAP_DEFAULTS,
  TIMER_DEFAULTS,
  UNIT_DEFAULTS,
} from '../defaults.ts'
import { RESOURCE_DEFAULTS, type ResourceSettings } from '../resources.ts'
import type {
  DependencyKind,
  ExecSettings,
  HearthSettings,
  InstallSettings,
  KillSettings,
  MountSettings,
  PathSettings,
  SandboxSettings,
  ServiceSettings,
  SocketSettings,
  SwapSettings,
  TimerSettings,
  Unit,
  UnitSettings,
} from '../unit.ts'
import type { Parse, ValueContext } from '../values/parse.ts'
import type { Need } from './need.ts'

/** The settings of a unit by the object of `Unit` that holds them. */
export type SettingGroups = {
  unit: UnitSettings
  service: ServiceSettings
  socket: SocketSettings
  kill: KillSettings
  exec: ExecSettings
  sandbox: SandboxSettings
  install: InstallSettings
  hearth: HearthSettings
  timer: TimerSettings
  path: PathSettings
  resources: ResourceSettings
  mount: MountSettings
  swap: SwapSettings
}
export type SettingGroup = keyof SettingGroups

const DEFAULTS: SettingGroups = {
  unit: UNIT_DEFAULTS,
  service: SERVICE_DEFAULTS,
  socket: SOCKET_DEFAULTS,
  kill: KILL_DEFAULTS,
  exec: EXEC_DEFAULTS,
  sandbox: SANDBOX_DEFAULTS,
  install: INSTALL_DEFAULTS,
  hearth: HEARTH_DEFAULTS,
  timer: TIMER_DEFAULTS,
  path: PATH_DEFAULTS,
  resources: RESOURCE_DEFAULTS,
  mount: MOUNT_DEFAULTS,
  swap: SWAP_DEFAULTS,
}

type Mutable<T> = { -readonly [K in keyof T]?: T[K] }

/** A unit while its files are read: what they set so far. */
export type Draft = { [G in SettingGroup]: Mutable<SettingGroups[G]> } & {
  dependencies: { [K in DependencyKind]?: string[] }
}

/**
 * enforced: hearth does what it says. not-enforced: it is read, kept and reported by `ctl verify`. inert: it has no
 * meaning here and nothing is lost by leaving it out; the note says why.
 */
export type DirectiveStatus = 'enforced' | 'not-enforced' | 'inert'

/** The `systemctl show` property that a directive sets; a list of texts is a line each. */
export type Property = { name: string; print: (unit: Unit) => string | readonly string[] }

/** What comes of an enforced directive whose needs are not met. left-out: the unit runs without it. emulated: hearth does
 * the same by other means; the note says how. missed: the unit runs, but may not find what it counts on. fails: it cannot
 * start. */
export type Fallback = 'left-out' | 'emulated' | 'missed' | 'fails'

export type Directive = {
  name: string
  /** Older spellings. */
  aliases: readonly string[]
  status: DirectiveStatus
  note: string | null
  /** What systemd does with it and hearth does not, where it is carried out but for that. */
  missing: string | null
  /** What it takes of the machine, as the unit sets it: `PrivateTmp=no` takes nothing. */
  needs: (unit: Unit) => readonly Need[]
  /** Whether to leave it out weakens the unit's security. */
  security: boolean
  fallback: Fallback
  /** What it takes, for the documentation and messages. */
  default: unknown
  properties: readonly Property[]
  /**
   * Puts a value into the draft. An empty text takes back what was set before. The error says what was expected.
   */
  assign: (draft: Draft, text: string, context: ValueContext) => Result<void, string>
}

export type DirectiveOptions = Partial<
  Pick<
    Directive,
    'aliases' | 'status' | 'note' | 'missing' | 'properties' | 'security' | 'fallback'
  >
> & {
  /** A list holds for every value. */
  needs?: readonly Need[] | ((unit: Unit) => readonly Need[])
}

const DONE: Result<void, string> = ok()
/** Of a directive that takes nothing of the machine, whatever its value. */
export const NO_NEEDS: Directive['needs'] = () => []

const needsOf = (needs: DirectiveOptions['needs']): Directive['needs'] =>
  needs === undefined ? NO_NEEDS : typeof needs === 'function' ? needs : () => needs

const directive = (
  name: string,
  assign: Directive['assign'],
  fallback: unknown,
  options: DirectiveOptions = {},
): Directive => ({
  name,
  aliases: options.aliases ?? [],
  status: options.status ?? 'enforced',
  note: options.note ?? null,
  missing: options.missing ?? null,
  needs: needsOf(options.needs),
  security: options.security ?? false,
  fallback: options.fallback ?? 'left-out',
  default: fallback,
  properties: options.properties ?? [],
  assign,
})

/** Does something with a value that could be read; the error goes on. */
export function take<T>(read: Result<T, string>, put: (value: T) => void): Result<void, string> {
  if (read.isErr()) return err(read.error)
  put(read.value)
  return DONE
}

/** A directive of its own making. */
export const custom = directive

/** One value: the last assignment wins, an empty one gives back the default. */
export function setting<G extends SettingGroup, K extends keyof SettingGroups[G]>(
  group: G,
  name: string,
  field: K,
  parse: Parse<SettingGroups[G][K]>,
  options: DirectiveOptions & {
    print?: (value: SettingGroups[G][K]) => string | readonly string[]
    property?: string
  } = {},
): Directive {
  const { print, property = name } = options
  const properties =
    print === undefined ? [] : [{ name: property, print: printing(group, field, print) }]
  return directive(
    name,
    (draft, text, context) => {
      if (text === '') {
        delete (draft[group] as Mutable<SettingGroups[G]>)[field]
        return DONE
      }
      return take(parse(text, context), value => {
        ;(draft[group] as Mutable<SettingGroups[G]>)[field] = value
      })
    },
    DEFAULTS[group][field],
    { properties, ...options },
  )
}

type ListField<T> = {
  [K in keyof T]: T[K] extends readonly unknown[] ? K : never
}[keyof T]
type Item<T> = T extends readonly (infer I)[] ? I : never

/** A list: each assignment adds to it, an empty one clears it. */
export function list<G extends SettingGroup, K extends ListField<SettingGroups[G]>>(
  group: G,
  name: string,
  field: K,
  parse: Parse<Item<SettingGroups[G][K]>[]>,
  options: DirectiveOptions & {
    print?: (value: SettingGroups[G][K]) => string | readonly string[]
    property?: string
  } = {},
): Directive {
  const { print, property = name } = options
  const properties =
    print === undefined ? [] : [{ name: property, print: printing(group, field, print) }]
  return directive(
    name,
    (draft, text, context) => {
      const target = draft[group] as Record<K, unknown[] | undefined>
      if (text === '') {
        delete target[field]
        return DONE
      }
      return take(parse(text, context), items => {
        const known = target[field]
        if (known) known.push(...items)
        else target[field] = items
      })
    },
    DEFAULTS[group][field],
    { properties, ...options },
  )
}

/** The value of a setting of the unit, where it has that group, in systemd's words. */
function printing<G extends SettingGroup, K extends keyof SettingGroups[G]>(
  group: G,
  field: K,
  print: (value: SettingGroups[G][K]) => string | readonly string[],
): (unit: Unit) => string | readonly string[] {
  return unit => {
    const settings = unit[group] as SettingGroups[G] | undefined
    return print((settings ?? DEFAULTS[group])[field])
  }
}

/** A directive that is read as text and kept under its name in `ExecSettings.other`. */
export function kept(
  name: string,
  status: 'not-enforced' | 'inert' | 'enforced',
  note: string | null,
  aliases: readonly string[] = [],
  more: Pick<DirectiveOptions, 'needs' | 'security' | 'fallback'> = {},
): Directive {
  return directive(
    name,
    (draft, text, context) => {
      const other = { ...draft.exec.other } as Record<string, readonly string[]>
      draft.exec.other = other
      if (text === '') {
        delete other[name]
        return DONE
      }
      return take(context.expand(text), value => {
        other[name] = [...(other[name] ?? []), value]
      })
    },
    null,
    {
      ...more,
      aliases,
      status,
      note,
      properties: [{ name, print: unit => (unit.exec?.other[name] ?? []).join(' ') }],
    },
  )
}

/** A directive that is known and not kept. */
export const ignored = (
  name: string,
  status: 'not-enforced' | 'inert',
  note: string | null,
  aliases: readonly string[] = [],
  security = false,
): Directive => directive(name, () => DONE, null, { aliases, status, note, security })
