// Random scenarios for the world: units with dependencies of every kind, processes that misbehave, commands at any moment.
import fc from 'fast-check'
import type { JobType } from '../../daemon/engine/state.ts'
import type { DependencyKind, JobMode, KillMode, Unit, UnitName } from '../../daemon/units/unit.ts'
import { command, type Given, unit } from './units.ts'
import { type Behaviour, LIVES, SECOND, type World } from './world.ts'

export type Scenario = {
  units: Unit[]
  /** Behaviours of each unit's processes, by turns. */
  behaviours: Map<UnitName, Behaviour[]>
  /** Whether conditions hold, by turns. */
  conditions: boolean[]
  commands: Deed[]
  /** Decides what comes first of what is due together. */
  chances: number[]
  /** How late answers are that the daemon does not wait for, by turns, microseconds. */
  delays: number[]
}

type Deed =
  | { do: 'job'; job: JobType; on: number; mode: JobMode }
  | { do: 'die'; on: number; status: number }
  | { do: 'cancel'; nth: number }
  | { do: 'reset-failed' }
  | { do: 'change'; on: number; to: Unit }
  | { do: 'reexec' }
  | { do: 'pass'; usec: number }
  /** The clock is set; what a path unit waits for comes about; something is mounted or unmounted by others. */
  | { do: 'set-clock'; usec: number }
  | { do: 'comes-about'; on: number }
  | { do: 'presence'; on: number; isThere: boolean }
  | { do: 'comes-in'; on: number }
  /** The daemon dies after so many points; it is told once more what it was told of late. */
  | { do: 'crash'; after: number }
  | { do: 'again'; nth: number }

const TYPES = [
  'service',
  'service',
  'service',
  'service',
  'service',
  'target',
  'target',
  'timer',
  'path',
  'mount',
  'socket',
]
const COUNT = TYPES.length
const nameOf = (i: number) => `u${i % COUNT}.${TYPES[i % COUNT]}`
const names = Array.from({ length: COUNT }, (_, i) => nameOf(i))

const often = <T>(usual: T, ...others: T[]) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  )
const span = fc.constantFrom(0, 100_000, SECOND, 3 * SECOND, 20 * SECOND)

const PULLS: DependencyKind[] = ['requires', 'wants', 'bindsTo', 'requisite', 'upholds']
const OTHERS: DependencyKind[] = [
  'partOf',
  'conflicts',
  'onFailure',
  'onSuccess',
  'propagatesReloadTo',
  'propagatesStopTo',
]

/** Dependencies of unit `i`: mostly on those before it, so that most scenarios get somewhere. */
const dependencies = (i: number) => {
  const link = (kinds: DependencyKind[]) =>
    fc.record({
      kind: fc.constantFrom(...kinds),
      on: fc.nat(COUNT - 1),
      ordered: often(true, false),
    })
  return fc
    .tuple(
      fc.array(link(PULLS), { maxLength: 3 }),
      fc.array(link(OTHERS), { maxLength: 1 }),
      fc.option(fc.nat(COUNT - 1), { freq: 6 }),
    )
    .map(([pulls, others, anyAfter]) => {
      const given: Partial<Record<DependencyKind, UnitName[]>> = {}
      const add = (kind: DependencyKind, on: number) => {
        given[kind] = [...(given[kind] ?? []), nameOf(on)]
      }
      for (const { kind, on, ordered } of pulls) {
        const target = i > 0 ? on % i : on
        add(kind, target)
        if (ordered) add('after', target)
      }
      for (const { kind, on } of others) add(kind, on)
      if (anyAfter !== null) add('after', anyAfter)
      return given
    })
}

const settings: fc.Arbitrary<Given> = fc.record({
  unit: fc.record({
    stopWhenUnneeded: often(false, true),
    startLimitBurst: fc.constantFrom(2, 5),
    jobTimeoutUsec: often(Number.POSITIVE_INFINITY, 4 * SECOND),
    jobRunningTimeoutUsec: often(Number.POSITIVE_INFINITY, 4 * SECOND),
    allowIsolate: fc.boolean(),
    ignoreOnIsolate: often(false, true),
    conditions: often([], [{ kind: 'PathExists', value: '/x', negated: false, trigger: false }]),
  }),
  hearth: fc.record({ dependants: often('hold' as const, 'fail') }),
  service: fc.record({
    type: fc.constantFrom(
      'simple',
      'exec',
      'oneshot',
      'notify',
      'forking',
      'notify-reload',
      'idle',
    ),
    remainAfterExit: fc.boolean(),
    restart: fc.constantFrom('no', 'on-failure', 'always'),
    restartUsec: fc.constantFrom(0, 100_000, SECOND),
    restartMode: often('normal' as const, 'direct'),
    timeoutStartUsec: fc.constant(5 * SECOND),
    timeoutStopUsec: fc.constant(2 * SECOND),
    execStartPre: often([], [command('/bin/pre')]),
    execReload: often([command('/bin/reload')], []),
    execStop: often([], [command('/bin/stop')]),
    execStopPost: often([], [command('/bin/post')]),
    watchdogUsec: often(0, 3 * SECOND),
    runtimeMaxUsec: often(Number.POSITIVE_INFINITY, 6 * SECOND),
  }),
  kill: fc.record({ killMode: often<KillMode>('control-group', 'mixed') }),
}) as fc.Arbitrary<Given>

