// Units for tests, made of what a test says and the defaults of the manual pages.
import { killSettings, serviceSettings } from '../../daemon/engine/service/settings.ts'
import {
  HEARTH_DEFAULTS,
  MOUNT_DEFAULTS,
  PATH_DEFAULTS,
  SOCKET_DEFAULTS,
  TIMER_DEFAULTS,
} from '../../daemon/units/defaults.ts'
import type {
  DependencyKind,
  ExecCommand,
  HearthSettings,
  KillSettings,
  LoadState,
  MountSettings,
  PathSettings,
  ServiceSettings,
  SocketSettings,
  TimerSettings,
  Unit,
  UnitName,
  UnitSettings,
  Units,
  UnitType,
} from '../../daemon/units/unit.ts'

const UNIT_DEFAULTS: UnitSettings = {
  description: '',
  documentation: [],
  defaultDependencies: false,
  stopWhenUnneeded: false,
  refuseManualStart: false,
  refuseManualStop: false,
  allowIsolate: false,
  ignoreOnIsolate: false,
  onFailureJobMode: 'replace',
  onSuccessJobMode: 'fail',
  collectMode: 'inactive',
  conditions: [],
  asserts: [],
  requiresMountsFor: [],
  wantsMountsFor: [],
  startLimitIntervalUsec: 10_000_000,
  startLimitBurst: 5,
  startLimitAction: 'none',
  failureAction: 'none',
  successAction: 'none',
  failureActionExitStatus: null,
  successActionExitStatus: null,
  jobTimeoutUsec: Number.POSITIVE_INFINITY,
  jobRunningTimeoutUsec: Number.POSITIVE_INFINITY,
  jobTimeoutAction: 'none',
  sourcePath: null,
}

const bare = {} as Unit

/** A command whose argv is `line` split at spaces. */
export const command = (line: string): ExecCommand => {
  const argv = line.split(' ')
  return { path: argv[0] ?? '', argv, ignoreFailure: false, noExpand: false, privilege: 'none' }
}

export type Given = Partial<Record<DependencyKind, readonly UnitName[]>> & {
  unit?: Partial<UnitSettings>
  service?: Partial<ServiceSettings>
  kill?: Partial<KillSettings>
  hearth?: Partial<HearthSettings>
  timer?: Partial<TimerSettings>
  path?: Partial<PathSettings>
  mount?: Partial<MountSettings>
  socket?: Partial<SocketSettings>
  loadState?: LoadState
  names?: readonly UnitName[]
}

/** The unit `name` as given. A service runs `/bin/NAME`; nothing has DefaultDependencies= unless it is given. */
export function unit(name: UnitName, given: Given = {}): Unit {
  const {
    unit: settings,
    service,
    kill,
    hearth,
    timer,
    path,
    mount,
    socket,
    loadState = 'loaded',
    names,
    ...stated
  } = given
  const type = name.slice(name.lastIndexOf('.') + 1) as UnitType
  return {
    id: name,
    names: names ?? [name],
    type,
    loadState,
    loadError: loadState === 'loaded' ? null : `it is ${loadState}`,
    fragmentPath: loadState === 'loaded' ? `/etc/hearth/services.d/${name}` : null,
    dropInPaths: [],
    unitFileState: 'static',
    problems: [],
    unit: { ...UNIT_DEFAULTS, ...settings },
    dependencies: stated,
    install: {
      wantedBy: [],
      requiredBy: [],
      upheldBy: [],
      alias: [],
      also: [],
      defaultInstance: null,
    },
    hearth: { ...HEARTH_DEFAULTS, ...hearth },
    ...(type === 'service' && {
      service: {
        ...serviceSettings(bare),
        execStart: [command(`/bin/${name.replace('.service', '')}`)],
        ...service,
      },
      kill: { ...killSettings(bare), ...kill },
    }),
    ...(type === 'mount' && {
      mount: { ...MOUNT_DEFAULTS, where: '/m', ...mount },
      kill: { ...killSettings(bare), ...kill },
    }),
    ...(type === 'socket' && { socket: { ...SOCKET_DEFAULTS, ...socket } }),
    ...(type === 'path' && { path: { ...PATH_DEFAULTS, ...path } }),
    ...(type === 'timer' && { timer: { ...TIMER_DEFAULTS, ...timer } }),
  }
}

/** The directory of units of a test. `set` is the edit of a file; it counts once the engine is told `units-reloaded`. */
export class FakeUnits implements Units {
  #units = new Map<UnitName, Unit>()
  #asked = new Map<UnitName, Unit>()
  /** How often a name was looked up that had not been before. */
  loads = 0

  constructor(units: readonly Unit[]) {
    for (const one of units) this.set(one)
  }

  set(one: Unit): void {
    for (const name of one.names) this.#units.set(name, one)
  }
  remove(name: UnitName): void {
    this.#units.delete(name)
  }
  /** Forgets what was looked up: files are read anew. */
  reload(): void {
    this.#asked = new Map()
  }
  get(name: UnitName): Unit {
    const known = this.#asked.get(name)
    if (known) return known
    this.loads++
    const found = this.#units.get(name) ?? unit(name, { loadState: 'not-found' })
    for (const one of found.names) this.#asked.set(one, found)
    this.#asked.set(name, found)
    return found
  }
  loaded(): Iterable<Unit> {
    return new Set(this.#asked.values())
  }
}
