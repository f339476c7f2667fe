// Switching controllers on. A cgroup may have processes or give controllers to its children, not both (the kernel's
// "no internal process constraint"): where that is in the way, the daemon and what else of this container is in its cgroup
// move to a leaf.
import type { Controller } from './attributes.ts'
import type { CgroupFiles } from './files.ts'
import { OWN_LEAF } from './place.ts'

export interface Controllers {
  /** Switches the controller on for what is directly below the tree's root; null, or why that cannot be. */
  whyNot(controller: Controller): string | null
  /** Switches it on for what is directly below the directory. */
  enableBelow(directory: string, controller: Controller): void
  /** Switches it off again there, if nobody below has it on. */
  disableBelow(directory: string, controller: Controller): void
  /** Leaves the tree as it was found, so that it can be removed. */
  close(): void
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'its cgroup may not be changed',
  EPERM: 'its cgroup may not be changed',
  EROFS: 'the cgroup file system is read-only',
  EBUSY: 'others are in its cgroup',
  EOPNOTSUPP: 'its cgroup is a threaded one',
}

/** `own` is the daemon's cgroup and `root` the tree in it. `isAlone`: whoever is in it belongs to this container. */
export function createControllers(
  files: CgroupFiles,
  own: string,
  root: string,
  isAlone: boolean,
): Controllers {
  const known = new Map<Controller, string | null>()
  const enabled = new Map<string, Set<Controller>>()
  const leaf = `${root}/${OWN_LEAF}`
  // An earlier image may have.
  let hasMoved = pidsIn(files, leaf).length > 0

  const enable = (directory: string, controller: Controller): string | null => {
    const below = enabled.get(directory)
    if (below?.has(controller)) return null
    const errno = files.write(`${directory}/cgroup.subtree_control`, `+${controller}`)
    if (errno !== null) return errno
    if (below) below.add(controller)
    else enabled.set(directory, new Set([controller]))
    return null
  }

  const isOnIn = (directory: string, controller: Controller) =>
    files.read(`${directory}/cgroup.subtree_control`).split(/\s+/).includes(controller)

  const moveToLeaf = () => {
    if (hasMoved) return
    hasMoved = true
    files.mkdir(leaf)
    const here = isAlone ? pidsIn(files, own) : [process.pid]
    for (const pid of here) files.write(`${leaf}/cgroup.procs`, String(pid))
  }

  const tryOut = (controller: Controller): string | null => {
    if (!files.read(`${own}/cgroup.controllers`).split(/\s+/).includes(controller))
      return `no ${controller} controller in its cgroup`
    let errno = isOnIn(own, controller) ? null : enable(own, controller)
    if (errno === 'EBUSY') {
      moveToLeaf()
      errno = enable(own, controller)
    }
    errno ??= enable(root, controller)
    return errno && (REASONS[errno] ?? `the ${controller} controller: ${errno}`)
  }

  return {
    whyNot(controller) {
      const before = known.get(controller)
      if (before !== undefined) return before
      const found = tryOut(controller)
      known.set(controller, found)
      return found
    },
    enableBelow: (directory, controller) => void enable(directory, controller),
    disableBelow(directory, controller) {
      if (!enabled.get(directory)?.has(controller) && !isOnIn(directory, controller)) return
      files.write(`${directory}/cgroup.subtree_control`, `-${controller}`)
      enabled.get(directory)?.delete(controller)
    },
    close() {
      if (!hasMoved) return
      for (const directory of [root, own]) {
        const file = `${directory}/cgroup.subtree_control`
        for (const controller of files.read(file).split(/\s+/).filter(Boolean))
          files.write(file, `-${controller}`)
      }
      for (const pid of pidsIn(files, leaf)) files.write(`${own}/cgroup.procs`, String(pid))
    },
  }
}

/** 0 is a process that our PID namespace does not show; to kill(2) it would be our own process group. */
export const pidsIn = (files: CgroupFiles, directory: string): number[] =>
  files
    .read(`${directory}/cgroup.procs`)
    .split('\n')
    .map(Number)
    .filter(pid => pid > 0)
