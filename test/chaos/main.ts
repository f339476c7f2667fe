// `npm run chaos -- [--minutes N] [--seed S] [--services N]`: ten minutes of chaos with 50 services, and the table of what was
// done and what came of it. Exits with 1 when something was wrong; the files of the run are left then. Root only.
// `npm run chaos -- --gaps 10,1000`: how long the daemon does not answer when it dies, with so many services.
import { parseArgs } from 'node:util'
import { chaos } from './chaos.ts'
import { gaps } from './gaps.ts'

const GAPS = 10

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    services: { type: 'string', default: '50' },
    gaps: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
})

const row = (name: string, ...cells: readonly (string | number)[]) =>
  console.log(name.padEnd(28), ...cells.map(cell => `${cell}`.padStart(9)))
const middleAndLongest = (ms: readonly number[]) => {
  const sorted = ms.toSorted((a, b) => a - b)
  return [sorted[sorted.length >> 1] ?? 0, sorted.at(-1) ?? 0].map(Math.round)
}

if (values.gaps !== undefined) {
  row('gap', 'times', 'ms', 'longest', 'cpu ms', 'most')
  for (const services of values.gaps.split(',').map(Number))
    for (const [kind, found] of Object.entries(await gaps(services, GAPS))) {
      const ms = middleAndLongest(found.map(gap => gap.ms))
      const cpuMs = middleAndLongest(found.map(gap => gap.cpuMs))
      row(`${kind}, ${services} services`, GAPS, ...ms, ...cpuMs)
    }
  process.exit(0)
}

const account = await chaos({
  seconds: Number(values.minutes) * 60,
  seed: Number(values.seed),
  services: Number(values.services),
  tell: text => {
    if (values.verbose) console.log(text)
  },
})
row('done', 'times', 'gap ms', 'longest')
for (const { name, count, gapsMs } of account.deeds.toSorted(
  (a, b) => b.gapsMs.length - a.gapsMs.length,
))
  row(name, count, ...(gapsMs.length > 0 ? middleAndLongest(gapsMs) : []))
row('images of the daemon', account.images + 1)
row('lives of services', account.lives)
row('ends on record', account.ends)
row('lines in the logs', account.lines)
row('messages of services', account.messages)
row('the last one looked for', account.messagesFound)
row('connections answered', account.connections)
row('ended with their service', account.unanswered)
for (const problem of account.problems) console.error(problem)
console.log(
  account.problems.length === 0 ? 'nothing was lost' : `${account.problems.length} problems`,
  `(seed ${values.seed})`,
)
process.exit(account.problems.length === 0 ? 0 : 1)
