// Answers of a daemon, for tests.
import type { LogLine, ManagerStatus, UnitStatus } from '../../daemon/control/schema.ts'

/** Wed 2026-11-25 21:23:32 UTC. */
export const STARTED = Date.UTC(2026, 10, 25, 21, 23, 32) * 1000

export const logLine = (message: string, changes: Partial<LogLine> = {}): LogLine => ({
  timeUsec: STARTED,
  unit: 'web.service',
  identifier: 'nginx',
  pid: 123,
  stream: 'out',
  priority: 6,
  invocationId: '0123456789abcdef0123456789abcdef',
  message,
  ...changes,
})

export const unitStatus = (changes: Partial<UnitStatus> = {}): UnitStatus => ({
  unit: 'web.service',
  description: 'The web',
  loadState: 'loaded',
  loadError: null,
  fragmentPath: '/etc/hearth/services.d/web.service',
  dropInPaths: [],
  unitFileState: 'enabled',
  needDaemonReload: false,
  activeState: 'active',
  subState: 'running',
  result: 'success',
  sinceUsec: STARTED,
  nowUsec: STARTED + 5 * 60_000_000,
  durationUsec: null,
  job: null,
  nextElapseUsec: null,
  triggeredBy: [],
  triggers: [],
  docs: [],
  listen: [],
  connections: null,
  condition: null,
  main: {
    pid: 123,
    command: 'nginx',
    running: true,
    outcome: null,
    startedUsec: STARTED,
    endedUsec: null,
  },
  control: null,
  commands: [],
  spawnError: null,
  statusText: '',
  nRestarts: 0,
  restartAtUsec: null,
  tasks: null,
  memoryBytes: null,
  cpuUsec: null,
  processes: [],
  problems: [],
  log: [],
  ...changes,
})

export const managerStatus = (changes: Partial<ManagerStatus> = {}): ManagerStatus => ({
  defects: [],
  version: '0.1.0',
  pid: 1,
  state: 'running',
  jobs: 0,
  failed: 0,
  units: 12,
  startedUsec: STARTED,
  nowUsec: STARTED + 6_000_000,
  ...changes,
})
