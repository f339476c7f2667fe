// Every state under every event: none throws, none leads to a state that cannot be, and what does not fit changes nothing.

import test from 'ava'
import type { MachineContext, MachineInput } from '../../daemon/engine/machine.ts'
import { killSettings, serviceSettings } from '../../daemon/engine/service/settings.ts'
import { serviceMachine } from '../../daemon/engine/service.ts'
import type { ServiceSub, UnitState } from '../../daemon/engine/state.ts'
import type { Unit } from '../../daemon/units/unit.ts'
import { SURROUNDINGS } from './context.ts'
import { illegality } from './service-legal.ts'
import {
  killedBy,
  running,
  SECOND,
  type Settings,
  SIGTERM,
  type World,
  world,
} from './service-world.ts'

const TIMES = { timeoutStopUsec: SECOND, timeoutStartUsec: SECOND }

// A way into each sub-state.
const WAYS: Record<ServiceSub, () => World> = {
  dead: () => world(),
  condition: () => world({ execCondition: ['/bin/c'] }).start(),
  'start-pre': () => world({ execStartPre: ['/bin/p'] }).start(),
  start: () => world({ type: 'notify' }).start(),
  'start-post': () => world({ execStartPost: ['/bin/p'] }).start(),
  running: () => running({ watchdogUsec: SECOND, runtimeMaxUsec: SECOND }),
  exited: () => {
    const w = world({ type: 'oneshot', remainAfterExit: true }).start()
    return w.exit(w.main)
  },
  reload: () => running({ execReload: ['/bin/r'] }).reload(),
  'reload-signal': () => running({ type: 'notify-reload' }).reload(),
  'reload-notify': () => {
    const w = running({ type: 'notify' })
    return w.notify(w.main, { RELOADING: '1' })
  },
  stop: () => running({ execStop: ['/bin/s'] }).stop(),
  'stop-watchdog': () => {
    const w = running({ type: 'notify' })
    return w.notify(w.main, { WATCHDOG: 'trigger' })
  },
  'stop-sigterm': () => running().stop(),
  'stop-sigkill': () => running(TIMES).stop().pass(SECOND),
  'stop-post': () => {
    const w = running({ execStopPost: ['/bin/p'] })
    return w.exit(w.main)
  },
  'final-watchdog': () => {
    const abort = { timeoutStopFailureMode: 'abort', execStopPost: ['/bin/p'] } as const
    const w = running({ ...TIMES, ...abort })
    return w.exit(w.main).pass(SECOND)
  },
  'final-sigterm': () => {
    const w = running({ execStopPost: ['/bin/p'], ...TIMES })
    return w.exit(w.main).pass(SECOND)
  },
  'final-sigkill': () => {
    const w = running({ execStopPost: ['/bin/p'], ...TIMES })
    return w.exit(w.main).pass(2 * SECOND)
  },
  failed: () => {
    const w = running()
    return w.exit(w.main, 1)
  },
  'auto-restart': () => {
    const w = running({ restart: 'always' })
    return w.exit(w.main, 1)
  },
}

const unit = 'web.service'
const failure = { step: 'exec', exitStatus: 203, errno: 'ENOENT', message: 'no such file' }

function inputs({ service }: UnitState): MachineInput[] {
  const token = service?.token ?? 0
  const pids = [service?.mainPid, service?.controlPid].filter(pid => pid != null)
  return [
    { type: 'start' },
    { type: 'stop' },
    { type: 'reload' },
    { type: 'reset-failed' },
    { type: 'start-limit-hit' },
    { type: 'deadline' },
    { type: 'emptied', unit },
    { type: 'oom-killed', unit },
    { type: 'spawned', unit, token, pid: 5000 },
    { type: 'spawn-failed', unit, token, ...failure },
    { type: 'killed', unit, token, waiting: false },
    { type: 'killed', unit, token, waiting: true },
    { type: 'pid-file', unit, token, pid: 5000, problem: null },
    { type: 'pid-file', unit, token, pid: null, problem: 'empty' },
    { type: 'main-pid-guessed', unit, token, pid: 5000 },
    { type: 'main-pid-guessed', unit, token, pid: null },
    { type: 'bus-name', unit, isOwned: true, problem: null },
    { type: 'bus-name', unit, isOwned: false, problem: 'no bus' },
    ...pids.flatMap((pid): MachineInput[] => [
      { type: 'exited', pid, exit: { kind: 'exited', status: 0 } },
      { type: 'exited', pid, exit: { kind: 'exited', status: 1 } },
      { type: 'exited', pid, exit: killedBy(SIGTERM) },
      { type: 'exited', pid, exit: { kind: 'unknown' } },
      ...['READY', 'RELOADING', 'STOPPING', 'WATCHDOG'].map(
        (field): MachineInput => ({ type: 'notify', unit, pid, fields: { [field]: '1' } }),
      ),
      { type: 'notify', unit, pid, fields: { WATCHDOG: 'trigger' } },
      { type: 'notify', unit, pid, fields: { MAINPID: '5000', STATUS: 'moved' } },
      { type: 'notify', unit, pid, fields: { EXTEND_TIMEOUT_USEC: '1', WATCHDOG_USEC: '7' } },
    ]),
  ]
}

