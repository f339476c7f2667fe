// PIDFile=: reading it, believing it, and waiting for it (systemd.service(5)).
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  unlinkSync,
  unwatchFile,
  watch,
  watchFile,
} from 'node:fs'
import { dirname } from 'node:path'
import type { UnitName } from '../units/unit.ts'
import { errnoOf, inWords } from './failure.ts'
import type { Processes } from './processes.ts'
import { readStat } from './procfs.ts'

export type PidFileAnswer = { pid: number; problem: null } | { pid: null; problem: string }

/** Reads the file and checks whom it names: a process that lives, is not the daemon's own and is the unit's; another's is
 * believed only if none but root (or the daemon's own user) can have written the file. */
export function readPidFile(
  path: string,
  unit: UnitName,
  processes: Pick<Processes, 'unitOf'>,
): PidFileAnswer {
  const refuse = (why: string): PidFileAnswer => ({
    pid: null,
    problem: `cannot take the main process from PIDFile=${path}: ${why}`,
  })
  let text: string
  let isOurs: boolean
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const start = Buffer.alloc(64)
      text = start.toString('latin1', 0, readSync(fd, start, 0, start.length, null))
      isOurs = isTrusted(fstatSync(fd).uid) && isTrusted(lstatSync(path).uid)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    return refuse(inWords(errnoOf(error)))
  }
  const line = (text.split('\n')[0] ?? '').trim()
  if (!/^\d+$/.test(line)) return refuse('it does not begin with a process number')
  const pid = Number(line)
  if (pid <= 1 || pid === process.pid) return refuse(`it names ${pid}, which is the daemon itself`)
  const stat = readStat(pid)
  if (!stat || stat.state === 'Z' || stat.state === 'X') {
    return refuse(`it names ${pid}, which does not exist or has ended`)
  }
  if (processes.unitOf(pid) !== unit && !isOurs) {
    return refuse(`it names ${pid}, which is not of this unit, and the file is not owned by root`)
  }
  return { pid, problem: null }
}

const isTrusted = (uid: number) => uid === 0 || uid === process.geteuid?.()

/** Removes the file of a service that is down. */
export function removePidFile(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Gone already, as a daemon that ends in good order leaves it.
  }
}

export interface PidFileWatches {
  /** Calls back at each change of the file, or of the directories that are still missing on the way to it. */
  add(unit: UnitName, path: string, changed: () => void): void
  remove(unit: UnitName): void
  close(): void
}

/** Where the kernel has no watch left to give, the file is looked at so often, milliseconds. */
const LOOK_MS = 250

/** Nothing is kept for a unit that waits for no PID file. */
export function createPidFileWatches(): PidFileWatches {
  const endings = new Map<UnitName, () => void>()

  const remove = (unit: UnitName) => {
    endings.get(unit)?.()
    endings.delete(unit)
  }

  const add = (unit: UnitName, path: string, changed: () => void) => {
    remove(unit)
    const directory = nearestDirectory(path)
    try {
      const watcher = watch(directory, { persistent: false }, () => {
        if (nearestDirectory(path) !== directory) add(unit, path, changed)
        changed()
      })
      watcher.on('error', () => look(unit, path, changed))
      endings.set(unit, () => watcher.close())
    } catch (error) {
      errnoOf(error)
      look(unit, path, changed)
    }
    // Made while the watch was being set up, it would never be told.
    if (nearestDirectory(path) !== directory) add(unit, path, changed)
  }

  const look = (unit: UnitName, path: string, changed: () => void) => {
    remove(unit)
    watchFile(path, { persistent: false, interval: LOOK_MS }, changed)
    endings.set(unit, () => unwatchFile(path, changed))
  }

  return {
    add,
    remove,
    close() {
      for (const unit of [...endings.keys()]) remove(unit)
    },
  }
}

function nearestDirectory(path: string): string {
  let at = dirname(path)
  while (at !== '/' && !existsSync(at)) at = dirname(at)
  return at
}
