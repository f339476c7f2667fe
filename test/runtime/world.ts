// A runtime with real processes below the test: units by hand, effects performed, events collected.
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Effect } from '../../daemon/engine/effect.ts'
import type { EngineEvent } from '../../daemon/engine/event.ts'
import type { ExecKind } from '../../daemon/engine/state.ts'
import type { Logs } from '../../daemon/logs/logs.ts'
import type { CgroupUse } from '../../daemon/runtime/cgroups/cgroups.ts'
import { type HostFacts, readHostFacts } from '../../daemon/runtime/facts.ts'
import { createKeep } from '../../daemon/runtime/keep.ts'
import { native } from '../../daemon/runtime/native.ts'
import { createRuntime, type Runtime } from '../../daemon/runtime/perform.ts'
import { readChildren } from '../../daemon/runtime/procfs.ts'
import {
  EXEC_DEFAULTS,
  HEARTH_DEFAULTS,
  INSTALL_DEFAULTS,
  KILL_DEFAULTS,
  SERVICE_DEFAULTS,
  UNIT_DEFAULTS,
} from '../../daemon/units/defaults.ts'
import { createDirectives, type DirectiveTable } from '../../daemon/units/directives.ts'
import { RESOURCE_DEFAULTS, type ResourceSettings } from '../../daemon/units/resources.ts'
import type {
  ExecCommand,
  ExecSettings,
  ServiceSettings,
  Unit,
  UnitName,
  UnitSettings,
  Units,
} from '../../daemon/units/unit.ts'

export const isRoot = process.geteuid?.() === 0

/** A command as the units room reads it, words split at spaces; `sh` gives one for a shell. */
export const command = (
  argv: readonly string[],
  with_: Partial<ExecCommand> = {},
): ExecCommand => ({
  path: argv[0] ?? '',
  argv,
  ignoreFailure: false,
  noExpand: false,
  privilege: 'none',
  ...with_,
})

/** A shell's script, left as it is. */
export const sh = (script: string, with_: Partial<ExecCommand> = {}): ExecCommand =>
  command(['/bin/sh', '-c', script], { noExpand: true, ...with_ })

export type UnitParts = {
  id?: UnitName
  unit?: Partial<UnitSettings>
  service?: Partial<ServiceSettings>
  exec?: Partial<ExecSettings>
  resources?: Partial<ResourceSettings>
}

export const makeUnit = ({
  id = 'web.service',
  unit,
  service,
  exec,
  resources,
}: UnitParts): Unit => ({
  id,
  names: [id],
  type: 'service',
  loadState: 'loaded',
  loadError: null,
  fragmentPath: null,
  dropInPaths: [],
  unitFileState: 'static',
  problems: [],
  unit: { ...UNIT_DEFAULTS, ...unit },
  dependencies: {},
  install: INSTALL_DEFAULTS,
  ...(resources && { resources: { ...RESOURCE_DEFAULTS, ...resources } }),
  hearth: HEARTH_DEFAULTS,
  service: { ...SERVICE_DEFAULTS, ...service },
  kill: KILL_DEFAULTS,
  exec: { ...EXEC_DEFAULTS, ...exec },
})

const makeSlice = (id: UnitName): Unit => {
  const { service: _, exec: __, kill: ___, ...unit } = makeUnit({ id })
  return { ...unit, type: 'slice' }
}

function descendants(): number[] {
  const found = [...native().children()]
  for (let i = 0; i < found.length; i++) found.push(...readChildren(found[i] as number))
  return found
}

type Spawned = Extract<EngineEvent, { type: 'spawned' }>
type SpawnFailed = Extract<EngineEvent, { type: 'spawn-failed' }>

export type WorldParts = {
  facts?: Partial<HostFacts>
  manager?: readonly string[]
  notify?: boolean
  cgroups?: CgroupUse
  directives?: DirectiveTable
  nofile?: { soft: number; hard: number }
}

/** Each world has a directory of its own, removed at its end; every process of its units is killed then. */
export class World {
  readonly directory = mkdtempSync(join(tmpdir(), 'hearth-runtime-'))
  readonly events: EngineEvent[] = []
  readonly lines: string[] = []
  readonly runtime: Runtime
  readonly #units = new Map<UnitName, Unit>()
  readonly #waiting = new Set<() => void>()
  #token = 0

