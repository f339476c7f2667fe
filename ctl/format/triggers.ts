// The tables of list-timers and list-paths.
import type { PathListItem, TimerListItem } from '../../daemon/control/schema.ts'
import type { ListStyle } from './list.ts'
import { type Cell, formatTable } from './table.ts'
import { formatRelative } from './timespan.ts'
import { formatTimestamp } from './timestamp.ts'

type Style = ListStyle & {
  /** Those that are not up are among them. */
  all: boolean
}

const NONE = 'n/a'

/** The lines of list-timers, by systemctl's columns. `nowUsec`: the daemon's clock. */
export function formatTimers(
  timers: readonly TimerListItem[],
  nowUsec: number,
  style: Style,
): string[] {
  const moment = (usec: number | null) => (usec === null ? NONE : formatTimestamp(usec))
  const relative = (usec: number | null) => (usec === null ? NONE : formatRelative(usec, nowUsec))
  const rows = timers.map(({ unit, activates, nextUsec, lastUsec }): Cell[] => [
    moment(nextUsec),
    relative(nextUsec),
    moment(lastUsec),
    relative(lastUsec),
    unit,
    activates ?? NONE,
  ])
  const header = ['NEXT', 'LEFT', 'LAST', 'PASSED', 'UNIT', 'ACTIVATES']
  return withTotal(formatTable({ header, rows }, { ...style, marks: null }), 'timers', rows, style)
}

/** The lines of list-paths. */
export function formatPaths(paths: readonly PathListItem[], style: Style): string[] {
  const rows = paths.map(({ path, condition, unit, activates }): Cell[] => [
    path,
    condition,
    unit,
    activates ?? NONE,
  ])
  const header = ['PATH', 'CONDITION', 'UNIT', 'ACTIVATES']
  return withTotal(formatTable({ header, rows }, { ...style, marks: null }), 'paths', rows, style)
}

function withTotal(lines: string[], what: string, { length }: { length: number }, style: Style) {
  if (!style.legend) return lines
  const { bold, red } = style.paint
  return [
    ...lines,
    '',
    (length > 0 ? bold : red)(`${length} ${what} listed.`),
    ...(style.all ? [] : [`Pass --all to see loaded but inactive ${what}, too.`]),
  ]
}
