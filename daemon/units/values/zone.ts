// Time zones: from moments to what a clock on the wall shows, and back. The zones' rules come with the language (Temporal),
// so none need be installed.

/**
 * What a clock on the wall shows, in microseconds: the moment at which a clock in UTC would show the same. Years, days and
 * weekdays are counted in it.
 */
export type WallUsec = number

export type Zone = {
  /** As in the IANA database: `Europe/Berlin`. */
  name: string
  /** What the zone's clock shows at a moment (microseconds since 1970, UTC). */
  wallAt: (usec: number) => WallUsec
  /**
   * The moments at which the clock shows it: one; two, the earlier first, where it was set back; none where it was set
   * forward, and then what it was set forward to.
   */
  momentsOf: (wall: WallUsec) => { moments: readonly number[]; skippedTo: WallUsec | null }
}

export const UTC: Zone = {
  name: 'UTC',
  wallAt: usec => usec,
  momentsOf: wall => ({ moments: [wall], skippedTo: null }),
}

const NAME = /^[A-Za-z][\w+-]*(?:\/[\w+-]+)*$/

/** The zone of that name in the IANA database, spelled as there; null if there is none. */
export function findZone(name: string): Zone | null {
  if (name === 'UTC') return UTC
  if (!NAME.test(name)) return null
  try {
    if (new Temporal.ZonedDateTime(0n, name).timeZoneId !== name) return null
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
  return { name, wallAt: usec => wallAt(usec, name), momentsOf: wall => momentsOf(wall, name) }
}

function wallAt(usec: number, zone: string): WallUsec {
  const moment = Temporal.Instant.fromEpochMilliseconds(Math.floor(usec / 1000))
  return usec + moment.toZonedDateTimeISO(zone).offsetNanoseconds / 1000
}

function momentsOf(wall: WallUsec, zone: string): ReturnType<Zone['momentsOf']> {
  // No zone changes between two milliseconds.
  const msec = Math.floor(wall / 1000)
  const rest = wall - msec * 1000
  const shown = Temporal.Instant.fromEpochMilliseconds(msec)
    .toZonedDateTimeISO('UTC')
    .toPlainDateTime()
  const first = shown.toZonedDateTime(zone, { disambiguation: 'earlier' })
  const last = shown.toZonedDateTime(zone, { disambiguation: 'later' })
  const moment = (at: Temporal.ZonedDateTime) => at.epochMilliseconds * 1000 + rest
  if (first.epochMilliseconds === last.epochMilliseconds)
    return { moments: [moment(first)], skippedTo: null }
  if (first.toPlainDateTime().equals(shown))
    return { moments: [moment(first), moment(last)], skippedTo: null }
  // "Previous" is before, and `last` may be the change itself.
  const change = last.add({ nanoseconds: 1 }).getTimeZoneTransition('previous')
  if (change === null) throw new Error(`${zone} leaves out ${shown} without a change of its clock`)
  return { moments: [], skippedTo: wallAt(change.epochMilliseconds * 1000, zone) }
}
