// What outlives the daemon's image: the ledger, what the parts keep, and the engine's steps written down in it.
import { readFileSync, readlinkSync, readSync, writeSync } from 'node:fs'
import test from 'ava'
import fc from 'fast-check'
import { initialUnitState } from '../../daemon/engine/initial.ts'
import type { Changes, ManagerState } from '../../daemon/engine/state.ts'
import { native as loadNative } from '../../daemon/runtime/native.ts'
import { createPersist, readLedger, SLOT, STATE_VERSION } from '../../daemon/runtime/persist.ts'

const native = loadNative()
/** Whether it is close-on-exec. */
const isMarked = (fd: number) =>
  (Number.parseInt(
    /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '',
    8,
  ) &
    0o2000000) !==
  0

const fresh = () => native.ledger('test', STATE_VERSION)
const reopened = (fd: number) => {
  const ledger = native.ledger(fd)
  if (!ledger) throw new Error('it is no ledger')
  return ledger
}
const manager: ManagerState = {
  phase: 'running',
  shutdown: null,
  environment: ['PATH=/bin'],
  nextJob: 7,
  nextToken: 9,
  seed: '0'.repeat(32),
  started: { realtimeUsec: 1, monotonicUsec: 2 },
  zone: 'UTC',
}
const changes = (more: Partial<Changes> = {}): Changes => ({
  manager: null,
  units: new Map(),
  jobs: new Map(),
  ...more,
})

test('records are read back as they were written, in order, by whoever has the descriptor', t => {
  t.notThrows(() =>
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.string({ minLength: 1, unit: 'binary' }), { maxLength: 20 }), {
          maxLength: 6,
        }),
        accounts => {
          const ledger = fresh()
          for (const records of accounts) {
            ledger.begin()
            for (const record of records) ledger.append(record.toWellFormed())
            ledger.flip()
            const again = reopened(ledger.fd).read()
            const same = again.every((text, i) => text === records[i]?.toWellFormed())
            if (!same || again.length !== records.length) return false
          }
          native.close(ledger.fd)
          return true
        },
      ),
      { numRuns: 10 },
    ),
  )
})

test('a record that was cut short or damaged is not there, and those before it are', t => {
  const ledger = fresh()
  ledger.append('first')
  ledger.append('second')
  const at = 64 * 1024 + 16 + 8
  writeSync(ledger.fd, 'X', at + 16) // in the text of the second
  const again = reopened(ledger.fd)
  t.deepEqual(again.read(), ['first'])
  t.true(again.isDamaged())
  again.append('third')
  t.deepEqual(reopened(ledger.fd).read(), ['first', 'third'])
})

test('a record that was being written is no damage; one that was whole, an area that is another, a count out of range are', t => {
  const written = () => {
    const ledger = fresh()
    const persist = createPersist(native, ledger, null)
    persist.account({ manager, units: new Map(), jobs: new Map() }, [], [])
    persist.step(changes({ manager }), [], false)
    return ledger
  }
  const refused = { message: 'the state is damaged' }
  const AREA = 64 * 1024 + 2 ** 29
  let ledger = written()
  writeSync(ledger.fd, Buffer.of(1, 0, 0, 0), 0, 4, AREA + ledger.bytes())
  t.truthy(readLedger(reopened(ledger.fd)).leftover)
  writeSync(ledger.fd, 'X', AREA + 20)
  t.throws(() => readLedger(reopened(ledger.fd)), refused)
  // A bit of the length and one of the text, which the sum must not let cancel out.
  ledger = written()
  writeSync(ledger.fd, 'Z', AREA + 16)
  const length = Buffer.alloc(1)
  readSync(ledger.fd, length, 0, 1, AREA)
  writeSync(ledger.fd, Buffer.of((length[0] ?? 0) ^ 1), 0, 1, AREA)
  t.throws(() => readLedger(reopened(ledger.fd)), refused)
  ledger = written()
  writeSync(ledger.fd, Buffer.of(0), 0, 1, 12)
  t.throws(() => readLedger(reopened(ledger.fd)), refused)
  for (const [slot, value] of [
    [SLOT.performed, 3],
    [SLOT.performed, Number.NaN],
    [SLOT.phase, 7],
  ] as const) {
    ledger = written()
    new Float64Array(ledger.slots)[slot] = value
    t.throws(() => readLedger(reopened(ledger.fd)), refused)
  }
})

