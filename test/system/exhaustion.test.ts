// What the daemon needs runs out: it stays up, answers, says what is missing, and goes on when there is some again.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createConnection } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { connect } from '../../ctl/client.ts'
import { boot, isRoot, type Pid1 } from './pid1.ts'
import { canLimit, limitProcesses } from './process-limit.ts'

const asRoot = isRoot ? test : test.skip
const MOST_GAPS = 16
const LASTING = '[Service]\nExecStart=/bin/sleep 1000\nRestart=always\nRestartSec=0\n'

/** How many descriptors the daemon may have open; its hard limit stays. */
const allowDescriptors = ({ pid }: Pid1, count: number) =>
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${count}:`])

/** The lowest number that no descriptor of the daemon has. */
function lowestFree({ pid }: Pid1): number {
  const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number))
  let free = 0
  while (taken.has(free)) free++
  return free
}

/** Fills the numbers that the daemon has closed in between by connections to it, once it has its image in memory and closes no
 * more by itself. */
async function fillGaps(t: ExecutionContext, hearth: Pid1) {
  const linkOf = (fd: string) => {
    try {
      return readlinkSync(`/proc/${hearth.pid}/fd/${fd}`)
    } catch {
      return ''
    }
  }
  while (readdirSync(`/proc/${hearth.pid}/fd`).some(fd => linkOf(fd).endsWith('/start.cjs')))
    await pause(20)
  for (let i = 0; i < MOST_GAPS; i++) {
    const connected = await connect({ socket: `${hearth.runtime}/control.sock` })
    if (connected.isErr()) throw new Error('the daemon does not answer')
    await connected.value.request('version', {})
    t.teardown(() => connected.value.close())
  }
}

/** A service that is started during the shortage does not come up and says why; ctl is answered all the while, and what runs runs
 * on. When the shortage is over it comes up by itself. */
async function suffer(t: ExecutionContext, hearth: Pid1, why: RegExp, end: () => unknown) {
  const pid = await hearth.show('lasting', 'MainPID')
  const { code, err } = await hearth.ctl('start', 'another')
  t.is(code, 1)
  t.regex(err, why)
  const status = await hearth.ctl('status', 'another')
  t.is(status.code, 3, 'it is on its way')
  t.regex(status.out, /activating \(auto-restart\)/)
  t.regex(await hearth.ok('status'), /State: /)
  // More often than StartLimitBurst= would allow.
  await hearth.until('another', 'NRestarts', now => Number(now) > 6)
  await end()
  await hearth.until('another', 'ActiveState', 'active')
  t.is(await hearth.show('lasting', 'MainPID'), pid)
}

asRoot(
  'without a descriptor to spare for services ctl is answered, and they come back by themselves',
  async t => {
    const hearth = await boot(t, {
      units: { 'lasting.service': LASTING, 'another.service': LASTING },
    })
    await hearth.ok('start', 'lasting')
    await fillGaps(t, hearth)
    // What is kept for the daemon itself remains.
    allowDescriptors(hearth, lowestFree(hearth) + 32)
    await suffer(t, hearth, /the daemon has no file descriptor left/, () =>
      allowDescriptors(hearth, 4096),
    )
  },
)

/** A test of a daemon that can be kept from making processes and threads. */
const asLimiter = (title: string, act: (t: ExecutionContext) => Promise<void>) =>
  asRoot(title, async t => {
    if (canLimit) return act(t)
    t.log('skipped: there is no controller of processes to limit them by')
    t.pass()
  })

asLimiter('with no process to be had services wait for one, and come up when there is', async t => {
  const hearth = await boot(t, {
    units: { 'lasting.service': LASTING, 'another.service': LASTING },
  })
  await hearth.ok('start', 'lasting')
  const end = limitProcesses(t, hearth)
  await suffer(t, hearth, /the limit of processes is reached/, end)
})

asLimiter('without a thread for the log worker it is started when there is one', async t => {
  const hearth = await boot(t, {
    sandbox: ':',
    units: {
      'writing.service': '[Service]\nType=oneshot\nExecStart=/bin/echo written\n',
      'late.service': LASTING,
      'boxed.service': `${LASTING}DynamicUser=yes\nStateDirectory=boxed\nPrivateNetwork=yes\nSystemCallFilter=@system-service\n`,
      'inner.service': LASTING,
      'inner.socket': '[Socket]\nListenStream=127.0.0.1:9\nPrivateNetwork=yes\n',
      'run-needy.mount': '[Mount]\nWhat=tmpfs\nWhere=/run/needy\nType=tmpfs\n',
    },
  })
  const end = limitProcesses(t, hearth)
  // What the machine allows is not known yet, and takes a process to find out.
  for (const unit of ['boxed', 'inner.socket', 'run-needy.mount', 'late']) {
    const { code, err } = await hearth.ctl('start', unit)
    t.is(code, 1, unit)
    t.regex(err, /cannot start a process: the limit of processes is reached/, unit)
  }
  await hearth.said(/the log worker cannot be started: the limit of processes is reached/)
  t.regex((await hearth.ctl('logs', 'late')).err, /the log worker cannot be started/)
  const cannot = /the log worker cannot be started/
  t.is(hearth.err().split(cannot).length, 2, 'it is said once')
  hearth.signal('SIGSEGV')
  await hearth.said(cannot, 2)
  t.regex((await hearth.ctl('status', 'late')).out, /activating \(auto-restart\)/)
  end()
  await hearth.until('late', 'ActiveState', 'active')
  await hearth.ok('start', 'writing')
  t.is(await hearth.ok('logs', '-o', 'cat', 'writing'), 'written')
  await hearth.until('boxed', 'ActiveState', 'active')
  await hearth.ok('start', 'inner.socket', 'run-needy.mount')
  t.notRegex(hearth.err(), /a defect in hearth itself/)
})

asLimiter(
  'who connects while there is no process to be had is served when there is one',
  async t => {
    const hearth = await boot(t, {
      units: directory => ({
        'served.service': LASTING.replace('always', 'no'),
        'served.socket': `[Socket]\nListenStream=${directory}/served.sock\n`,
      }),
    })
    await hearth.ok('start', 'served.socket')
    const end = limitProcesses(t, hearth)
    const client = createConnection(`${hearth.directory}/served.sock`)
    t.teardown(() => client.destroy())
    await once(client, 'connect')
    await hearth.said(/Failed to run 'start' task: cannot start a process: the limit/, 3)
    t.is(await hearth.show('served.socket', 'ActiveState'), 'active')
    end()
    await hearth.until('served', 'ActiveState', 'active')
    t.is(await hearth.show('served.socket', 'SubState'), 'running')
  },
)

asLimiter('an image that finds no threads to come up with waits for them', async t => {
  const hearth = await boot(t, { units: { 'lasting.service': LASTING } })
  await hearth.ok('start', 'lasting')
  const told = ['show', 'lasting', '-p', 'MainPID,InvocationID']
  const before = await hearth.ok(...told)
  const status = readFileSync(`/proc/${hearth.pid}/status`, 'utf8')
  const threads = Number(status.match(/Threads:\s*(\d+)/)?.[1])
  for (const [i, left] of [1, 2, 4, 6].entries()) {
    const end = limitProcesses(t, hearth, () => left)
    hearth.signal('SIGSEGV')
    await hearth.said(
      /waiting for a thread to start with: the limit of processes is reached/,
      i + 1,
    )
    end()
    t.is(await hearth.ok(...told), before, `with ${left} of ${threads} threads`)
  }
})

asLimiter('what services have written at the end is waited for, however long it takes', async t => {
  const hearth = await boot(t, {
    units: {
      'writing.service':
        '[Service]\nExecStart=/bin/sh -c \'trap "echo last; exit 0" TERM; echo first; sleep infinity & wait\'\n',
    },
  })
  await hearth.ok('start', 'writing')
  t.is(await hearth.ok('logs', '-o', 'cat', 'writing'), 'first')
  // The next image has no thread to be had for the log worker.
  const end = limitProcesses(t, hearth, now => now - 1)
  hearth.signal('SIGSEGV')
  await hearth.said(/the log worker cannot be started/)
  hearth.signal('SIGTERM')
  await hearth.said(/waiting for the logs to be written/)
  end()
  t.deepEqual(await hearth.ended, { code: 0, signal: null })
  const log = readFileSync(`${hearth.directory}/log/writing.service/current`, 'utf8')
  t.regex(log, /first\n.*last\n/)
})

asRoot(
  'with a full /run ctl is answered, and what needs room there comes up when there is some',
  async t => {
    const hearth = await boot(t, {
      units: {
        'lasting.service': LASTING,
        'another.service': `${LASTING}RuntimeDirectory=needy\n`,
      },
      before: 'mount -t tmpfs -o nr_inodes=20,mode=755 tmpfs /run',
    })
    await hearth.ok('start', 'lasting')
    await hearth.inside(['sh', '-c', 'i=0; while mkdir /run/full$i; do i=$((i+1)); done'])
    await suffer(t, hearth, /no space is left on the device/, () =>
      hearth.inside(['sh', '-c', 'rmdir /run/full*']),
    )
  },
)

test('ten thousand units are read and told of', async t => {
  const hearth = await boot(t, {
    units: Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [
        `u${i}.service`,
        `[Unit]\nDescription=Number ${i}\nAfter=u${i + 1}.service\n${LASTING}`,
      ]),
    ),
  })
  t.is((await hearth.ok('list-unit-files', '--no-legend', 'u*')).split('\n').length, 10_000)
  await hearth.ok('start', 'u9999')
  t.is(await hearth.show('u5000', 'Description'), 'Number 5000')
  t.is((await hearth.ctl('is-active', 'u5000')).code, 3)
})
