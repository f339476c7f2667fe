// What is asked for at a path of a unit's file system, before it is known how it is done.

/** Attributes of what is there already. */
export type Rule = 'inaccessible' | 'read-only' | 'read-write' | 'no-exec' | 'exec'

/** Something else that comes to be there. */
export type Content =
  /** `source` is a path of the host. */
  | { kind: 'bind'; source: string; recursive: boolean; readOnly: boolean; missingOk: boolean }
  | { kind: 'tmpfs'; flags: number; data: string; readOnly: boolean }
  /** A /dev with nothing but what every process may use. */
  | { kind: 'devices' }
  /** `isNeeded`: the host's own would not do. */
  | { kind: 'proc'; data: string; isNeeded: boolean }
  | { kind: 'mqueue' }

export type Entry = {
  /** As the unit's processes see it. */
  path: string
  what: Rule | Content
  /** Nothing is done when the path does not exist. Otherwise that is a failure for a rule; for content the mount point is made. */
  missingOk: boolean
  /** Only where nothing is mounted yet. */
  unlessMounted?: boolean
  /** The setting that asks for it, for messages: `ReadOnlyPaths=/srv`. */
  directive: string
}

export const isContent = (what: Entry['what']): what is Content => typeof what === 'object'

/** Whether `path` is `above` or lies below it. */
export const isWithin = (path: string, above: string): boolean =>
  above === '/' || path === above || path.startsWith(`${above}/`)

/** What comes behind `above` in `path`, with its slash; '' for the same path. */
export const below = (path: string, above: string): string =>
  above === '/' ? (path === '/' ? '' : path) : path.slice(above.length)

export const join = (above: string, rest: string): string =>
  rest === '' ? above : above === '/' ? rest : above + rest
