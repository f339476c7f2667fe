// `npm run bench`: hearth beside the least a supervisor must do ("limit") and beside peers that are installed, interleaved
// in the same run. The machine's own speed cancels out in the ratios. Root, since each run is PID 1 of a namespace.
//   npm run bench -- [--rounds N] [--services N] [--only FIGURE[,FIGURE]] [--no-peers]
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  measureBoot,
  measureCommands,
  measureIdle,
  measureOrphans,
  measureRestart,
  measureStop,
  measureStorm,
  median,
  withOne,
} from './figures.ts'
import { measureAnswers, measureLines, measureLogged } from './logs.ts'
import { hearth, limit, loggers, peers, programs, type Subject } from './subjects.ts'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    services: { type: 'string', default: '1000' },
    only: { type: 'string' },
    'no-peers': { type: 'boolean', default: false },
  },
})
const rounds = Number(options.rounds)
const services = Number(options.services)
const ms = (usec: number) => `${(usec / 1000).toFixed(1)} ms`
const kib = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`
const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`

type Row = { value: string; ratio: number | null }
type Figure = {
  name: string
  /** One run: the numbers it gives. */
  run: (subject: Subject) => Promise<Record<string, number>>
  /** The lines of the table, from the medians over the rounds. */
  lines: readonly {
    title: string
    of: (numbers: Record<string, number>) => number
    print: (value: number) => string
    aim: string
    ratio: boolean
  }[]
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const here = mkdtempSync('/tmp/hearth-bench-programs-')
const compile = (source: string, to: string) =>
  execFileSync('cc', ['-std=c11', '-O2', '-static', '-o', to, `${root}test/bench/${source}`])

const number = (key: string) => (numbers: Record<string, number>) => numbers[key] ?? Number.NaN
const figures: readonly Figure[] = [
  {
    name: 'boot',
    async run(subject) {
      const many = await measureBoot(subject, here, services)
      const one = await measureBoot(subject, here, 1)
      return {
        many: many.upUsec,
        one: one.upUsec,
        slope: (many.privateBytes - one.privateBytes) / (services - 1),
        base: one.privateBytes,
      }
    },
    lines: [
      {
        title: `exec to ${services} services up`,
        of: number('many'),
        print: ms,
        aim: '1.4 x limit',
        ratio: true,
      },
      { title: 'exec to 1 service up', of: number('one'), print: ms, aim: '60 ms', ratio: false },
      {
        title: 'private memory per service',
        of: number('slope'),
        print: kib,
        aim: '6 KiB',
        ratio: false,
      },
      {
        title: 'private memory with 1 service',
        of: number('base'),
        print: mib,
        aim: '20 MiB',
        ratio: false,
      },
    ],
  },
  {
    name: 'restart',
    async run(subject) {
      // A peer that waits a second between restarts would only take time here, not tell more.
      const one = await measureRestart(
        subject,
        here,
        1,
        subject.name === 'limit' || subject === hearth ? 40 : 5,
      )
      const many = await measureRestart(
        subject,
        here,
        services,
        subject === hearth || subject.name === 'limit' ? 40 : 5,
      )
      return { one: one.restartUsec, many: many.restartUsec }
    },
    lines: [
      {
        title: 'SIGKILL to next exec, 1 service',
        of: number('one'),
        print: ms,
        aim: '1.8 x limit',
        ratio: true,
      },
      {
        title: `SIGKILL to next exec, ${services} services`,
        of: number('many'),
        print: ms,
        aim: '1.8 x limit',
        ratio: true,
      },
    ],
  },
  {
    name: 'storm',
    run: subject => measureStorm(subject, here, services, 100),
    lines: [
      {
        title: '100 killed at once, all back',
        of: number('stormUsec'),
        print: ms,
        aim: '1.3 x limit',
        ratio: true,
      },
    ],
  },
  {
    name: 'orphans',
    run: subject => measureOrphans(subject, here, 10_000),
    lines: [
      {
        title: '10,000 orphans: most zombies',
        of: number('zombies'),
        print: value => String(value),
        aim: 'under 100',
        ratio: false,
      },
      {
        title: '10,000 orphans: CPU of PID 1',
        of: number('cpuUsec'),
        print: ms,
        aim: '2.0 x limit',
        ratio: true,
      },
    ],
  },
  {
    name: 'idle',
    run: subject => measureIdle(subject, here, services, 10),
    lines: [
      {
        title: `context switches in 10 s, ${services} idle`,
        of: number('switches'),
        print: value => String(value),
        aim: '0',
        ratio: false,
      },
    ],
  },
  {
    name: 'stop',
    run: subject => measureStop(subject, here, services),
    lines: [
      {
        title: `SIGTERM to gone, ${services} services`,
        of: number('stopUsec'),
        print: ms,
        aim: '2.0 x limit',
        ratio: true,
      },
    ],
  },
]

const LINES_BYTES = 200_000_000
const logFigures: readonly Figure[] = [1, 100].flatMap(writers =>
  [100, 1000].map(length => ({
    name: 'lines',
    run: (subject: Subject) => measureLines(subject, here, { writers, bytes: LINES_BYTES, length }),
    lines: [
      {
        title: `lines of ${length} bytes, ${writers} writer${writers === 1 ? '' : 's'}`,
        of: number('rate'),
        print: (value: number) => `${value.toFixed(0)} MB/s`,
        aim: '2.5 x s6-log',
        ratio: true,
      },
      {
        title: '  processor time for 200 MB',
        of: number('cpuUsec'),
        print: ms,
        aim: '0.4 x s6-log',
        ratio: true,
      },
    ],
  })),
)
const hearthFigures: readonly Figure[] = [
  {
    name: 'answers',
    run: subject =>
      measureAnswers(subject, here, { writers: 1, bytes: 2 * LINES_BYTES, length: 100 }),
    lines: [
      {
        title: 'a request answered, idle',
        of: number('idleUsec'),
        print: ms,
        aim: '',
        ratio: false,
      },
      {
        title: 'a request answered, a service writing all it can',
        of: number('busyUsec'),
        print: ms,
        aim: '2.0 x idle',
        ratio: false,
      },
    ],
  },
  {
    name: 'logged',
    run: subject => measureLogged(subject, here, services),
    lines: [
      {
        title: 'private memory per service that has written lines',
        of: number('slope'),
        print: kib,
        aim: '16 KiB',
        ratio: false,
      },
    ],
  },
]

const table = (rows: readonly (readonly string[])[]) => {
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? []
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}

async function measure(figure: Figure, subjects: readonly Subject[], base: string) {
  const found = new Map<string, Record<string, number>[]>()
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) {
      // Peers are for orientation: one run each.
      if (round > 0 && peers.includes(subject)) continue
      try {
        const numbers = await figure.run(subject)
        found.set(subject.name, [...(found.get(subject.name) ?? []), numbers])
      } catch (error) {
        console.error(`${figure.name}: ${subject.name}: ${(error as Error).message}`)
      }
    }
  }
  return figure.lines.map(line => {
    const of = (name: string) => median((found.get(name) ?? []).map(line.of))
    return [
      line.title,
      ...subjects.map(subject => {
        const value = of(subject.name)
        if (Number.isNaN(value)) return '-'
        const row: Row = { value: line.print(value), ratio: line.ratio ? value / of(base) : null }
        return row.ratio === null || subject.name === base
          ? row.value
          : `${row.value} (${row.ratio.toFixed(2)})`
      }),
      line.aim,
    ]
  })
}

