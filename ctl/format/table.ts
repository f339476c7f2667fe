// Tables: columns as wide as what stands in them, cut to the terminal.
import type { Paint } from './paint.ts'
import { cut, cutMiddle, pad, widthOf } from './width.ts'

export type Cell = string | { text: string; paint: (text: string) => string }
export type Table = {
  header: readonly string[]
  rows: readonly (readonly Cell[])[]
}
export type TableOptions = {
  paint: Paint
  /** Print the line with the names of the columns. */
  legend: boolean
  /** In front of the header and of each row: the column of dots, or nothing. */
  marks: readonly Cell[] | null
  /** Cells to cut to; null: as wide as it gets. */
  width: number | null
}

const textOf = (cell: Cell) => (typeof cell === 'string' ? cell : cell.text)

/** Columns are cut when the table is too wide: the last one first (a description), then the first (a name). */
const LEAST_LAST = 12
const LEAST_FIRST = 16

/** The lines of the table, without newlines. */
export function formatTable({ header, rows }: Table, options: TableOptions): string[] {
  const lines = options.legend ? [header, ...rows] : rows
  const widths = header.map((_, column) =>
    Math.max(0, ...lines.map(line => widthOf(textOf(line[column] ?? '')))),
  )
  if (options.width !== null) shrink(widths, options.width - (options.marks ? 2 : 0))
  const told = rows.map((row, index) => {
    const mark = options.marks?.[index]
    return (mark === undefined ? '' : `${paintCell(mark, textOf(mark))} `) + formatRow(row, widths)
  })
  if (!options.legend) return told
  const indent = options.marks ? '  ' : ''
  // The line under the names runs through, as systemctl's does.
  const names = header.map((name, column) => pad(name, widths[column] ?? 0)).join(' ')
  const head = options.paint.on ? options.paint.underline(indent + names) : indent + names
  return [options.paint.on ? head : head.trimEnd(), ...told]
}

function shrink(widths: number[], room: number): void {
  const last = widths.length - 1
  let over = widths.reduce((sum, width) => sum + width, last) - room
  for (const [column, least] of [
    [last, LEAST_LAST],
    [0, LEAST_FIRST],
  ] as const) {
    const width = widths[column] ?? 0
    const less = Math.min(Math.max(0, over), Math.max(0, width - least))
    widths[column] = width - less
    over -= less
  }
}

function formatRow(row: readonly Cell[], widths: readonly number[]): string {
  return row
    .map((cell, column) => {
      const width = widths[column] ?? 0
      const text = (column === 0 ? cutMiddle : cut)(textOf(cell), width)
      const isLast = column === row.length - 1
      return paintCell(cell, text) + (isLast ? '' : ' '.repeat(width - widthOf(text)))
    })
    .join(' ')
    .trimEnd()
}

const paintCell = (cell: Cell, text: string) => (typeof cell === 'string' ? text : cell.paint(text))
