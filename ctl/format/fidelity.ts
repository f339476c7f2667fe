// `ctl fidelity`: a table for each unit, and what it comes to.
import type { DirectiveFidelity, UnitFidelity, Verdict } from '../../daemon/control/schema.ts'
import type { ListStyle } from './list.ts'
import { type Cell, formatTable } from './table.ts'
import { cut } from './width.ts'

const WORDS: Readonly<Record<Verdict, string>> = {
  enforced: 'enforced',
  emulated: 'emulated',
  ignored: 'ignored (harmless)',
  weakened: 'ignored (weakens security)',
  unsupported: 'unsupported',
}
const VERDICTS = Object.keys(WORDS) as Verdict[]
/** Cells of a value: a list of system calls would leave no room for the reason. */
const VALUE_WIDTH = 40

/** The lines for the units. `all`: with the directives that are the same on every machine. */
export function formatFidelity(
  units: readonly UnitFidelity[],
  style: ListStyle,
  { all }: { all: boolean },
): string[] {
  const tables = units.flatMap(unit => {
    const rows = all ? unit.directives : unit.directives.filter(({ depends }) => depends)
    if (rows.length === 0 && units.length > 1) return []
    const name = `${style.paint.bold(unit.unit)}${unit.strict ? ' (strict)' : ''}`
    return [name, ...table(rows, style), ...(style.legend ? [summary(unit.directives)] : []), '']
  })
  if (!style.legend || units.length <= 1) return tables.slice(0, -1)
  return [...tables, total(units)]
}

function table(rows: readonly DirectiveFidelity[], style: ListStyle): string[] {
  if (rows.length === 0) return []
  return formatTable(
    {
      header: ['DIRECTIVE', 'VALUE', 'VERDICT', 'REASON', 'WHERE'],
      rows: rows.map(({ directive, value, verdict, reason, file, line }) => [
        `${directive.slice(directive.indexOf('.') + 1)}=`,
        cut(value, VALUE_WIDTH),
        verdictCell(verdict, style),
        reason ?? '',
        `${file}:${line}`,
      ]),
    },
    { ...style, marks: null },
  )
}

function verdictCell(verdict: Verdict, { paint }: ListStyle): Cell {
  const text = WORDS[verdict]
  if (verdict === 'weakened') return { text, paint: paint.red }
  if (verdict === 'unsupported') return { text, paint: paint.yellow }
  return verdict === 'enforced' ? { text, paint: paint.green } : text
}

/** `5 directives: 3 enforced, 2 ignored (weakens security)`. */
function summary(directives: readonly DirectiveFidelity[]): string {
  const counts = VERDICTS.flatMap(verdict => {
    const count = directives.filter(one => one.verdict === verdict).length
    return count === 0 ? [] : [`${count} ${WORDS[verdict]}`]
  })
  const all = `${directives.length} ${directives.length === 1 ? 'directive' : 'directives'}`
  return counts.length === 0 ? all : `${all}: ${counts.join(', ')}`
}

function total(units: readonly UnitFidelity[]): string {
  const weak = units.filter(isWeakened)
  return `${units.length} units, ${summary(units.flatMap(({ directives }) => directives))}${
    weak.length === 0
      ? ''
      : `; less confined than they say: ${weak.map(one => one.unit).join(', ')}`
  }`
}

export const isWeakened = ({ directives }: UnitFidelity): boolean =>
  directives.some(({ verdict }) => verdict === 'weakened')