async function measureCtl(): Promise<string[]> {
  const spans = await withOne(hearth, here, async init => {
    const runtime =
      /HEARTH_RUNTIME=([^\0]*)/.exec(readFileSync(`/proc/${init}/environ`, 'latin1'))?.[1] ?? ''
    const node = readFileSync(`/proc/${init}/cmdline`, 'latin1').split('\0')[0] ?? 'node'
    const environment = { HEARTH_RUNTIME: runtime }
    execFileSync(`${root}dist/ctl`, ['is-active', 's0'], {
      env: { ...process.env, ...environment },
    })
    return measureCommands(
      [`${root}dist/ctl`, 'is-active', 's0'],
      [node, '-e', '0'],
      30,
      environment,
    )
  })
  return [
    'ctl is-active as a process',
    `${ms(spans[0])} (${(spans[0] / spans[1]).toFixed(2)} x node -e 0: ${ms(spans[1])})`,
    '1.5 x bare node',
  ]
}

try {
  if (process.geteuid?.() !== 0)
    throw new Error('cannot measure: each run is PID 1 of a namespace, which takes root')
  compile('service.c', `${here}/service`)
  compile('limit.c', `${here}/limit`)
  compile('lines.c', `${here}/lines`)
  compile('lines.c', `${here}/copy`)
  programs(`${here}/service`, here, ['stamp', 'orphans'])
  const isWanted = (name: string) => options.only?.split(',').includes(name) ?? true
  const beside = options['no-peers'] ? [] : peers
  const groups: readonly (readonly [readonly Figure[], readonly Subject[], base: string])[] = [
    [figures, [limit(`${here}/limit`), hearth, ...beside], 'limit'],
    [logFigures, [hearth, ...loggers(`${here}/copy`)], 's6-log'],
    [hearthFigures, [hearth], 'hearth'],
  ]
  for (const [group, all, base] of groups) {
    const subjects = all.filter(subject => subject.available())
    const rows: string[][] = []
    for (const figure of group)
      if (isWanted(figure.name)) rows.push(...(await measure(figure, subjects, base)))
    if (rows.length > 0) table([['figure', ...subjects.map(({ name }) => name), 'aim'], ...rows])
  }
  if (isWanted('ctl')) table([await measureCtl()])
} finally {
  rmSync(here, { recursive: true, force: true })
}
