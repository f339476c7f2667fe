// Type=: when a service counts as started, and how each type lives and ends (systemd.service(5)).
import test from 'ava'
import {
  exited,
  killedBy,
  NOT_FOUND,
  running,
  SECOND,
  SIGTERM,
  type World,
  world,
} from './service-world.ts'

test('a simple service is up as soon as its process runs', t => {
  const w = world()
  t.is(w.active, 'inactive')
  w.start()
  t.is(w.sub, 'running')
  t.is(w.active, 'active')
  t.is(w.facts.mainPid, w.pidOf('/bin/web'))
})

test('a start gives the run an invocation id of its own', t => {
  const w = running()
  const first = w.state.invocationId
  t.truthy(first)
  w.exit(w.main).start()
  t.not(w.state.invocationId, first)
  t.is(w.count('run-begins'), 2)
})

test('a simple service whose main process exits cleanly is dead', t => {
  const w = running()
  w.exit(w.main)
  t.is(w.at, 'dead success')
  t.is(w.active, 'inactive')
  t.is(w.facts.mainPid, null)
  t.true(w.lines.includes('Deactivated successfully.'))
})

test('the end of a run is told once, with its invocation id', t => {
  const w = running()
  w.exit(w.main)
  const ends = w.history.filter(effect => effect.type === 'run-ends')
  t.deepEqual(ends, [
    {
      type: 'run-ends',
      unit: 'web.service',
      invocationId: w.state.invocationId ?? '',
      restarting: false,
      facts: w.facts,
    },
  ])
})

test('a service whose main process exits with a status is failed, and says so in the words of systemd', t => {
  const w = running()
  w.exit(w.main, 1)
  t.is(w.at, 'failed exit-code')
  t.is(w.active, 'failed')
  t.true(w.lines.includes('Main process exited, code=exited, status=1/FAILURE'))
  t.true(w.lines.includes("Failed with result 'exit-code'."))
})

test('the main process of a service that has ended stays readable', t => {
  const w = running()
  const pid = w.main
  w.pass(SECOND).exit(pid, 7)
  t.like(w.facts.main, { pid, exec: 'start', index: 0, exit: exited(7) })
  t.is((w.facts.main?.endedUsec ?? 0) - (w.facts.main?.startedUsec ?? 0), SECOND)
})

test('a simple service whose program is missing fails its start, with the step and the reason', t => {
  const w = world()
  w.failures.set('/bin/web', NOT_FOUND)
  w.start()
  t.is(w.at, 'failed exit-code')
  t.like(w.facts.main, { pid: 0, exit: exited(203) })
  t.true(w.lines.includes('Failed at step EXEC spawning /bin/web: No such file or directory'))
  t.true(w.lines.includes('Main process exited, code=exited, status=203/EXEC'))
})

test('a service of Type=exec is up once it is executed', t => {
  const w = world({ type: 'exec' }).start()
  t.is(w.sub, 'running')
  t.is(w.active, 'active')
  w.exit(w.main)
  t.is(w.at, 'dead success')
})

const named = (isOwned: boolean, problem: string | null = null) =>
  ({ type: 'bus-name', unit: 'web.service', isOwned, problem }) as const

test('a dbus service is up while somebody has its bus name', t => {
  const w = world({ type: 'dbus', busName: 'a.b', execStartPost: ['/bin/post'] }).start()
  t.is(w.sub, 'start')
  t.is(w.count('watch-bus-name'), 1)
  w.send(named(false))
  t.is(w.sub, 'start')
  w.send(named(true))
  t.is(w.sub, 'start-post')
  w.exit(w.control)
  t.is(w.sub, 'running')
  w.send(named(false))
  t.is(w.sub, 'stop-sigterm')
  w.exit(w.main)
  t.is(w.at, 'dead success')
})

test('a dbus service that has lost its name by the end of its start goes down', t => {
  const w = world({ type: 'dbus', busName: 'a.b', execStartPost: ['/bin/post'] }).start()
  w.send(named(true)).send(named(false))
  t.is(w.sub, 'start-post')
  w.exit(w.control)
  t.is(w.sub, 'stop-sigterm')
})

