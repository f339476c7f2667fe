// A daemon that is not there: a backend whose units and states a test sets, and the units themselves.
import type {
  Backend,
  ProcessTree,
  UnitFileChange,
  UnitResources,
} from '../../daemon/control/backend.ts'
import type { TransactionError } from '../../daemon/engine/effect.ts'
import type { Relation } from '../../daemon/engine/graph.ts'
import { initialUnitState } from '../../daemon/engine/initial.ts'
import { machineOf } from '../../daemon/engine/machines.ts'
import type {
  CommandRun,
  EngineState,
  Job,
  JobResult,
  JobType,
  ServiceFacts,
  UnitState,
} from '../../daemon/engine/state.ts'
import type { RunEnd } from '../../daemon/logs/history.ts'
import type { LogQuery, LogRecord } from '../../daemon/logs/record.ts'
import {
  EXEC_DEFAULTS,
  HEARTH_DEFAULTS,
  INSTALL_DEFAULTS,
  KILL_DEFAULTS,
  SERVICE_DEFAULTS,
  UNIT_DEFAULTS,
} from '../../daemon/units/defaults.ts'
import { type Abilities, NEEDS, type Need } from '../../daemon/units/directives/need.ts'
import type { Assigned } from '../../daemon/units/load.ts'
import type {
  ExecCommand,
  JobMode,
  Problem,
  Unit,
  UnitName,
  UnitType,
} from '../../daemon/units/unit.ts'

/** Wed 2026-11-25 21:23:32 UTC, the manager's tenth second. */
export const NOW = { realtimeUsec: 1_795_641_812_000_000, monotonicUsec: 10_000_000 }

export const command = (line: string): ExecCommand => {
  const argv = line.split(' ')
  return {
    path: argv[0] ?? '',
    argv,
    ignoreFailure: false,
    noExpand: false,
    privilege: 'none',
  }
}

const typeOf = (name: UnitName) => name.slice(name.lastIndexOf('.') + 1) as UnitType

/** A loaded unit with nothing set. */
export const unit = (id: UnitName, given: Partial<Unit> = {}): Unit => ({
  id,
  names: [id],
  type: typeOf(id),
  loadState: 'loaded',
  loadError: null,
  fragmentPath: `/etc/hearth/services.d/${id}`,
  dropInPaths: [],
  unitFileState: 'enabled',
  problems: [],
  unit: UNIT_DEFAULTS,
  dependencies: {},
  install: INSTALL_DEFAULTS,
  hearth: HEARTH_DEFAULTS,
  ...(typeOf(id) === 'service'
    ? { service: SERVICE_DEFAULTS, kill: KILL_DEFAULTS, exec: EXEC_DEFAULTS }
    : {}),
  ...given,
})

export const service = (id: UnitName, settings: Partial<Unit['service']> = {}): Unit =>
  unit(id, {
    service: { ...SERVICE_DEFAULTS, execStart: [command('/usr/bin/webd --port 80')], ...settings },
  })

const missing = (id: UnitName): Unit =>
  unit(id, {
    loadState: 'not-found',
    loadError: `no file for ${id}`,
    fragmentPath: null,
    unitFileState: 'not-found',
  })

export const run = (given: Partial<CommandRun> = {}): CommandRun => ({
  exec: 'start',
  index: 0,
  pid: 4242,
  startedUsec: NOW.realtimeUsec - 5_000_000,
  endedUsec: null,
  exit: null,
  ...given,
})

export const facts = (name: UnitName, given: Partial<ServiceFacts>): UnitState => {
  const state = initialUnitState(name, 'service')
  if (state.service === null) throw new Error(`${name} is no service`)
  return {
    ...state,
    service: { ...state.service, ...given },
    invocationId: '0123456789abcdef0123456789abcdef',
    inactiveExit: { realtimeUsec: NOW.realtimeUsec - 5_000_000, monotonicUsec: 5_000_000 },
    activeEnter: { realtimeUsec: NOW.realtimeUsec - 4_000_000, monotonicUsec: 6_000_000 },
  }
}

export const running = (name: UnitName): UnitState =>
  facts(name, { sub: 'running', mainPid: 4242, main: run(), runs: [run()] })

/** Where everything is allowed. */
const ABLE = Object.fromEntries(NEEDS.map(need => [need, null])) as Abilities

export type Fake = Backend & {
  /** What was asked of it, in order. */
  readonly calls: unknown[][]
  add(unit: Unit, state?: UnitState): void
  set(state: UnitState): void
  /** What is asked of jobs is answered by this; by default they end at once, done. */
  onJob: (
    job: JobType,
    unit: UnitName,
    mode: JobMode,
    id: number,
  ) => TransactionError | Promise<JobResult>
  files: ReturnType<Backend['unitFiles']>[number][]
  /** What presets make disabled. */
  presetOff: Set<UnitName>
  records: LogRecord[]
  ends: Map<UnitName, readonly RunEnd[]>
  relations: Map<string, UnitName[]>
  trees: ProcessTree[]
  resourcesNow: UnitResources
  notEnforced: Map<UnitName, Problem[]>
  assignments: Map<UnitName, Assigned[]>
  abilities: Record<Need, string | null>
  changes: () => UnitFileChange[]
  notes: string[]
  manager: EngineState['manager']
  jobs: Map<number, Job>
}

