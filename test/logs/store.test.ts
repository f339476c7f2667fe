import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createStore, type Store, type StoreSettings } from '../../daemon/logs/store.ts'
import { createBackground, temporaryDirectory } from './world.ts'

const UNIT = 'web.service'

/** A store on a clock that stands still until it is set. */
function open(t: ExecutionContext, settings: Partial<StoreSettings> = {}) {
  const warnings: string[] = []
  const clock = { usec: Date.UTC(2026, 10, 25) * 1000 }
  const directory = settings.directory === undefined ? temporaryDirectory(t) : settings.directory
  const store = createStore({
    directory,
    rotateBytes: 1000,
    keep: 3,
    warn: message => warnings.push(message),
    nowUsec: () => clock.usec,
    ...settings,
  })
  t.teardown(() => store.close())
  return { store, directory: directory ?? '', warnings, clock }
}

/** Everything that the store can still tell of a unit. */
function content(store: Store, unit = UNIT): string {
  let text = ''
  const { start, end } = store.extent(unit)
  for (let position = start; position < end; ) {
    const block = store.read(unit, position, 100)
    if (!block) break
    text += block.bytes
    position = block.next
  }
  return text
}

function backwards(store: Store, unit = UNIT): string {
  let text = ''
  for (let position = store.extent(unit).end; ; ) {
    const block = store.readBefore(unit, position, 100)
    if (!block) return text
    text = block.bytes + text
    position = block.at
  }
}

const append = (store: Store, text: string, unit = UNIT) => store.append(unit, Buffer.from(text))
/** Lines of ten bytes. */
const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `line ${String(from + i).padStart(4)}\n`).join('')

test('a unit has a folder with its current file, readable for its owner and group alone', t => {
  const { store, directory } = open(t)
  append(store, lines(1, 2))
  t.is(readFileSync(join(directory, UNIT, 'current'), 'utf8'), lines(1, 2))
  t.is(statSync(join(directory, UNIT)).mode & 0o007, 0)
  t.is(statSync(join(directory, UNIT, 'current')).mode & 0o137, 0)
})

test('a file that would grow beyond the limit is put aside under its time, and the oldest go', t => {
  const { store, directory, clock } = open(t)
  for (let i = 0; i < 600; i++) {
    clock.usec += 1_000_001
    append(store, lines(i, i))
  }
  const names = readdirSync(join(directory, UNIT)).sort()
  t.is(names.length, 4)
  t.is(names.at(-1), 'current')
  t.true(names.slice(0, -1).every(name => /^\d{8}T\d{6}\.\d{6}Z\.log$/.test(name)))
  const kept = names.map(name => readFileSync(join(directory, UNIT, name), 'utf8'))
  t.true(kept.every(text => text.length <= 1000))
  t.true(lines(0, 599).endsWith(kept.join('')))
  t.is(content(store), kept.join(''))
  t.is(backwards(store), kept.join(''))
})

test('full files keep their order when the clock is set back', t => {
  const { store, clock } = open(t)
  for (let i = 0; i < 250; i++) {
    clock.usec -= 3_600_000_000
    append(store, lines(i, i))
  }
  t.is(content(store), lines(0, 249))
})

test('a daemon goes on where an earlier one ended, even within a line', t => {
  const { store, directory } = open(t)
  for (let i = 1; i <= 150; i++) append(store, lines(i, i))
  store.close()
  appendFileSync(join(directory, UNIT, 'current'), 'torn li')
  const { store: next } = open(t, { directory })
  t.is(content(next), `${lines(1, 150)}torn li`)
  append(next, lines(151, 160))
  t.is(
    readFileSync(join(directory, UNIT, 'current'), 'utf8')
      .split('\n')
      .at(-12),
    'torn li',
  )
  t.true(content(next).endsWith(lines(151, 160)))
})

