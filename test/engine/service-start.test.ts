// The way up: ExecCondition=, ExecStartPre=, ExecStartPost=, and TimeoutStartSec=.
import test from 'ava'
import {
  exited,
  killedBy,
  NO_FORK,
  NOT_FOUND,
  running,
  SECOND,
  SIGABRT,
  SIGKILL,
  SIGTERM,
  world,
} from './service-world.ts'

test('the commands of a start run one at a time, in the order of their lists', t => {
  const w = world({
    execCondition: ['/bin/cond'],
    execStartPre: ['/bin/pre1', '/bin/pre2'],
    execStartPost: ['/bin/post1', '/bin/post2'],
  }).start()
  t.deepEqual([w.sub, w.active, ...w.begun], ['condition', 'activating', 'condition 0'])
  w.end('/bin/cond')
  t.deepEqual([w.sub, w.active, ...w.begun], ['start-pre', 'activating', 'start-pre 0'])
  w.end('/bin/pre1')
  t.deepEqual([w.sub, ...w.begun], ['start-pre', 'start-pre 1'])
  w.end('/bin/pre2')
  t.deepEqual(
    [w.sub, w.active, ...w.begun],
    ['start-post', 'activating', 'start 0', 'start-post 0'],
  )
  w.end('/bin/post1')
  t.deepEqual([w.sub, ...w.begun], ['start-post', 'start-post 1'])
  w.end('/bin/post2')
  t.deepEqual([w.sub, w.active], ['running', 'active'])
})

for (const status of [1, 42, 254]) {
  test(`an ExecCondition= that exits with ${status} skips the start without failing it`, t => {
    const w = world({ execCondition: ['/bin/cond'], restart: 'always' }).start()
    w.end('/bin/cond', status)
    t.is(w.at, 'dead exec-condition')
    t.false(w.state.conditionResult)
    t.deepEqual(w.requests, [{ type: 'skipped' }])
    t.true(w.lines.includes("Skipped due to 'exec-condition'."))
  })
}

for (const exit of [exited(255), killedBy(SIGKILL)]) {
  test(`an ExecCondition= that ends with ${JSON.stringify(exit)} fails the start`, t => {
    const w = world({ execCondition: ['/bin/cond'] }).start()
    w.end('/bin/cond', exit)
    t.is(w.sub, 'failed')
    t.deepEqual(w.requests, [])
  })
}

test('an ExecCondition= that exits with 0 lets the next one decide', t => {
  const w = world({ execCondition: ['/bin/a', '/bin/b'] }).start()
  w.end('/bin/a')
  t.deepEqual(w.begun, ['condition 1'])
  w.end('/bin/b')
  t.is(w.sub, 'running')
  t.true(w.state.conditionResult)
})

test('an ExecStartPre= that fails keeps ExecStart= from running, not ExecStopPost=', t => {
  const w = world({ execStartPre: ['/bin/pre'], execStopPost: ['/bin/post'] }).start()
  w.end('/bin/pre', 1)
  t.deepEqual(w.begun, ['stop-post 0'])
  w.end('/bin/post')
  t.is(w.at, 'failed exit-code')
})

test('an ExecStartPre= with the prefix - may fail', t => {
  const w = world({ execStartPre: ['-/bin/pre'] }).start()
  w.end('/bin/pre', 1)
  t.is(w.sub, 'running')
})

test('an ExecStartPost= that fails brings the service down', t => {
  const w = world({ execStartPost: ['/bin/post'] }).start()
  const { main } = w
  w.end('/bin/post', 1)
  t.is(w.at, 'stop-sigterm exit-code')
  t.deepEqual(w.signals, ['/bin/web 15', 'others 15'])
  w.exit(main, killedBy(SIGTERM))
  t.is(w.at, 'failed exit-code')
})

test('a main process that exits during ExecStartPost= is noticed when that has ended', t => {
  const w = world({ execStartPost: ['/bin/post'] }).start()
  w.exit(w.main, 1)
  t.is(w.sub, 'start-post')
  w.end('/bin/post')
  t.is(w.at, 'failed exit-code')
})

test('ExecStartPost= is told the pid of the main process', t => {
  const w = world({ execStartPost: ['/bin/post'] }).start()
  t.true(w.environmentOf('start-post').includes(`MAINPID=${w.main}`))
})

test('a PID file is named to the commands', t => {
  const w = world({ type: 'forking', pidFile: '/run/web.pid' }).start()
  t.true(w.environmentOf('start').includes('PIDFILE=/run/web.pid'))
})

test('TimeoutStartSec= bounds each command of the start', t => {
  const w = world({ type: 'notify', execStartPre: ['/bin/pre'], timeoutStartUsec: 10 * SECOND })
  w.start().pass(9 * SECOND)
  t.is(w.sub, 'start-pre')
  w.end('/bin/pre').pass(9 * SECOND)
  t.is(w.sub, 'start')
  w.pass(SECOND)
  t.is(w.at, 'stop-sigterm timeout')
  t.true(w.lines.includes('start operation timed out. Terminating.'))
  w.exit(w.main, killedBy(SIGTERM))
  t.is(w.at, 'failed timeout')
})