export function createFake(): Fake {
  const units = new Map<UnitName, Unit>()
  const states = new Map<UnitName, UnitState>()
  const listeners = new Set<(unit: UnitName) => void>()
  const jobs = new Map<number, Job>()
  const calls: unknown[][] = []
  const get = (name: UnitName) => {
    for (const one of units.values()) if (one.names.includes(name)) return one
    return missing(name)
  }
  const machine = (name: UnitName) => machineOf(typeOf(name))
  const stateOf = (name: UnitName) => states.get(name) ?? initialUnitState(name, typeOf(name))
  const changing = (...call: readonly unknown[]) => {
    calls.push([...call])
    return { changes: fake.changes(), notes: fake.notes }
  }
  let lastJob = 0
  const fake: Fake = {
    calls,
    version: '0.1.0',
    image: { number: 1, cause: null, asked: false },
    defects: () => [],
    defect: (error, method) => void calls.push(['defect', method, error]),
    checkReexec: async () => null,
    reexec: () => void calls.push(['reexec']),
    units: {
      get,
      loaded: () => units.values(),
      fileNames: () => fake.files.map(file => file.name),
      fileState: name => fake.files.find(file => file.name === name)?.state ?? 'not-found',
      assignments: name => fake.assignments.get(name) ?? [],
      notEnforced: name => fake.notEnforced.get(name) ?? [],
    },
    abilities: { ...ABLE },
    assignments: new Map(),
    notEnforced: new Map(),
    manager: {
      phase: 'running',
      shutdown: null,
      environment: ['LANG=C.UTF-8'],
      nextJob: 1,
      nextToken: 1,
      seed: '0'.repeat(32),
      zone: 'UTC',
      started: { realtimeUsec: NOW.realtimeUsec - 10_000_000, monotonicUsec: 1 },
    },
    jobs,
    get state() {
      return { manager: fake.manager, units: states, jobs }
    },
    files: [],
    presetOff: new Set(),
    records: [],
    ends: new Map(),
    relations: new Map(),
    trees: [],
    changes: () => [],
    notes: [],
    onJob: () => Promise.resolve('done'),
    add(one, state) {
      units.set(one.id, one)
      if (state) states.set(one.id, state)
      fake.files.push({
        name: one.id,
        state: one.unitFileState,
        path: one.fragmentPath ?? '',
        preset: null,
      })
    },
    set(state) {
      states.set(state.name, state)
      for (const listener of listeners) listener(state.name)
    },
    activeState: name => machine(name).activeState(stateOf(name)),
    subState: name => machine(name).subState(stateOf(name)),
    result: name => machine(name).result(stateOf(name)),
    related: (name, relation: Relation) => fake.relations.get(`${name} ${relation}`) ?? [],
    needsReload: () => false,
    unitFiles: () => fake.files,
    presets: names => ({
      enable: names.filter(name => !fake.presetOff.has(name)),
      disable: names.filter(name => fake.presetOff.has(name)),
    }),
    unitPaths: () => ['/run/hearth/services.d', '/etc/hearth/services.d'],
    async requestJob(job, name, mode) {
      calls.push(['job', job, name, mode])
      const id = ++lastJob
      const answer = fake.onJob(job, name, mode, id)
      return answer instanceof Promise ? { job: id, finished: answer } : answer
    },
    cancelJob(job) {
      calls.push(['cancel', job])
      return jobs.delete(job)
    },
    resetFailed: name => void calls.push(['reset-failed', name]),
    async clean(name, kinds) {
      calls.push(['clean', name, kinds])
      return []
    },
    kill(name, whom, signal) {
      calls.push(['kill', name, whom, signal])
      return whom === 'control' ? 0 : 1
    },
    async reload() {
      calls.push(['reload'])
      return ['/etc/hearth/services.d/web.service:3: unknown directive']
    },
    processes: () => fake.trees,
    unitOf: pid => (pid === 4711 ? 'web.service' : null),
    storedDescriptors: () => 2,
    resources: () => fake.resourcesNow,
    resourcesNow: {
      memoryBytes: 1024,
      memoryPeakBytes: null,
      cpuUsec: 7,
      tasks: 2,
      io: null,
      tasksMax: Number.POSITIVE_INFINITY,
      memoryMin: 0,
      memoryLow: 0,
      memoryHigh: Number.POSITIVE_INFINITY,
      memoryMax: Number.POSITIVE_INFINITY,
      memorySwapMax: Number.POSITIVE_INFINITY,
      controlGroup: '',
    },
    enable: (names, how) => changing('enable', names, how),
    disable: (names, how) => changing('disable', names, how),
    mask: (names, how) => changing('mask', names, how),
    unmask: (names, how) => changing('unmask', names, how),
    logLevel: () => 'info',
    setLogLevel: level => void calls.push(['log-level', level]),
    setEnvironment: (set, unset) => void calls.push(['environment', set, unset]),
    shutdown: (kind, exitStatus) => void calls.push(['shutdown', kind, exitStatus]),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    logUnits: async () => [...fake.ends.keys()],
    history: async name => fake.ends.get(name) ?? [],
    recording: () => ({
      program: fake.version,
      madeUsec: 1,
      host: { machineId: '', isContainer: true },
      units: [...fake.units.loaded()].map(unit => ({ unit, from: 1 })),
      state: fake.state,
      steps: [],
    }),
    async *logs(query: LogQuery, signal) {
      const wanted = fake.records.filter(
        record =>
          (query.units.length === 0 || query.units.includes(record.unit)) &&
          (query.invocationId === null || query.invocationId === record.invocationId),
      )
      const chosen = query.lines === null ? wanted : wanted.slice(-query.lines)
      if (chosen.length > 0) yield chosen
      if (!query.follow || signal.aborted) return
      await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
    },
  }
  return fake
}

export const line = (name: UnitName, message: string): LogRecord => ({
  timeUsec: NOW.realtimeUsec - 1_000_000,
  unit: name,
  identifier: name.replace(/\..*/, ''),
  pid: 4242,
  stream: 'out',
  priority: 6,
  invocationId: '0123456789abcdef0123456789abcdef',
  message,
})
