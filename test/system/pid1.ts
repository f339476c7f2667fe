// A real hearth as PID 1 of a PID namespace of its own (as root), or as a subreaper (as an ordinary user).
import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { connect } from '../../ctl/client.ts'

export const root = fileURLToPath(new URL('../../', import.meta.url))
export const isRoot = process.geteuid?.() === 0

export type Outcome = {
  code: number | null
  signal: NodeJS.Signals | null
  out: string
  err: string
}
export type UnitFiles = Readonly<Record<string, string>>
export type Boot = {
  /** Unit files (names may hold a slash) by name, with their text, given the folder of the run. */
  units?: UnitFiles | ((directory: string) => UnitFiles)
  args?: readonly string[]
  environment?: Readonly<Record<string, string>>
  /** Links in the unit directory: name -> target. */
  links?: Readonly<Record<string, string>>
  /** In a throw-away copy of this system with a network of its own (sandbox.sh), after this shell text; root only. */
  sandbox?: string
  /** A command in the namespace before the daemon takes its place, as shell text. */
  before?: string
  /** A command that becomes the daemon, such as setpriv with its options. */
  prefix?: readonly string[]
  /** Where the daemon is, in place of dist/. */
  dist?: string
  /** In a PID namespace; default: as root. */
  namespace?: boolean
  /** The user to run the daemon as (root only), not in a namespace. */
  user?: string
}

