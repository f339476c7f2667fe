import test from 'ava'
import { createQuiet } from '../../daemon/logs/quiet.ts'

test('memory is given back a quiet second after much work, and there is no timer otherwise', t => {
  let released = 0
  let due: (() => void) | null = null
  const second = () => {
    const now = due
    due = null
    now?.()
  }
  const work = createQuiet(
    () => released++,
    each => {
      t.is(due, null)
      due = each
    },
  )
  work(1)
  second()
  t.is(released, 0, 'there was work')
  second()
  t.is(released, 1)
  t.is(due, null)
  work(300)
  t.is(due, null, 'that was not much')
  work(300)
  second()
  t.is(released, 2)
  t.is(due, null)
})
