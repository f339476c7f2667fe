import test from 'ava'
import { createFilter } from '../../daemon/logs/filter.ts'
import { createFilters } from '../../daemon/logs/filters.ts'
import type { LogLimits } from '../../daemon/logs/logs.ts'
import { ended, openLogs, runId } from './world.ts'

const SECOND = 1_000_000

/** A filter, and what it does with a line at a time. */
function open(limits: LogLimits) {
  const warnings: string[] = []
  const filter = createFilter(limits, message => warnings.push(message))
  const keeps = (text: string, atUsec = 0, priority = 6) =>
    filter.keeps(priority, Buffer.from(text), atUsec)
  return { filter, keeps, warnings }
}

test('LogLevelMax= keeps lines up to that level', t => {
  const { keeps } = open({ maxPriority: 4 })
  t.deepEqual(
    [0, 3, 4, 5, 7].map(priority => keeps('x', 0, priority)),
    [true, true, true, false, false],
  )
})

test('LogFilterPatterns= keeps what a pattern finds, unless one with ~ does', t => {
  const { keeps } = open({ patterns: ['GET', 'PO?ST', '~health', '~^debug: '] })
  t.true(keeps('GET /'))
  t.true(keeps('PST /'))
  t.false(keeps('get /'))
  t.false(keeps('GET /health'))
  const { keeps: denies } = open({ patterns: ['~health'] })
  t.true(denies('GET /'))
  t.false(denies('GET /health'))
})

test('a pattern that may take long is left out with a sentence', t => {
  const { keeps, warnings } = open({ patterns: ['~(a)\\1', '~b'] })
  t.true(keeps('aa'))
  t.false(keeps('ab'))
  t.is(warnings.length, 1)
  t.regex(warnings[0] ?? '', /^LogFilterPatterns=~\(a\)\\1 is left out: cannot search for it: /)
})

test('in an interval no more lines than the burst are kept, and then it is said how many are missing', t => {
  const { filter, keeps } = open({ rateIntervalUsec: 10 * SECOND, rateBurst: 2 })
  t.deepEqual(
    [0, 1, 2, 9].map(at => keeps('x', at * SECOND)),
    [true, true, false, false],
  )
  t.is(filter.missed(9 * SECOND), 0)
  t.false(filter.isIdle(9 * SECOND))
  t.true(filter.isIdle(10 * SECOND))
  t.is(filter.missed(10 * SECOND), 2)
  t.is(filter.missed(10 * SECOND), 0)
  t.true(keeps('x', 10 * SECOND))
})

test('a burst of unimportant lines does not cost an important one', t => {
  const { filter, keeps } = open({ rateIntervalUsec: SECOND, rateBurst: 1 })
  t.deepEqual(
    [7, 7, 6, 4, 3, 0, 3].map(priority => keeps('x', 0, priority)),
    [true, false, ...[true, true, true, true], false],
  )
  t.is(filter.missed(null), 2)
})

test('one of the two settings of the rate takes the other from journald, and 0 is no limit', t => {
  const kept = (limits: LogLimits, count: number) => {
    const { keeps } = open(limits)
    return Array.from({ length: count }, () => keeps('x')).filter(Boolean).length
  }
  t.is(kept({ rateIntervalUsec: SECOND }, 10_002), 10_000)
  t.is(kept({ rateBurst: 3 }, 5), 3)
  t.is(kept({ rateIntervalUsec: 0, rateBurst: 3 }, 5), 5)
  t.is(kept({ rateIntervalUsec: SECOND, rateBurst: 0 }, 5), 5)
})

test('a clock that is set back does not make an interval longer', t => {
  const { keeps } = open({ rateIntervalUsec: SECOND, rateBurst: 1 })
  t.true(keeps('x', 100 * SECOND))
  t.true(keeps('x', 5 * SECOND))
  t.false(keeps('x', 5 * SECOND))
})

test('what the filter turns away is in no file, over a restart too, and the count is a line of its own', async t => {
  const { logs, start, ask } = openLogs(t)
  const limits = {
    maxPriority: 6,
    rateIntervalUsec: 3600 * SECOND,
    rateBurst: 3,
    patterns: ['~no'],
  }
  const run = async (script: string, id: string) => {
    await ended(start('web.service', script, id, { limits }))
    logs.close('web.service', id)
  }
  await run('echo 1; echo no; echo "<7>debug"; echo 2', runId(1))
  await run('seq 3 9', runId(2))
  // The line of the count comes with the end of the pipes, which nobody tells of.
  let records = await ask({ units: ['web.service'] })
  while (records.length < 4) records = await ask({ units: ['web.service'] })
  t.deepEqual(
    records.map(({ message, priority, identifier }) => [message, priority, identifier]),
    [
      ['1', 6, 'sh'],
      ['2', 6, 'sh'],
      ['3', 6, 'sh'],
      ['Suppressed 6 messages from web.service', 4, 'hearth'],
    ],
  )
})

test('a unit’s counting goes on over a restart and is forgotten when it is over', t => {
  const clock = { usec: 0 }
  const filters = createFilters(
    () => clock.usec,
    () => {},
  )
  const run = (unit: string, rateBurst = 1) => {
    const limits = { rateIntervalUsec: 1000, rateBurst }
    const log = { unit, invocationId: runId(1), identifier: 'a', console: false, limits }
    return filters.take(log) ?? t.fail()
  }
  const filter = run('a.service')
  t.true(filter.keeps(6, Buffer.from('x'), clock.usec))
  t.is(run('a.service'), filter, 'two runs at once')
  filters.release('a.service', filter)
  filters.release('a.service', filter)
  for (let i = 0; i < 10; i++) filters.release(`b@${i}.service`, run(`b@${i}.service`))
  t.is(run('a.service'), filter)
  filters.release('a.service', filter)
  clock.usec = 1000
  const other = run('c.service')
  filters.release('c.service', other)
  t.not(run('a.service'), filter)
  t.not(run('c.service', 2), other, 'another limit')
  t.is(filters.take({ unit: 'e', invocationId: '', identifier: '', console: false }), null)
})
