// The daemon's memory over its own death: each step of the engine, each effect that is still to be carried out, and what the
// parts keep, written down as they come about. An image that takes the place of this one reads it and goes on.
import { differenceOf, stateOf } from '../engine/difference.ts'
import type { Effect } from '../engine/effect.ts'
import type { EngineEvent } from '../engine/event.ts'
import type { Changes, EngineState, Job, ManagerState, UnitState } from '../engine/state.ts'
import type { UnitName } from '../units/unit.ts'
import { createKeep, type Keep, type KeepRecord, type KeepStore } from './keep.ts'
import type { Ledger, Native } from './native.ts'

const DAMAGED = 'the state is damaged'

/** Of the records. An image that knows another one alone does not read them (adopt.ts takes over then). */
export const STATE_VERSION = 2

/** A new account is written when the records since the last are so many times as long as that was before it was packed, and
 * at least so long: so accounts cost less than records, however many units there are. */
const GROWTH = 3
const LEAST_BYTES = 1 << 20

/** Doubles in the ledger's slots; those from 8 on are the addon's (image.c). */
export const SLOT = {
  /** How many of the effects on record have been carried out. */
  performed: 0,
  /** 1: an event is in hand, 2: an effect is. The note tells which. */
  phase: 1,
  /** The pid of the process that the present effect has started, set by the kernel (spawn.c). */
  spawned: 2,
} as const
const PHASE = { none: 0, step: 1, effect: 2 } as const

export type Leftover = {
  state: EngineState
  /** Posted, and not yet stepped. */
  events: readonly EngineEvent[]
  /** Wanted, and not yet carried out. */
  effects: readonly Effect[]
  /** How many of all the effects on record have been carried out. */
  performed: number
  /** What the image was at when it ended: the event or effect as JSON, cut off where it is long; null: at nothing. */
  culprit: string | null
  /** The process that the first of the effects, a spawn, has started already; 0: none. */
  spawnedPid: number
}

/** Where the loop's doings are written down, each before it counts, so that another can go on from there. */
export interface Account {
  /** What is in hand from here on. */
  stepping(event: EngineEvent): void
  performing(effect: Effect): void
  /** `isPosted`: its event was told by `posted` when it was put to wait. */
  step(changes: Changes, effects: readonly Effect[], isPosted: boolean): void
  /** An event came of the effect in hand, and waits for its turn. */
  posted(event: EngineEvent): void
  /** The effect in hand has been carried out. */
  performed(): void
  /** Nothing is left to do, and this is the state. */
  settled(state: EngineState): void
}

export interface Persist extends Account {
  readonly fd: number
  readonly slots: Float64Array
  readonly keep: Keep
  /** Writes a new account: that is the state, and those are still to come. */
  account(state: EngineState, events: readonly EngineEvent[], effects: readonly Effect[]): void
  /** The descriptors that the parts keep. */
  keptFds(): Set<number>
}

type Row =
  | KeepRecord
  | readonly [
      type: 'account',
      manager: ManagerState,
      units: object[],
      jobs: Job[],
      performed: number,
      events: readonly EngineEvent[],
      effects: readonly Effect[],
      kept: readonly KeepRecord[],
    ]
  | readonly ['step', Step]
  | readonly ['posted', EngineEvent, performed: number]

/** What a step changed: m the manager, u units, x units that are gone, j jobs, y jobs that are gone, e effects; c: its event
 * was posted before. */
type Step = {
  m?: ManagerState
  u?: object[]
  x?: UnitName[]
  j?: Job[]
  y?: number[]
  e?: readonly Effect[]
  c?: 1
}

/** A line of the log that was not written is not worth a record. */
const isKept = (effect: Effect) => effect.type !== 'log'