test('until it is finished, a new account does not count; what an old one left in its place never does', t => {
  const ledger = fresh()
  for (let i = 0; i < 100; i++) ledger.append(`old ${i}`)
  ledger.begin()
  ledger.append('new')
  t.is(reopened(ledger.fd).read().length, 100)
  ledger.begin()
  ledger.append('newer')
  ledger.flip()
  t.deepEqual(reopened(ledger.fd).read(), ['newer'])
  for (const last of ['a', 'b', 'c']) {
    ledger.begin()
    ledger.append(last.repeat(5))
    ledger.flip()
    t.deepEqual(reopened(ledger.fd).read(), [last.repeat(5)])
  }
})

test('what is no ledger is told, and an empty record refused', t => {
  t.is(native.ledger(native.memfd('other')), null)
  t.throws(() => fresh().append(''), { code: 'EINVAL' })
})

test('a part gets back its data and descriptors; they are kept over an execve, and those dropped are not', t => {
  const ledger = fresh()
  const persist = createPersist(native, ledger, null)
  const { read, write } = native.pipe()
  const part = persist.keep.part('socket')
  part.put('web.socket', { ports: [80, 443] }, [read, write])
  part.put('old.socket', 'gone')
  part.drop('old.socket')
  persist.keep.part('timer').put('daily.timer', { last: 5 })
  t.false(isMarked(read) || isMarked(write))
  part.put('web.socket', { ports: [80] }, [read])
  t.true(isMarked(write))

  const { keep } = readLedger(reopened(ledger.fd))
  t.deepEqual(
    [...keep.part('socket').entries],
    [['web.socket', { data: { ports: [80] }, fds: [read] }]],
  )
  t.deepEqual(keep.part('timer').entries.get('daily.timer')?.data, { last: 5 })
  t.deepEqual(keep.fds(), new Set([read]))
  t.regex(readlinkSync(`/proc/self/fd/${read}`), /^pipe:/)
  part.drop('web.socket')
  t.true(isMarked(read))
})

test('the state is that after the last whole step, with the effects and events that are still to come', t => {
  const ledger = fresh()
  const persist = createPersist(native, ledger, null)
  const web = { ...initialUnitState('web.service', 'service'), invocationId: 'f'.repeat(32) }
  const check = { type: 'check-conditions', unit: 'web.service', token: 1 } as const
  const ends = {
    type: 'run-ends',
    unit: 'web.service',
    invocationId: '1',
    restarting: false,
  } as const
  const line = { type: 'log', level: 'info', unit: null, message: 'not kept' } as const
  const answer = { type: 'emptied', unit: 'web.service' } as const
  t.is(readLedger(reopened(ledger.fd)).leftover, null)

  persist.step(
    changes({ manager, units: new Map([['web.service', web]]) }),
    [check, line, ends],
    false,
  )
  persist.performing(check)
  let { leftover } = readLedger(reopened(ledger.fd))
  t.deepEqual(leftover?.effects, [check, ends])
  t.is(leftover?.culprit, JSON.stringify(check))
  t.deepEqual(leftover?.state.units.get('web.service'), web)
  t.deepEqual(leftover?.state.manager, manager)

  // An effect whose answer is on record has been carried out.
  persist.posted(answer)
  leftover = readLedger(reopened(ledger.fd)).leftover
  t.deepEqual(leftover?.effects, [ends])
  t.deepEqual(leftover?.events, [answer])
  t.is(leftover?.culprit, null)
  persist.performed()
  persist.performing(line)
  persist.performed()
  persist.performing(ends)
  persist.performed()
  persist.stepping(answer)
  t.is(readLedger(reopened(ledger.fd)).leftover?.culprit, JSON.stringify(answer))
  persist.step(changes({ units: new Map([['web.service', null]]) }), [], true)
  leftover = readLedger(reopened(ledger.fd)).leftover
  t.deepEqual(leftover && [leftover.events, leftover.effects, leftover.culprit], [[], [], null])
  t.is(leftover?.state.units.size, 0)
})