/** What only timers, path units and mounts have; a service that they trigger. */
const triggering = fc.record({
  triggers: fc.nat(4).map(on => [nameOf(on)]),
  timer: fc.record({
    spans: fc.array(
      fc.record({
        base: fc.constantFrom('active', 'startup', 'unit-active', 'unit-inactive'),
        usec: span,
      }),
      { maxLength: 3 },
    ),
    remainAfterElapse: fc.boolean(),
    onClockChange: fc.boolean(),
    randomizedDelayUsec: often(0, SECOND),
    persistent: fc.boolean(),
  }),
  path: fc.record({ triggerLimitBurst: fc.constantFrom(2, 200) }),
  socket: fc.record({
    triggerLimitBurst: fc.constantFrom(2, 20),
    flushPending: fc.boolean(),
    timeoutUsec: fc.constant(3 * SECOND),
    execStartPre: often([], [command('/bin/pre')]),
    execStopPost: often([], [command('/bin/post')]),
  }),
  mount: fc.record({ what: often<string | null>('x', null), timeoutUsec: fc.constant(3 * SECOND) }),
}) as fc.Arbitrary<Given>
const TRIGGERS: readonly string[] = ['timer', 'path', 'socket']

const unitAt = (i: number): fc.Arbitrary<Unit> =>
  fc.tuple(dependencies(i), settings, triggering).map(([stated, given, { triggers, ...more }]) =>
    unit(nameOf(i), {
      ...given,
      ...more,
      ...stated,
      ...(TRIGGERS.includes(TYPES[i] ?? '') && triggers && { triggers }),
    }),
  )

const daemon: fc.Arbitrary<Behaviour> = fc.record({
  livesUsec: often<number | null>(null, 0, SECOND, 7 * SECOND),
  exit: fc.constantFrom<Behaviour['exit']>(
    { kind: 'exited', status: 0 },
    { kind: 'exited', status: 1 },
    { kind: 'killed', signal: 11 },
    { kind: 'dumped', signal: 6 },
  ),
  readyUsec: often<number | null>(0, SECOND, null),
  obeysUsec: often<number | null>(0, SECOND, 3 * SECOND, null),
  obeysWith: often<Behaviour['obeysWith']>(
    null,
    { kind: 'exited', status: 0 },
    { kind: 'exited', status: 1 },
  ),
  forks: fc.constant(null),
  isMissing: often(false, false, false, true),
  failure: fc.constantFrom(
    { step: 'exec', exitStatus: 203, errno: 'ENOENT', message: 'not found' },
    { step: 'FORK', exitStatus: 0, errno: 'EAGAIN', message: 'no more processes' },
    { step: 'USER', exitStatus: 217, errno: 'ESRCH', message: 'no such user', isFinal: true },
  ),
})
const behaviour: fc.Arbitrary<Behaviour> = fc
  .tuple(daemon, fc.option(daemon, { freq: 3 }))
  .map(([first, forks]) => ({ ...first, forks }))

const JOBS: JobType[] = [
  'start',
  'stop',
  'restart',
  'try-restart',
  'reload',
  'reload-or-start',
  'try-reload',
]
const MODES: JobMode[] = [
  'fail',
  'ignore-dependencies',
  'ignore-requirements',
  'flush',
  'isolate',
  'replace-irreversibly',
]

const on = fc.nat(COUNT - 1)
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('job' as const),
      job: often('start' as JobType, ...JOBS),
      on,
      mode: fc.oneof(
        { weight: 8, arbitrary: fc.constant('replace' as const) },
        { weight: 1, arbitrary: fc.constantFrom(...MODES) },
      ),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), usec: span }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('die' as const), on, status: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), nth: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset-failed' as const) }) },
  {
    weight: 1,
    arbitrary: on.chain(i =>
      fc.record({ do: fc.constant('change' as const), on: fc.constant(i), to: unitAt(i) }),
    ),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reexec' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('set-clock' as const),
      usec: fc
        .oneof(fc.integer({ min: -60, max: 60 }), fc.constantFrom(-86_400, 3600, 31_536_000))
        .map(seconds => seconds * SECOND),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('comes-in' as const), on }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('crash' as const), after: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('again' as const), nth: fc.nat(7) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('comes-about' as const), on }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('presence' as const), on, isThere: fc.boolean() }),
  },
)

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  units: fc.tuple(...names.map((_, i) => unitAt(i))),
  behaviours: fc
    .tuple(...names.map(() => fc.array(behaviour, { minLength: 1, maxLength: 3 })))
    .map(lists => new Map(lists.map((list, i) => [nameOf(i), list]))),
  conditions: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
  commands: fc.array(deed, { minLength: 1, maxLength: 30, size: 'max' }),
  chances: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 8 }),
  delays: fc.array(often(0, 1, 100_000), { minLength: 1, maxLength: 6 }),
})

