// The paths of path units (systemd.path(5); path.c): whether what is waited for has come about, and inotify watches that tell
// when to look again, on what is not there yet as well.
import { existsSync, readdirSync } from 'node:fs'
import type { Effect } from '../engine/effect.ts'
import type { EngineEvent } from '../engine/event.ts'
import type { PathCondition, PathSettings, UnitName } from '../units/unit.ts'
import { errnoOf, inWords } from './failure.ts'
import { expandGlob } from './glob.ts'
import { makeDirectory } from './make-directory.ts'
import type { Inotify, Native } from './native.ts'

type Spec = PathSettings['watched'][number]
type Watching = Extract<Effect, { type: 'watch-paths' }>

export interface PathWatches {
  watch(effect: Watching): void
  /** Ends the watching; what was there is remembered until the unit is started anew. */
  unwatch(unit: UnitName): void
  close(): void
}

export type PathWatchesParts = {
  native: Pick<Native, 'createInotify'>
  settings: (unit: UnitName) => PathSettings | null
  post: (event: EngineEvent) => void
  warn: (unit: UnitName, message: string) => void
}

export function createPathWatches(parts: PathWatchesParts): PathWatches {
  const { native, settings, post, warn } = parts
  const instances = new Map<UnitName, Inotify[]>()
  /** Which paths of PathChanged= and PathModified= were there when they were last looked at. */
  const known = new Map<UnitName, Map<Spec, boolean>>()

  const unwatch = (unit: UnitName) => {
    for (const instance of instances.get(unit) ?? []) instance.close()
    instances.delete(unit)
  }

  /** The path that has come about, or null. `isNews`: whether a path that has come or gone counts as changed. */
  const look = (unit: UnitName, specs: readonly Spec[], isNews: boolean): string | null => {
    const before = known.get(unit) ?? new Map<Spec, boolean>()
    known.set(unit, before)
    let found: string | null = null
    for (const spec of specs) {
      if (spec.condition === 'PathChanged' || spec.condition === 'PathModified') {
        const isThere = existsSync(spec.path)
        const hasChanged = isNews && isThere !== before.get(spec)
        before.set(spec, isThere)
        if (hasChanged) found ??= spec.path
      } else found ??= STATES[spec.condition](spec.path)
    }
    return found
  }

  const watch = ({ unit, token, why }: Watching) => {
    unwatch(unit)
    const path = settings(unit)
    const specs = path?.watched ?? []
    if (why === 'start') {
      known.delete(unit)
      if (path?.makeDirectory) makeDirectories(unit, path)
    }
    let isOver = false
    const trigger = (at: string) => {
      isOver = true
      unwatch(unit)
      post({ type: 'path-triggered', unit, token, path: at })
    }
    /** Whether it has come about; if not, it is watched for. `isNews`: for the first look and for the second. */
    const lookAndWatch = (isNews: readonly [first: boolean, second: boolean]) => {
      const found = look(unit, specs, isNews[0])
      if (found !== null) {
        trigger(found)
        return
      }
      begin()
      if (isOver) return
      // It may have come while the watches were set up.
      const late = look(unit, specs, isNews[1])
      if (late !== null) trigger(late)
    }
    const begin = () => {
      unwatch(unit)
      const own: Inotify[] = []
      instances.set(unit, own)
      try {
        // One instance each: the masks of two on the same file would take each other's place.
        for (const spec of specs) {
          own.push(
            watchOne(native, spec, changed => {
              if (isOver) return
              if (changed) trigger(spec.path)
              else lookAndWatch([true, true])
            }),
          )
        }
      } catch (error) {
        isOver = true
        unwatch(unit)
        const problem = `cannot watch its paths: ${inWords(errnoOf(error))}`
        post({ type: 'path-failed', unit, token, problem })
      }
    }
    lookAndWatch([false, why === 'start'])
  }

  const makeDirectories = (unit: UnitName, { watched, directoryMode }: PathSettings) => {
    for (const { condition, path } of watched) {
      if (condition === 'PathExists' || condition === 'PathExistsGlob') continue
      try {
        makeDirectory(path, directoryMode)
      } catch (error) {
        warn(unit, `cannot make the directory ${path} (MakeDirectory=): ${inWords(errnoOf(error))}`)
      }
    }
  }

  return {
    watch,
    unwatch,
    close() {
      for (const unit of [...instances.keys()]) unwatch(unit)
    },
  }
}

