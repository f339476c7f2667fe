// The way down: ExecStop=, the signals of systemd.kill(5), ExecStopPost=, TimeoutStopSec=.
import test from 'ava'
import {
  exited,
  killedBy,
  NO_FORK,
  NOT_FOUND,
  running,
  SECOND,
  type Settings,
  SIGABRT,
  SIGHUP,
  SIGINT,
  SIGKILL,
  SIGQUIT,
  SIGTERM,
  SIGUSR1,
  SIGUSR2,
  world,
} from './service-world.ts'

test('a running service told to stop gets SIGTERM, and TimeoutStopSec= to obey it', t => {
  const w = running({ timeoutStopUsec: 5 * SECOND })
  w.stop()
  t.is(w.sub, 'stop-sigterm')
  t.is(w.active, 'deactivating')
  t.deepEqual(w.signals, ['/bin/web 15', 'others 15'])
  t.is(w.facts.deadlineUsec, w.monotonicUsec + 5 * SECOND)
  w.exit(w.main, killedBy(SIGTERM))
  t.is(w.at, 'dead success')
})

test('a service that ignores SIGTERM is killed when its time is up, and has failed', t => {
  const w = running({ timeoutStopUsec: 5 * SECOND })
    .stop()
    .pass(5 * SECOND)
  t.is(w.at, 'stop-sigkill timeout')
  t.deepEqual(w.signals, ['/bin/web 9', 'others 9'])
  t.true(w.lines.includes("State 'stop-sigterm' timed out. Killing."))
  w.exit(w.main, killedBy(SIGKILL))
  t.is(w.at, 'failed timeout')
})

test('what cannot be killed is given up after every time-out has passed', t => {
  const w = running({ timeoutStopUsec: SECOND }).stop()
  w.pass(SECOND)
  t.is(w.sub, 'stop-sigkill')
  w.pass(SECOND)
  t.is(w.sub, 'final-sigterm')
  w.pass(SECOND)
  t.is(w.sub, 'final-sigkill')
  w.pass(SECOND)
  t.is(w.at, 'failed timeout')
  t.deepEqual(w.facts.mainPid, null)
})

test('ExecStop= runs first, and is told the main process and how things stand', t => {
  const w = running({ execStop: ['/bin/quit1', '/bin/quit2'] }).stop()
  t.is(w.sub, 'stop')
  const environment = w.environmentOf('stop')
  t.true(environment.includes(`MAINPID=${w.main}`))
  t.true(environment.includes('SERVICE_RESULT=success'))
  t.false(environment.some(line => line.startsWith('EXIT_')))
  w.end('/bin/quit1')
  t.deepEqual(w.begun, ['stop 1'])
  w.end('/bin/quit2')
  t.is(w.sub, 'stop-sigterm')
  t.deepEqual(w.signals, ['/bin/web 15', 'others 15'])
})

test('a main process that ends during ExecStop= is taken note of, and the command waited for', t => {
  const w = running({ execStop: ['/bin/quit'] }).stop()
  w.exit(w.main)
  t.is(w.sub, 'stop')
  w.end('/bin/quit')
  t.is(w.at, 'dead success')
})

test('an ExecStop= that fails fails the service, unless its prefix is -', t => {
  const w = running({ execStop: ['/bin/quit'] }).stop()
  w.end('/bin/quit', 1).exit(w.main, killedBy(SIGTERM))
  t.is(w.at, 'failed exit-code')
  const lenient = running({ execStop: ['-/bin/quit'] }).stop()
  lenient.end('/bin/quit', 1).exit(lenient.main, killedBy(SIGTERM))
  t.is(lenient.at, 'dead success')
})

test('an ExecStop= that takes too long is ended with the service', t => {
  const w = running({ execStop: ['/bin/quit'], timeoutStopUsec: SECOND })
    .stop()
    .pass(SECOND)
  t.is(w.at, 'stop-sigterm timeout')
  t.deepEqual(w.signals, ['/bin/web 15', '/bin/quit 15', 'others 15'])
  t.true(w.lines.includes('Stopping timed out. Terminating.'))
})