const byTurns = <T>(list: readonly T[], fallback: T) => {
  let turn = 0
  return () => list[turn++ % list.length] ?? fallback
}

/** What the world needs to play the scenario. */
export function partsOf({ units, behaviours, conditions, chances, delays }: Scenario) {
  const turns = new Map(
    [...behaviours].map(([name, list]) => [name, byTurns(list, LIVES)] as const),
  )
  const holds = byTurns(conditions, true)
  return {
    units,
    behave: ({ unit: name, exec }: { unit: UnitName; exec: string }): Behaviour => {
      const behaviour = turns.get(name)?.() ?? LIVES
      // Whether it can be mounted is known at once; the rest is mount.test.ts.
      if (name.endsWith('.mount')) return { ...LIVES, livesUsec: 0, exit: behaviour.exit }
      // All but the main process have something to do and end.
      return exec === 'start' ? behaviour : { ...behaviour, livesUsec: behaviour.livesUsec ?? 0 }
    },
    conditions: () => ({ condition: holds(), assert: true }),
    random: byTurns(chances, 0),
    lateUsec: byTurns(delays, 0),
  }
}

/** Does one of the scenario's deeds to the world. */
export function perform(world: World, deed: Deed): void {
  switch (deed.do) {
    case 'job':
      world.ask(deed.job, nameOf(deed.on), deed.mode)
      return
    case 'die': {
      const pid = world.stateOf(nameOf(deed.on)).service?.mainPid
      if (pid && world.processes.has(pid)) world.die(nameOf(deed.on), deed.status)
      return
    }
    case 'cancel': {
      const ids = [...world.engine.state.jobs.keys()]
      const id = ids[deed.nth % Math.max(1, ids.length)]
      if (id !== undefined) world.post({ type: 'job-cancelled', job: id })
      return
    }
    case 'reset-failed':
      world.post({ type: 'reset-failed', unit: null })
      return
    case 'change':
      world.reload(deed.to)
      return
    case 'reexec':
      world.reexec()
      return
    case 'pass':
      world.pass(deed.usec)
      return
    case 'set-clock':
      world.setClock(deed.usec)
      return
    case 'comes-about':
      world.comesAbout(nameOf(deed.on), '/x')
      return
    case 'presence': {
      const name = nameOf(deed.on)
      if (name.endsWith('.mount')) world.setPresence(name, deed.isThere)
      return
    }
    case 'comes-in':
      world.comesIn(nameOf(deed.on))
      return
    case 'crash':
      world.crashAfter(deed.after)
      return
    case 'again':
      world.again(deed.nth)
      return
    default:
      deed satisfies never
  }
}

/** The scenario for a reader: what differs from the plain unit, and what is done. */
export function describeScenario(script: Scenario): string {
  const about = (one: Unit) => {
    const plain = unit(one.id)
    const differing = (mine: object = {}, other: object = {}) =>
      Object.entries(mine).filter(([key, value]) => {
        const usual = (other as Record<string, unknown>)[key]
        return JSON.stringify(value) !== JSON.stringify(usual) && !key.startsWith('timeout')
      })
    const settings = [
      ...differing(one.dependencies, plain.dependencies),
      ...differing(one.unit, plain.unit),
      ...differing(one.service, plain.service),
      ...differing(one.kill, plain.kill),
      ...differing(one.hearth, plain.hearth),
      ...differing(one.timer, plain.timer),
      ...differing(one.path, plain.path),
      ...differing(one.mount, plain.mount),
      ...differing(one.socket, plain.socket),
    ]
    return `${one.id} ${settings.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(' ')}`
  }
  return [
    ...script.units.map(about),
    ...[...script.behaviours].map(([name, list]) => `${name} behaves: ${JSON.stringify(list)}`),
    `conditions ${script.conditions} chances ${script.chances} delays ${script.delays}`,
    ...script.commands.map(one =>
      one.do === 'change' ? `change ${about(one.to)}` : JSON.stringify(one),
    ),
  ].join('\n')
}
