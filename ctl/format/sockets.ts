// The table of list-sockets.
import type { SocketListItem } from '../../daemon/control/schema.ts'
import type { ListStyle } from './list.ts'
import { type Cell, formatTable } from './table.ts'

type Style = ListStyle & {
  /** Those that are not up are among them. */
  all: boolean
  showTypes: boolean
}

/** The lines of list-sockets, by systemctl's columns. */
export function formatSockets(sockets: readonly SocketListItem[], style: Style): string[] {
  const rows = sockets.map(({ address, type, unit, activates }): Cell[] => [
    address,
    ...(style.showTypes ? [type] : []),
    unit,
    activates.join(', '),
  ])
  const header = ['LISTEN', ...(style.showTypes ? ['TYPE'] : []), 'UNIT', 'ACTIVATES']
  const lines = formatTable({ header, rows }, { ...style, marks: null })
  if (!style.legend) return lines
  const { bold, red } = style.paint
  return [
    ...lines,
    '',
    (rows.length > 0 ? bold : red)(`${rows.length} sockets listed.`),
    ...(style.all ? [] : ['Pass --all to see loaded but inactive sockets, too.']),
  ]
}
