// Invocation ids.
import test from 'ava'
import { createIds } from '../../daemon/engine/seed.ts'

const SEED = '00112233445566778899aabbccddeeff'

test('an id has the form of a random UUID without its dashes', t => {
  const ids = createIds(SEED)
  for (let i = 0; i < 100; i++) t.regex(ids.draw(), /^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/)
})

test('ten thousand ids differ', t => {
  const ids = createIds(SEED)
  t.is(new Set(Array.from({ length: 10_000 }, () => ids.draw())).size, 10_000)
})

test('the seed goes on where it was left', t => {
  const whole = createIds(SEED)
  const drawn = [whole.draw(), whole.draw(), whole.draw()]
  const first = createIds(SEED)
  const parts = [first.draw(), first.draw()]
  const second = createIds(first.seed())
  t.deepEqual([...parts, second.draw()], drawn)
})

test('even a seed of zeros gives ids that differ', t => {
  const ids = createIds('0'.repeat(32))
  t.not(ids.draw(), ids.draw())
})
