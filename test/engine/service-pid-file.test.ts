// PIDFile=: read when the parent of a forking daemon has gone, waited for, followed.
import test from 'ava'
import {
  killedBy,
  SECOND,
  type Settings,
  SIGKILL,
  SIGTERM,
  type World,
  world,
} from './service-world.ts'

const FORKING: Settings = { type: 'forking', pidFile: '/run/web.pid' }

/** A forking daemon that is up by its PID file. */
function daemon(settings: Settings = {}): World {
  const w = world({ ...FORKING, ...settings }).start()
  w.pidFile = { pid: w.child(), problem: null }
  return w.end('/bin/web')
}

test('the pid in the file is the main process', t => {
  const w = daemon()
  t.is(w.sub, 'running')
  t.is(w.facts.mainPid, w.pidFile.pid)
  t.true(w.history.some(effect => effect.type === 'watch-process'))
  t.is(w.count('guess-main-pid'), 0)
})

test('a PID file that comes late is waited for', t => {
  const w = world(FORKING).start()
  const child = w.child()
  w.end('/bin/web')
  t.is(w.sub, 'start')
  t.is(w.active, 'activating')
  t.true(w.lines.includes('no such file (waiting for it to come)'))
  w.pass(SECOND).writePidFile(child)
  t.is(w.sub, 'running')
  t.is(w.facts.mainPid, child)
  t.true(w.history.some(effect => effect.type === 'unwatch-pid-file'))
})

test('a PID file that never comes ends the start by its time-out', t => {
  const w = world({ ...FORKING, timeoutStartUsec: 5 * SECOND }).start()
  const child = w.child()
  w.end('/bin/web').pass(5 * SECOND)
  t.is(w.at, 'stop-sigterm timeout')
  t.deepEqual(w.signals, ['others 15'])
  w.exit(child)
  t.is(w.at, 'failed timeout')
})

test('a daemon that ends before it wrote its PID file has broken the protocol', t => {
  const w = world(FORKING).start()
  const child = w.child()
  w.end('/bin/web').exit(child)
  t.is(w.at, 'failed protocol')
  t.true(w.lines.includes('Daemon never wrote its PID file. Failing.'))
})

test('a parent that leaves neither process nor PID file has broken the protocol', t => {
  t.is(world(FORKING).start().end('/bin/web').at, 'failed protocol')
})

test('a PID file with a bad pid is waited on like one that is not there', t => {
  for (const pid of [0, 1]) {
    const w = world(FORKING).start()
    const child = w.child()
    w.pidFile = { pid, problem: null }
    w.end('/bin/web')
    t.is(w.sub, 'start')
    t.is(w.writePidFile(child).facts.mainPid, child)
  }
  const foreign = world(FORKING).start()
  foreign.child()
  foreign.pidFile = { pid: null, problem: 'it names process 17, which is not of the unit' }
  t.is(foreign.end('/bin/web').sub, 'start')
})

test('a PID file may be written by ExecStartPost=', t => {
  const w = world({ ...FORKING, execStartPost: ['/bin/post'] }).start()
  const child = w.child()
  w.end('/bin/web')
  t.is(w.sub, 'start-post')
  w.pidFile = { pid: child, problem: null }
  w.end('/bin/post')
  t.is(w.sub, 'running')
  t.is(w.facts.mainPid, child)
})

test('a PID file that is not there after ExecStartPost= is waited for', t => {
  const w = world({ ...FORKING, execStartPost: ['/bin/post'] }).start()
  const child = w.child()
  w.end('/bin/web').end('/bin/post')
  t.is(w.sub, 'start-post')
  t.is(w.writePidFile(child).sub, 'running')
})

test('a daemon without PID file that ends after ExecStartPost= is stopped, as one that broke the protocol', t => {
  const w = world({ ...FORKING, execStartPost: ['/bin/post'], execStop: ['/bin/quit'] }).start()
  const child = w.child()
  w.end('/bin/web').end('/bin/post').exit(child)
  t.is(w.at, 'stop protocol')
  t.is(w.end('/bin/quit').at, 'failed protocol')
})

test('a daemon may move to another process that its PID file names before the old one ends', t => {
  const w = daemon()
  const [old, heir] = [w.main, w.child()]
  w.pidFile = { pid: heir, problem: null }
  w.exit(old)
  t.is(w.sub, 'running')
  t.is(w.facts.mainPid, heir)
  w.exit(heir, 1)
  t.is(w.at, 'failed exit-code')
})

test('a daemon that ends with its PID file left behind has ended', t => {
  const w = daemon()
  w.exit(w.main, killedBy(SIGKILL))
  t.is(w.at, 'failed signal')
  t.like(
    w.history.findLast(effect => effect.type === 'remove-pid-file'),
    { unit: 'web.service' },
  )
})

test('a stop that comes while the PID file is asked for the heir of a daemon finds none', t => {
  const w = daemon()
  w.send({ type: 'exited', pid: w.main, exit: { kind: 'exited', status: 1 } }, { type: 'stop' })
  w.processes.clear()
  w.send()
  t.is(w.at, 'failed exit-code')
})

test('a daemon that moves while it is reloaded is followed', t => {
  const w = daemon({ execReload: ['/bin/reload'] }).reload()
  const [old, heir] = [w.main, w.child()]
  w.pidFile = { pid: heir, problem: null }
  w.end('/bin/reload')
  t.is(w.sub, 'running')
  t.is(w.facts.mainPid, heir)
  t.is(w.exit(old).sub, 'running')
})

test('a daemon that moves during its reload and ends the old process first is followed', t => {
  const w = daemon({ execReload: ['/bin/reload'] }).reload()
  const heir = w.child()
  w.pidFile = { pid: heir, problem: null }
  w.exit(w.main)
  t.is(w.sub, 'reload')
  t.is(w.facts.mainPid, heir)
  w.end('/bin/reload')
  t.is(w.sub, 'running')
})

test('a stop during the wait for the PID file ends what runs', t => {
  const w = world(FORKING).start()
  const child = w.child()
  w.end('/bin/web').stop()
  t.is(w.sub, 'stop-sigterm')
  t.deepEqual(w.signals, ['others 15'])
  w.exit(child, killedBy(SIGTERM))
  t.is(w.at, 'dead success')
})
