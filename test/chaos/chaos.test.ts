// Some seconds of what `npm run chaos` does for minutes.
import test from 'ava'
import { isRoot } from '../system/pid1.ts'
import { chaos } from './chaos.ts'

test('whatever is done to the daemon and its services for some seconds, nothing is lost', async t => {
  if (!isRoot) {
    t.log('skipped: needs root')
    return t.pass()
  }
  const account = await chaos({ seconds: 8, seed: 1, services: 9, isQuick: true })
  t.deepEqual(account.problems, [])
  t.true(account.images > 1)
  t.log(`${account.images} images, ${account.lives} lives, ${account.lines} lines`)
})
