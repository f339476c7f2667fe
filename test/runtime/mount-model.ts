// A model of mounts: what the operations of a sandbox's plan come to, as the kernel would have it.

import { MS } from '../../daemon/runtime/sandbox/flags.ts'
import type { Operation } from '../../daemon/runtime/sandbox/operation.ts'

export type Mount = {
  at: string
  /** A directory of the host, or a kind of file system. */
  source: string
  flags: number
  below: Mount[]
}

const isWithin = (path: string, above: string) =>
  above === '/' || path === above || path.startsWith(`${above}/`)

/** The mount that is seen at a path. */
export function seen(root: Mount, path: string): Mount {
  const inner = root.below.findLast(({ at }) => isWithin(path, at))
  return inner ? seen(inner, path) : root
}

/** What mount(2) copies from `path`: the mount seen there and those below it that are seen. */
function copy(root: Mount, path: string, to: string, recursive: boolean): Mount {
  const from = seen(root, path)
  const clone = (mount: Mount, at: string): Mount => ({
    ...mount,
    at,
    below: mount.below.map(one => clone(one, to + one.at.slice(path.length))),
  })
  const rest = path.slice(from.at === '/' ? 0 : from.at.length)
  const below = recursive ? from.below.filter(({ at }) => isWithin(at, path)) : []
  return {
    ...from,
    at: to,
    source: from.source + (rest === '/' ? '' : rest),
    below: below.map(one => clone(one, to + one.at.slice(path === '/' ? 0 : path.length))),
  }
}

const change = (mount: Mount, set: number, clear: number, recursive: boolean): void => {
  mount.flags = (mount.flags & ~clear) | set
  if (recursive) for (const one of mount.below) change(one, set, clear, true)
}

/** The host with the unit's tree at its place; throws where the kernel would refuse. */
export function carryOut(operations: readonly Operation[], host: Mount): Mount {
  for (const operation of operations) {
    const { target } = operation
    const isStart = (mount: Mount) => mount.at === target
    switch (operation.op) {
      case 'bind': {
        const made = copy(host, operation.source, target, operation.recursive)
        seen(host, target).below.push(made)
        break
      }
      case 'mount':
        seen(host, target).below.push({
          at: target,
          source: operation.type,
          flags: operation.flags & (MS.RDONLY | MS.NOEXEC),
          below: [],
        })
        break
      case 'flags':
      case 'remount': {
        const mount = seen(host, target)
        if (!isStart(mount)) throw new Error(`${target} is no mount point`)
        const { set, clear } = operation
        change(mount, set, clear, operation.op === 'flags' && operation.recursive)
        break
      }
      default:
        if (seen(host, target).flags & MS.RDONLY)
          throw new Error(`${target} would be made in what is read-only`)
    }
  }
  return host
}
