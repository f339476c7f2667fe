// The daemon's engine and loop, with a simulated machine around them and a record of what happens.
import type { Effect } from '../daemon/engine/effect.ts'
import { createEngine, type Engine } from '../daemon/engine/engine.ts'
import type { EngineEvent } from '../daemon/engine/event.ts'
import { machineOf } from '../daemon/engine/machines.ts'
import type { ActiveState, JobType, UnitState } from '../daemon/engine/state.ts'
import { createLoop } from '../daemon/loop.ts'
import type { LoadedUnits } from '../daemon/units/load.ts'
import type { JobMode, UnitName } from '../daemon/units/unit.ts'
import type { Behaviour } from './behaviour.ts'
import { type Command, type Conditions, Surroundings } from './surroundings.ts'
import { changeWords, effectWords, exitWords } from './tell.ts'

/** Something that has happened, `usec` after the beginning. `isMinor`: to a unit that has no file, as it should. */
export type Happening = { usec: number; unit: UnitName | null; text: string; isMinor?: true }

export type SimulatedParts = {
  units: LoadedUnits
  behave: (command: Command) => Behaviour
  conditions: (unit: UnitName) => Conditions
  /** The time of day at the beginning, microseconds. */
  realtimeUsec: number
  zone: string
}

/** The comings and goings of built-in targets and slices. */
const AS_IT_SHOULD = /^((in)?active \((active|dead)\)|(start|stop) job: done)$/

export class SimulatedDaemon {
  readonly engine: Engine
  readonly around: Surroundings
  readonly timeline: Happening[] = []
  /** Everything that was wanted, oldest first. */
  readonly effects: Effect[] = []
  readonly units: LoadedUnits
  readonly #post: (event: EngineEvent) => void
  readonly #began: number
  readonly #activeAt = new Map<UnitName, number>()
  readonly #begunAt = new Map<UnitName, number>()
  #requests = 0
  #steps = 0

  constructor(parts: SimulatedParts) {
    const { units, behave, conditions, zone } = parts
    this.units = units
    this.around = new Surroundings({
      post: event => this.#post(event),
      unit: name => this.engine.graph.unit(name),
      behave,
      conditions,
      ended: ({ unit, pid }, exit) => this.note(unit, `process ${pid} ended: ${exitWords(exit)}`),
    })
    const { around } = this
    around.offsetUsec = parts.realtimeUsec - around.monotonicUsec
    this.#began = around.monotonicUsec
    this.engine = createEngine({
      units,
      seed: '0123456789abcdef'.repeat(2),
      started: around.now,
      zone,
    })
    const loop = createLoop({
      engine: this.engine,
      perform: effect => around.perform(effect),
      record: (event, { units: changed }, wanted) => {
        this.#steps++
        this.#noteEvent(event)
        for (const [name, state] of changed) this.#noteChange(name, state)
        for (const effect of wanted) this.#noteEffect(effect)
      },
      now: () => around.now,
      arm: around.arm,
      settled: () => {},
    })
    this.#post = loop.post
  }

  /** Microseconds since the beginning. */
  get usec(): number {
    return this.around.monotonicUsec - this.#began
  }
  /** How many events the engine has taken. */
  get steps(): number {
    return this.#steps
  }

  post(event: EngineEvent): void {
    this.#post(event)
  }

  /** Asks for a job by hand; the number of the request. */
  ask(job: JobType, unit: UnitName, mode: JobMode): number {
    const request = ++this.#requests
    this.#post({ type: 'job-requested', request, job, unit, mode, manual: true })
    return request
  }

  stateOf(name: UnitName): UnitState | null {
    return this.engine.state.units.get(name) ?? null
  }

  activeState(name: UnitName): ActiveState {
    const state = this.stateOf(name)
    return state ? machineOf(this.engine.graph.unit(name).type).activeState(state) : 'inactive'
  }

  /** When the unit became active, and when it began to start, for the first time: numbers that grow with what happens. */
  firsts(name: UnitName): { active: number | null; begun: number | null } {
    return { active: this.#activeAt.get(name) ?? null, begun: this.#begunAt.get(name) ?? null }
  }

  note(unit: UnitName | null, text: string): void {
    const isMinor =
      unit !== null && AS_IT_SHOULD.test(text) && this.engine.graph.unit(unit).fragmentPath === null
    this.timeline.push({ usec: this.usec, unit, text, ...(isMinor && { isMinor }) })
  }

  #noteEvent(event: EngineEvent): void {
    if (event.type === 'spawn-failed')
      this.note(event.unit, `cannot be started: ${event.step}: ${event.message}`)
    if (event.type === 'oom-killed') this.note(event.unit, 'out of memory')
    if (event.type === 'notify' && event.fields.WATCHDOG !== '1') {
      const fields = Object.entries(event.fields).map(([name, value]) => `${name}=${value}`)
      this.note(event.unit, `says ${fields.join(' ')}`)
    }
  }

  #noteChange(name: UnitName, state: UnitState | null): void {
    const unit = this.engine.graph.unit(name)
    const before = this.stateOf(name)
    const text = changeWords(unit, before, state)
    if (text === null) return
    this.note(name, text)
    const { activeState } = machineOf(unit.type)
    const at = this.timeline.length
    if (state && activeState(state) === 'active' && !this.#activeAt.has(name))
      this.#activeAt.set(name, at)
    const wasDown = before === null || ['inactive', 'failed'].includes(activeState(before))
    if (state && wasDown && !['inactive', 'failed'].includes(activeState(state)))
      if (!this.#begunAt.has(name)) this.#begunAt.set(name, at)
  }

  #noteEffect(effect: Effect): void {
    this.effects.push(effect)
    const text = effectWords(effect, name => this.engine.graph.unit(name))
    if (text !== null) this.note('unit' in effect ? effect.unit : null, text)
  }
}
