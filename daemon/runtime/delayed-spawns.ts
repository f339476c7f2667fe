// Commands that cannot be started at once, since their credentials come from sockets: kept until they can, over another image of
// the daemon too.
import type { EngineEvent } from '../engine/event.ts'
import type { ServiceSettings, Units } from '../units/unit.ts'
import { type Answers, askSockets, socketSources } from './credential-sockets.ts'
import type { KeptData, KeptPart } from './keep.ts'
import type { Native } from './native.ts'
import { BEGINS } from './run-resources.ts'
import type { SpawnEffect } from './spawn.ts'

export interface DelayedSpawns {
  /** Starts the command, now or when it can be. */
  start(effect: SpawnEffect): void
  /** Those that an earlier image had not started; the one that it was about to start comes first. They are to be started anew. */
  left(): readonly SpawnEffect[]
}

export type DelayedParts = {
  native: Native
  units: Units
  keep: KeptPart
  /** What sockets have given for the unit's next command. */
  give: (unit: string, answers: Answers) => void
  hasCredentials: (effect: SpawnEffect) => boolean
  spawn: (effect: SpawnEffect) => EngineEvent
  post: (event: EngineEvent) => void
}

type Written = { effect: SpawnEffect; isStarting: boolean }

const LONGEST_MS = 90_000

const patience = ({ timeoutStartUsec }: Pick<ServiceSettings, 'timeoutStartUsec'>) =>
  Math.min(LONGEST_MS, timeoutStartUsec / 1000)

export function createDelayedSpawns(parts: DelayedParts): DelayedSpawns {
  const { native, units, keep, post, spawn } = parts
  const write = (effect: SpawnEffect, isStarting: boolean) =>
    keep.put(effect.unit, { effect, isStarting } satisfies Written as unknown as KeptData)

  return {
    start(effect) {
      const { unit: name } = effect
      const { exec, service } = units.get(name)
      const sources = exec && BEGINS.has(effect.exec) ? socketSources(exec) : []
      if (sources.length === 0 || parts.hasCredentials(effect)) return post(spawn(effect))
      write(effect, false)
      void askSockets(native, name, sources, service ? patience(service) : LONGEST_MS).then(
        answers => {
          parts.give(name, answers)
          // Should we die in the meantime, whether it was started is known.
          write(effect, true)
          post(spawn(effect))
          keep.drop(name)
        },
      )
    },
    left() {
      const all = [...keep.entries].map(([, { data }]) => data as unknown as Written)
      for (const { effect } of all) keep.drop(effect.unit)
      return all
        .sort((a, b) => Number(b.isStarting) - Number(a.isStarting))
        .map(({ effect }) => effect)
    },
  }
}
