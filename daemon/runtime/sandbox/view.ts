// The unit's file system while it is thought out: what lies at a path, through the mounts that are to be made.
import { below, type Content, isWithin, join } from './entry.ts'

export type Node = { kind: 'directory' | 'file' } | { kind: 'link'; target: string }

/** A look at one path of the host, a link at its end not followed; null: there is nothing. */
export type Look = (path: string) => Node | null

/** A path with no link left in it, and what is there; `node` null: nothing is. */
export type Resolved = { path: string; node: Node | null }

const MOST_LINKS = 40

/** Follows every link of `path`, those at the end too; null: they go round in circles. Paths that lead up stay in `/`. */
export function resolve(
  path: string,
  look: (path: string, isLast: boolean) => Node | null,
): Resolved | null {
  const todo = path.split('/').filter(part => part !== '')
  let at = '/'
  let node: Node | null = { kind: 'directory' }
  for (let links = 0; todo.length > 0; ) {
    const part = todo.shift() as string
    if (part === '.') continue
    if (part === '..') {
      at = at.slice(0, at.lastIndexOf('/')) || '/'
      continue
    }
    const next = join(at, `/${part}`)
    node = look(next, todo.length === 0)
    if (node?.kind !== 'link') {
      at = next
      continue
    }
    if (++links > MOST_LINKS) return null
    todo.unshift(...node.target.split('/').filter(step => step !== ''))
    if (node.target.startsWith('/')) at = '/'
    node = { kind: 'directory' }
  }
  return { path: at, node }
}

/** Names that a /dev of its own has, with what they are. */
export const DEVICE_NODES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const
export const DEVICE_MOUNTS = ['pts', 'shm', 'mqueue', 'hugepages'] as const
const DEVICE_NAMES = new Set<string>([...DEVICE_NODES, ...DEVICE_MOUNTS])

/** Content and where it lies; the root is one too. */
export type Place = { path: string; what: Content }

/** What of the host is at `path` inside this content; null: nothing of the host's. */
export function hostPath({ path: top, what }: Place, path: string): string | null {
  return what.kind === 'bind' ? join(what.source, below(path, top)) : null
}

export class View {
  readonly #places: readonly Place[]
  readonly #look: Look

  /** `places`: sorted by path, the root first; their sources without links. */
  constructor(places: readonly Place[], look: Look) {
    this.#places = places
    this.#look = look
  }

  /** The innermost content around `path`; `under`: around it, not at it. */
  placeOf(path: string, under = false): Place {
    const found = this.#places.findLast(
      place => isWithin(path, place.path) && !(under && place.path === path && path !== '/'),
    )
    if (!found) throw new Error(`no content around ${path}`)
    return found
  }

  /** What is at a path before anything is mounted exactly there. */
  #under(path: string): Node | null {
    const place = this.placeOf(path, true)
    const inside = below(path, place.path)
    switch (place.what.kind) {
      case 'bind':
        return this.#look(join(place.what.source, inside))
      // The same files as in the host's; those of others that are hidden are of no interest here.
      case 'proc':
        return this.#look(`/proc${inside}`)
      case 'devices': {
        const [name = '', ...rest] = inside.slice(1).split('/')
        if (!DEVICE_NAMES.has(name)) return null
        return name === 'shm' || name === 'pts' || rest.length === 0
          ? this.#look(`/dev${inside}`)
          : null
      }
      default:
        return null
    }
  }

  /** What is at a path without links, once all is mounted. */
  at(path: string): Node | null {
    const place = this.placeOf(path)
    if (place.path !== path) return this.#under(path)
    return place.what.kind === 'bind' ? this.#look(place.what.source) : { kind: 'directory' }
  }

  /** Where on the host is what the unit finds at a path; null: nothing is, or nothing of the host's. */
  locate(path: string): string | null {
    const found = resolve(path, at => this.at(at))
    return found?.node ? hostPath(this.placeOf(found.path), found.path) : null
  }

  /** An entry's path in the unit's file system: what is mounted at its end does not count, it is the place to mount. */
  resolve(path: string): Resolved | null {
    return resolve(path, (at, isLast) => (isLast ? this.#under(at) : this.at(at)))
  }
}