test('a file that somebody removed, moved or truncated is begun anew', t => {
  const { store, directory } = open(t)
  const current = join(directory, UNIT, 'current')
  append(store, lines(1, 1))
  rmSync(current)
  append(store, lines(2, 2))
  t.is(readFileSync(current, 'utf8'), lines(2, 2))
  truncateSync(current)
  append(store, lines(3, 3))
  t.is(readFileSync(current, 'utf8'), lines(3, 3))
  t.true(content(store).endsWith(lines(3, 3)))
  renameSync(current, `${current}.1`)
  store.release(UNIT)
  append(store, lines(4, 4))
  t.is(readFileSync(current, 'utf8'), lines(4, 4))
})

test('symbolic links are not followed: the lines stay in memory, with one warning', t => {
  for (const link of ['folder', 'file'] as const) {
    const { store, directory, warnings } = open(t)
    const elsewhere = temporaryDirectory(t)
    if (link === 'folder') symlinkSync(elsewhere, join(directory, UNIT))
    else {
      mkdirSync(join(directory, UNIT))
      symlinkSync(join(elsewhere, 'current'), join(directory, UNIT, 'current'))
    }
    append(store, lines(1, 1))
    append(store, lines(2, 2))
    t.deepEqual(readdirSync(elsewhere), [])
    t.is(content(store), lines(1, 2))
    t.is(warnings.length, 1)
    t.true(warnings[0]?.startsWith(`cannot write the log ${directory}/${UNIT}/current: `))
  }
})

test('lines are kept in memory while the directory cannot be written, and are in the file when it can', t => {
  const directory = join(temporaryDirectory(t), 'logs')
  writeFileSync(directory, 'in the way')
  const { store, warnings, clock } = open(t, { directory })
  append(store, lines(1, 1))
  append(store, lines(2, 2))
  append(store, lines(1, 1), 'other.service')
  t.is(content(store), lines(1, 2))
  t.is(backwards(store), lines(1, 2))
  t.is(warnings.length, 1)
  rmSync(directory)
  append(store, lines(3, 3))
  t.false(existsSync(directory), 'it was tried a moment ago')
  clock.usec += 2_000_000
  append(store, lines(4, 4))
  t.is(readFileSync(join(directory, UNIT, 'current'), 'utf8'), lines(1, 4))
  t.is(readFileSync(join(directory, 'other.service', 'current'), 'utf8'), lines(1, 1))
  t.is(content(store), lines(1, 4))
  t.deepEqual(warnings.slice(1), ['the logs can be written again'])
})

test('what memory holds is written at the end, if it can be written then', t => {
  const directory = join(temporaryDirectory(t), 'logs')
  writeFileSync(directory, 'in the way')
  const { store } = open(t, { directory })
  append(store, lines(1, 1))
  rmSync(directory)
  store.close()
  t.is(readFileSync(join(directory, UNIT, 'current'), 'utf8'), lines(1, 1))
})

test('memory is bounded: the oldest lines of a unit go, and those of the unit that has most', t => {
  const { store, warnings } = open(t, { directory: null })
  const block = 'x'.repeat(63 * 1024)
  append(store, lines(1, 1), 'quiet.service')
  for (let i = 0; i < 10; i++) append(store, `${i}${block}\n`)
  const kept = content(store)
  t.true(kept.length <= 256 * 1024)
  t.true(kept.endsWith(`9${block}\n`))
  let all = 0
  for (let unit = 0; unit < 60; unit++)
    for (let i = 0; i < 4; i++) append(store, `${block}\n`, `web@${unit}.service`)
  for (const unit of store.units()) all += content(store, unit).length
  t.true(all <= 8 * 1024 * 1024)
  t.is(content(store, 'quiet.service'), lines(1, 1))
  t.deepEqual(warnings, [])
})

test('more units than files may be open are all written', t => {
  const { store, directory } = open(t)
  for (let round = 1; round <= 2; round++)
    for (let i = 0; i < 600; i++) append(store, lines(round, round), `web@${i}.service`)
  for (let i = 0; i < 600; i++)
    t.is(readFileSync(join(directory, `web@${i}.service`, 'current'), 'utf8'), lines(1, 2))
})

