// Jumps of the clock and changes of the time zone, told while there is a timer that goes by them.
import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { EngineEvent } from '../engine/event.ts'
import type { UnitName } from '../units/unit.ts'
import { errnoOf, inWords } from './failure.ts'
import type { Native } from './native.ts'
import { LOCALTIME, localZone } from './zone.ts'

export interface ClockWatch {
  /** The timer is up. */
  add(unit: UnitName): void
  remove(unit: UnitName): void
  close(): void
}

export type ClockWatchParts = {
  native: Native
  environment: Readonly<Record<string, string | undefined>>
  post: (event: EngineEvent) => void
  warn: (message: string) => void
}

/** Nothing is watched while no timer is up. */
export function createClockWatch({ native, environment, post, warn }: ClockWatchParts): ClockWatch {
  const units = new Set<UnitName>()
  let files: FSWatcher | null = null

  const tellZone = () => post({ type: 'zone-changed', zone: localZone(environment) })
  const begin = () => {
    try {
      native.onClockSet(() => post({ type: 'clock-set' }))
      files = watch(dirname(LOCALTIME), { persistent: false }, (_, name) => {
        if (name === basename(LOCALTIME) || name === 'timezone') tellZone()
      })
      files.on('error', () => {})
    } catch (error) {
      warn(`cannot watch the clock, timers go by what it shows now: ${inWords(errnoOf(error))}`)
    }
    // Nobody has looked since the last timer went.
    tellZone()
  }
  const end = () => {
    native.onClockSet(null)
    files?.close()
    files = null
  }
  return {
    add(unit) {
      if (units.size === 0) begin()
      units.add(unit)
    },
    remove(unit) {
      if (units.delete(unit) && units.size === 0) end()
    },
    close() {
      if (units.size > 0) end()
      units.clear()
    },
  }
}
