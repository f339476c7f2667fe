// What a machine's context holds for every type of unit.
import type { MachineContext } from '../../daemon/engine/machine.ts'

/** The parts that a machine's test need not care for. */
export const SURROUNDINGS: Pick<
  MachineContext,
  'triggered' | 'random' | 'host' | 'started' | 'zone'
> = {
  triggered: () => null,
  random: () => 0.5,
  host: { machineId: '0123456789abcdef'.repeat(2), isContainer: true },
  started: { realtimeUsec: 1_700_000_000_000_000, monotonicUsec: 1_000_000_000 },
  zone: 'UTC',
}
