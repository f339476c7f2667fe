// sd_notify(3): who may speak, and what each message does.
import test from 'ava'
import type { NotifyAccess, ServiceType } from '../../daemon/units/unit.ts'
import {
  dumped,
  killedBy,
  running,
  SECOND,
  SIGABRT,
  SIGTERM,
  type World,
  world,
} from './service-world.ts'

const ACCESS: readonly {
  type: ServiceType
  access: NotifyAccess | null
  watchdogUsec?: number
  heard: readonly string[]
}[] = [
  { type: 'simple', access: null, heard: [] },
  { type: 'simple', access: null, watchdogUsec: 9 * SECOND, heard: ['main'] },
  { type: 'simple', access: 'none', heard: [] },
  { type: 'simple', access: 'main', heard: ['main'] },
  { type: 'simple', access: 'exec', heard: ['main', 'control'] },
  { type: 'simple', access: 'all', heard: ['main', 'control', 'other'] },
  { type: 'notify', access: null, heard: ['main'] },
  { type: 'notify', access: 'none', heard: ['main'] },
  { type: 'notify-reload', access: null, heard: ['main'] },
]
for (const { type, access, watchdogUsec = 0, heard } of ACCESS) {
  const guard = watchdogUsec > 0 ? ' with WatchdogSec=' : ''
  test(`NotifyAccess=${access ?? '(unset)'} of Type=${type}${guard} hears ${heard.join(', ') || 'nobody'}`, t => {
    const w = running({ type, notifyAccess: access, watchdogUsec, execReload: ['/bin/r'] }).reload()
    const senders = { main: w.main, control: w.control, other: w.child() }
    for (const [who, pid] of Object.entries(senders)) {
      w.notify(pid, { STATUS: `from ${who}` })
      t.is(w.facts.statusText === `from ${who}`, heard.includes(who), who)
    }
  })
}

test('STATUS= and ERRNO= are kept, and gone with the next start', t => {
  const w = running({ type: 'notify' })
  w.notify(w.main, { STATUS: 'serving', ERRNO: '5' })
  t.is(w.facts.statusText, 'serving')
  t.is(w.facts.statusErrno, 5)
  w.exit(w.main)
  t.is(w.facts.statusText, 'serving')
  w.start()
  t.is(w.facts.statusText, '')
  t.is(w.facts.statusErrno, 0)
})

test('STOPPING=1 takes the service for stopping, with TimeoutStopSec= to end, and sends no signal', t => {
  const w = running({ type: 'notify', timeoutStopUsec: 5 * SECOND })
  w.notify(w.main, { STOPPING: '1' })
  t.is(w.sub, 'stop-sigterm')
  t.deepEqual(w.signals, [])
  w.pass(5 * SECOND)
  t.is(w.sub, 'stop-sigkill')
})

test('a service that says STOPPING=1 and ends cleanly has not failed', t => {
  const w = running({ type: 'notify' })
  w.notify(w.main, { STOPPING: '1' }).exit(w.main)
  t.is(w.at, 'dead success')
})

test('what was said during the start counts when it is over', t => {
  const w = world({ type: 'notify', execStartPost: ['/bin/post'] }).start()
  w.notify(w.main, { READY: '1' }).notify(w.main, { RELOADING: '1' }).end('/bin/post')
  t.is(w.sub, 'reload-notify')
  const stopping = world({ type: 'notify', execStartPost: ['/bin/post'] }).start()
  stopping.notify(stopping.main, { READY: '1' }).notify(stopping.main, { STOPPING: '1' })
  t.is(stopping.end('/bin/post').sub, 'stop-sigterm')
})

test('MAINPID= names another main process, which is watched from then on', t => {
  const w = running({ type: 'notify' })
  const [old, heir] = [w.main, w.child()]
  w.notify(old, { MAINPID: `${heir}` })
  t.is(w.facts.mainPid, heir)
  t.deepEqual(
    w.effects.filter(effect => effect.type === 'watch-process'),
    [{ type: 'watch-process', unit: 'web.service', pid: heir }],
  )
  w.exit(old, 1)
  t.is(w.sub, 'running')
  w.exit(heir, 2)
  t.is(w.at, 'failed exit-code')
  t.like(w.facts.main, { pid: heir })
})

for (const bad of ['0', '1', '-5', 'init', '', '99999999999999999999']) {
  test(`MAINPID=${bad} is refused`, t => {
    const w = running({ type: 'notify' })
    const { main } = w
    w.notify(main, { MAINPID: bad })
    t.is(w.facts.mainPid, main)
    t.is(w.sub, 'running')
  })
}

test('MAINPID= of the control process is refused', t => {
  const w = running({ type: 'notify', execReload: ['/bin/reload'] }).reload()
  const { main, control } = w
  w.notify(main, { MAINPID: `${control}` })
  t.is(w.facts.mainPid, main)
})

test('the watchdog counts from the end of the start, and is told to the main process', t => {
  const w = world({ type: 'notify', watchdogUsec: 10 * SECOND }).start()
  t.deepEqual(w.environmentOf('start'), [`WATCHDOG_USEC=${10 * SECOND}`])
  w.pass(60 * SECOND)
  t.is(w.sub, 'start')
  w.notify(w.main, { READY: '1' })
  t.is(w.facts.watchdogDeadlineUsec, w.monotonicUsec + 10 * SECOND)
})

