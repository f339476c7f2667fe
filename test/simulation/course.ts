// What a scenario has to come to, whatever happens in it. A breach throws.
import { partsOf, perform, type Scenario } from './scenario.ts'
import { SECOND, World } from './world.ts'

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

/** Who has asked for a job has an answer, and it is the end of the job unless that is still to come. */
function checkAnswers(world: World): void {
  const accepted = new Map<number, number>()
  const answered = new Set<number>()
  const ended = new Set<number>()
  for (const effect of world.history) {
    if (effect.type === 'job-refused') answered.add(effect.request)
    if (effect.type === 'job-finished') ended.add(effect.job)
    if (effect.type !== 'job-accepted') continue
    answered.add(effect.request)
    accepted.set(effect.request, effect.job)
  }
  for (let request = 1; request <= world.requests; request++)
    if (!answered.has(request)) throw new Error(`request ${request} has no answer`)
  for (const [request, job] of accepted)
    if (!ended.has(job) && !world.engine.state.jobs.has(job))
      throw new Error(`the job ${job} of request ${request} has gone without a word`)
}

function checkQuiet(world: World): void {
  checkProcesses(world)
  checkAnswers(world)
  const [job] = world.engine.state.jobs.values()
  if (world.isQuiet && job) throw new Error(`the ${job.type} job of ${job.unit} waits for nothing`)
}

/** Plays the scenario and lets time pass: orderings and time-outs hold, and no job waits for nothing. */
export function play(script: Scenario): World {
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

/** Plays the scenario and shuts down: nothing is left. */
export function shutDown(script: Scenario): World {
  const world = new World(partsOf(script))
  for (const deed of script.commands) perform(world, deed)
  world.shutdown()
  // The units one after the other, each with its six time-outs.
  world.pass(script.units.length * 6 * 3 * SECOND)
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
  return world
}
