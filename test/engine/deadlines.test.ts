// The heap of deadlines against a plain list.
import test from 'ava'
import fc from 'fast-check'
import { createDeadlines } from '../../daemon/engine/deadlines.ts'

test('the earliest deadline is known whatever is set, moved and removed', t => {
  const moves = fc.array(fc.tuple(fc.nat(20), fc.option(fc.nat(50))), { maxLength: 80 })
  fc.assert(
    fc.property(moves, fc.nat(50), (list, now) => {
      const deadlines = createDeadlines<number>()
      const plain = new Map<number, number>()
      for (const [key, at] of list) {
        deadlines.set(key, at)
        if (at === null) plain.delete(key)
        else plain.set(key, at)
        const earliest = plain.size === 0 ? null : Math.min(...plain.values())
        if (deadlines.earliestUsec() !== earliest) return false
      }
      const due = deadlines.due(now)
      const moments = due.map(key => plain.get(key) ?? Number.NaN)
      return (
        due.length === [...plain.values()].filter(at => at <= now).length &&
        moments.every((at, i) => at <= now && (i === 0 || at >= (moments[i - 1] ?? 0)))
      )
    }),
  )
  t.pass()
})

test('what is due at the same moment comes in an order that does not tell what was set first', t => {
  const keys = ['b.service', 12, 'a.service', 3]
  for (const order of [keys, [...keys].reverse()]) {
    const deadlines = createDeadlines<string | number>()
    for (const key of order) deadlines.set(key, 5)
    deadlines.set('late.service', 4)
    t.deepEqual(deadlines.due(5), ['late.service', 'a.service', 'b.service', 3, 12])
  }
})