test('a service that keeps saying WATCHDOG=1 is left alone, one that stops is aborted', t => {
  const w = running({ type: 'notify', watchdogUsec: 10 * SECOND, timeoutAbortUsec: SECOND })
  for (let i = 0; i < 5; i++) w.pass(9 * SECOND).notify(w.main, { WATCHDOG: '1' })
  t.is(w.sub, 'running')
  w.pass(10 * SECOND)
  t.is(w.at, 'stop-watchdog watchdog')
  t.deepEqual(w.signals, [`/bin/web ${SIGABRT}`, `others ${SIGABRT}`])
  t.true(w.lines.includes('Watchdog timeout (limit 10s)!'))
  t.is(w.facts.deadlineUsec, w.monotonicUsec + SECOND)
  w.exit(w.main, dumped(SIGABRT))
  t.is(w.at, 'failed watchdog')
})

test('WATCHDOG=trigger is the watchdog at once', t => {
  const w = running({ type: 'notify' })
  w.notify(w.main, { WATCHDOG: 'trigger' })
  t.is(w.at, 'stop-watchdog watchdog')
})

test('WATCHDOG_USEC= puts another span in the place of WatchdogSec=, until the next start', t => {
  const w = running({ type: 'notify', watchdogUsec: 10 * SECOND })
  w.notify(w.main, { WATCHDOG_USEC: `${2 * SECOND}` })
  t.is(w.facts.watchdogDeadlineUsec, w.monotonicUsec + 2 * SECOND)
  w.notify(w.main, { WATCHDOG_USEC: '0' })
  t.is(w.facts.watchdogDeadlineUsec, null)
  w.exit(w.main).start()
  t.is(w.facts.watchdogUsec, null)
})

test('the watchdog does not count while the service stops', t => {
  const w = running({ type: 'notify', watchdogUsec: SECOND }).stop()
  t.is(w.facts.watchdogDeadlineUsec, null)
  w.notify(w.main, { WATCHDOG: '1' }).notify(w.main, { WATCHDOG: 'trigger' })
  t.is(w.at, 'stop-sigterm success')
  t.is(w.facts.watchdogDeadlineUsec, null)
})

const STAGES: readonly (readonly [string, () => World])[] = [
  ['the start', () => world({ type: 'notify', timeoutStartUsec: 5 * SECOND }).start()],
  ['the stop', () => running({ type: 'notify', timeoutStopUsec: 5 * SECOND }).stop()],
]
for (const [stage, begin] of STAGES) {
  test(`EXTEND_TIMEOUT_USEC= prolongs ${stage}, never shortens it`, t => {
    const w = begin()
    const { sub } = w
    w.pass(4 * SECOND).notify(w.main, { EXTEND_TIMEOUT_USEC: '10' })
    t.is((w.facts.deadlineUsec ?? 0) - w.monotonicUsec, SECOND)
    w.notify(w.main, { EXTEND_TIMEOUT_USEC: `${3 * SECOND}` })
    w.pass(2 * SECOND)
    t.is(w.sub, sub)
    w.pass(SECOND)
    t.not(w.sub, sub)
  })
}

test('EXTEND_TIMEOUT_USEC= prolongs RuntimeMaxSec= and the watchdog', t => {
  const w = running({ type: 'notify', runtimeMaxUsec: 5 * SECOND, watchdogUsec: 5 * SECOND })
  w.pass(4 * SECOND)
    .notify(w.main, { EXTEND_TIMEOUT_USEC: `${4 * SECOND}` })
    .pass(3 * SECOND)
  t.is(w.sub, 'running')
})

test('RuntimeMaxSec= ends a service that has been up for that long, reloads and all', t => {
  const w = running({ runtimeMaxUsec: 10 * SECOND, execReload: ['/bin/reload'] })
  w.pass(6 * SECOND)
    .reload()
    .end('/bin/reload')
    .pass(3 * SECOND)
  t.is(w.sub, 'running')
  w.pass(SECOND)
  t.is(w.at, 'stop-sigterm timeout')
  t.true(w.lines.includes('Service reached runtime time limit. Stopping.'))
  t.is(w.exit(w.main, killedBy(SIGTERM)).at, 'failed timeout')
})

test('RuntimeMaxSec= that falls into a reload is acted on after it', t => {
  const w = running({ runtimeMaxUsec: SECOND, execReload: ['/bin/reload'] }).reload()
  w.pass(5 * SECOND)
  t.is(w.sub, 'reload')
  w.end('/bin/reload').pass(0)
  t.is(w.at, 'stop-sigterm timeout')
})

test('RuntimeRandomizedExtraSec= adds a span that is the same for the whole run', t => {
  const extra = 100 * SECOND
  const w = world({ runtimeMaxUsec: SECOND, runtimeRandomizedExtraUsec: extra })
  w.start()
  const spanUsec = (w.facts.runtimeDeadlineUsec ?? 0) - w.monotonicUsec
  t.true(spanUsec >= SECOND && spanUsec < SECOND + extra)
})

test('fields that cannot be read, or mean nothing here, change nothing', t => {
  const w = running({ type: 'notify', watchdogUsec: 10 * SECOND })
  const { facts } = w
  w.notify(w.main, {
    WATCHDOG: 'maybe',
    WATCHDOG_USEC: 'soon',
    EXTEND_TIMEOUT_USEC: '-1',
    ERRNO: 'EIO',
    BUSERROR: 'org.example.Broken',
    FDSTORE: '1',
    READY: '0',
  })
  t.deepEqual(w.facts, facts)
})

test('a message that arrives when its service has ended changes nothing', t => {
  const w = running({ notifyAccess: 'all' })
  w.exit(w.main)
  const { state } = w
  w.notify(4711, { READY: '1', STATUS: 'still here', WATCHDOG: 'trigger' })
  t.is(w.state, state)
})
