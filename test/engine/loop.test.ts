// The event queue: when a round is over, and who hears of it.
import test from 'ava'
import type { Engine } from '../../daemon/engine/engine.ts'
import { createLoop } from '../../daemon/loop.ts'

const NOTHING = { changes: { manager: null, units: new Map(), jobs: new Map() }, effects: [] }

test('exits that nothing is to be done about end a round too: the last process of a unit may be one of them', t => {
  const told: string[] = []
  const engine = { step: () => NOTHING, commit() {}, nextWakeUsec: () => null } as unknown as Engine
  const loop = createLoop({
    engine,
    perform: effect => told.push(effect.type),
    record: event => told.push(event.type),
    now: () => ({ realtimeUsec: 0, monotonicUsec: 0 }),
    arm() {},
    settled: () => told.push('settled'),
  })
  loop.batch(() => loop.post({ type: 'exited', pid: 7, exit: { kind: 'exited', status: 0 } }))
  t.deepEqual(told, ['exited', 'settled'])
})

test('what is thrown in a round is told, though whoever posts the event would not let it go on', async t => {
  const broken = {
    step() {
      throw new Error('an oversight')
    },
  } as unknown as Engine
  const told: unknown[] = []
  const loop = createLoop({
    engine: broken,
    perform() {},
    record() {},
    now: () => ({ realtimeUsec: 0, monotonicUsec: 0 }),
    arm() {},
    settled() {},
    defect: error => told.push(error),
  })
  await new Promise<void>(resolve => {
    resolve()
    loop.post({ type: 'clock-set' })
  })
  t.throws(() => loop.batch(() => loop.post({ type: 'clock-set' })))
  t.regex(`${told}`, /an oversight.*an oversight/)
})
