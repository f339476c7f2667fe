// What a test file says, read: plain data.

import type { ExecKind } from '../../daemon/engine/event.ts'
import type { JobType, ShutdownKind } from '../../daemon/engine/state.ts'
import type { JobMode, UnitName } from '../../daemon/units/unit.ts'
import type { Behaviour } from '../behaviour.ts'

/** What is the matter with a line, in a sentence. */
export type Mistake = { line: number; message: string }

/** What the processes of a command do; of several that fit the last counts. */
export type ProcessRule = {
  line: number
  unit: UnitName
  exec: ExecKind
  /** Which of several commands; null: each of them. */
  index: number | null
  /** Which of its runs, counted from 1. */
  runs: { from: number; to: number }
  phrases: Phrases
}
/** Only what is said; the rest is as with any process of such a unit. */
export type Phrases = Partial<Behaviour> & {
  /** The process that leaves the daemon of a service of Type=forking. */
  parent?: Partial<Behaviour>
  /** It sends no WATCHDOG=1. */
  isSilent?: boolean
}

export type Action =
  | { do: 'nothing' }
  | { do: 'boot'; target: UnitName }
  | { do: 'job'; job: JobType; mode: JobMode; units: readonly UnitName[]; verb: string }
  | { do: 'reset-failed'; unit: UnitName | null }
  | { do: 'daemon-reload' }
  | { do: 'shutdown'; kind: ShutdownKind; exitStatus: number | null; force: boolean }
  /** To the main process. */
  | { do: 'exit'; unit: UnitName; status: number }
  | { do: 'kill'; unit: UnitName; signal: number }
  | { do: 'oom'; unit: UnitName }
  | { do: 'notify'; unit: UnitName; fields: Readonly<Record<string, string>> }
  | { do: 'connect'; unit: UnitName }
  | { do: 'create'; path: string }
  | { do: 'conditions'; unit: UnitName; holds: boolean }
  | { do: 'presence'; unit: UnitName; isThere: boolean }
  | { do: 'set-clock'; to: string }
  | { do: 'expect'; expectation: Expectation }

/** `text`: as it was written. */
export type Expectation = { text: string; isNegated: boolean } & Claim
export type Claim =
  | { about: 'unit'; unit: UnitName; states: readonly string[]; properties: readonly Property[] }
  | { about: 'order'; first: UnitName; second: UnitName }
  | { about: 'starts'; unit: UnitName; least: number; most: number }
  | { about: 'job'; job: string; unit: UnitName; result: string }
  | { about: 'message'; unit: UnitName | null; pattern: RegExp }
  | { about: 'exit'; status: number | null }
  | { about: 'processes'; unit: UnitName | null }
export type Property = { name: string; value: string }

/** When it is done: `at` that moment of the test, `after` a while, `within` or throughout (`for`) it, or at once. */
export type When = { word: 'at' | 'after' | 'within' | 'for'; usec: number } | null

export type Step = { line: number; text: string; when: When; action: Action }

export type Setup = {
  /** Directories of unit files. */
  services: readonly string[]
  vendorUnits: readonly string[]
  /** Unit files of the test's own, and drop-ins: by the path below a unit directory. `text` begins at its line of the test file. */
  files: ReadonlyMap<string, string>
  rules: readonly ProcessRule[]
  zone: string
  clock: string
}

export type Trial = { title: string; line: number; setup: Setup; steps: readonly Step[] }

export type Script = { path: string; trials: readonly Trial[] }
