// The files of a unit's log by their names: `current`, and the full ones, named by when they were full.
import * as fs from 'node:fs'

/** A full file is named by when it was full: `20261125T212332.123456Z.log`; `.gz` when it is compressed. */
const FULL_FILE = /^(\d{8}T\d{6}\.\d{6}Z\.log)(\.gz)?$/
export const PACKED = '.gz'
/** What is being compressed. */
export const UNFINISHED = '.gz.part'

export const isPacked = (name: string) => name.endsWith(PACKED)

export function entries(path: string): fs.Dirent[] {
  try {
    return fs.readdirSync(path, { withFileTypes: true })
  } catch {
    return []
  }
}

/** Names of the full files, the oldest first. Of one that is there in both forms the compressed one: it was whole when it
 * got its name, and the other was about to go. */
export function fullFiles(path: string): string[] {
  const names = new Set<string>()
  for (const { name } of entries(path)) if (FULL_FILE.test(name)) names.add(name)
  return [...names].filter(name => !names.has(name + PACKED)).sort()
}

/** The name of the file that is full at that time, microseconds of CLOCK_REALTIME. */
export function fileName(timeUsec: number): string {
  const milliseconds = Math.floor(timeUsec / 1000)
  const time = new Date(milliseconds).toISOString().replace(/[-:]|Z$/g, '')
  return `${time}${String(timeUsec - milliseconds * 1000).padStart(3, '0')}Z.log`
}

/** When a file was full, by its name. */
export function fullUsec(name: string): number {
  const [, date, hours, minutes, seconds, micros] =
    /^(\d{8})T(\d\d)(\d\d)(\d\d)\.(\d{6})Z/.exec(name) ?? []
  const day = date?.replace(/(....)(..)(..)/, '$1-$2-$3')
  return Date.parse(`${day}T${hours}:${minutes}:${seconds}Z`) * 1000 + Number(micros)
}

/** The first name behind that one. */
export const nextFileName = (name: string) => fileName(fullUsec(name) + 1)