export interface Pid1 {
  readonly directory: string
  readonly units: string
  readonly runtime: string
  /** The daemon's pid as seen from here. */
  readonly pid: number
  /** What the daemon wrote so far. */
  out(): string
  err(): string
  write(unit: string, text: string): void
  ctl(...args: readonly string[]): Promise<Outcome>
  /** ctl that must exit 0; its output, trimmed. */
  ok(...args: readonly string[]): Promise<string>
  show(unit: string, property: string): Promise<string>
  /** Resolves when `property` of the unit has that value, or one that holds. */
  until(unit: string, property: string, value: string | ((value: string) => boolean)): Promise<void>
  /** Runs `argv` to its end with HEARTH_RUNTIME set. */
  run(argv: readonly string[]): Promise<Outcome>
  /** Runs `argv` in the daemon's namespaces, to its end. */
  inside(argv: readonly string[]): Promise<Outcome>
  /** Resolves when the unit is active again with another main process than `pid`. */
  restarted(unit: string, pid: string): Promise<void>
  /** Resolves when `pattern` has come so often in what the daemon writes to stderr. */
  said(pattern: RegExp, times?: number): Promise<void>
  /** Resolves when `file` exists and satisfies `holds`. */
  file(path: string, holds?: (text: string) => boolean): Promise<string>
  /** Resolves when the daemon is gone. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  signal(signal: NodeJS.Signals | number): void
}

/** A file's text; '' of what has none, a socket say, or is on its way out. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function collect(child: ChildProcess): Promise<Outcome> {
  let out = ''
  let err = ''
  child.stdout?.setEncoding('utf8').on('data', text => {
    out += text
  })
  child.stderr?.setEncoding('utf8').on('data', text => {
    err += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, out, err }))
  })
}

/** Runs a command to its end. */
export const run = (argv: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  collect(
    spawn(argv[0] ?? '', argv.slice(1), {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )

/** Resolves with the text of `path` as soon as it is there and `holds`; looks again at each change in its directory. */
export function fileHolds(path: string, holds: (text: string) => boolean): Promise<string> {
  return new Promise(resolve => {
    const look = () => {
      const text = read(path)
      if (!existsSync(path) || !holds(text)) return false
      watcher.close()
      resolve(text)
      return true
    }
    const watcher = watch(dirname(path), look)
    look()
  })
}

/**
 * Boots the daemon, resolves when its control socket answers, and sees to its end when the test is over. The files of
 * the run are in a folder of its own.
 */
export async function boot(t: ExecutionContext, setting: Boot = {}): Promise<Pid1> {
  const directory = mkdtempSync(`${tmpdir()}/hearth-test-`)
  const units = `${directory}/units`
  const runtime = `${directory}/run`
  const write = (unit: string, text: string) => {
    mkdirSync(dirname(`${units}/${unit}`), { recursive: true })
    writeFileSync(`${units}/${unit}`, text)
  }
  mkdirSync(units)
  mkdirSync(runtime)
  const given = typeof setting.units === 'function' ? setting.units(directory) : setting.units
  for (const [name, text] of Object.entries(given ?? {})) write(name, text)
  for (const [name, target] of Object.entries(setting.links ?? {})) {
    mkdirSync(dirname(`${units}/${name}`), { recursive: true })
    symlinkSync(target, `${units}/${name}`)
  }
  // Services of other users reach the notify socket through it.
  chmodSync(directory, 0o755)
  if (setting.user) for (const path of [directory, units, runtime]) chmodSync(path, 0o777)

  const environment = {
    ...process.env,
    HEARTH_RUNTIME: runtime,
    HEARTH_LOGS: `${directory}/log`,
    HEARTH_STATE: `${directory}/state`,
  }
  const daemon = [
    ...(setting.prefix ?? []),
    `${setting.dist ?? `${root}dist`}/hearth`,
    '--services',
    units,
    '--log-format',
    'json',
    ...(setting.args ?? []),
  ]
  const quoted = daemon.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  const shell = ['sh', '-c', `${setting.before ?? ':'}\nexec ${quoted}`]
  const namespaced = setting.namespace ?? (isRoot && !setting.user)
  // The namespace ends with unshare, and unshare with this process, however that comes about.
  const tied = ['setpriv', '--pdeathsig', 'KILL']
  const unshare = [...tied, 'unshare', '--pid', '--fork', '--mount', '--kill-child=SIGKILL']
  const wrapper =
    setting.sandbox !== undefined
      ? [
          ...unshare,
          '--ipc',
          '--uts',
          '--net',
          `${root}test/system/sandbox.sh`,
          directory,
          root,
          setting.sandbox,
        ]
      : namespaced
        ? [...unshare, '--mount-proc']
        : setting.user
          ? ['setpriv', `--reuid=${setting.user}`, '--regid=nogroup', '--clear-groups']
          : tied
  const [command = '', ...rest] = [...wrapper, ...shell]
  const child = spawn(command, rest, {
    env: { ...environment, ...setting.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  const listeners = new Set<() => void>()
  const heard = () => {
    for (const listener of listeners) listener()
  }
  child.stdout.setEncoding('utf8').on('data', text => {
    out += text
    heard()
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    err += text
    heard()
  })
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(resolve => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  t.teardown(async () => {
    // unshare takes the namespace with it; a subreaper ends its services first.
    child.kill(namespaced ? 'SIGKILL' : 'SIGTERM')
    await ended
    rmSync(directory, { recursive: true, force: true })
    if (!t.passed) t.log(err.slice(-4000))
  })
  await Promise.race([
    fileHolds(`${runtime}/control.sock`, () => true).catch(() => {}),
    ended.then(({ code }) => {
      throw new Error(`the daemon ended with status ${code}: ${err.slice(-2000)}`)
    }),
  ])
  const init = () =>
    namespaced
      ? Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ')[0])
      : (child.pid ?? 0)
  const pid = init()
  const inNamespace = { HEARTH_RUNTIME: runtime }
  const ctl = (...args: readonly string[]) => run([`${root}dist/ctl`, ...args], inNamespace)
  const show = async (unit: string, property: string) => {
    const params = { units: [unit], properties: [property] }
    const connected = await connect({ socket: `${runtime}/control.sock` })
    const answer = connected.isOk() ? await connected.value.request('show', params) : connected
    if (connected.isOk()) connected.value.close()
    // While it is executed anew, ctl knows how to wait.
    if (answer.isErr()) return (await ctl('show', unit, '--value', '-p', property)).out.trim()
    const values = (answer.value.units[0]?.properties ?? []).map(([, value]) => value)
    return values.join('\n').trim()
  }
  const until: Pid1['until'] = async (unit, property, value) => {
    const holds = typeof value === 'string' ? (now: string) => now === value : value
    // The protocol tells no changes of a unit: asked again, not too often.
    while (!holds(await show(unit, property))) await pause(20)
  }
  return {
    directory,
    units,
    runtime,
    pid,
    out: () => out,
    err: () => err,
    write,
    ctl,
    async ok(...args) {
      const outcome = await ctl(...args)
      if (outcome.code !== 0)
        throw new Error(
          `ctl ${args.join(' ')} exited with ${outcome.code}: ${outcome.out}${outcome.err}`,
        )
      return outcome.out.trim()
    },
    show,
    until,
    run: argv => run(argv, inNamespace),
    inside: argv =>
      run(['nsenter', '-t', String(pid), '-m', '-p', '-i', '-u', '-n', '--', ...argv], inNamespace),
    async restarted(unit, before) {
      await until(unit, 'MainPID', now => now !== before && now !== '0')
      await until(unit, 'ActiveState', 'active')
    },
    said(pattern, times = 1) {
      const all = new RegExp(pattern, `${pattern.flags}g`)
      return new Promise(resolve => {
        const listener = () => {
          if ((err.match(all)?.length ?? 0) < times) return
          listeners.delete(listener)
          resolve()
        }
        listeners.add(listener)
        listener()
      })
    },
    file: (path, holds = () => true) => fileHolds(path, holds),
    ended,
    signal(signal) {
      process.kill(pid, signal)
    },
  }
}