test('a full disk leaves whole lines only, and nothing that memory holds is lost when there is room again', t => {
  if (process.geteuid?.() !== 0)
    return t.pass(void t.log('not tested: needs root to mount a tmpfs'))
  const directory = temporaryDirectory(t)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory])
  t.teardown(() => execFileSync('umount', ['-l', directory]))
  const { store, warnings, clock } = open(t, { directory, rotateBytes: 1_000_000 })
  writeFileSync(join(directory, 'ballast'), Buffer.alloc(30_000))
  for (let i = 0; i < 60; i++) append(store, lines(100 * i, 100 * i + 99))
  t.is(warnings.length, 1)
  t.regex(warnings[0] ?? '', /no space left/)
  const written = readFileSync(join(directory, UNIT, 'current'), 'utf8')
  t.true(written.length < 60_000 && written.endsWith('\n'))
  t.is(content(store), lines(0, 5999))
  rmSync(join(directory, 'ballast'))
  execFileSync('mount', ['-o', 'remount,size=1m', directory])
  clock.usec += 2_000_000
  append(store, lines(6000, 6000))
  t.is(readFileSync(join(directory, UNIT, 'current'), 'utf8'), lines(0, 6000))
  t.is(content(store), lines(0, 6000))
})

test('a folder without permission is an unwritable one', t => {
  if (process.geteuid?.() === 0)
    return t.pass(void t.log('not tested as root, who may write anything'))
  const { store, directory, warnings } = open(t)
  chmodSync(directory, 0o500)
  append(store, lines(1, 1))
  t.is(content(store), lines(1, 1))
  t.regex(warnings[0] ?? '', /permission denied/)
})

/** A store that compresses, with what it has put off. */
function openCompressing(t: ExecutionContext, settings: Partial<StoreSettings> = {}) {
  const { background, work, catchUp } = createBackground()
  const opened = open(t, { background, keep: 1000, ...settings })
  return { ...opened, work, catchUp }
}

test('full files are compressed, one step at a time, and nothing that is asked meanwhile notices', t => {
  const { store, directory, work, catchUp } = openCompressing(t, { rotateBytes: 500_000 })
  for (let i = 0; i < 60; i++) append(store, lines(1000 * i, 1000 * i + 999))
  const text = content(store)
  t.is(text, lines(0, 59_999))
  let steps = 0
  for (let next = work.shift(); next; next = work.shift()) {
    next()
    if (steps++ % 3 === 0) t.true(content(store) === text && backwards(store) === text)
  }
  t.true(steps > 4, 'in steps')
  append(store, lines(60_000, 60_000))
  catchUp()
  t.is(content(store), lines(0, 60_000))
  t.is(backwards(store), lines(0, 60_000))
  const names = readdirSync(join(directory, UNIT)).sort()
  t.is(names.length, 2)
  const [packed = ''] = names
  t.regex(packed, /^\d{8}T\d{6}\.\d{6}Z\.log\.gz$/)
  const path = join(directory, UNIT, packed)
  t.is(statSync(path).mode & 0o137, 0)
  t.true(lines(0, 60_000).startsWith(execFileSync('zcat', [path], { maxBuffer: 1e7 }).toString()))
  store.close()
  t.is(content(open(t, { directory }).store), lines(0, 60_000), 'and by the next daemon')
})

test('a file that goes while it is being compressed leaves nothing behind', t => {
  for (let steps = 0; steps < 12; steps++) {
    const { store, directory, work, catchUp } = openCompressing(t, {
      rotateBytes: 300_000,
      keep: 1,
    })
    for (let i = 0; i < 60; i++) append(store, lines(1000 * i, 1000 * i + 999))
    for (let i = 0; i < steps; i++) work.shift()?.()
    for (let i = 60; i < 90; i++) append(store, lines(1000 * i, 1000 * i + 999))
    catchUp()
    const names = readdirSync(join(directory, UNIT)).sort()
    t.is(names.length, 2, names.join(' '))
    t.regex(names[0] ?? '', /\.log\.gz$/)
    const text = content(store)
    t.true(text.length > 300_000 && lines(0, 89_999).endsWith(text))
    t.true(content(open(t, { directory }).store) === text)
  }
})