test('ExecStop= runs as well when the service ends cleanly by itself', t => {
  const w = running({ execStop: ['/bin/quit'] })
  w.exit(w.main)
  t.is(w.sub, 'stop')
  w.end('/bin/quit')
  t.is(w.at, 'dead success')
})

test('ExecStop= does not run for a service that has failed', t => {
  const w = running({ execStop: ['/bin/quit'] })
  w.exit(w.main, 1)
  t.is(w.at, 'failed exit-code')
})

for (const [exit, lines] of [
  [exited(3), ['SERVICE_RESULT=exit-code', 'EXIT_CODE=exited', 'EXIT_STATUS=3']],
  [exited(0), ['SERVICE_RESULT=success', 'EXIT_CODE=exited', 'EXIT_STATUS=0']],
  [killedBy(SIGKILL), ['SERVICE_RESULT=signal', 'EXIT_CODE=killed', 'EXIT_STATUS=KILL']],
  [
    { kind: 'dumped', signal: SIGABRT },
    ['SERVICE_RESULT=core-dump', 'EXIT_CODE=dumped', 'EXIT_STATUS=ABRT'],
  ],
] as const) {
  test(`ExecStopPost= is told how the service ended: ${lines}`, t => {
    const w = running({ execStopPost: ['/bin/tidy'] })
    w.exit(w.main, exit)
    t.is(w.sub, 'stop-post')
    t.is(w.active, 'deactivating')
    t.deepEqual(w.environmentOf('stop-post'), lines)
  })
}

test('an ExecStopPost= that fails fails the service', t => {
  const w = running({ execStopPost: ['/bin/tidy'] })
  w.exit(w.main).end('/bin/tidy', 2)
  t.is(w.at, 'failed exit-code')
})

test('an ExecStopPost= that takes too long is ended', t => {
  const w = running({ execStopPost: ['/bin/tidy'], timeoutStopUsec: SECOND })
  w.exit(w.main).pass(SECOND)
  t.is(w.at, 'final-sigterm timeout')
  t.deepEqual(w.signals, ['/bin/tidy 15', 'others 15'])
  w.end('/bin/tidy', killedBy(SIGTERM))
  t.is(w.at, 'failed timeout')
})

test('what an ExecStopPost= that was ended leaves behind is waited for', t => {
  const w = running({ execStopPost: ['/bin/tidy'], timeoutStopUsec: SECOND })
  w.exit(w.main)
  const child = w.child()
  w.pass(SECOND).end('/bin/tidy', killedBy(SIGTERM))
  t.is(w.sub, 'final-sigterm')
  w.exit(child)
  t.is(w.at, 'failed timeout')
})

test('what an ExecStopPost= that was ended leaves behind is killed with KillMode=mixed', t => {
  const w = running({ execStopPost: ['/bin/tidy'], timeoutStopUsec: SECOND, killMode: 'mixed' })
  w.exit(w.main)
  w.child()
  w.pass(SECOND).end('/bin/tidy', killedBy(SIGTERM))
  t.is(w.sub, 'final-sigkill')
  t.deepEqual(w.signals, ['others 9'])
})

test('commands of the way down that cannot be run do not hold it up', t => {
  for (const failure of [NOT_FOUND, NO_FORK]) {
    const w = running({ execStop: ['/bin/quit'], execStopPost: ['/bin/tidy'] })
    w.failures.set('/bin/quit', failure)
    w.failures.set('/bin/tidy', failure)
    w.stop()
    t.is(w.sub, 'stop-sigterm')
    t.deepEqual(w.signals, ['/bin/web 15', 'others 15'])
    w.exit(w.main, killedBy(SIGTERM))
    t.is(w.at, failure === NO_FORK ? 'failed resources' : 'failed exit-code')
  }
})

test('children that outlive the main process are ended before the service is down', t => {
  const w = running({ restart: 'always' })
  const child = w.child()
  w.exit(w.main, killedBy(SIGKILL))
  t.is(w.sub, 'stop-sigterm')
  t.deepEqual(w.signals, ['others 15'])
  w.exit(child, killedBy(SIGTERM))
  t.is(w.at, 'auto-restart signal')
})