/** `ledger`: an empty one, or that of an earlier image with what of it the parts keep. */
export function createPersist(
  native: Pick<Native, 'cloexec'>,
  ledger: Ledger,
  before: KeepStore | null,
): Persist {
  const slots = new Float64Array(ledger.slots)
  const write = (row: Row) => ledger.append(JSON.stringify(row))
  const keep = before ?? createKeep()
  keep.join({ write, cloexec: native.cloexec })
  /** When the ledger has so many bytes, a new account is due. */
  let dueBytes = LEAST_BYTES
  /** The present effect is one on record. */
  let counts = false

  const account = (
    state: EngineState,
    events: readonly EngineEvent[],
    effects: readonly Effect[],
  ) => {
    ledger.begin()
    const units = [...state.units.values()].map(differenceOf)
    const performed = slots[SLOT.performed] as number
    const jobs = [...state.jobs.values()]
    const kept = [...keep.records()]
    const row: Row = ['account', state.manager, units, jobs, performed, events, effects, kept]
    const text = JSON.stringify(row)
    ledger.pack(text)
    dueBytes = ledger.bytes() + Math.max(LEAST_BYTES, GROWTH * text.length)
    ledger.flip()
  }

  return {
    fd: ledger.fd,
    slots,
    keep,
    account,
    keptFds: keep.fds,
    stepping(event) {
      ledger.note(JSON.stringify(event))
      slots[SLOT.phase] = PHASE.step
    },
    step(changes, effects, isPosted) {
      const step: Step = {}
      if (changes.manager) step.m = changes.manager
      if (changes.units.size > 0) {
        const present: object[] = []
        for (const [name, unit] of changes.units) {
          if (unit) present.push(differenceOf(unit))
          else {
            step.x ??= []
            step.x.push(name)
          }
        }
        if (present.length > 0) step.u = present
      }
      for (const [id, job] of changes.jobs) {
        if (job) {
          step.j ??= []
          step.j.push(job)
        } else {
          step.y ??= []
          step.y.push(id)
        }
      }
      const kept = effects.every(isKept) ? effects : effects.filter(isKept)
      if (kept.length > 0) step.e = kept
      if (isPosted) step.c = 1
      for (const _ in step) {
        write(['step', step])
        break
      }
      slots[SLOT.phase] = PHASE.none
    },
    posted(event) {
      write(['posted', event, (slots[SLOT.performed] as number) + (counts ? 1 : 0)])
    },
    performing(effect) {
      counts = isKept(effect)
      if (!counts) return
      slots[SLOT.spawned] = 0
      slots[SLOT.phase] = PHASE.effect
    },
    performed() {
      if (!counts) return
      slots[SLOT.performed] = (slots[SLOT.performed] as number) + 1
      slots[SLOT.phase] = PHASE.none
      counts = false
    },
    settled(state) {
      if (ledger.bytes() > dueBytes) account(state, [], [])
    },
  }
}

/** Reads what an earlier image has left, and changes nothing. Throws when it is not what this version writes. */
export function readLedger(ledger: Ledger): { leftover: Leftover | null; keep: KeepStore } {
  if (ledger.version !== STATE_VERSION)
    throw new Error(`the state is of version ${ledger.version}; this is version ${STATE_VERSION}`)
  if (ledger.isDamaged()) throw new Error(DAMAGED)
  const slots = new Float64Array(ledger.slots)
  const keep = createKeep()
  const units = new Map<UnitName, UnitState>()
  const jobs = new Map<number, Job>()
  let manager: ManagerState | null = null
  let events: EngineEvent[] = []
  let effects: Effect[] = []
  /** The number of the first of `effects`. */
  let first = 0
  let performed = slots[SLOT.performed] as number

  for (const text of ledger.read()) {
    const row = JSON.parse(text) as Row
    switch (row[0]) {
      case 'account': {
        const [, known, states, queued, recorded, waiting, wanted, kept] = row
        units.clear()
        jobs.clear()
        manager = known
        for (const each of states) addUnit(units, each)
        for (const job of queued) jobs.set(job.id, job)
        events = [...waiting]
        effects = [...wanted]
        first = recorded
        for (const record of kept) keep.replay(record)
        break
      }
      case 'step': {
        const { m, u = [], x = [], j = [], y = [], e = [], c } = row[1]
        manager = m ?? manager
        for (const each of u) addUnit(units, each)
        for (const name of x) units.delete(name)
        for (const job of j) jobs.set(job.id, job)
        for (const id of y) jobs.delete(id)
        effects.push(...e)
        if (c) events.shift()
        break
      }
      case 'posted':
        events.push(row[1])
        performed = Math.max(performed, row[2])
        break
      default:
        keep.replay(row)
    }
  }
  if (manager === null) return { leftover: null, keep }
  const phase = slots[SLOT.phase]
  if (![PHASE.none, PHASE.step, PHASE.effect].some(known => known === phase))
    throw new Error(DAMAGED)
  const done = performed - first
  if (!Number.isSafeInteger(done) || done < 0 || done > effects.length) throw new Error(DAMAGED)
  const waiting = effects.slice(done)
  // The answer of the effect in hand is on record already.
  const isAnswered = performed !== slots[SLOT.performed]
  const isInEffect = phase === PHASE.effect && !isAnswered
  const spawnedPid = isInEffect ? (new Int32Array(ledger.slots)[2 * SLOT.spawned] ?? 0) : 0
  const culprit =
    phase === PHASE.step
      ? ledger.readNote()
      : isInEffect && waiting[0]
        ? JSON.stringify(waiting[0])
        : null
  return {
    leftover: {
      state: { manager, units, jobs },
      events,
      effects: waiting,
      performed,
      culprit,
      spawnedPid,
    },
    keep,
  }
}

function addUnit(units: Map<UnitName, UnitState>, difference: object): void {
  const state = stateOf(difference as Record<string, unknown>)
  units.set(state.name, state)
}
