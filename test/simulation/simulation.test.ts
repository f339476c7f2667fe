// Random units, misbehaving processes and commands at any moment: what holds after every step, and at the end.
// HEARTH_SIM_RUNS says how many scenarios (200), HEARTH_SIM_SEED which ones.
import test from 'ava'
import fc from 'fast-check'
import { describeScenario, partsOf, perform, type Scenario, scenario } from './scenario.ts'
import { SECOND, World } from './world.ts'

const runs = Number(process.env.HEARTH_SIM_RUNS ?? 200)
const seed = Number(process.env.HEARTH_SIM_SEED ?? Date.now() % 2 ** 31)

/** When nothing is in flight, a service that is up has the process it says it has. */
function checkProcesses(world: World): void {
  for (const { name, service } of world.engine.state.units.values()) {
    if (!service?.mainPid) continue
    const process = world.processes.get(service.mainPid)
    if (process?.unit !== name)
      throw new Error(`${name} has the main process ${service.mainPid}, which is not there`)
  }
}

/** A unit that is up has up what it is bound to, unless something is still to come. */
function checkBindings(world: World): void {
  const { state, graph } = world.engine
  const isUp = (name: string) => ['active', 'reloading'].includes(world.active(name))
  const isDown = (name: string) => ['inactive', 'failed'].includes(world.active(name))
  for (const { name, job, recheckUsec } of state.units.values()) {
    if (!isUp(name) || job !== null || recheckUsec !== undefined) continue
    for (const other of graph.related(name, 'bindsTo')) {
      if (isDown(other) && world.job(other) === null)
        throw new Error(`${name} is up though bound to ${other}`)
    }
  }
}

function checkQuiet(world: World): void {
  checkProcesses(world)
  const [job] = world.engine.state.jobs.values()
  if (world.isQuiet && job) throw new Error(`the ${job.type} job of ${job.unit} waits for nothing`)
}

function play(script: Scenario): World {
  const world = new World(partsOf(script))
  for (const deed of script.commands) {
    perform(world, deed)
    checkProcesses(world)
  }
  world.pass(30 * SECOND)
  checkQuiet(world)
  // Dependencies that were edited count for what happens from then on, and a cycle may forbid the stop.
  const isEdited = script.commands.some(deed => deed.do === 'change')
  if (!isEdited && !world.lines.some(line => line.includes('cycle'))) checkBindings(world)
  return world
}

/** Plays many scenarios; of one that fails, the shortest that fails is shown. */
function assertAll(tried: (script: Scenario) => void): void {
  const { failed, counterexample, errorInstance, counterexamplePath } = fc.check(
    fc.property(scenario, tried),
    { numRuns: runs, seed },
  )
  if (!failed) return
  const [script] = counterexample ?? []
  const error = errorInstance instanceof Error ? errorInstance : new Error(String(errorInstance))
  error.message += `; seed ${seed}, path ${counterexamplePath}\n${script ? describeScenario(script) : ''}`
  throw error
}

test('whatever happens, orderings and time-outs hold, and no job waits for nothing', t => {
  t.log(`seed ${seed}, ${runs} scenarios`)
  let steps = 0
  assertAll(script => {
    steps += play(script).steps
  })
  t.log(`${steps} steps`)
  t.pass()
})

test('a shutdown at any moment leaves nothing', t => {
  assertAll(script => {
    const world = new World(partsOf(script))
    for (const deed of script.commands) perform(world, deed)
    world.shutdown()
    // Seven units one after the other, each with its six time-outs.
    world.pass(7 * 6 * 2 * SECOND)
    if (!world.finished) throw new Error('the shutdown does not end')
    const left = [...world.processes.values()].map(process => process.unit)
    const isTimedOut = world.history.some(
      effect =>
        effect.type === 'job-finished' && effect.jobType === 'stop' && effect.result === 'timeout',
    )
    if (left.length > 0 && !isTimedOut) throw new Error(`processes are left of ${left}`)
    for (const name of world.engine.state.units.keys()) {
      const active = world.active(name)
      if (active !== 'inactive' && active !== 'failed' && !isTimedOut)
        throw new Error(`${name} is ${active}`)
    }
  })
  t.pass()
})
