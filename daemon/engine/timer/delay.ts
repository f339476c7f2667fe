// RandomizedDelaySec= and FixedRandomDelay= (systemd.timer(5)).
import type { TimerSettings, UnitName } from '../../units/unit.ts'
import type { MachineContext } from '../machine.ts'

/** The random delay of the next elapse, from 0 to RandomizedDelaySec= (excluded): a new one each time, or always the same
 * for this unit on this machine. */
export function delayUsec(
  { host, random }: Pick<MachineContext, 'host' | 'random'>,
  unit: UnitName,
  { randomizedDelayUsec, fixedRandomDelay }: TimerSettings,
): number {
  if (randomizedDelayUsec <= 0 || randomizedDelayUsec === Infinity) return 0
  const part = fixedRandomDelay ? placeOf(`${host.machineId} ${unit}`) : random()
  return Math.floor(part * randomizedDelayUsec)
}

/** A number in [0, 1) that a text always gives: FNV-1a, its bits mixed as MurmurHash3 does, since names differ in a letter. */
function placeOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
