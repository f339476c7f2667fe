// A line of a unit as the console shows it.
import type { UnitName } from '../units/unit.ts'
import { NEWLINE, stamp } from './line.ts'
import type { StreamName } from './record.ts'

/** prefix: `name | line`; json: an object a line; raw: the line alone. */
export type ConsoleFormat = 'prefix' | 'json' | 'raw'

// Of 256 colours those that read well on black and on white.
const COLOURS = [2, 3, 4, 5, 6, 9, 33, 64, 98, 130, 136, 166] as const

/** What stands before each line; a unit always has the same colour. */
export function labelOf(unit: UnitName, format: ConsoleFormat, isColoured: boolean): Buffer {
  if (format !== 'prefix') return Buffer.alloc(0)
  const label = `${unit.replace(/\.service$/, '')} | `
  if (!isColoured) return Buffer.from(label)
  let sum = 0
  for (const byte of Buffer.from(label)) sum = (sum * 31 + byte) % 65_521
  return Buffer.from(`\x1b[38;5;${COLOURS[sum % COLOURS.length]}m${label}\x1b[0m`)
}

/** What of a record the console's JSON tells; `unit` null: hearth itself. */
export type ConsoleRecord = {
  timeUsec: number
  unit: UnitName | null
  stream: StreamName
  /** syslog(3), 0 to 7. */
  priority: number
  partial?: boolean
}

/** The record as a line of JSON, its newline included. A message that is a JSON object itself is not quoted but put in as it
 * stands, with what it says of its numbers; bytes that are not UTF-8 become U+FFFD. */
export function jsonLine(record: ConsoleRecord, message: string): Buffer {
  const { timeUsec, unit, stream, priority, partial = false } = record
  const head = JSON.stringify({ time: stamp(timeUsec), unit, stream, priority })
  const end = `${partial ? ',"partial":true' : ''}}${String.fromCharCode(NEWLINE)}`
  const told = isObject(message) ? message.trim() : JSON.stringify(message)
  return Buffer.from(`${head.slice(0, -1)},"message":${told}${end}`)
}

function isObject(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