const context = (of: Unit, at: number): MachineContext => {
  let token = 1000
  return {
    unit: of,
    now: { realtimeUsec: at, monotonicUsec: at },
    stopPending: false,
    token: () => ++token,
    invocationId: () => 'e'.repeat(32),
    ...SURROUNDINGS,
  }
}

// The unit may have been edited and read anew since its state was reached.
const EDITS: readonly Settings[] = [
  {},
  { type: 'oneshot' },
  { type: 'forking', pidFile: '/run/web.pid' },
  { type: 'notify', notifyAccess: 'all' },
  { execStart: [], execStop: [], execReload: [], execStartPre: [] },
  { exitType: 'cgroup' },
  { killMode: 'none' },
  { killMode: 'process', sendSigkill: false },
  { killMode: 'mixed' },
  { execStop: ['/bin/stop'], execStopPost: ['/bin/post'], remainAfterExit: true },
]

for (const [sub, way] of Object.entries(WAYS)) {
  test(`a service in ${sub} comes to no harm by any event`, t => {
    const w = way()
    t.is(w.sub, sub)
    t.is(illegality(w.state, serviceSettings(w.unit)), null)
    for (const edit of EDITS) {
      const edited = world(edit).unit
      const keeps = Object.keys(edit).length === 0
      const now = keeps
        ? w.unit
        : {
            ...w.unit,
            service: { ...serviceSettings(w.unit), ...pick(edit, edited) },
            kill: { ...killSettings(w.unit), ...edit },
          }
      for (const input of inputs(w.state)) {
        for (const at of [w.monotonicUsec, w.monotonicUsec + 3600 * SECOND]) {
          const frozen = deepFreeze(structuredClone(w.state))
          const { state, effects } = serviceMachine.step(context(now as Unit, at), frozen, input)
          const story = `${JSON.stringify(input)} after ${JSON.stringify(edit)}`
          t.is(illegality(state, serviceSettings(now as Unit)), null, story)
          for (const effect of effects) {
            if (effect.type !== 'kill') continue
            t.true(effect.others || effect.main !== null || effect.control !== null, story)
          }
          t.truthy(serviceMachine.activeState(state))
        }
      }
    }
  })

  test(`a service in ${sub} takes no notice of late answers and of strangers`, t => {
    const w = way()
    const token = w.facts.token + 100
    const late: readonly MachineInput[] = [
      { type: 'spawned', unit, token, pid: 5000 },
      { type: 'spawn-failed', unit, token, ...failure },
      { type: 'killed', unit, token, waiting: false },
      { type: 'pid-file', unit, token, pid: 5000, problem: null },
      { type: 'main-pid-guessed', unit, token, pid: 5000 },
      { type: 'exited', pid: 5000, exit: { kind: 'exited', status: 1 } },
      { type: 'deadline' },
    ]
    for (const input of late) {
      const step = serviceMachine.step(context(w.unit, w.monotonicUsec), w.state, input)
      t.is(step.state, w.state, input.type)
      t.deepEqual(step.effects, [], input.type)
      t.deepEqual(step.requests, [], input.type)
    }
  })
}

/** The settings of `edited` that `edit` names. */
function pick(edit: Settings, edited: Unit): object {
  const all: Record<string, unknown> = { ...edited.service }
  return Object.fromEntries(Object.keys(edit).map(key => [key, all[key]]))
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  }
  return Object.freeze(value)
}
