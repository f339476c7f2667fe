// This machine as units see it, and the directories that a daemon of this environment would look in.
import { dirname, resolve } from 'node:path'
import { type HostFacts, readHostFacts } from '../../daemon/runtime/facts.ts'
import { native } from '../../daemon/runtime/native.ts'
import { createUnitFacts } from '../../daemon/runtime/unit-facts.ts'
import { unitReader } from '../../daemon/runtime/unit-reader.ts'
import { createUnits, type LoadedUnits } from '../../daemon/units/load.ts'
import { placesOf } from '../../daemon/units/places.ts'
import type { HostFacts as UnitFacts } from '../../daemon/units/specifiers.ts'
import { defaultSocketPath } from '../socket-path.ts'

/** What conditions ask of the machine. */
export const hostFacts = (): HostFacts => readHostFacts(native(), process.env)

/** What specifiers stand for. */
export const unitFacts = (): UnitFacts => createUnitFacts(native(), hostFacts())

/** In order; the first wins. */
export function unitDirectories() {
  const { services, vendorUnits } = placesOf(process.env)
  const runtime = `${dirname(defaultSocketPath())}/services.d`
  const all = services.map(path => resolve(path))
  return {
    services: all.includes(runtime) ? all : [runtime, ...all],
    vendorUnits: vendorUnits.map(path => resolve(path)),
  }
}

/** The units of those directories, after those of `first`. */
export function loadUnits(first: readonly string[] = []): LoadedUnits {
  const { services, vendorUnits } = unitDirectories()
  return createUnits({
    services: [...new Set([...first, ...services])],
    vendorUnits,
    reader: unitReader,
    host: unitFacts(),
  })
}
