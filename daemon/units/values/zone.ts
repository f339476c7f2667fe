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

/** A clock of the machine's own zone by its abbreviation, such as CEST: how far it is ahead of UTC, in microseconds. */
export type Clock = { name: string; aheadUsec: number }

/** A zone whose clock is never set. */
export const fixedZone = ({ name, aheadUsec }: Clock): Zone => ({
  name,
  wallAt: usec => usec + aheadUsec,
  momentsOf: wall => ({ moments: [wall - aheadUsec], skippedTo: null }),
})

/** The clock of that abbreviation, in any case, among them. */
export const findClock = (name: string, clocks: () => readonly Clock[]): Clock | null =>
  CLOCK_NAME.test(name)
    ? (clocks().find(clock => clock.name.toUpperCase() === name.toUpperCase()) ?? null)
    : null
const CLOCK_NAME = /^(?:[A-Za-z]{3,}|[+-]\d{2,4})$/

const HOUR_USEC = 3_600_000_000
const CLOCK = '(?:<([^>]+)>|([A-Za-z]{3,}))'
const OFFSET = String.raw`([+-]?\d{1,3}(?::\d{2}){0,2})`
const RULE = new RegExp(`^${CLOCK}${OFFSET}(?:${CLOCK}${OFFSET}?(?:,|$))?`)

/** The clocks of a rule as TZ= has it (POSIX; tzfile(5) ends with one): `CET-1CEST,M3.5.0,M10.5.0/3`. */
export function clocksOf(rule: string): Clock[] {
  const [all, quoted, plain, offset, quotedSummer, plainSummer, summerOffset] =
    RULE.exec(rule) ?? []
  const name = quoted ?? plain
  if (all === undefined || name === undefined) return []
  const aheadUsec = 0 - readOffset(offset ?? '0')
  const summer = quotedSummer ?? plainSummer
  const clocks = [{ name, aheadUsec }]
  if (summer === undefined) return clocks
  const summerAhead =
    summerOffset === undefined ? aheadUsec + HOUR_USEC : 0 - readOffset(summerOffset)
  return [...clocks, { name: summer, aheadUsec: summerAhead }]
}

function readOffset(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.replace(/^[+-]/, '').split(':').map(Number)
  const usec = hours * HOUR_USEC + minutes * 60_000_000 + seconds * 1_000_000
  return text.startsWith('-') ? -usec : usec
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
