// A unit as JSON, which knows neither Infinity nor bytes.
import type { Unit } from './units/unit.ts'

const BYTES = '$bytes'

/** What JSON.stringify is to make of a value of a unit. */
export const encodeValue = (value: unknown): unknown =>
  value === Number.POSITIVE_INFINITY
    ? { [BYTES]: null }
    : value instanceof Uint8Array
      ? { [BYTES]: Buffer.from(value).toString('base64') }
      : value

/** The value again, of what JSON.parse gives. */
export function decodeValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !(BYTES in value)) return value
  const bytes = (value as Record<string, unknown>)[BYTES]
  return bytes === null
    ? Number.POSITIVE_INFINITY
    : new Uint8Array(Buffer.from(String(bytes), 'base64')) // a Buffer has a JSON of its own
}

export const encodeUnit = (unit: Unit): string =>
  JSON.stringify(unit, (_, value) => encodeValue(value))
export const decodeUnit = (text: string): Unit =>
  JSON.parse(text, (_, value) => decodeValue(value)) as Unit