/** What holds at a path whenever one looks: the path that it is about, or null. */
const STATES: Record<
  Exclude<PathCondition, 'PathChanged' | 'PathModified'>,
  (path: string) => string | null
> = {
  PathExists: path => (existsSync(path) ? path : null),
  PathExistsGlob: pattern => expandGlob(pattern)[0] ?? null,
  DirectoryNotEmpty(path) {
    try {
      return readdirSync(path).some(isVisible) ? path : null
    } catch (error) {
      errnoOf(error)
      return null
    }
  },
}

/** Neither hidden nor somebody's backup. */
const isVisible = (name: string) => !/^\.|~$/.test(name) && name !== 'lost+found'

const IN = {
  MODIFY: 0x2,
  ATTRIB: 0x4,
  CLOSE_WRITE: 0x8,
  MOVED_FROM: 0x40,
  MOVED_TO: 0x80,
  CREATE: 0x100,
  DELETE: 0x200,
  DELETE_SELF: 0x400,
  MOVE_SELF: 0x800,
  DONT_FOLLOW: 0x2000000,
} as const
const SELF = IN.DELETE_SELF | IN.MOVE_SELF | IN.ATTRIB
const CONTENT = IN.CLOSE_WRITE | IN.CREATE | IN.DELETE | IN.MOVED_FROM | IN.MOVED_TO
/** In place of the number of a watch: the kernel's queue was full, and events are lost. */
const LOST = -1

/** What is told of the path itself. */
const MASKS: Record<PathCondition, number> = {
  PathExists: SELF,
  PathExistsGlob: SELF,
  PathChanged: SELF | CONTENT,
  PathModified: SELF | CONTENT | IN.MODIFY,
  DirectoryNotEmpty: SELF | IN.CREATE | IN.MOVED_TO,
}
/** What is told of a directory on the way to it: the next part of the path may come, or the directory go. */
const ON_THE_WAY = SELF | IN.CREATE | IN.MOVED_TO

/**
 * Watches the path and every directory on the way to it, as far as they are there; symbolic links and where they lead.
 * `told` is called with whether the path itself has changed; false: one should look. Throws an errno error when there is no watch left.
 */
export function watchOne(
  native: Pick<Native, 'createInotify'>,
  { path, condition }: Spec,
  told: (changed: boolean) => void,
): Inotify {
  const primary = new Set<number>()
  const goesByChange = condition === 'PathChanged' || condition === 'PathModified'
  const inotify = native.createInotify(events => {
    let changed = false
    for (let at = 0; at < events.length; at += 2) {
      const watch = events[at] ?? LOST
      changed ||= primary.has(watch) || watch === LOST
    }
    told(changed && goesByChange)
  })
  try {
    const parts = path.split('/').slice(1)
    let parent: string | null = null
    for (let depth = 0; depth <= parts.length; depth++) {
      if (path === '/' && depth > 0) break
      const at = `/${parts.slice(0, depth).join('/')}`
      const isPath = at === path
      const mask = isPath ? MASKS[condition] : ON_THE_WAY
      const link = inotify.add(at, mask | IN.DONT_FOLLOW)
      const target = typeof link === 'number' ? inotify.add(at, mask) : link
      if (typeof link === 'string' || typeof target === 'string') {
        const errno = typeof link === 'string' ? link : String(target)
        // As far as it goes: what comes there is told by what is watched already.
        if (errno === 'ENOENT' || errno === 'EACCES' || errno === 'ENOTDIR') break
        throw Object.assign(new Error(`inotify_add_watch ${at}: ${errno}`), { code: errno })
      }
      if (isPath) primary.add(link).add(target)
      // What comes and goes beside it is of no interest any more.
      if (parent !== null) inotify.add(parent, IN.MOVE_SELF)
      parent = at
    }
  } catch (error) {
    inotify.close()
    throw error
  }
  return inotify
}