test('a long account is written anew, short, and says the same', t => {
  const ledger = fresh()
  const persist = createPersist(native, ledger, null)
  const state = { manager, units: new Map(), jobs: new Map() }
  persist.keep.part('a').put('b', 'c')
  persist.step(changes({ manager }), [], false)
  let longest = 0
  for (let i = 0; i < 4000; i++) {
    const name = `web${i % 50}.service`
    const unit = { ...initialUnitState(name, 'service'), conditionFailed: 'x'.repeat(600), job: i }
    state.units.set(name, unit)
    persist.step(changes({ units: new Map([[name, unit]]) }), [], false)
    persist.settled(state)
    longest = Math.max(longest, ledger.bytes())
  }
  t.true(longest < 2 * 1024 * 1024, `${longest} bytes`)
  const { leftover, keep } = readLedger(reopened(ledger.fd))
  t.deepEqual(leftover?.state, state)
  t.is(keep.part('a').entries.get('b')?.data, 'c')
})

test('records of another version are refused by name', t => {
  const ledger = native.ledger('test', STATE_VERSION + 1)
  t.throws(() => readLedger(ledger), {
    message: `the state is of version ${STATE_VERSION + 1}; this is version ${STATE_VERSION}`,
  })
})

test('a packed record is read as it was written, and damage to it is told', t => {
  t.notThrows(() =>
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, unit: 'grapheme', maxLength: 300 }), { maxLength: 8 }),
        fc.nat(),
        (texts, at) => {
          const ledger = fresh()
          for (const [i, text] of texts.entries()) ledger[(at + i) % 2 ? 'pack' : 'append'](text)
          const again = reopened(ledger.fd).read()
          native.close(ledger.fd)
          return again.length === texts.length && again.every((text, i) => text === texts[i])
        },
      ),
    ),
  )
  const ledger = fresh()
  ledger.pack('a unit and another unit, '.repeat(10_000))
  t.true(ledger.bytes() < 10_000)
  const byte = Buffer.alloc(1)
  readSync(ledger.fd, byte, 0, 1, 64 * 1024 + 200)
  writeSync(ledger.fd, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, 64 * 1024 + 200)
  t.true(reopened(ledger.fd).isDamaged())
})

test('what a part tells by itself is what is kept of it, and is told once', t => {
  const ledger = fresh()
  const persist = createPersist(native, ledger, null)
  const part = persist.keep.part('a')
  part.put('old', 1)
  let held = new Map<string, number>([['b', 2]])
  part.tellBy(function* () {
    for (const [key, data] of held) yield [key, { data, fds: [data] }]
  })
  t.is(part.entries.size, 0)
  const state = { manager, units: new Map(), jobs: new Map() }
  const kept = () => [...readLedger(reopened(ledger.fd)).keep.part('a').entries]
  persist.account(state, [], [])
  t.deepEqual(kept(), [['b', { data: 2, fds: [2] }]])
  t.deepEqual(persist.keptFds(), new Set([2]))
  part.put('c', 3)
  part.drop('b')
  t.deepEqual(kept(), [['c', { data: 3, fds: [] }]], 'changes are on record without an account')
  held = new Map([['d', 4]])
  persist.account(state, [], [])
  t.deepEqual(kept(), [['d', { data: 4, fds: [4] }]])
})