test('children that ignore SIGTERM get SIGKILL, then the service is down', t => {
  const w = running({ timeoutStopUsec: SECOND })
  const child = w.child()
  w.exit(w.main).pass(SECOND)
  t.is(w.sub, 'stop-sigkill')
  t.deepEqual(w.signals, ['others 9'])
  w.exit(child, killedBy(SIGKILL))
  t.is(w.at, 'failed timeout')
})

test('children are waited for after ExecStopPost= as well', t => {
  const w = running({ execStopPost: ['/bin/tidy'] }).stop()
  const child = w.child()
  w.exit(w.main, killedBy(SIGTERM))
  t.is(w.sub, 'stop-post')
  w.end('/bin/tidy')
  t.is(w.sub, 'final-sigterm')
  t.deepEqual(w.signals, ['others 15'])
  w.exit(child)
  t.is(w.at, 'dead success')
})

const KILL_MODES: readonly (readonly [Settings, string[], string[]])[] = [
  [{ killMode: 'control-group' }, ['/bin/web 15', 'others 15'], ['/bin/web 9', 'others 9']],
  [{ killMode: 'mixed' }, ['/bin/web 15'], ['/bin/web 9', 'others 9']],
  [{ killMode: 'process' }, ['/bin/web 15'], ['/bin/web 9']],
]
for (const [settings, first, last] of KILL_MODES) {
  test(`KillMode=${settings.killMode} sends ${first}, then ${last}`, t => {
    const w = running({ ...settings, timeoutStopUsec: SECOND }).stop()
    t.deepEqual(w.signals, first)
    w.pass(SECOND)
    t.deepEqual(w.signals, last)
  })
}

test('KillMode=none kills nobody: the service is down when its stop commands have run', t => {
  const w = running({ killMode: 'none', execStop: ['/bin/quit'] }).stop()
  w.end('/bin/quit')
  t.is(w.at, 'dead success')
  t.is(w.count('kill'), 0)
})

test('KillMode=process leaves children alone', t => {
  const w = running({ killMode: 'process' }).stop()
  w.child()
  w.exit(w.main, killedBy(SIGTERM))
  t.is(w.at, 'dead success')
})

test('KillMode=mixed ends with SIGKILL for the children of a main process that obeyed', t => {
  const w = running({ killMode: 'mixed' }).stop()
  const child = w.child()
  w.exit(w.main, killedBy(SIGTERM))
  t.is(w.sub, 'final-sigkill')
  t.deepEqual(w.signals, ['others 9'])
  w.exit(child, killedBy(SIGKILL))
  t.is(w.at, 'dead success')
})

test('KillSignal=, FinalKillSignal= and SendSIGHUP= are what is sent', t => {
  const w = running({
    killSignal: SIGINT,
    finalKillSignal: SIGQUIT,
    sendSighup: true,
    timeoutStopUsec: SECOND,
  }).stop()
  t.deepEqual(w.signals, [`/bin/web ${SIGINT}`, `others ${SIGINT}`])
  t.like(
    w.effects.find(effect => effect.type === 'kill'),
    { sighup: true },
  )
  w.pass(SECOND)
  t.deepEqual(w.signals, [`/bin/web ${SIGQUIT}`, `others ${SIGQUIT}`])
  t.like(
    w.effects.find(effect => effect.type === 'kill'),
    { sighup: false },
  )
})

test('RestartKillSignal= is for the stop that is half of a restart', t => {
  const w = running({ killSignal: SIGUSR1, restartKillSignal: SIGUSR2 })
  w.restart()
  t.deepEqual(w.facts.sub, 'stop-sigterm')
  t.true(w.history.some(effect => effect.type === 'kill' && effect.signal === SIGUSR2))
  const stopped = running({ killSignal: SIGUSR1, restartKillSignal: SIGUSR2 }).stop()
  t.deepEqual(stopped.signals, [`/bin/web ${SIGUSR1}`, `others ${SIGUSR1}`])
})