test('damage in a compressed file costs the lines of that place alone', t => {
  const { store, directory, catchUp } = openCompressing(t, { rotateBytes: 1_000_000 })
  for (let i = 0; i < 100; i++) append(store, lines(1000 * i, 1000 * i + 999))
  append(store, lines(100_000, 100_000))
  catchUp()
  store.close()
  const whole = lines(0, 99_999)
  const name = readdirSync(join(directory, UNIT)).find(each => each.endsWith('.gz')) ?? ''
  const path = join(directory, UNIT, name)
  const sound = readFileSync(path)
  const length = sound.readUInt32LE(16)
  // In the second member: its magic, its size, how much it holds, its bytes, its sum.
  for (const at of [0, 17, 21, 60, sound.readUInt32LE(length + 16) - 8]) {
    const damaged = Buffer.from(sound)
    damaged[length + at] = (damaged[length + at] ?? 0) ^ 0x5a
    writeFileSync(`${path}.new`, damaged)
    renameSync(`${path}.new`, path)
    const copy = temporaryDirectory(t)
    execFileSync('cp', ['-r', join(directory, UNIT), copy])
    const text = content(open(t, { directory: copy }).store)
    const lost = whole.length + 12 - text.length
    t.true(lost > 0 && lost <= 128 * 1024, `${at}: ${lost}`)
    t.true(text.startsWith(lines(0, 12_000)) && text.endsWith(lines(27_000, 100_000)), `${at}`)
  }
  truncateSync(path, length + 100)
  const copy = temporaryDirectory(t)
  execFileSync('cp', ['-r', join(directory, UNIT), copy])
  const text = content(open(t, { directory: copy }).store)
  t.true(text.startsWith(lines(0, 12_000)) && text.endsWith(lines(100_000, 100_000)))
})

test('what a daemon left that died while compressing is done again, and no line is told twice', t => {
  const { store, directory } = open(t, { keep: 1000 })
  for (let i = 0; i < 250; i++) append(store, lines(i, i))
  store.close()
  const [first = ''] = readdirSync(join(directory, UNIT)).sort()
  writeFileSync(join(directory, UNIT, `${first}.gz.part`), 'half')
  const { store: next, catchUp, clock } = openCompressing(t, { directory })
  clock.usec += 3_600_000_000
  for (let i = 250; i < 400; i++) append(next, lines(i, i))
  catchUp()
  t.is(content(next), lines(0, 399))
  const names = readdirSync(join(directory, UNIT))
  t.true(
    names.every(name => name === 'current' || name.endsWith('.log.gz')),
    names.join(' '),
  )
  // The plain file did not go any more.
  writeFileSync(join(directory, UNIT, first), lines(0, 99))
  t.is(content(open(t, { directory }).store), lines(0, 399))
})

test('all units together are bounded in bytes: the oldest full files go, the current ones stay', t => {
  const { store, clock } = open(t, {
    keep: 1000,
    retention: { totalBytes: 5000, maxAgeUsec: 0 },
  })
  append(store, lines(0, 0), 'quiet.service')
  const units = ['a.service', 'b.service']
  for (let i = 0; i < 900; i++) {
    clock.usec += 1_000_000
    append(store, lines(i, i), units[i < 300 ? 0 : i % 2])
  }
  t.is(content(store, 'quiet.service'), lines(0, 0))
  const [a = '', b = ''] = units.map(unit => content(store, unit))
  t.true(a.length + b.length <= 6100 && a.length + b.length >= 4000, `${a.length} ${b.length}`)
  t.true(a.endsWith(lines(898, 898)) && b.endsWith(lines(899, 899)))
  t.true(Math.abs(a.length - b.length) <= 1000, 'the oldest of both')
})

test('a file is full after a time, too, and goes when it is too old', t => {
  const minute = 60_000_000
  const { store, clock, directory } = open(t, {
    keep: 1000,
    rotateUsec: 10 * minute,
    retention: { totalBytes: 0, maxAgeUsec: 60 * minute },
  })
  const line = (i: number) => `${new Date(clock.usec / 1000).toISOString().slice(0, 23)}000Z ${i}\n`
  for (let i = 0; i < 12; i++) {
    append(store, line(i))
    clock.usec += 6 * minute
    // Over a restart, the age is that of the first line.
    if (i === 2) store.release(UNIT)
  }
  t.is(content(store).split('\n').length - 1, 12)
  t.is(readdirSync(join(directory, UNIT)).length, 6)
  clock.usec += 60 * minute
  append(store, line(12))
  t.deepEqual(
    content(store)
      .trim()
      .split('\n')
      .map(each => each.split(' ')[1]),
    ['10', '11', '12'],
  )
})

