// `npm run simulate -- [--seeds N] [--seed S] [--steps N] [--minutes N]`: random scenarios, a hundred to a seed, until so many
// seeds, steps of the engine or minutes are through. A failure ends it, with the shortest schedule that fails and how to replay it.
import { parseArgs } from 'node:util'
import { play, shutDown } from './course.ts'
import type { Scenario } from './scenario.ts'
import { assertScenarios } from './search.ts'

const RUNS_PER_SEED = 100
const COURSES = { play, shutdown: shutDown }
type Course = keyof typeof COURSES

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    steps: { type: 'string' },
    minutes: { type: 'string' },
    course: { type: 'string' },
  },
})

/** A number of the command line. */
function number(name: 'seeds' | 'seed' | 'steps' | 'minutes', otherwise: number): number {
  const value = values[name] === undefined ? otherwise : Number(values[name])
  if (!(value >= 0)) {
    console.error(`cannot read --${name} ${values[name]}: expected a number`)
    process.exit(2)
  }
  return value
}
const isCourse = (name: string): name is Course => Object.hasOwn(COURSES, name)

const isOpenEnded = values.steps !== undefined || values.minutes !== undefined
const most = {
  seeds: number('seeds', isOpenEnded ? Number.POSITIVE_INFINITY : 1),
  steps: number('steps', Number.POSITIVE_INFINITY),
  milliseconds: number('minutes', Number.POSITIVE_INFINITY) * 60_000,
}
const first = number('seed', Math.floor(Math.random() * 1_000_000))
const courses = (values.course?.split(',') ?? Object.keys(COURSES)).filter(isCourse)

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

function search(course: Course, seed: number): void {
  const wanted = { runs: RUNS_PER_SEED, seed }
  let isFound = false
  try {
    assertScenarios(wanted, (script: Scenario) => {
      try {
        const world = COURSES[course](script)
        if (isFound) return
        total.steps += world.steps
        total.crashes += world.crashes
        total.scenarios++
      } catch (error) {
        isFound = true
        throw error
      }
    })
  } catch (error) {
    const { message, stack } = error as Error
    console.error(message)
    const frames = stack?.split('\n').filter(line => line.startsWith('    at ')) // not the schedule again
    console.error((frames ?? []).slice(0, 12).join('\n'))
    console.error(`\n${summary()}`)
    console.error(`replay: npm run simulate -- --seed ${seed} --course ${course}`)
    process.exit(1)
  }
}

let told = 0
for (let seed = first; total.seeds < most.seeds; seed++) {
  for (const course of courses) search(course, seed)
  total.seeds++
  if (total.steps >= most.steps || seconds() * 1000 >= most.milliseconds) break
  if (seconds() - told < 60) continue
  told = seconds()
  console.log(summary())
}
console.log(`${summary()}; nothing found`)
