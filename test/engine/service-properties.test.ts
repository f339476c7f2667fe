// What holds for every service under every course of events, tried with random ones.

import test from 'ava'
import fc from 'fast-check'
import type { MachineInput } from '../../daemon/engine/machine.ts'
import { serviceSettings } from '../../daemon/engine/service/settings.ts'
import { serviceMachine } from '../../daemon/engine/service.ts'
import type { ServiceType } from '../../daemon/units/unit.ts'
import { SURROUNDINGS } from './context.ts'
import { illegality } from './service-legal.ts'
import {
  dumped,
  exited,
  killedBy,
  NO_FORK,
  NOT_FOUND,
  SECOND,
  type Settings,
  SIGABRT,
  SIGKILL,
  SIGTERM,
  type World,
  world,
} from './service-world.ts'

const list = (path: string, maxLength = 2) =>
  fc.array(fc.constantFrom(path, `-${path}`), { maxLength })
const usec = fc.constantFrom(1, 2, 5).map(n => n * SECOND)
const TYPES: readonly ServiceType[] = [
  'simple',
  'exec',
  'forking',
  'oneshot',
  'notify',
  'notify-reload',
  'idle',
  'dbus',
]

const settings = fc.record({
  type: fc.constantFrom(...TYPES),
  exitType: fc.constantFrom('main', 'main', 'main', 'cgroup'),
  remainAfterExit: fc.boolean(),
  guessMainPid: fc.boolean(),
  pidFile: fc.constantFrom(null, null, '/run/web.pid'),
  execCondition: list('/bin/condition', 1),
  execStartPre: list('/bin/pre'),
  execStart: fc.oneof(
    { weight: 4, arbitrary: fc.constant(['/bin/web']) },
    { weight: 1, arbitrary: list('/bin/web', 3) },
  ),
  execStartPost: list('/bin/post'),
  execReload: list('/bin/reload'),
  execStop: list('/bin/stop'),
  execStopPost: list('/bin/stop-post'),
  restart: fc.constantFrom('no', 'always', 'on-failure', 'on-success', 'on-abnormal'),
  restartUsec: fc.constantFrom(0, SECOND),
  restartSteps: fc.constantFrom(0, 2),
  restartMaxDelayUsec: fc.constantFrom(Infinity, 9 * SECOND),
  timeoutStartUsec: usec,
  timeoutStopUsec: usec,
  timeoutAbortUsec: fc.option(usec),
  timeoutStartFailureMode: fc.constantFrom('terminate', 'abort', 'kill'),
  timeoutStopFailureMode: fc.constantFrom('terminate', 'abort', 'kill'),
  runtimeMaxUsec: fc.constantFrom(Infinity, 8 * SECOND),
  watchdogUsec: fc.constantFrom(0, 3 * SECOND),
  notifyAccess: fc.constantFrom(null, 'none', 'main', 'exec', 'all'),
  killMode: fc.constantFrom('control-group', 'control-group', 'mixed', 'process', 'none'),
  sendSigkill: fc.boolean(),
} as const)

/** Something that happens, with what it reads as in a counterexample. */
type Action = { run: (w: World) => unknown; [fc.toStringMethod]: () => string }

const action = (name: string, run: (w: World) => unknown): Action => ({
  run,
  [fc.toStringMethod]: () => name,
})

const someone = (w: World, at: number): number | null => {
  const pids = [...w.processes.keys()]
  return pids[at % pids.length] ?? null
}
/** Something that one of the living processes does. */
const byProcess = (name: string, at: number, run: (w: World, pid: number) => unknown): Action =>
  action(`${name} (process ${at})`, w => {
    const pid = someone(w, at)
    if (pid !== null) run(w, pid)
  })

const which = fc.nat(5)
const ending = fc.constantFrom(
  exited(0),
  exited(0),
  exited(1),
  exited(255),
  killedBy(SIGTERM),
  killedBy(SIGKILL),
  dumped(SIGABRT),
  { kind: 'unknown' } as const,
)
const message = fc.constantFrom<Record<string, string>>(
  { READY: '1' },
  { READY: '1' },
  { RELOADING: '1', MONOTONIC_USEC: '999999999999999' },
  { STOPPING: '1' },
  { WATCHDOG: '1' },
  { WATCHDOG: 'trigger' },
  { WATCHDOG_USEC: '2000000' },
  { EXTEND_TIMEOUT_USEC: '3000000' },
  { STATUS: 'well' },
)
const INPUTS: readonly MachineInput[] = [
  { type: 'start' },
  { type: 'stop' },
  { type: 'reload' },
  { type: 'reset-failed' },
  { type: 'start-limit-hit' },
  { type: 'deadline' },
]
const input = fc.constantFrom(...INPUTS)
const PATHS = ['/bin/web', '/bin/pre', '/bin/stop', '/bin/reload', '/bin/stop-post']

