// `npm run simulate -- [--seeds N] [--seed S] [--steps N] [--minutes N] [--course NAME] [--threads N]`: random scenarios, a hundred
// to a seed, until so many seeds, steps of the engine or minutes are through. A failure ends it, with the shortest schedule that
// fails and how to replay it.
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { COURSES } from './search.ts'
import type { Report, Task } from './worker.ts'

const RUNS_PER_SEED = 100
const TELL_EVERY_S = 60

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    steps: { type: 'string' },
    minutes: { type: 'string' },
    course: { type: 'string' },
    threads: { type: 'string' },
  },
})

function refuse(message: string): never {
  console.error(message)
  process.exit(2)
}

/** A number of the command line. */
function number(
  name: 'seeds' | 'seed' | 'steps' | 'minutes' | 'threads',
  otherwise: number,
): number {
  const value = values[name] === undefined ? otherwise : Number(values[name])
  return value >= 0 ? value : refuse(`cannot read --${name} ${values[name]}: expected a number`)
}

const isOpenEnded = values.steps !== undefined || values.minutes !== undefined
const most = {
  seeds: number('seeds', isOpenEnded ? Number.POSITIVE_INFINITY : 1),
  steps: number('steps', Number.POSITIVE_INFINITY),
  milliseconds: number('minutes', Number.POSITIVE_INFINITY) * 60_000,
}
const first = number('seed', Math.floor(Math.random() * 1_000_000))
const courses = values.course?.split(',') ?? Object.keys(COURSES)
for (const course of courses)
  if (!Object.hasOwn(COURSES, course))
    refuse(`cannot play ${course}: expected one of ${Object.keys(COURSES).join(', ')}`)
const threads = Math.max(1, Math.min(number('threads', availableParallelism()), most.seeds))

const began = performance.now()
const total = { seeds: 0, scenarios: 0, steps: 0, crashes: 0 }
const seconds = () => (performance.now() - began) / 1000

function summary(): string {
  const perSecond = Math.round(total.steps / Math.max(0.001, seconds()))
  return (
    `${total.seeds} seeds from ${first}: ${total.scenarios} scenarios, ${total.steps} steps, ` +
    `${total.crashes} crashes in ${seconds().toFixed(1)} s, ${perSecond} steps/s`
  )
}

let next = first
let told = 0
let working = 0

/** Gives the thread its next seed, if there is to be one. */
function giveWork(worker: Worker): void {
  const isEnough =
    next - first >= most.seeds || total.steps >= most.steps || seconds() * 1000 >= most.milliseconds
  if (!isEnough) {
    worker.postMessage(next++)
    return
  }
  worker.unref()
  working--
  if (working === 0) console.log(`${summary()}; nothing found`)
}

function take(worker: Worker, { seed, failure, ...count }: Report): void {
  total.seeds++
  total.scenarios += count.scenarios
  total.steps += count.steps
  total.crashes += count.crashes
  if (failure) {
    console.error(failure.text)
    console.error(`\n${summary()}`)
    console.error(`replay: npm run simulate -- --seed ${seed} --course ${failure.course}`)
    process.exit(1)
  }
  if (seconds() - told >= TELL_EVERY_S) {
    told = seconds()
    console.log(summary())
  }
  giveWork(worker)
}

const task: Task = { runs: RUNS_PER_SEED, courses }
for (let thread = 0; thread < threads; thread++) {
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: task })
  worker.on('error', error => {
    console.error(error)
    process.exit(1)
  })
  worker.on('message', (report: Report) => take(worker, report))
  working++
  giveWork(worker)
}
