// The least that a PID 1 has to do, when the daemon dies again and again: orphans are reaped, exits that count wait for the
// daemon that will know them, a termination signal ends the services, and after a pause it is tried once more.
import type { EngineState } from './engine/state.ts'
import type { Native } from './runtime/native.ts'
import { readChildren, readOwnChildren, readStat } from './runtime/procfs.ts'
import { SIGNALS } from './runtime/signals.ts'

/** So many deaths in so long are a loop; tests that have it die on purpose say another number in HEARTH_CRASH_LOOP. */
const LOOP_DEATHS = 5
const LOOP_USEC = 60_000_000
const LONGEST_PAUSE_SEC = 60
const STOP_MS = 2000
const END_MS = 8000
const SIGKILL = 9
const SIGTERM = 15
const SIGCONT = 18

/** The addon's doubles (native/image.c): when the image died the last eight times, and the pause that was made last, seconds. */
const SLOT_TIMES = 16
const SLOT_PAUSE = 11
const TIMES = 8

/** How long to wait before the next attempt, seconds; 0: there is no crash loop. */
export function pauseSec(
  slots: Float64Array,
  nowUsec: number,
  environment: Readonly<Record<string, string | undefined>> = {},
): number {
  let deaths = 0
  for (let i = SLOT_TIMES; i < SLOT_TIMES + TIMES; i++) {
    const at = slots[i] as number
    if (at > 0 && nowUsec - at < LOOP_USEC) deaths++
  }
  if (deaths < Number(environment.HEARTH_CRASH_LOOP ?? LOOP_DEATHS)) return 0
  const pause = Math.min(LONGEST_PAUSE_SEC, Math.max(1, 2 * (slots[SLOT_PAUSE] as number)))
  slots[SLOT_PAUSE] = pause
  return pause
}

/** The daemon has lived: the next pause is short again. */
export function forgetPauses(slots: Float64Array): void {
  slots[SLOT_PAUSE] = 0
}

export type MinimalParts = {
  native: Native
  /** As far as it is known. */
  state: EngineState | null
  /** Children of units: their exits are not taken. */
  known: ReadonlySet<number>
  pauseSec: number
  log: (message: string) => void
}

/** Resolves when the pause is over. A termination signal ends the services and the process. */
export function minimal(parts: MinimalParts): Promise<void> {
  const { native, known } = parts
  const children = () => readOwnChildren() ?? [...native.children()]
  const reap = () => {
    for (const pid of children())
      if (!known.has(pid) && readStat(pid)?.state === 'Z') native.reap(pid)
  }
  const { promise, resolve } = Promise.withResolvers<void>()
  const reaping = setInterval(reap, 100)
  const timer = setTimeout(resolve, parts.pauseSec * 1000)
  let isEnding = false
  native.onSignals(Object.values(SIGNALS), signal => {
    if (signal === SIGNALS.hup || signal === SIGNALS.usr1 || signal === SIGNALS.usr2) return
    if (isEnding) return
    isEnding = true
    clearTimeout(timer)
    parts.log('ending the services, the latest first')
    void end(parts, children)
  })
  return promise.finally(() => {
    clearInterval(reaping)
    native.onSignals([], () => {})
  })
}

async function end({ native, state, known }: MinimalParts, children: () => number[]) {
  const isUp = (pid: number) => !['Z', 'X', undefined].includes(readStat(pid)?.state)
  const gone = async (pids: readonly number[], ms: number) => {
    for (const until = Date.now() + ms; pids.some(isUp) && Date.now() < until; )
      await new Promise(resolve => setTimeout(resolve, 20))
  }
  const deadline = Date.now() + END_MS
  const services = [...(state?.units.values() ?? [])]
    .filter(({ service }) => service?.mainPid)
    .sort((a, b) => b.inactiveExit.monotonicUsec - a.inactiveExit.monotonicUsec)
  for (const { service } of services) {
    const pid = service?.mainPid ?? 0
    native.kill(pid, SIGTERM)
    native.kill(pid, SIGCONT)
    await gone([pid], Math.min(STOP_MS, deadline - Date.now()))
  }
  const everybody = () => {
    const found = [...known, ...children()].filter(isUp)
    for (let i = 0; i < found.length; i++) found.push(...readChildren(found[i] as number))
    return found
  }
  for (const pid of everybody()) native.kill(pid, SIGTERM)
  await gone(everybody(), Math.max(0, deadline - Date.now()))
  for (const pid of everybody()) native.kill(pid, SIGKILL)
  native.leaving()
  process.exit(0)
}
