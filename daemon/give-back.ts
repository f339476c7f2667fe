// What booting leaves behind, given back once the services are up.
import type { Engine } from './engine/engine.ts'
import { releaseMemory } from './runtime/native.ts'
import type { UnitMemory } from './runtime/unit-memory.ts'
import type { Takeover } from './takeover.ts'

export type GiveBackParts = {
  engine: Engine
  memory: Pick<UnitMemory, 'pack'>
  before: Takeover
  isFirst: boolean
  /** Log pipes that are still read. */
  readEnds: () => readonly number[]
}

/** When it is done, milliseconds after the control socket is open, if the services are up by then; if not, after twice the time,
 * and so on until it is done in any case. */
const QUIET_MS = 1000
const LONGEST_QUIET_MS = 64_000

/** From now on the image before is not needed; what a boot has taken and nobody needs is given back a little later. */
export function giveBackLater({ engine, memory, before, isFirst, readEnds }: GiveBackParts): void {
  const giveBack = (afterMs: number) => {
    if (engine.state.jobs.size > 0 && afterMs < LONGEST_QUIET_MS) {
      setTimeout(() => giveBack(2 * afterMs), afterMs)
      return
    }
    memory.pack()
    before.persist.account(engine.state, [], [])
    releaseMemory()
  }
  setTimeout(() => {
    before.secure()
    if (!isFirst) before.sweep(readEnds())
    giveBack(QUIET_MS)
  }, QUIET_MS)
}
