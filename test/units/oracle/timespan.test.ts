import test from 'ava'
import fc from 'fast-check'
import { formatTimespan } from '../../../daemon/units/values/format-timespan.ts'
import { readTimespan } from '../../../daemon/units/values/timespan.ts'
import { ask, batches, sample } from './ask.ts'

const unit = fc.constantFrom(
  ...'us usec ms msec s sec second seconds m min minute minutes h hr hour hours d day days w week weeks M month months y year years μs µs'.split(
    ' ',
  ),
  '',
)
const amount = fc.oneof(
  fc.integer({ min: 0, max: 5000 }).map(String),
  fc.bigInt({ min: 0n, max: 2n ** 65n }).map(String),
)
const part = fc
  .tuple(
    fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 5000 }).map(String) }, amount),
    fc.option(fc.integer({ min: 0, max: 99_999 })),
    unit,
    fc.constantFrom('', ' '),
  )
  .map(
    ([whole, fraction, name, space]) =>
      `${whole}${fraction === null ? '' : `.${fraction}`}${space}${name}`,
  )
const span = fc
  .tuple(fc.array(part, { minLength: 1, maxLength: 3 }), fc.constantFrom('', ' '))
  .map(([parts, space]) => parts.join(space))
const noise = fc.string({
  unit: fc.constantFrom(...'0123456789.+ smhdwyMu-'),
  minLength: 1,
  maxLength: 8,
})

const INFINITY = 2n ** 64n - 1n

test('time spans are read and printed as systemd-analyze timespan does', t => {
  const texts = sample(fc.oneof({ weight: 9, arbitrary: span }, noise), 3000)
  const good = texts.filter(text => readTimespan(text) !== null)
  for (const batch of batches(good)) {
    const answer = ask(t, 'systemd-analyze', ['timespan', '--', ...batch])
    if (!answer) return
    // It ends at the first that it refuses: that one has no block.
    const blocks = answer.out.split('\n\n')
    for (const [at, text] of batch.entries()) {
      const [, usec, human] = /μs: (\d+)\n *Human: (.*)/.exec(blocks[at] ?? '') ?? []
      const ours = readTimespan(text)
      if (ours === null) continue
      const number = ours === 'infinity' ? INFINITY : ours
      t.is(usec, String(number), `"${text}"`)
      t.is(human, number === INFINITY ? 'infinity' : formatTimespan(number), `"${text}"`)
    }
  }
  for (const text of texts.filter(text => readTimespan(text) === null).slice(0, 60))
    t.is(ask(t, 'systemd-analyze', ['timespan', '--', text])?.status, 1, `"${text}"`)
})
