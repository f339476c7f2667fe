// The tables of list-units, list-unit-files and list-jobs.
import type { JobListItem, UnitFileItem, UnitListItem } from '../../daemon/control/schema.ts'
import { isBadLoad } from './active-state.ts'
import type { Paint } from './paint.ts'
import { type Cell, formatTable } from './table.ts'

export type ListStyle = {
  paint: Paint
  /** Header and explanations. */
  legend: boolean
  /** No dots and no indentation, for scripts. */
  plain: boolean
  width: number | null
}

const paintedWith =
  (paint: ((text: string) => string) | null) =>
  (text: string): Cell =>
    paint === null ? text : { text, paint }

/** The lines of list-units. `restricted`: the units were chosen by state; `all`: inactive ones are among them. */
export function formatUnits(
  units: readonly UnitListItem[],
  style: ListStyle,
  { all, restricted }: { all: boolean; restricted: boolean },
): string[] {
  const { paint } = style
  const withJobs = units.some(unit => unit.job !== null)
  const rows = units.map(({ unit, load, active, sub, job, description }): Cell[] => {
    const failed = paintedWith(active === 'failed' ? paint.red : null)
    return [
      failed(unit),
      paintedWith(isBadLoad(load) ? paint.red : null)(load),
      failed(active),
      failed(sub),
      ...(withJobs ? [job?.type ?? ''] : []),
      description,
    ]
  })
  const lines = formatTable(
    {
      header: ['UNIT', 'LOAD', 'ACTIVE', 'SUB', ...(withJobs ? ['JOB'] : []), 'DESCRIPTION'],
      rows,
    },
    { ...style, marks: style.plain ? null : units.map(unit => markOf(unit, paint)) },
  )
  if (!style.legend) return lines
  return [
    ...lines,
    ...(units.length > 0 ? ['', ...LEGEND, ...(withJobs ? JOB_LEGEND : [])] : []),
    ...total(units.length, paint, { all, restricted }),
  ]
}

function markOf({ load, active }: UnitListItem, paint: Paint): Cell {
  if (isBadLoad(load) || load === 'masked') return { text: '●', paint: paint.yellow }
  return active === 'failed' ? { text: '●', paint: paint.red } : ' '
}

const LEGEND = [
  'LOAD   = Reflects whether the unit definition was properly loaded.',
  'ACTIVE = The high-level unit activation state, i.e. generalization of SUB.',
  'SUB    = The low-level unit activation state, values depend on unit type.',
]
const JOB_LEGEND = ['JOB    = Pending job for the unit.', '']

function total(
  count: number,
  paint: Paint,
  { all, restricted }: { all: boolean; restricted: boolean },
): string[] {
  const told = (count > 0 ? paint.bold : paint.red)(`${count} loaded units listed.`)
  if (restricted) return [told]
  return [
    all ? told : `${told} Pass --all to see loaded but inactive units, too.`,
    "To show all installed unit files use 'ctl list-unit-files'.",
  ]
}

/** By type, then by name, as systemctl sorts. */
export function sortUnits<T extends { unit: string }>(units: readonly T[]): T[] {
  const typeOf = ({ unit }: T) => unit.slice(unit.lastIndexOf('.') + 1)
  return [...units].sort((a, b) => compare(typeOf(a), typeOf(b)) || compare(a.unit, b.unit))
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

export function formatUnitFiles(files: readonly UnitFileItem[], style: ListStyle): string[] {
  const { paint } = style
  const rows = files.map(({ unit, state, preset }): Cell[] => [
    unit,
    paintedWith(FILE_STATES.get(state)?.(paint) ?? null)(state),
    preset === null ? '-' : paintedWith(FILE_STATES.get(preset)?.(paint) ?? null)(preset),
  ])
  const lines = formatTable(
    { header: ['UNIT FILE', 'STATE', 'PRESET'], rows },
    { ...style, marks: null },
  )
  return style.legend ? [...lines, '', `${files.length} unit files listed.`] : lines
}

const FILE_STATES: ReadonlyMap<string, (paint: Paint) => (text: string) => string> = new Map([
  ['enabled', paint => paint.green],
  ['enabled-runtime', paint => paint.green],
  ['disabled', paint => paint.yellow],
  ['masked', paint => paint.red],
  ['masked-runtime', paint => paint.red],
  ['bad', paint => paint.red],
])

export function formatJobs(jobs: readonly JobListItem[], style: ListStyle): string[] {
  if (jobs.length === 0) return style.legend ? ['No jobs running.'] : []
  const rows = jobs.map(({ id, unit, type, state }): Cell[] => {
    const running = paintedWith(state === 'running' ? style.paint.bold : null)
    return [String(id), running(unit), type, running(state)]
  })
  const lines = formatTable(
    { header: ['JOB', 'UNIT', 'TYPE', 'STATE'], rows },
    { ...style, marks: null },
  )
  return style.legend ? [...lines, '', `${jobs.length} jobs listed.`] : lines
}
