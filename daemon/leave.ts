// The end of the daemon, when every unit is down: what is left over, the logs, the sockets, then exit or reboot(2).
import type { Effect } from './engine/effect.ts'
import type { Logs } from './logs/logs.ts'
import { endLeftovers } from './runtime/leftovers.ts'
import { endMachine } from './runtime/machine.ts'
import type { Native } from './runtime/native.ts'
import type { LogLine } from './runtime/perform.ts'

export type Leaving = {
  native: Native
  logs: Logs
  log: LogLine
  /** As PID 1 of a machine, with no container around. */
  isMachine: boolean
  /** Reaps what has ended. */
  collect: () => void
  /** Resolves at the next SIGCHLD. */
  childEnded: () => Promise<void>
  /** Resolves when the loggers of the units (LogPipe=) have read everything. */
  loggersEnded: () => Promise<void>
  /** Forwards what there is yet, for so many milliseconds at most. */
  shipped: (timeoutMs: number) => Promise<void>
  /** Resolves when the private directories of the last services are gone. */
  removed: () => Promise<void>
  /** Closes the control and the notify socket. */
  close: () => void
}

/** What processes of no unit get between SIGTERM and SIGKILL. Less than the 10 s that container engines give to PID 1. */
const LEFTOVERS_USEC = 5_000_000
/** As long as systemd gives journald to end: a machine with much to do takes seconds to start the log worker anew. */
const LOGS_MS = 90_000
/** Who waits so long is told for what. */
const LOGS_TOLD_MS = 3000
const REMOVED_MS = 1000
/** What is not sent by then is sent after the next boot, where the log files stay. */
const SHIPPED_MS = 2000
/** A logger that has read everything ends at once. */
const LOGGERS_MS = 3000

/** Does not come back, except on a machine that cannot be rebooted. */
export async function leave(
  { kind, exitStatus, force }: Extract<Effect, { type: 'finish' }>,
  parts: Leaving,
): Promise<void> {
  const { native, log } = parts
  native.awaitStrangers(true)
  if (!force) await atMost(LOGGERS_MS, parts.loggersEnded())
  const killed = await endLeftovers(
    {
      native,
      collect: parts.collect,
      pause: ms => {
        const { promise, resolve } = Promise.withResolvers<void>()
        const timer = setTimeout(resolve, ms)
        return Promise.race([promise, parts.childEnded()]).finally(() => clearTimeout(timer))
      },
      monotonicUsec: native.monotonicUsec,
    },
    force ? 0 : LEFTOVERS_USEC,
  )
  if (killed > 0) log('warn', null, `${killed} processes did not end by themselves and were killed`)
  // What is left after that is in a /tmp, which somebody else clears up.
  await atMost(REMOVED_MS, parts.removed())
  await parts.shipped(force ? 0 : SHIPPED_MS)
  parts.close()
  const told = setTimeout(
    () => log('warn', null, `waiting for the logs to be written, up to ${LOGS_MS / 1000} s`),
    LOGS_TOLD_MS,
  )
  await parts.logs.finish(LOGS_MS)
  clearTimeout(told)
  if (parts.isMachine) {
    endMachine(native, kind === 'exit' ? 'poweroff' : kind, problem => log('error', null, problem))
    return
  }
  native.leaving()
  process.exit(exitStatus ?? 0)
}

const atMost = (ms: number, done: Promise<void>): Promise<void> =>
  Promise.race([done, new Promise<void>(resolve => setTimeout(resolve, ms))])