test('TimeoutStartSec=infinity sets no deadline, and none is kept as Infinity', t => {
  const w = world({ type: 'notify', timeoutStartUsec: Infinity }).start()
  t.is(w.facts.deadlineUsec, null)
})

test('a simple service that runs has no start to time', t => {
  t.is(running().facts.deadlineUsec, null)
})

test('TimeoutStartFailureMode=abort ends a slow start with the watchdog signal', t => {
  const w = world({ type: 'notify', timeoutStartFailureMode: 'abort', timeoutStartUsec: SECOND })
  w.start().pass(SECOND)
  t.is(w.at, 'stop-watchdog timeout')
  t.deepEqual(w.signals, [`/bin/web ${SIGABRT}`, `others ${SIGABRT}`])
})

test('TimeoutStartFailureMode=kill ends a slow start with SIGKILL, or leaves it be with SendSIGKILL=no', t => {
  const settings = {
    type: 'notify',
    timeoutStartFailureMode: 'kill',
    timeoutStartUsec: SECOND,
  } as const
  const w = world(settings).start().pass(SECOND)
  t.is(w.at, 'stop-sigkill timeout')
  t.deepEqual(w.signals, [`/bin/web ${SIGKILL}`, `others ${SIGKILL}`])
  const spared = world({ ...settings, sendSigkill: false, execStopPost: ['/bin/post'] })
  spared.start().pass(SECOND)
  t.is(spared.at, 'stop-post timeout')
})

test('a stop during the start sends SIGTERM to what runs', t => {
  const w = world({ execStartPre: ['/bin/pre1', '/bin/pre2'] }).start()
  w.stop()
  t.is(w.sub, 'stop-sigterm')
  t.deepEqual(w.signals, ['/bin/pre1 15', 'others 15'])
  w.end('/bin/pre1')
  t.deepEqual(w.begun, [], 'no further command of the start')
  t.is(w.at, 'dead success')
})

test('a stop that comes while a process is being spawned reaches it once it has a pid', t => {
  const w = world()
  w.send({ type: 'start' }, { type: 'stop' })
  t.is(w.sub, 'stop-sigterm')
  t.deepEqual(w.signals, ['/bin/web 15', 'others 15'])
  w.end('/bin/web', killedBy(SIGTERM))
  t.is(w.at, 'dead success')
})

test('a stop that comes while a process is being spawned in vain ends at once', t => {
  for (const failure of [NOT_FOUND, NO_FORK]) {
    const w = world({ restart: 'always' })
    w.failures.set('/bin/web', failure)
    w.send({ type: 'start' }, { type: 'stop' })
    t.true(w.sub === 'dead' || w.sub === 'failed')
  }
})

for (const [settings, path, at] of [
  [{ execCondition: ['/bin/x'] }, '/bin/x', 'failed resources'],
  [{ execStartPre: ['/bin/x'] }, '/bin/x', 'failed resources'],
  [{}, '/bin/web', 'failed resources'],
  [{ type: 'oneshot', execStart: ['/bin/x'] }, '/bin/x', 'failed resources'],
  [{ type: 'forking' }, '/bin/web', 'failed resources'],
] as const) {
  test(`a start without a process to be had fails for lack of resources: ${JSON.stringify(settings)}`, t => {
    const w = world(settings)
    w.failures.set(path, NO_FORK)
    t.is(w.start().at, at)
  })
}

test('what an earlier command has left behind ends, though the next one cannot be forked', t => {
  const w = world({ execStartPre: ['/bin/x', '/bin/y'] })
  w.failures.set('/bin/y', NO_FORK)
  w.start()
  const child = w.child()
  w.end('/bin/x')
  t.is(w.at, 'final-sigterm resources')
  w.exit(child, killedBy(SIGTERM))
  t.is(w.at, 'failed resources')
})

test('an ExecStartPost= that cannot be forked stops the service', t => {
  const w = world({ execStartPost: ['/bin/post'] })
  w.failures.set('/bin/post', NO_FORK)
  w.start()
  t.is(w.at, 'stop-sigterm resources')
})

for (const list of ['execCondition', 'execStartPre', 'execStartPost'] as const) {
  test(`a program of ${list} that is missing counts as one that exited with its step's status`, t => {
    const w = world({ [list]: ['/bin/x'] })
    w.failures.set('/bin/x', NOT_FOUND)
    w.start()
    if (w.processes.size > 0) w.end('/bin/web', killedBy(SIGTERM))
    // 203 is within what skips a start by ExecCondition=, in systemd as well.
    t.is(w.at, list === 'execCondition' ? 'dead exec-condition' : 'failed exit-code')
  })
}

test('a service without ExecStart= cannot be started', t => {
  t.is(world({ execStart: [] }).start().at, 'failed resources')
})