test('SendSIGKILL=no never kills: what does not obey is left, and the service has failed', t => {
  const w = running({ sendSigkill: false, timeoutStopUsec: SECOND }).stop()
  w.pass(SECOND)
  t.is(w.sub, 'final-sigterm')
  w.pass(SECOND)
  t.is(w.at, 'failed timeout')
  t.false(w.history.some(effect => effect.type === 'kill' && effect.signal === SIGKILL))
})

test('TimeoutStopFailureMode=abort sends the watchdog signal and gives TimeoutAbortSec=', t => {
  const w = running({
    timeoutStopFailureMode: 'abort',
    timeoutStopUsec: SECOND,
    timeoutAbortUsec: 3 * SECOND,
  }).stop()
  w.pass(SECOND)
  t.is(w.sub, 'stop-watchdog')
  t.deepEqual(w.signals, [`/bin/web ${SIGABRT}`, `others ${SIGABRT}`])
  t.is(w.facts.deadlineUsec, w.monotonicUsec + 3 * SECOND)
  w.pass(3 * SECOND)
  t.is(w.sub, 'stop-sigkill')
})

test('without TimeoutAbortSec= an abort has TimeoutStopSec=', t => {
  const w = running({ timeoutStopFailureMode: 'abort', timeoutStopUsec: 2 * SECOND }).stop()
  w.pass(2 * SECOND)
  t.is(w.facts.deadlineUsec, w.monotonicUsec + 2 * SECOND)
})

test('TimeoutStopFailureMode=kill ends a slow ExecStop= with SIGKILL', t => {
  const w = running({
    timeoutStopFailureMode: 'kill',
    timeoutStopUsec: SECOND,
    execStop: ['/bin/quit'],
  }).stop()
  w.pass(SECOND)
  t.is(w.at, 'stop-sigkill timeout')
})

test('TimeoutStopSec=infinity waits for ever', t => {
  const w = running({ timeoutStopUsec: Infinity }).stop()
  t.is(w.facts.deadlineUsec, null)
  w.pass(1_000_000 * SECOND)
  t.is(w.sub, 'stop-sigterm')
})

test('a second stop changes nothing but that no restart follows', t => {
  const w = running({ restart: 'always' })
  const child = w.child()
  w.exit(w.main, 1)
  const { deadlineUsec } = w.facts
  w.stop()
  t.is(w.facts.deadlineUsec, deadlineUsec)
  t.deepEqual(w.effects, [])
  w.exit(child)
  t.is(w.at, 'failed exit-code')
})

test('a start that comes while the service stops waits: it changes nothing', t => {
  const w = running().stop()
  const { state } = w
  w.start()
  t.is(w.state, state)
})

test('a stop of a dead or failed service changes nothing', t => {
  const failed = running()
  failed.exit(failed.main, 1)
  for (const w of [world(), failed]) {
    const { state } = w
    w.stop()
    t.is(w.state, state)
    t.deepEqual(w.effects, [])
  }
})

test('a process that is not our child and ends unseen is no failure', t => {
  const w = running()
  w.exit(w.main, { kind: 'unknown' })
  t.is(w.at, 'dead success')
})

test('reset-failed makes a failed service dead and forgets how it failed', t => {
  const w = running()
  w.exit(w.main, 1).send({ type: 'reset-failed' })
  t.is(w.at, 'dead success')
  t.is(w.active, 'inactive')
  t.is(w.facts.nRestarts, 0)
})

test('reset-failed of a service that is well changes nothing', t => {
  const w = running()
  const { state } = w
  w.send({ type: 'reset-failed' })
  t.is(w.state, state)
})

test('a service whose unit file has gone is stopped all the same', t => {
  const w = running()
  const { service: _service, kill: _kill, ...bare } = w.unit
  w.unit = bare
  w.stop()
  t.deepEqual(w.signals, ['/bin/web 15', 'others 15'])
  w.exit(w.main, killedBy(SIGHUP))
  t.is(w.at, 'dead success')
})
