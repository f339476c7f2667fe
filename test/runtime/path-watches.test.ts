// What path units wait for, with the kernel's own watches on real files.
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { createPathWatches } from '../../daemon/runtime/path-watches.ts'
import { PATH_DEFAULTS } from '../../daemon/units/defaults.ts'
import type { PathCondition, PathSettings } from '../../daemon/units/unit.ts'
import { native } from '../native/children.ts'

/** A watched path below a folder of its own. `next` resolves with the path that has come about. */
function watching(
  t: ExecutionContext,
  condition: PathCondition,
  below: string,
  more: Partial<PathSettings> = {},
) {
  const folder = mkdtempSync(`${tmpdir()}/hearth-paths-`)
  const path = `${folder}/${below}`
  const came: string[] = []
  let wake = () => {}
  let token = 0
  const watches = createPathWatches({
    native,
    settings: () => ({ ...PATH_DEFAULTS, watched: [{ condition, path }], ...more }),
    post(event) {
      came.push(
        event.type === 'path-triggered'
          ? `${event.token} ${event.path.slice(folder.length + 1)}`
          : JSON.stringify(event),
      )
      wake()
    },
    warn: (_, message) => came.push(message),
  })
  t.teardown(() => {
    watches.close()
    rmSync(folder, { recursive: true })
  })
  return {
    folder,
    path,
    came,
    watch: (why: 'start' | 'done' = 'start') =>
      watches.watch({ type: 'watch-paths', unit: 'a.path', token: ++token, why }),
    unwatch: () => watches.unwatch('a.path'),
    async next() {
      while (came.length === 0) await new Promise<void>(resolve => (wake = resolve))
      return came.splice(0)
    },
    /** Lets the kernel's events arrive: one that is sure to come is waited for. */
    async quiet() {
      let seen = false
      const other = native.createInotify(() => (seen = true))
      other.add(folder, 0x100)
      writeFileSync(`${folder}/.mark`, '')
      while (!seen) await setImmediate()
      for (let turn = 0; turn < 3; turn++) await setImmediate()
      other.close()
      rmSync(`${folder}/.mark`)
      return came.splice(0)
    },
  }
}

test('PathExists= comes about at once when the path is there, else when it comes, all that is missing above it too', async t => {
  const w = watching(t, 'PathExists', 'a/b/c')
  w.watch()
  t.deepEqual(w.came, [])
  mkdirSync(`${w.folder}/a`)
  t.deepEqual(await w.quiet(), [])
  mkdirSync(`${w.folder}/a/b`)
  t.deepEqual(await w.quiet(), [])
  writeFileSync(w.path, '')
  t.deepEqual(await w.next(), ['1 a/b/c'])
  w.watch()
  t.deepEqual(w.came, ['2 a/b/c'])
})

test('PathExists= sees a directory that is moved to its place, and follows links', async t => {
  const w = watching(t, 'PathExists', 'a/b')
  w.watch()
  mkdirSync(`${w.folder}/other`)
  writeFileSync(`${w.folder}/other/b`, '')
  symlinkSync('nowhere', `${w.folder}/a`)
  t.deepEqual(await w.quiet(), [])
  rmSync(`${w.folder}/a`)
  renameSync(`${w.folder}/other`, `${w.folder}/a`)
  t.deepEqual(await w.next(), ['1 a/b'])
})

test('PathExistsGlob= tells which path it was', async t => {
  const w = watching(t, 'PathExistsGlob', '*.job')
  w.watch()
  writeFileSync(`${w.folder}/a.txt`, '')
  writeFileSync(`${w.folder}/.hidden.job`, '')
  t.deepEqual(await w.quiet(), [])
  writeFileSync(`${w.folder}/7.job`, '')
  t.deepEqual(await w.next(), ['1 7.job'])
})

test('DirectoryNotEmpty= waits for a file that is not hidden', async t => {
  const w = watching(t, 'DirectoryNotEmpty', 'queue')
  w.watch()
  mkdirSync(w.path)
  writeFileSync(`${w.path}/.tmp`, '')
  writeFileSync(`${w.path}/old~`, '')
  t.deepEqual(await w.quiet(), [])
  renameSync(`${w.path}/.tmp`, `${w.path}/job`)
  t.deepEqual(await w.next(), ['1 queue'])
  w.watch('done')
  t.deepEqual(w.came, ['2 queue'], 'it still is not empty')
})

test('PathChanged= comes about when a file that was written is closed, not at each write; PathModified= at each', async t => {
  for (const condition of ['PathChanged', 'PathModified'] as const) {
    const w = watching(t, condition, 'file')
    writeFileSync(w.path, '')
    w.watch()
    t.deepEqual(w.came, [], 'what is there is no change')
    const fd = openSync(w.path, 'a')
    writeSync(fd, 'x')
    if (condition === 'PathChanged') {
      t.deepEqual(await w.quiet(), [])
      closeSync(fd)
      t.deepEqual(await w.next(), ['1 file'])
    } else {
      t.deepEqual(await w.next(), ['1 file'])
      closeSync(fd)
    }
  }
})

test('PathChanged= sees a file come, go, change its mode, and what happens in a directory', async t => {
  const w = watching(t, 'PathChanged', 'at')
  w.watch()
  mkdirSync(w.path)
  t.deepEqual(await w.next(), ['1 at'])
  w.watch('done')
  chmodSync(w.path, 0o700)
  t.deepEqual(await w.next(), ['2 at'])
  w.watch('done')
  writeFileSync(`${w.path}/x`, '')
  t.deepEqual(await w.next(), ['3 at'])
  w.watch('done')
  rmSync(w.path, { recursive: true })
  t.deepEqual(await w.next(), ['4 at'])
})

test('what comes and goes while the unit is up is no change when it is down again', async t => {
  const w = watching(t, 'PathChanged', 'file')
  w.watch()
  w.unwatch()
  writeFileSync(w.path, '')
  w.watch('done')
  t.deepEqual(await w.quiet(), [])
  writeFileSync(w.path, 'x')
  t.deepEqual(await w.next(), ['2 file'])
})

test('what happens beside a path that is there wakes nobody', async t => {
  const w = watching(t, 'PathChanged', 'file')
  writeFileSync(w.path, '')
  let made = 0
  const counting = {
    createInotify(told: (events: readonly number[]) => void) {
      made++
      return native.createInotify(told)
    },
  }
  const watches = createPathWatches({
    native: counting,
    settings: () => ({ ...PATH_DEFAULTS, watched: [{ condition: 'PathChanged', path: w.path }] }),
    post: () => t.fail('nothing has come about'),
    warn: () => {},
  })
  watches.watch({ type: 'watch-paths', unit: 'b.path', token: 1, why: 'start' })
  for (let n = 0; n < 20; n++) writeFileSync(`${w.folder}/${n}`, '')
  await w.quiet()
  t.is(made, 1)
  watches.close()
})

test('MakeDirectory= makes what is watched with DirectoryMode=, but not for PathExists=', async t => {
  const w = watching(t, 'DirectoryNotEmpty', 'a/queue', {
    makeDirectory: true,
    directoryMode: 0o710,
  })
  w.watch()
  t.is(statSync(w.path).mode & 0o777, 0o710)
  t.deepEqual(await w.quiet(), [])
  const other = watching(t, 'PathExists', 'a/queue', { makeDirectory: true })
  other.watch()
  t.false(existsSync(other.path))
})

test('an unwatched unit hears nothing', async t => {
  const w = watching(t, 'PathExists', 'x')
  w.watch()
  w.unwatch()
  writeFileSync(w.path, '')
  t.deepEqual(await w.quiet(), [])
})