test('without a bus a dbus service says so, and is up once it is executed', t => {
  const w = world({ type: 'dbus', busName: 'a.b' }).start()
  w.send(named(false, 'there is no bus'))
  t.is(w.sub, 'running')
  t.true(w.lines.some(line => line.startsWith('cannot watch for BusName=a.b: there is no bus; ')))
})

test('an idle service counts as active while it starts', t => {
  const w = world({ type: 'idle', execStartPre: ['/bin/pre'] }).start()
  t.is(w.sub, 'start-pre')
  t.is(w.active, 'active')
})

test('an idle service runs its command when it is told that nobody has a job any more, or after 5 seconds', t => {
  for (const wait of [(w: World) => w.send({ type: 'idle' }), (w: World) => w.pass(5 * SECOND)]) {
    const w = world({ type: 'idle' }).start()
    t.is(w.sub, 'start')
    t.is(w.active, 'active')
    t.deepEqual(w.begun, [])
    wait(w.pass(SECOND))
    t.is(w.sub, 'running')
    w.exit(w.main)
    t.is(w.at, 'dead success')
  }
})

test('an idle service that is stopped while it waits is down at once', t => {
  const w = world({ type: 'idle' }).start().stop()
  t.is(w.at, 'dead success')
  t.deepEqual(w.send({ type: 'idle' }).begun, [])
})

test('a oneshot service is activating while its process runs', t => {
  const w = world({ type: 'oneshot' }).start()
  t.is(w.sub, 'start')
  t.is(w.active, 'activating')
  w.exit(w.main)
  t.is(w.at, 'dead success')
})

test('a oneshot service runs its ExecStart= commands one after the other', t => {
  const w = world({ type: 'oneshot', execStart: ['/bin/a', '/bin/b', '/bin/c'] }).start()
  t.deepEqual(w.begun, ['start 0'])
  w.end('/bin/a')
  t.deepEqual(w.begun, ['start 1'])
  w.end('/bin/b')
  t.deepEqual(w.begun, ['start 2'])
  w.end('/bin/c')
  t.is(w.at, 'dead success')
  t.deepEqual(
    w.facts.runs.map(({ exec, index, exit }) => [exec, index, exit]),
    [0, 1, 2].map(index => ['start', index, exited(0)]),
  )
})

test('a oneshot command that fails ends the start', t => {
  const w = world({ type: 'oneshot', execStart: ['/bin/a', '/bin/b'] }).start()
  w.end('/bin/a', 3)
  t.deepEqual(w.begun, [])
  t.is(w.at, 'failed exit-code')
})

test('a oneshot command with the prefix - may fail', t => {
  const w = world({ type: 'oneshot', execStart: ['-/bin/a', '/bin/b'] }).start()
  w.end('/bin/a', 3)
  t.deepEqual(w.begun, ['start 1'])
  w.end('/bin/b')
  t.is(w.at, 'dead success')
})

test('a oneshot command with the prefix - may be missing', t => {
  const w = world({ type: 'oneshot', execStart: ['-/bin/a', '/bin/b'] })
  w.failures.set('/bin/a', NOT_FOUND)
  w.start()
  t.is(w.facts.mainPid, w.pidOf('/bin/b'))
})

test('a oneshot service with RemainAfterExit= stays active, exited, until it is stopped', t => {
  const w = world({ type: 'oneshot', remainAfterExit: true, execStop: ['/bin/undo'] }).start()
  w.exit(w.main)
  t.is(w.sub, 'exited')
  t.is(w.active, 'active')
  w.stop()
  t.is(w.sub, 'stop')
  t.deepEqual(w.begun, ['stop 0'])
  w.end('/bin/undo')
  t.is(w.at, 'dead success')
})

test('a oneshot service without ExecStart= is exited at once', t => {
  const w = world({
    type: 'oneshot',
    execStart: [],
    execStop: ['/bin/undo'],
    remainAfterExit: true,
  })
  t.is(w.start().sub, 'exited')
})

test('a oneshot service ended by SIGTERM of its own has failed, a daemon has not', t => {
  const oneshot = world({ type: 'oneshot' }).start()
  oneshot.exit(oneshot.main, killedBy(SIGTERM))
  t.is(oneshot.at, 'failed signal')
  const daemon = running()
  daemon.exit(daemon.main, killedBy(SIGTERM))
  t.is(daemon.at, 'dead success')
})

