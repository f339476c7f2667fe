// Random units, misbehaving processes, crashes and commands at any moment: what holds after every step, and at the end.
// HEARTH_SIM_RUNS says how many scenarios (200), HEARTH_SIM_SEED which ones (1:
// what fails here fails by the change that is tested); `npm run simulate` plays others, for as long as wanted.
import test from 'ava'
import { play, shutDown } from './course.ts'
import { assertScenarios } from './search.ts'

const runs = Number(process.env.HEARTH_SIM_RUNS ?? 200)
const seed = Number(process.env.HEARTH_SIM_SEED ?? 1)

test('whatever happens, orderings and time-outs hold, and no job waits for nothing', t => {
  t.log(`seed ${seed}, ${runs} scenarios`)
  let steps = 0
  let crashes = 0
  assertScenarios({ runs, seed }, script => {
    const world = play(script)
    steps += world.steps
    crashes += world.crashes
  })
  t.log(`${steps} steps, ${crashes} crashes`)
  t.pass()
})

test('a shutdown at any moment leaves nothing', t => {
  assertScenarios({ runs, seed }, shutDown)
  t.pass()
})
