// What is kept of each run of a unit when it has ended: `DIR/UNIT/runs`, a line of JSON a run.
import * as fs from 'node:fs'
import { constants } from 'node:fs'
import { makeDirectory } from '../runtime/make-directory.ts'
import type { UnitName } from '../units/unit.ts'
import { directoryName } from './line.ts'

export type RunEnd = {
  invocationId: string
  /** CLOCK_REALTIME, microseconds. */
  startedUsec: number
  endedUsec: number
  /** In words: `root (process 4711)`, `the boot, as a dependency of default.target`, `an automatic restart`, `web.timer` … */
  startedBy: string
  /** Result= of the service. */
  result: string
  /** How the main process ended, as `code=exited, status=1/FAILURE`; null: it is not known, or there was none. */
  outcome: string | null
  mainPid: number | null
  /** Why a command could not be run at all, in words. */
  error: string | null
  /** Whether it is to be started again by itself. */
  restarting: boolean
  /** Null where it is not counted. */
  cpuUsec: number | null
  memoryPeakBytes: number | null
  /** Its last lines, oldest first. */
  lines: readonly string[]
}

/** How many of a run's lines are kept with its end, and how long each may be. */
export const END_LINES = 10
export const END_LINE_LENGTH = 500
/** A file that is longer loses its older half. */
const MOST_BYTES = 256 * 1024
const APPEND =
  constants.O_WRONLY |
  constants.O_APPEND |
  constants.O_CREAT |
  constants.O_NOFOLLOW |
  constants.O_NONBLOCK

const pathOf = (directory: string, unit: UnitName) => `${directory}/${directoryName(unit)}/runs`

/** Adds the end of a run. Throws what the system says. */
export function appendEnd(directory: string, unit: UnitName, end: RunEnd): void {
  const path = pathOf(directory, unit)
  makeDirectory(path.slice(0, path.lastIndexOf('/')), 0o750)
  const ends = fs.lstatSync(path, { throwIfNoEntry: false })
  if (ends?.isFile() && ends.size > MOST_BYTES) halve(path)
  const fd = fs.openSync(path, APPEND, 0o640)
  try {
    fs.writeSync(fd, `${JSON.stringify(end)}\n`)
  } finally {
    fs.closeSync(fd)
  }
}

/** The ends of the unit's runs, oldest first, as far as they are kept; a damaged line is left out. */
export function readEnds(directory: string, unit: UnitName): RunEnd[] {
  const ends: RunEnd[] = []
  for (const line of readText(pathOf(directory, unit)).split('\n')) {
    try {
      const end = JSON.parse(line) as RunEnd
      if (typeof end.invocationId === 'string' && Array.isArray(end.lines)) ends.push(end)
    } catch {
      // The last one of a crash of the machine, or the empty one behind the last newline.
    }
  }
  return ends
}

/** Whether the end of that run is written down. Unlike `readEnds` it makes nothing of the others. */
export const hasEnd = (directory: string, unit: UnitName, invocationId: string): boolean =>
  readText(pathOf(directory, unit)).includes(`"invocationId":${JSON.stringify(invocationId)}`)

function halve(path: string): void {
  const text = readText(path)
  const fresh = `${path}.new`
  fs.rmSync(fresh, { force: true })
  fs.writeFileSync(fresh, text.slice(text.indexOf('\n', text.length / 2) + 1), {
    mode: 0o640,
    flag: 'wx',
  })
  fs.renameSync(fresh, path)
}

function readText(path: string): string {
  try {
    const fd = fs.openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      return fs.readFileSync(fd, 'utf8')
    } finally {
      fs.closeSync(fd)
    }
  } catch {
    return ''
  }
}