const event: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(action('start', w => w.start())) },
  { weight: 2, arbitrary: input.map(one => action(one.type, w => w.send(one))) },
  fc.constant(action('restart', w => w.restart())),
  // Two that come together: the second is decided on before anything of the first was done.
  fc.tuple(input, input).map(([a, b]) => action(`${a.type} and ${b.type}`, w => w.send(a, b))),
  {
    weight: 5,
    arbitrary: fc
      .tuple(which, ending)
      .map(([at, exit]) =>
        byProcess(`end with ${JSON.stringify(exit)}`, at, (w, pid) => w.exit(pid, exit)),
      ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(which, message)
      .map(([at, fields]) =>
        byProcess(JSON.stringify(fields), at, (w, pid) => w.notify(pid, fields)),
      ),
  },
  fc
    .tuple(which, which)
    .map(([at, to]) =>
      byProcess(`MAINPID= of process ${to}`, at, (w, pid) =>
        w.notify(pid, { MAINPID: `${someone(w, to)}` }),
      ),
    ),
  which.map(at => byProcess('fork', at, w => (w.guess = w.child()))),
  which.map(at => byProcess('PID file', at, (w, pid) => w.writePidFile(pid))),
  {
    weight: 2,
    arbitrary: fc.constantFrom(0.5, 1, 2, 5).map(s => action(`${s}s`, w => w.pass(s * SECOND))),
  },
  fc.constantFrom(...PATHS).map(path =>
    action(`${path} breaks or is mended`, w => {
      if (!w.failures.delete(path)) w.failures.set(path, w.failures.size % 2 ? NO_FORK : NOT_FOUND)
    }),
  ),
)
const course = fc.array(event, { maxLength: 30 })

/** A world that looks at each step. */
function checked(given: Settings): World {
  const w = world(given)
  w.check = (before, cause, after) => {
    const problem = illegality(after, serviceSettings(w.unit))
    if (problem === null) return
    const from = serviceMachine.subState(before)
    const how = `${from} on ${JSON.stringify(cause)} gives ${JSON.stringify(after.service)}`
    throw new Error(`${problem}: ${how}`)
  }
  return w
}

const isDown = (w: World) => w.sub === 'dead' || w.sub === 'failed'

/** `live` runs the course; what `property` throws is a counterexample. */
function holds(
  title: string,
  property: (w: World, live: () => void) => void,
  always: Settings = {},
): void {
  test(title, t => {
    fc.assert(
      fc.property(settings, course, fc.boolean(), (given, events, isTalkative) => {
        const w = checked({ ...(given as Settings), ...always })
        w.isTalkative = isTalkative
        property(w, () => {
          for (const { run } of events) run(w)
        })
      }),
      { numRuns: 1000, includeErrorInReport: true },
    )
    t.pass()
  })
}

holds('no course of events leads to a state that cannot be', (_w, live) => live())

holds('no signal is sent to nobody', (w, live) => {
  live()
  for (const effect of w.history) {
    if (effect.type !== 'kill' || effect.others) continue
    if (effect.main === null && effect.control === null) throw new Error(JSON.stringify(effect))
  }
})

holds('a stop reaches the end within its time-outs, whatever the processes do', (w, live) => {
  live()
  w.stop()
  const service = serviceSettings(w.unit)
  const commands = service.execStop.length + service.execStopPost.length
  const abortUsec = service.timeoutAbortUsec ?? service.timeoutStopUsec
  // SIGTERM, the watchdog signal and SIGKILL, before and after ExecStopPost=, and what the service had itself extended.
  const limitUsec = (commands + 4) * service.timeoutStopUsec + 2 * abortUsec + 3 * SECOND
  w.pass(limitUsec)
  if (!isDown(w)) throw new Error(`still ${w.at} after ${limitUsec / SECOND}s`)
})

holds('a stop reaches the end at once when every process obeys', (w, live) => {
  live()
  w.stop()
  for (let i = 0; i < 100 && w.processes.size > 0; i++)
    w.exit(someone(w, i) ?? 0, killedBy(SIGTERM))
  w.send()
  if (!isDown(w)) throw new Error(`still ${w.at}`)
})

holds('a service that was stopped can be started again', (w, live) => {
  live()
  w.stop().pass(100 * SECOND)
  const begun = w.count('run-begins')
  w.start()
  if (w.count('run-begins') !== begun + 1) throw new Error(`not begun from ${w.at}`)
})

holds('every run that begins ends', (w, live) => {
  live()
  w.stop().pass(100 * SECOND)
  const ended = new Set<string>()
  for (const effect of w.history) if (effect.type === 'run-ends') ended.add(effect.invocationId)
  const begun = w.count('run-begins')
  if (ended.size !== begun) throw new Error(`${begun} runs began, ${ended.size} ended`)
})

holds('a restart is asked for in the pause alone, and counted', (w, live) => {
  const check = w.check
  w.check = (before, cause, after) => {
    check(before, cause, after)
    const [was, is] = [before, after].map(state => state.service?.nRestarts ?? 0)
    if ((is ?? 0) > (was ?? 0) && serviceMachine.subState(after) !== 'auto-restart') {
      throw new Error(`counted in ${serviceMachine.subState(after)}`)
    }
  }
  live()
})

holds('the state can be written down and read back at any moment', (w, live) => {
  live()
  const copy = JSON.parse(JSON.stringify(w.state))
  const context = {
    unit: w.unit,
    now: { realtimeUsec: w.realtimeUsec, monotonicUsec: w.monotonicUsec },
    stopPending: false,
    token: () => 7777,
    invocationId: () => '7'.repeat(32),
    ...SURROUNDINGS,
  }
  for (const one of INPUTS) {
    const [a, b] = [w.state, copy].map(state => serviceMachine.step(context, state, one))
    if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`another way on ${one.type}`)
  }
})

holds(
  'with KillMode=control-group no process outlives its run',
  (w, live) => {
    w.mortal = true
    const check = w.check
    w.check = (before, cause, after) => {
      check(before, cause, after)
      const over = ['dead', 'failed', 'auto-restart'].includes(serviceMachine.subState(after))
      if (over && w.processes.size > 0) throw new Error(`${[...w.processes.values()]} left over`)
    }
    live()
    w.stop().pass(100 * SECOND)
    if (w.processes.size > 0) throw new Error(`${[...w.processes.values()]} left over`)
  },
  { killMode: 'control-group', sendSigkill: true },
)