test('a service with RemainAfterExit= whose daemon exits cleanly is exited, and failed otherwise', t => {
  const w = running({ remainAfterExit: true })
  w.exit(w.main)
  t.is(w.sub, 'exited')
  const failing = running({ remainAfterExit: true })
  failing.exit(failing.main, 1)
  t.is(failing.at, 'failed exit-code')
})

test('a forking service is starting until its parent has gone, then the pid of the daemon is guessed', t => {
  const w = world({ type: 'forking' }).start()
  t.is(w.sub, 'start')
  t.is(w.facts.mainPid, null)
  const daemon = w.child()
  w.guess = daemon
  w.end('/bin/web')
  t.is(w.sub, 'running')
  t.is(w.facts.mainPid, daemon)
  t.true(w.history.some(effect => effect.type === 'watch-process' && effect.pid === daemon))
  w.exit(daemon, 1)
  t.is(w.at, 'failed exit-code')
})

test('a forking service whose daemon cannot be told is up while anything of it lives', t => {
  const w = world({ type: 'forking' }).start()
  const [one, two] = [w.child(), w.child()]
  w.end('/bin/web')
  t.is(w.sub, 'running')
  t.is(w.facts.mainPid, null)
  w.exit(one)
  t.is(w.sub, 'running')
  w.exit(two)
  t.is(w.at, 'dead success')
})

test('a forking service with GuessMainPID=no guesses nothing', t => {
  const w = world({ type: 'forking', guessMainPid: false }).start()
  w.guess = w.child()
  w.end('/bin/web')
  t.is(w.sub, 'running')
  t.is(w.facts.mainPid, null)
  t.is(w.count('guess-main-pid'), 0)
})

test('a forking service whose parent fails has failed', t => {
  const w = world({ type: 'forking' }).start()
  w.end('/bin/web', 4)
  t.is(w.at, 'failed exit-code')
  t.true(w.lines.includes('Control process exited, code=exited, status=4/NOPERMISSION'))
})

test('a forking service that leaves nothing behind ends', t => {
  const w = world({ type: 'forking' }).start()
  w.end('/bin/web')
  t.is(w.at, 'dead success')
})

for (const type of ['notify', 'notify-reload'] as const) {
  test(`a service of Type=${type} is up when it says READY=1`, t => {
    const w = world({ type }).start()
    t.is(w.sub, 'start')
    w.notify(w.main, { READY: '1' })
    t.is(w.sub, 'running')
  })

  test(`a service of Type=${type} that exits before READY=1 has broken the protocol`, t => {
    const w = world({ type }).start()
    w.exit(w.main)
    t.is(w.at, 'failed protocol')
  })

  test(`a service of Type=${type} that fails before READY=1 has the result of its failure`, t => {
    const w = world({ type }).start()
    w.exit(w.main, 1)
    t.is(w.at, 'failed exit-code')
  })
}

test('a notify service may leave READY=1 to another process with NotifyAccess=all and RemainAfterExit=', t => {
  const settings = { type: 'notify', remainAfterExit: true, notifyAccess: 'all' } as const
  const w = world(settings).start()
  const other = w.child()
  w.exit(w.main)
  t.is(w.sub, 'start')
  w.notify(other, { READY: '1' })
  t.is(w.sub, 'exited')

  const silent = world(settings).start()
  const child = silent.child()
  silent.exit(silent.main)
  silent.exit(child)
  t.is(silent.at, 'failed protocol')
})

test('with ExitType=cgroup a service is up until its last process has gone', t => {
  const w = running({ exitType: 'cgroup' })
  const child = w.child()
  w.exit(w.main)
  t.is(w.sub, 'running')
  w.exit(child)
  t.is(w.at, 'dead success')
})

test('a second start finds the service up or on its way and changes nothing', t => {
  for (const w of [running(), world({ type: 'notify' }).start()]) {
    const { state } = w
    w.start()
    t.is(w.state, state)
    t.deepEqual(w.effects, [])
  }
})
