// Going on where an earlier image of the daemon ended.
import type { Engine } from './engine/engine.ts'
import type { Loop } from './loop.ts'
import type { Native } from './runtime/native.ts'
import type { Runtime } from './runtime/perform.ts'
import type { Leftover, Persist } from './runtime/persist.ts'
import { readOwnChildren } from './runtime/procfs.ts'

export type ResumeParts = {
  native: Pick<Native, 'children'>
  engine: Engine
  runtime: Pick<Runtime, 'restore' | 'startedBefore' | 'delayedBefore'>
  loop: Loop
  persist: Persist
}

/** Takes up the processes, carries out what was still to be done, and takes the events that waited. */
export function resume(
  leftover: Leftover,
  { native, engine, runtime, loop, persist }: ResumeParts,
  children: ReadonlySet<number> = new Set(readOwnChildren() ?? native.children()),
) {
  const events = [...leftover.events]
  const effects = [...runtime.delayedBefore(), ...leftover.effects]
  runtime.restore(engine.state, events, children)
  const [first] = effects
  const pid = leftover.spawnedPid
  // It was started, and we died before it could be said.
  if (first?.type === 'spawn' && children.has(pid)) {
    runtime.startedBefore(first, pid)
    events.push({ type: 'spawned', unit: first.unit, token: first.token, pid })
    effects.shift()
  }
  // What ends the daemon goes on after it was carried out, and we died at it.
  const { shutdown } = engine.state.manager
  if (shutdown?.finished && !effects.some(({ type }) => type === 'finish')) {
    const { kind, exitStatus } = shutdown
    effects.push({ type: 'finish', kind, exitStatus, force: false })
  }
  persist.account(engine.state, events, effects)
  loop.resume(effects, events)
}
