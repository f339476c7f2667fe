// One run of one figure with one supervisor. Each gives numbers in the unit that its name ends in.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import {
  type Beat,
  type Beats,
  BOOT,
  childrenOf,
  cpuUsec,
  descendantsOf,
  enterNamespace,
  executable,
  innerPid,
  type Namespace,
  nowUsec,
  ORPHANS_LEFT,
  openBeats,
  privateBytes,
  voluntarySwitches,
  zombiesOf,
} from './probe.ts'
import type { Subject } from './subjects.ts'

export const LIMIT_MS = 60_000
const isService = (beat: { number: number }) => beat.number >= 0

export type Running = {
  namespace: Namespace
  /** The run's own folder. */
  directory: string
  beats: Beats
  bootUsec: number
  /** From exec of PID 1 until the last service said that it runs. */
  upUsec: number
  /** What the services said when they began. */
  up: Promise<readonly Beat[]>
  /** Host pid by service number. */
  pids: Map<number, number>
  /** The supervisor's own processes, host pids. */
  supervisors: () => number[]
  subject: Subject
}

/** Boots `services` services under the subject, runs `measure`, and ends everything. */
export async function boot<T>(
  subject: Subject,
  programs: string,
  services: number,
  measure: (running: Running) => Promise<T>,
  command?: (fifo: string, number: number) => readonly string[],
): Promise<T> {
  const directory = mkdtempSync('/tmp/hearth-bench-')
  const beats = openBeats(`${directory}.fifo`)
  const service = `${programs}/service`
  let namespace: Namespace | null = null
  try {
    const { argv, environment } = subject.launch({
      directory,
      command: number => command?.(beats.path, number) ?? [service, beats.path, String(number)],
      service: command ? null : service,
      fifo: beats.path,
      services,
    })
    const booted = beats.next(1, beat => beat.number === BOOT, LIMIT_MS)
    const up = beats.next(services, isService, LIMIT_MS)
    if (command) up.catch(() => {})
    namespace = await enterNamespace(
      [`${programs}/stamp`, beats.path, String(BOOT), ...argv],
      environment,
    )
    const init = namespace.init
    const bootUsec = (await booted)[0]?.usec ?? 0
    const found = command ? [] : await up
    const inner = new Map(found.map(beat => [beat.pid, beat.number]))
    const pids = new Map<number, number>()
    for (const pid of descendantsOf(init)) {
      const number = inner.get(innerPid(pid))
      if (number !== undefined) pids.set(number, pid)
    }
    return await measure({
      namespace,
      directory,
      beats,
      up,
      bootUsec,
      upUsec: Math.max(0, ...found.map(beat => beat.usec)) - bootUsec,
      pids,
      supervisors: () =>
        [init, ...descendantsOf(init)].filter(
          pid => !/\/(service|orphans|lines)$/.test(executable(pid)),
        ),
      subject,
    })
  } finally {
    await namespace?.destroy()
    beats.close()
    rmSync(directory, { recursive: true, force: true })
    rmSync(`${directory}.fifo`, { force: true })
  }
}

export const settle = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
export const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

/** Boot time, and what the supervisor has to itself once all is up. */
export const measureBoot = (subject: Subject, programs: string, services: number) =>
  boot(subject, programs, services, async running => {
    await settle(4000)
    return {
      upUsec: running.upUsec,
      privateBytes: sum(running.supervisors().map(privateBytes)),
    }
  })

/** SIGKILL of one service until its next exec, the median of `times`. */
export const measureRestart = (
  subject: Subject,
  programs: string,
  services: number,
  times: number,
) =>
  boot(subject, programs, services, async running => {
    await settle(1200)
    const spans: number[] = []
    let pid = running.pids.get(0) ?? 0
    for (let i = 0; i < times; i++) {
      const back = running.beats.next(1, beat => beat.number === 0, LIMIT_MS)
      const killed = nowUsec()
      process.kill(pid, 'SIGKILL')
      const beat = (await back)[0]
      spans.push((beat?.usec ?? 0) - killed)
      pid = descendantsOf(running.namespace.init).find(child => innerPid(child) === beat?.pid) ?? 0
      await settle(20)
    }
    return { restartUsec: median(spans) }
  })