test('what is of an age goes without a line being written, what an earlier daemon left too', t => {
  const minute = 60_000_000
  const settings = {
    keep: 1000,
    rotateUsec: 10 * minute,
    retention: { totalBytes: 0, maxAgeUsec: 60 * minute },
  }
  const { store, clock, directory } = open(t, settings)
  const line = (i: number) => `${new Date(clock.usec / 1000).toISOString().slice(0, 23)}000Z ${i}\n`
  store.tend()
  t.is(store.dueUsec(), null, 'there is nothing')
  const began = clock.usec
  append(store, line(1))
  clock.usec += minute
  append(store, line(2), 'other.service')
  t.is(store.dueUsec(), began + 10 * minute)
  const goOn = (by: Store) => {
    clock.usec = by.dueUsec() ?? t.fail()
    by.tend()
  }
  goOn(store)
  t.deepEqual(readdirSync(join(directory, UNIT)).length, 1)
  t.true(existsSync(join(directory, 'other.service/current')))
  t.true(content(store).endsWith(' 1\n'))
  store.close()

  const { store: next, clock: nextClock } = open(t, { ...settings, directory })
  nextClock.usec = clock.usec
  Object.defineProperty(clock, 'usec', {
    get: () => nextClock.usec,
    set: (usec: number) => (nextClock.usec = usec),
  })
  next.tend()
  t.is(next.dueUsec(), began + 11 * minute)
  goOn(next)
  t.false(existsSync(join(directory, 'other.service/current')))
  t.is(next.dueUsec(), began + 70 * minute)
  goOn(next)
  t.is(content(next), '')
  t.true(content(next, 'other.service').endsWith(' 2\n'))
  goOn(next)
  t.is(content(next, 'other.service'), '')
  t.is(next.dueUsec(), null)
  append(next, line(3))
  t.true(content(next).endsWith(' 3\n'))
})

test('what memory holds gets into the file without a line more, and what it had no room for is counted', t => {
  const directory = join(temporaryDirectory(t), 'logs')
  writeFileSync(directory, 'in the way')
  const { store, warnings, clock } = open(t, { directory, rotateBytes: 10_000_000 })
  const rows = lines(0, 999)
  for (let i = 0; i < 40; i++) append(store, rows)
  const pauses: number[] = []
  for (let i = 0; i < 9; i++) {
    const due = store.dueUsec() ?? t.fail()
    pauses.push((due - clock.usec) / 1e6)
    clock.usec = due
    store.tend()
  }
  t.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60])
  t.is(warnings.length, 1)
  rmSync(directory)
  clock.usec = store.dueUsec() ?? t.fail()
  store.tend()
  t.is(store.dueUsec(), null)
  const kept = readFileSync(join(directory, UNIT, 'current'), 'utf8')
  t.is(content(store), kept)
  const lost = 40_000 - kept.length / 10
  t.true(lost > 0 && kept.length > 200_000)
  t.is(
    warnings[1],
    `the logs can be written again; ${lost} lines for which memory had no room are missing`,
  )
})

test('a turn that is done again finds the log as it was before it, however many files it had filled', t => {
  for (const files of [0, 1, 3]) {
    let told = { inode: 0, size: 0 }
    let isNoting = false
    const { store, directory } = open(t, {
      keep: 1000,
      storing(inode, size) {
        if (isNoting) told = { inode, size }
        isNoting = false
      },
    })
    for (let i = 0; i < 130; i++) append(store, lines(i, i))
    isNoting = true
    for (let i = 130; i < 140 + 100 * files; i++) append(store, lines(i, i))
    store.close()
    const { store: next } = open(t, { directory, keep: 1000 })
    next.cutBack(UNIT, told.inode, told.size)
    t.is(content(next), lines(0, 129))
    append(next, lines(130, 130))
    t.is(content(next), lines(0, 130))
  }
})
