// What a unit's state is before anything has happened to it.
import type { UnitName, UnitType } from '../units/unit.ts'
import type {
  CommandRun,
  MountFacts,
  PathFacts,
  ServiceFacts,
  Stamp,
  TimerFacts,
  UnitState,
} from './state.ts'

/** A moment that has not come: shared, since most units carry it several times. */
export const NEVER: Stamp = Object.freeze({ realtimeUsec: 0, monotonicUsec: 0 })

const NO_RUNS: readonly CommandRun[] = Object.freeze([])
const NO_STARTS: readonly number[] = Object.freeze([])

// One object for all services that have not been started; facts are replaced, never edited.
const INITIAL_FACTS: ServiceFacts = Object.freeze({
  sub: 'dead',
  idle: false,
  waitsForOthers: false,
  result: 'success',
  reloadResult: 'success',
  mainPid: null,
  mainPidKnown: false,
  mainIndex: null,
  controlPid: null,
  command: null,
  runs: NO_RUNS,
  main: null,
  isShort: false,
  spawnError: null,
  statusText: '',
  statusErrno: 0,
  nRestarts: 0,
  flushRestarts: false,
  forbidRestart: false,
  notifyState: 'unknown',
  reloadBeginUsec: null,
  pidFileWatched: false,
  deadlineUsec: null,
  watchdogDeadlineUsec: null,
  runtimeDeadlineUsec: null,
  watchdogUsec: null,
  awaiting: null,
  token: 0,
})

export const INITIAL_MOUNT: MountFacts = Object.freeze({
  stage: 'dead',
  result: 'success',
  isOwn: false,
  controlPid: null,
  command: null,
  problem: null,
  deadlineUsec: null,
  token: 0,
})

export const INITIAL_PATH: PathFacts = Object.freeze({
  sub: 'dead',
  result: 'success',
  token: 0,
  triggers: Object.freeze({ sinceUsec: 0, count: 0 }),
  deadlineUsec: null,
})

export const INITIAL_TIMER: TimerFacts = Object.freeze({
  sub: 'dead',
  result: 'success',
  lastTrigger: NEVER,
  nextMonotonicUsec: null,
  nextRealtimeUsec: null,
  spansUsec: Object.freeze([]),
  calendarsUsec: Object.freeze([]),
  over: Object.freeze([]),
  deadlineUsec: null,
  token: 0,
})

/** What a service knows of itself before its first start. */
export const createServiceFacts = (): ServiceFacts => INITIAL_FACTS

/** The state of a unit that was just loaded: dead. */
export function initialUnitState(name: UnitName, type: UnitType): UnitState {
  // One literal, with no spread in it: V8 keeps all of its fields in the object then.
  const state: UnitState = {
    name,
    service: type === 'service' ? INITIAL_FACTS : null,
    target: type === 'target' ? 'dead' : null,
    invocationId: null,
    stateChange: NEVER,
    inactiveExit: NEVER,
    activeEnter: NEVER,
    activeExit: NEVER,
    inactiveEnter: NEVER,
    conditionResult: false,
    assertResult: false,
    conditionFailed: null,
    conditionStamp: NEVER,
    starts: NO_STARTS,
    startLimitHit: false,
    job: null,
  }
  if (type === 'timer') state.timer = INITIAL_TIMER
  if (type === 'path') state.path = INITIAL_PATH
  return state
}
