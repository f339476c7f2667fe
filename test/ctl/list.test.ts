import test from 'ava'
import { formatDependencies } from '../../ctl/format/dependencies.ts'
import { formatJobs, formatUnitFiles, formatUnits, sortUnits } from '../../ctl/format/list.ts'
import { createPaint } from '../../ctl/format/paint.ts'
import type { DependencyNode, UnitListItem } from '../../daemon/control/schema.ts'

const style = { paint: createPaint(false), legend: true, plain: false, width: null }
const item = (unit: string, changes: Partial<UnitListItem> = {}): UnitListItem => ({
  unit,
  load: 'loaded',
  active: 'active',
  sub: 'running',
  job: null,
  description: unit,
  ...changes,
})
const web = item('web.service', { description: 'The web' })
const bad = item('bad.service', { active: 'failed', sub: 'failed' })

test('list-units looks like systemctl’s', t => {
  t.is(
    formatUnits([bad, web], style, { all: false, restricted: false }).join('\n'),
    `  UNIT        LOAD   ACTIVE SUB     DESCRIPTION
● bad.service loaded failed failed  bad.service
  web.service loaded active running The web

LOAD   = Reflects whether the unit definition was properly loaded.
ACTIVE = The high-level unit activation state, i.e. generalization of SUB.
SUB    = The low-level unit activation state, values depend on unit type.
2 loaded units listed. Pass --all to see loaded but inactive units, too.
To show all installed unit files use 'ctl list-unit-files'.`,
  )
})

test('a pending job adds a column and its explanation', t => {
  const slow = item('slow.service', {
    active: 'activating',
    sub: 'start',
    job: { id: 7, type: 'start' },
  })
  const lines = formatUnits([slow, web], style, { all: false, restricted: true })
  t.deepEqual(lines.slice(0, 3), [
    '  UNIT         LOAD   ACTIVE     SUB     JOB   DESCRIPTION',
    '  slow.service loaded activating start   start slow.service',
    '  web.service  loaded active     running       The web',
  ])
  t.deepEqual(lines.slice(-3), ['JOB    = Pending job for the unit.', '', '2 loaded units listed.'])
})

test('plain and without legend is one line a unit, for scripts', t => {
  const lines = formatUnits(
    [bad, web],
    { ...style, plain: true, legend: false },
    { all: true, restricted: false },
  )
  t.deepEqual(lines, [
    'bad.service loaded failed failed  bad.service',
    'web.service loaded active running The web',
  ])
})

test('nothing to list leaves the header and the count', t => {
  t.deepEqual(formatUnits([], style, { all: false, restricted: true }), [
    '  UNIT LOAD ACTIVE SUB DESCRIPTION',
    '0 loaded units listed.',
  ])
})

test('units are sorted by type, then by name', t => {
  const names = ['web.service', 'a.target', 'a.service', 'x.mount'].map(unit => ({ unit }))
  t.deepEqual(
    sortUnits(names).map(one => one.unit),
    ['x.mount', 'a.service', 'web.service', 'a.target'],
  )
})

test('a failed unit is red on a terminal, and marked', t => {
  const paint = createPaint(true)
  const lines = formatUnits(
    [bad],
    { ...style, paint, legend: false },
    { all: false, restricted: false },
  )
  t.true(lines[0]?.startsWith(`${paint.red('●')} ${paint.red('bad.service')} loaded`))
})

test('list-unit-files counts what it lists', t => {
  const files = [
    { unit: 'bad.service', state: 'static', path: '/u/bad.service', preset: null },
    { unit: 'web.service', state: 'disabled', path: '/u/web.service', preset: 'enabled' },
  ]
  t.deepEqual(formatUnitFiles(files, style), [
    'UNIT FILE   STATE    PRESET',
    'bad.service static   -',
    'web.service disabled enabled',
    '',
    '2 unit files listed.',
  ])
})

test('list-jobs shows the queue, or says that it is empty', t => {
  t.deepEqual(
    formatJobs([{ id: 55, unit: 'slow.service', type: 'start', state: 'running' }], style),
    ['JOB UNIT         TYPE  STATE', '55  slow.service start running', '', '1 jobs listed.'],
  )
  t.deepEqual(formatJobs([], style), ['No jobs running.'])
  t.deepEqual(formatJobs([], { ...style, legend: false }), [])
})

const leaf = (
  unit: string,
  active = 'active',
  children: DependencyNode[] = [],
): DependencyNode => ({
  unit,
  active,
  children,
})
const tree = leaf('my.target', 'active', [
  leaf('sub.target', 'inactive', [leaf('x.service', 'failed'), leaf('y.service')]),
  leaf('web.service'),
])

test('list-dependencies draws a tree with the state of each unit, targets last', t => {
  t.deepEqual(formatDependencies(tree, { paint: createPaint(false), plain: false }), [
    'my.target',
    '● ├─web.service',
    '○ └─sub.target',
    '×   ├─x.service',
    '●   └─y.service',
  ])
})

test('list-dependencies --plain indents', t => {
  t.deepEqual(formatDependencies(tree, { paint: createPaint(true), plain: true }), [
    'my.target',
    '  web.service',
    '  sub.target',
    '    x.service',
    '    y.service',
  ])
})
