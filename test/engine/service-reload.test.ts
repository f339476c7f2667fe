// Reloading: ExecReload=, the signal of Type=notify-reload, RELOADING=1.
import test from 'ava'
import { serviceMachine } from '../../daemon/engine/service.ts'
import {
  killedBy,
  NO_FORK,
  NOT_FOUND,
  running,
  SECOND,
  SIGHUP,
  SIGKILL,
  SIGUSR1,
  serviceUnit,
  world,
} from './service-world.ts'

test('a service can be reloaded if it has ExecReload= or is of Type=notify-reload', t => {
  t.false(serviceMachine.canReload(serviceUnit()))
  t.true(serviceMachine.canReload(serviceUnit({ execReload: ['/bin/reload'] })))
  t.true(serviceMachine.canReload(serviceUnit({ type: 'notify-reload' })))
})

test('ExecReload= runs with the pid of the main process, and the service is up again when it ends', t => {
  const w = running({ execReload: ['/bin/r1', '/bin/r2'] })
  const { main } = w
  w.reload()
  t.is(w.sub, 'reload')
  t.is(w.active, 'reloading')
  t.deepEqual(w.environmentOf('reload'), [`MAINPID=${main}`])
  w.end('/bin/r1')
  t.deepEqual(w.begun, ['reload 1'])
  w.end('/bin/r2')
  t.is(w.at, 'running success')
  t.is(w.facts.reloadResult, 'success')
  t.is(w.facts.mainPid, main)
})

test('a reload that fails says so and leaves the service up', t => {
  for (const end of [1, killedBy(SIGKILL)] as const) {
    const w = running({ execReload: ['/bin/reload'] }).reload()
    w.end('/bin/reload', end)
    t.is(w.at, 'running success')
    t.not(w.facts.reloadResult, 'success')
  }
})

test('a reload command that cannot be run leaves the service up', t => {
  for (const failure of [NOT_FOUND, NO_FORK]) {
    const w = running({ execReload: ['/bin/reload'] })
    w.failures.set('/bin/reload', failure)
    w.reload()
    t.is(w.at, 'running success')
    t.is(w.facts.reloadResult, failure === NO_FORK ? 'resources' : 'exit-code')
  }
})

test('a reload that takes too long is killed, and the service is up', t => {
  const w = running({ execReload: ['/bin/reload'], timeoutStartUsec: SECOND }).reload()
  w.pass(SECOND)
  t.is(w.at, 'running success')
  t.is(w.facts.reloadResult, 'timeout')
  t.is(w.facts.deadlineUsec, null)
  t.true(w.history.some(effect => effect.type === 'kill' && effect.signal === SIGKILL))
})

test('a service that dies while it is reloaded is noticed when the command has ended', t => {
  const w = running({ execReload: ['/bin/reload'] }).reload()
  w.exit(w.main, 1)
  t.is(w.sub, 'reload')
  w.end('/bin/reload')
  t.is(w.at, 'failed exit-code')
})

test('a stop during a reload ends both', t => {
  const w = running({ execReload: ['/bin/reload'], execStop: ['/bin/quit'] })
    .reload()
    .stop()
  t.is(w.sub, 'stop-sigterm')
  t.deepEqual(w.signals, ['/bin/web 15', '/bin/reload 15', 'others 15'])
})

test('a service that is exited can be reloaded', t => {
  const w = world({ type: 'oneshot', remainAfterExit: true, execReload: ['/bin/reload'] }).start()
  w.exit(w.main).reload()
  t.is(w.sub, 'reload')
  w.end('/bin/reload')
  t.is(w.sub, 'exited')
})

test('a reload in any other state changes nothing', t => {
  for (const w of [world({ execReload: ['/bin/r'] }), running({ execReload: ['/bin/r'] }).stop()]) {
    const { state } = w
    w.reload()
    t.is(w.state, state)
  }
})

test('Type=notify-reload gets its signal and is up again after RELOADING=1 and READY=1', t => {
  const w = running({ type: 'notify-reload', reloadSignal: SIGUSR1 }).reload()
  t.is(w.sub, 'reload-signal')
  t.is(w.active, 'reloading')
  t.deepEqual(w.signals, [`/bin/web ${SIGUSR1}`])
  w.pass(SECOND)
  w.notify(w.main, { RELOADING: '1', MONOTONIC_USEC: `${w.monotonicUsec}` })
  t.is(w.sub, 'reload-notify')
  w.notify(w.main, { READY: '1' })
  t.is(w.sub, 'running')
})

test('RELOADING=1 from before the signal, or without its moment, does not count', t => {
  const w = running({ type: 'notify-reload' }).reload()
  w.notify(w.main, { RELOADING: '1', MONOTONIC_USEC: `${w.monotonicUsec - 1}` })
  t.is(w.sub, 'reload-signal')
  w.notify(w.main, { RELOADING: '1' })
  t.is(w.sub, 'reload-signal')
})

test('RELOADING=1 and READY=1 in one message tell of a reload that is done', t => {
  const w = running({ type: 'notify-reload' }).reload()
  w.notify(w.main, { RELOADING: '1', READY: '1', MONOTONIC_USEC: `${w.monotonicUsec}` })
  t.is(w.sub, 'running')
})

test('a notify-reload that never answers has failed to reload, and is up', t => {
  const w = running({ type: 'notify-reload', timeoutStartUsec: SECOND }).reload()
  t.deepEqual(w.signals, [`/bin/web ${SIGHUP}`])
  w.notify(w.main, { RELOADING: '1', MONOTONIC_USEC: `${w.monotonicUsec}` }).pass(SECOND)
  t.is(w.at, 'running success')
  t.is(w.facts.reloadResult, 'timeout')
  w.pass(10 * SECOND)
  t.is(w.sub, 'running')
})

test('Type=notify-reload with ExecReload= waits for the command and for READY=1', t => {
  const w = running({ type: 'notify-reload', execReload: ['/bin/reload'] }).reload()
  t.is(w.sub, 'reload')
  w.notify(w.main, { RELOADING: '1', MONOTONIC_USEC: `${w.monotonicUsec}` })
  w.end('/bin/reload')
  t.is(w.sub, 'reload-notify')
  w.notify(w.main, { READY: '1' })
  t.is(w.sub, 'running')
})

test('a service that reloads of its own accord is reloading until READY=1', t => {
  const w = running({ type: 'notify' })
  w.notify(w.main, { RELOADING: '1' })
  t.is(w.sub, 'reload-notify')
  w.notify(w.main, { READY: '1' })
  t.is(w.sub, 'running')
  t.is(w.count('run-begins'), 1, 'READY=1 after a reload is not a new start')
})
