// Random units, misbehaving processes, crashes and commands at any moment: what holds after every step, and at the end.
// HEARTH_SIM_RUNS says how many scenarios (700), HEARTH_SIM_SEED which ones (1:
// what fails here fails by the change that is tested); `npm run simulate` plays others, for as long as wanted.
import test from 'ava'
import { COURSES, search } from './search.ts'

const runs = Number(process.env.HEARTH_SIM_RUNS ?? 700)
const seed = Number(process.env.HEARTH_SIM_SEED ?? 1)

test('whatever happens, orderings and time-outs hold, no job waits for nothing, and a shutdown leaves nothing', t => {
  const count = { scenarios: 0, steps: 0, crashes: 0 }
  const found = search({ runs, seed, courses: Object.keys(COURSES) }, count)
  t.log(
    `seed ${seed}: ${count.scenarios} scenarios, ${count.steps} steps, ${count.crashes} crashes`,
  )
  if (found) throw found.error
  t.pass()
})