/** `killed` services killed at once until all are back. */
export const measureStorm = (
  subject: Subject,
  programs: string,
  services: number,
  killed: number,
) =>
  boot(subject, programs, services, async running => {
    await settle(1200)
    const victims = [...running.pids.values()].slice(0, killed)
    const back = running.beats.next(victims.length, isService, LIMIT_MS)
    const start = nowUsec()
    for (const pid of victims) process.kill(pid, 'SIGKILL')
    const beats = await back
    return { stormUsec: Math.max(...beats.map(beat => beat.usec)) - start }
  })

/** Orphans left to PID 1: the most zombies seen at once, and the processor time that reaping took. */
export const measureOrphans = (subject: Subject, programs: string, orphans: number) =>
  boot(
    subject,
    programs,
    1,
    async running => {
      const init = running.namespace.init
      const deadline = nowUsec() + LIMIT_MS * 1000
      let worker: number | undefined
      while (worker === undefined) {
        if (nowUsec() > deadline) throw new Error('the process that leaves orphans did not start')
        await settle(100)
        worker = descendantsOf(init).find(pid => executable(pid).endsWith('/orphans'))
      }
      await settle(300)
      const before = sum(running.supervisors().map(cpuUsec))
      let done = false
      const end = running.beats
        .next(1, beat => beat.number === ORPHANS_LEFT, LIMIT_MS)
        .then(() => {
          done = true
        })
      process.kill(worker, 'SIGUSR1')
      let most = 0
      while (!done) {
        most = Math.max(most, zombiesOf(init))
        await new Promise(setImmediate)
      }
      await end
      while (childrenOf(init).length > 1 && zombiesOf(init) > 0) await settle(1)
      return { zombies: most, cpuUsec: sum(running.supervisors().map(cpuUsec)) - before }
    },
    fifo => [`${programs}/orphans`, fifo, String(orphans), '1'],
  )

/** Voluntary context switches of the supervisor while nothing happens for `seconds`. */
export const measureIdle = (
  subject: Subject,
  programs: string,
  services: number,
  seconds: number,
) =>
  boot(subject, programs, services, async running => {
    await settle(4000)
    const pids = running.supervisors()
    const before = sum(pids.map(voluntarySwitches))
    await settle(seconds * 1000)
    return { switches: sum(pids.map(voluntarySwitches)) - before }
  })

/** The signal to PID 1 until the namespace is gone, services that end at once. */
export const measureStop = (subject: Subject, programs: string, services: number) =>
  boot(subject, programs, services, async running => {
    await settle(1200)
    const start = nowUsec()
    process.kill(running.namespace.init, subject.stop ?? 'SIGTERM')
    const late = setTimeout(() => void running.namespace.destroy(), LIMIT_MS)
    await running.namespace.gone
    clearTimeout(late)
    return { stopUsec: nowUsec() - start }
  })

/** Whole processes run one after the other, microseconds each: `a` and `b` in turn, the medians. */
export function measureCommands(
  a: readonly string[],
  b: readonly string[],
  times: number,
  environment: Readonly<Record<string, string>>,
): [number, number] {
  const run = ([file, ...args]: readonly string[]) => {
    const start = nowUsec()
    execFileSync(file ?? '', args, { env: { ...process.env, ...environment }, stdio: 'ignore' })
    return nowUsec() - start
  }
  const spans: [number[], number[]] = [[], []]
  for (let i = 0; i < times; i++) {
    spans[0].push(run(a))
    spans[1].push(run(b))
  }
  return [median(spans[0]), median(spans[1])]
}

/** Boots the subject with one service and gives `measure` its runtime directory's parent. */
export const withOne = <T>(
  subject: Subject,
  programs: string,
  measure: (init: number) => Promise<T>,
) => boot(subject, programs, 1, running => measure(running.namespace.init))

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((x, y) => x - y)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}