  constructor(parts: WorldParts = {}) {
    const addon = native()
    addon.setSubreaper()
    const units: Units = {
      get: name => {
        // A slice is there without a file.
        const unit = this.#units.get(name) ?? (name.endsWith('.slice') ? makeSlice(name) : null)
        if (!unit) throw new Error(`the test has no unit ${name}`)
        return unit
      },
      loaded: () => this.#units.values(),
    }
    const manager = parts.manager ?? ['PATH=/usr/bin:/bin']
    this.runtime = createRuntime({
      native: addon,
      units,
      directives: parts.directives ?? createDirectives(),
      logs: this.#logs(),
      runtimeDirectory: this.directory,
      post: event => {
        this.events.push(event)
        for (const look of this.#waiting) look()
      },
      facts: { ...readHostFacts(addon, process.env), ...parts.facts },
      notify: parts.notify ? { path: join(this.directory, 'notify.sock') } : null,
      keep: createKeep(),
      managerEnvironment: () => manager,
      nofile: parts.nofile ?? null,
      console: { all: false, format: 'prefix' },
      stateDirectory: join(this.directory, 'state'),
      cgroups: parts.cgroups ?? 'no',
      isStarting: () => false,
      answer: () => {},
      log: (level, unit, message) => this.lines.push(`${level} ${unit}: ${message}`),
      finish: () => {},
    })
    addon.onChild(() => this.collect())
  }

  collect(): void {
    this.runtime.collectExits(take => take())
    this.runtime.settled()
  }

  add(parts: UnitParts): Unit {
    const unit = makeUnit(parts)
    this.#units.set(unit.id, unit)
    return unit
  }

  perform(effect: Effect): void {
    this.runtime.perform(effect)
    this.runtime.settled()
  }

  /** Performs one and gives the event that answers it. */
  ask<Type extends EngineEvent['type']>(
    type: Type,
    effect: (token: number) => Effect,
  ): Extract<EngineEvent, { type: Type }> {
    const token = ++this.#token
    this.perform(effect(token))
    const found = this.events.find(
      event => event.type === type && 'token' in event && event.token === token,
    )
    if (!found) throw new Error(`no ${type} came`)
    return found as Extract<EngineEvent, { type: Type }>
  }

  begin(unit: UnitName): string {
    const invocationId = crypto.randomUUID().replaceAll('-', '')
    this.perform({ type: 'run-begins', unit, invocationId })
    return invocationId
  }

  /** Starts a command of the unit in a new run, or in the one given. */
  spawn(
    unit: UnitName,
    {
      exec = 'start',
      index = 0,
      environment = [],
      invocationId = this.begin(unit),
    }: {
      exec?: ExecKind
      index?: number
      environment?: readonly string[]
      invocationId?: string
    } = {},
  ): Spawned | SpawnFailed {
    const token = ++this.#token
    this.perform({ type: 'spawn', unit, token, exec, index, invocationId, environment })
    const answer = this.events.find(
      event => (event.type === 'spawned' || event.type === 'spawn-failed') && event.token === token,
    )
    if (!answer) throw new Error('no answer to a spawn')
    return answer as Spawned | SpawnFailed
  }

  /** Adds the unit, starts its first command, waits for its end; gives what it has written and how it ended. */
  async run(parts: UnitParts, facts: readonly string[] = []) {
    const unit = this.add(parts)
    const answer = this.spawn(unit.id, { environment: facts })
    if (answer.type === 'spawn-failed') throw new Error(answer.message)
    const ended = await this.event('exited', event => event.pid === answer.pid)
    return { ...this.output(unit.id), exit: ended.exit, pid: answer.pid }
  }

  /** The first event of the type that fits, when it has come. */
  event<Type extends EngineEvent['type']>(
    type: Type,
    fits: (event: Extract<EngineEvent, { type: Type }>) => boolean = () => true,
  ): Promise<Extract<EngineEvent, { type: Type }>> {
    return new Promise(resolve => {
      const look = () => {
        const found = this.events.find(
          event => event.type === type && fits(event as Extract<EngineEvent, { type: Type }>),
        )
        if (!found) return
        this.#waiting.delete(look)
        resolve(found as Extract<EngineEvent, { type: Type }>)
      }
      this.#waiting.add(look)
      look()
    })
  }

  kill(unit: UnitName, signal: number, main: number | null = null, others = true) {
    return this.ask('killed', token => ({
      type: 'kill',
      unit,
      token,
      signal,
      main,
      control: null,
      others,
      sighup: false,
    }))
  }

  /** What the unit's processes have written to the log's two pipes. */
  output(unit: UnitName): { out: string; err: string } {
    const read = (name: string) => {
      const path = join(this.directory, `${unit}.${name}`)
      return existsSync(path) ? readFileSync(path, 'utf8') : ''
    }
    return { out: read('out'), err: read('err') }
  }

  /** Ends every process below the test, whatever the runtime thinks of it, then everything else. */
  async close(): Promise<void> {
    for (;;) {
      this.collect()
      const left = descendants()
      if (left.length === 0) break
      for (const pid of left) native().kill(pid, 9)
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    native().onChild(null)
    this.runtime.close()
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** Files in place of pipes: what was written can be read back without waiting for it. */
  #logs(): Logs {
    const open = new Map<UnitName, number[]>()
    return {
      open: ({ unit }) => {
        const out = openSync(join(this.directory, `${unit}.out`), 'a')
        const err = openSync(join(this.directory, `${unit}.err`), 'a')
        open.set(unit, [out, err])
        return { out, err }
      },
      close: unit => {
        for (const fd of open.get(unit) ?? []) closeSync(fd)
        open.delete(unit)
      },
      opened: () => [],
      readEnds: () => [],
      runEnded: () => {},
      reader: () => {},
      listen: () => {},
      connection: () => false,
      units: async () => [],
      history: async () => [],
      setPid: () => {},
      query: () => {
        throw new Error('the tests ask no questions of the log')
      },
      lastLines: () => Promise.resolve([]),
      finish: () => Promise.resolve(),
    }
  }
}
