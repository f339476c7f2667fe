// Moments on this machine, for verbs that take one.
import { localClocks, localZone } from '../../daemon/runtime/zone.ts'
import { readTimestamp } from '../../daemon/units/values/timestamp.ts'
import { findZone, UTC, type Zone } from '../../daemon/units/values/zone.ts'

export const machineZone = (): Zone => findZone(localZone(process.env)) ?? UTC
export const machineClocks = () => localClocks(process.env)

/**
 * Microseconds since 1970 of a moment as in systemd.time(7), in the zone of this machine, also with the `T` of ISO 8601; null
 * when it is none.
 */
export function readMoment(text: string, nowMs: number): number | null {
  const spaced = text.trim().replace(/^(\d{4}-\d\d-\d\d)T(?=\d)/, '$1 ')
  return readTimestamp(spaced, nowMs * 1000, machineZone(), machineClocks).unwrapOr(null)
}
