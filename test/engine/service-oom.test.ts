// OOMPolicy= (systemd.service(5)): the kernel has killed a process of the service for want of memory.
import test from 'ava'
import { killedBy, running, type Settings, SIGKILL, SIGTERM, world } from './service-world.ts'

const oom = (w: ReturnType<typeof running>) => w.send({ type: 'oom-killed', unit: 'web.service' })

test('with OOMPolicy=stop, the default, the service is stopped and has failed with oom-kill', t => {
  const w = running()
  oom(w)
  t.is(w.at, 'stop-sigterm oom-kill')
  t.deepEqual(w.signals, ['/bin/web 15', 'others 15'])
  w.exit(w.main, killedBy(SIGTERM))
  t.is(w.at, 'failed oom-kill')
  t.true(w.lines.includes('A process of this unit has been killed by the OOM killer.'))
})

test('a main process that was the one killed leaves the result oom-kill', t => {
  const w = running()
  oom(w)
  w.exit(w.main, killedBy(SIGKILL))
  t.is(w.at, 'failed oom-kill')
})

test('ExecStop= has its turn', t => {
  const w = running({ execStop: ['/bin/quit'] })
  oom(w)
  t.is(w.at, 'stop oom-kill')
})

test('with OOMPolicy=kill all processes are killed at once', t => {
  const w = running({ oomPolicy: 'kill', execStop: ['/bin/quit'] })
  oom(w)
  t.is(w.at, 'stop-sigkill oom-kill')
  t.deepEqual(w.signals, ['/bin/web 9', 'others 9'])
})

test('with OOMPolicy=continue the service goes on, and it is written down', t => {
  const w = running({ oomPolicy: 'continue' })
  oom(w)
  t.is(w.at, 'running success')
  t.true(w.lines.includes('A process of this unit has been killed by the OOM killer.'))
})

test('a service that is being stopped is killed', t => {
  const w = running().stop()
  oom(w)
  t.is(w.at, 'stop-sigkill oom-kill')
})

test('Restart=on-failure starts it again', t => {
  const w = running({ restart: 'on-failure' } satisfies Settings)
  oom(w)
  w.exit(w.main, killedBy(SIGKILL))
  t.is(w.at, 'auto-restart oom-kill')
})

test('one that is down already is left alone', t => {
  const w = world()
  oom(w)
  t.is(w.sub, 'dead')
})
