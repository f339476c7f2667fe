// Waiting for what `ctl show` tells of a unit.
import { connect as connectControl } from '../../ctl/client.ts'
import type { Pid1 } from './pid1.ts'

/** Resolves when a property of the unit has that value. It asks again and again over one connection: a process for each
 * question would be most of the test. */
export async function until(
  hearth: Pid1,
  unit: string,
  property: string,
  value: string,
): Promise<void> {
  const connected = await connectControl({ socket: `${hearth.runtime}/control.sock` })
  if (connected.isErr()) throw new Error(`cannot connect: ${connected.error.type}`)
  const params = { units: [unit], properties: [property] }
  for (;;) {
    const answer = await connected.value.request('show', params)
    if (answer.isErr()) throw new Error(`cannot show ${unit}: ${answer.error.type}`)
    if (answer.value.units[0]?.properties[0]?.[1] === value) break
  }
  connected.value.close()
}
