// What can happen to the engine. Every fact of the world reaches it as one of these, in one queue.
import type { JobMode, UnitName } from '../units/unit.ts'
import type { ExecKind, JobType, ShutdownKind } from './state.ts'

/** The moment of an event, in microseconds: CLOCK_REALTIME for people, CLOCK_MONOTONIC for deadlines. */
export type Now = { realtimeUsec: number; monotonicUsec: number }

/** How a process ended. `core`: killed by a signal that dumped core. `unknown`: not our child, its status is lost. */
export type ProcessExit =
  | { kind: 'exited'; status: number }
  | { kind: 'killed' | 'dumped'; signal: number }
  | { kind: 'unknown' }

export type EngineEvent =
  /** A job is asked for. The answer is the effect `job-accepted` or `job-refused` with the same `request`. */
  | {
      type: 'job-requested'
      request: number
      job: JobType
      unit: UnitName
      mode: JobMode
      manual: boolean
      /** Who asks, in words. */
      by?: string
    }
  | { type: 'job-cancelled'; job: number }
  /** `systemctl kill`-like signals do not pass here; `reset-failed` does (null: all units). */
  | { type: 'reset-failed'; unit: UnitName | null }
  | {
      type: 'conditions-checked'
      unit: UnitName
      token: number
      condition: boolean
      assert: boolean
      failed: string | null
    }
  | { type: 'spawned'; unit: UnitName; token: number; pid: number }
  /** `exitStatus`: systemd's EXIT_* code of the failing step, e.g. 203 (EXEC). */
  | {
      type: 'spawn-failed'
      unit: UnitName
      token: number
      step: string
      exitStatus: number
      errno: string
      message: string
      /** To try again would be in vain: Restart= does not count. */
      isFinal?: true
    }
  /** With Type=exec the image was replaced; sent with the same turn as `spawned` (the spawn call waits for the exec). */
  | { type: 'exited'; pid: number; exit: ProcessExit }
  /** The answer to the effect `kill`: whether a process is left that the stop has to wait for. */
  | { type: 'killed'; unit: UnitName; token: number; waiting: boolean }
  /** The kernel has killed a process of the unit for want of memory. */
  | { type: 'oom-killed'; unit: UnitName }
  /** The unit has no process left (cgroup.events, or the process table without cgroups). */
  | { type: 'emptied'; unit: UnitName }
  | { type: 'pid-file'; unit: UnitName; token: number; pid: number | null; problem: string | null }
  | { type: 'main-pid-guessed'; unit: UnitName; token: number; pid: number | null }
  /** Whether somebody has the BusName= of a service, told when that changes; a problem: there is no bus to ask, in words. */
  | { type: 'bus-name'; unit: UnitName; isOwned: boolean; problem: string | null }
  /** A datagram of sd_notify(3). `pid` is the kernel's word for the sender, `unit` the one it was found to belong to. `fds`
   * came with it: those that no effect asks for are closed when all is done. */
  | {
      type: 'notify'
      unit: UnitName
      pid: number
      fields: Readonly<Record<string, string>>
      fds?: readonly number[]
    }
  /** The answer to `open-sockets`; `problem` null: all are open. */
  | { type: 'sockets-opened'; unit: UnitName; token: number; problem: string | null }
  /** Something has come in at a watched socket. */
  | { type: 'socket-ready'; unit: UnitName }
  /** A watched socket is broken: it cannot be watched, or no connection be taken. */
  | { type: 'socket-broken'; unit: UnitName; problem: string }
  /** A connection was taken. `instance`: both of its ends as they stand in the name of its service. */
  | {
      type: 'connection'
      unit: UnitName
      connection: number
      instance: string
      source: string | null
    }
  /** What the stamp of a timer with Persistent=yes says: the time of day of its last elapse, null if there was none. */
  | { type: 'timer-stamp'; unit: UnitName; token: number; realtimeUsec: number | null }
  /** Whether a mount, swap or device is there: the answer to `check-presence`, or (token 0) news. `problem`: why it cannot be
   * brought about, in words. */
  | { type: 'presence'; unit: UnitName; token: number; isThere: boolean; problem: string | null }
  /** One of the paths that a path unit watches has come about: which. */
  | { type: 'path-triggered'; unit: UnitName; token: number; path: string }
  /** Its paths cannot be watched; the problem in words. */
  | { type: 'path-failed'; unit: UnitName; token: number; problem: string }
  /** CLOCK_REALTIME was set, or jumped over a sleep of the machine. */
  | { type: 'clock-set' }
  | { type: 'zone-changed'; zone: string }
  /** The deadline that `Engine.nextWakeUsec` named has come. */
  | { type: 'wakeup' }
  /** The units were read anew (daemon-reload, enable, a drop-in): look-ups give the new ones from here on. */
  | { type: 'units-reloaded' }
  /** Stop everything, then leave. Asked again it changes the kind alone; with `force` the effect `finish` comes at once. */
  | { type: 'shutdown-requested'; kind: ShutdownKind; exitStatus: number | null; force?: boolean }
  | { type: 'environment-changed'; set: readonly string[]; unset: readonly string[] }

export type { ExecKind }
