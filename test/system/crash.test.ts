// The daemon is executed anew, on purpose or by a crash: nothing stops, and nothing is lost.
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { connect } from 'node:net'
import { constants, tmpdir } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import test from 'ava'
import { boot, isRoot, type Pid1, root, run } from './pid1.ts'

const service = (exec: string, more = '', unit = '') =>
  `[Unit]\n${unit}\n[Service]\nExecStart=${exec}\n${more}\n[Install]\nWantedBy=multi-user.target\n`

/** Numbers its lines, half of each first. */
const COUNTER = service(
  `/bin/sh -c 'i=0; while :; do i=$((i+1)); printf "line "; sleep 0.04; echo $i; done'`,
)

const WHOLE_LINES = COUNTER.replace(
  'printf "line "; sleep 0.04; echo $i',
  'echo line $i; sleep 0.04',
)

/** The first line that is not the next one; the last may have been cut short by the end of the service. */
const gap = (lines: readonly string[]) =>
  lines.slice(0, -1).findIndex((line, i) => line !== `line ${i + 1}`)

async function linesOf(hearth: Pid1, unit: string) {
  return (await hearth.ok('logs', '-o', 'cat', unit)).split('\n').filter(line => line !== '')
}

const descriptors = ({ pid }: Pid1) =>
  readdirSync(`/proc/${pid}/fd`).map(fd => `/proc/${pid}/fd/${fd}`)
/** '' of one that was closed meanwhile. */
const linkOf = (path: string) => {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
const openFiles = (hearth: Pid1) => descriptors(hearth).map(linkOf)

/** Ends the daemon's image; resolves when the next one has come up. */
async function crash(hearth: Pid1, signal: NodeJS.Signals) {
  const before = hearth.err().match(/taking over/g)?.length ?? 0
  hearth.signal(signal)
  await hearth.said(/taking over/, before + 1)
  await hearth.ok('list-units')
}

test('whatever signal ends the daemon, the services run on, their exits are known and no line is lost', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'counter.service': COUNTER,
      'other.service': service('/bin/sleep infinity'),
      'ends.service': service(
        `/bin/sh -c 'while [ ! -e ${directory}/end ]; do sleep 0.1; done; exit 7'`,
      ),
      'notify.service': service(
        `/bin/sh -c 'while [ ! -e ${directory}/ready ]; do sleep 0.1; done; systemd-notify --ready; exec sleep infinity'`,
        'Type=notify\nNotifyAccess=all\nTimeoutStartSec=infinity',
      ),
    }),
  })
  const pids = await hearth.ok('show', 'counter', 'other', 'ends', '-p', 'MainPID,InvocationID')
  for (const signal of ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL'] as const)
    await crash(hearth, signal)
  t.is(await hearth.ok('show', 'counter', 'other', 'ends', '-p', 'MainPID,InvocationID'), pids)
  t.is(await hearth.show('notify', 'ActiveState'), 'activating')

  // The end of a service while nobody is there to see it; READY=1 as well.
  writeFileSync(`${hearth.directory}/end`, '')
  writeFileSync(`${hearth.directory}/ready`, '')
  await crash(hearth, 'SIGFPE')
  await hearth.until('ends', 'ActiveState', state => state !== 'active')
  t.is(await hearth.show('ends', 'ExecMainStatus'), '7')
  await hearth.until('notify', 'ActiveState', state => state !== 'activating')
  t.is(await hearth.show('notify', 'ActiveState'), 'active')

  await hearth.ok('stop', 'counter')
  const lines = await linesOf(hearth, 'counter')
  t.true(lines.length > 20)
  t.is(gap(lines), -1)

  // The end is in order, too.
  hearth.signal('SIGTERM')
  t.deepEqual(await hearth.ended, { code: 0, signal: null })
})

test('`ctl daemon-reexec` keeps jobs, pauses and clients that wait; a unit goes on as it was loaded', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'counter.service': COUNTER,
      'slow.service': service(
        `/bin/sh -c 'while [ ! -e ${directory}/done ]; do sleep 0.1; done'`,
        'Type=oneshot\nRemainAfterExit=yes',
      ),
      'fails.service': service('/bin/false', 'Restart=always\nRestartSec=1h'),
      'removed.service': service('/bin/sleep infinity', `ExecStop=/bin/touch ${directory}/stopped`),
    }),
  })
  await hearth.until('fails', 'SubState', 'auto-restart')
  const waits = hearth.ctl('start', 'slow')
  const follows = hearth.run([
    `${root}dist/ctl`,
    'logs',
    '-f',
    '-n',
    '1000',
    '-o',
    'cat',
    'counter',
  ])
  const before = await hearth.ok('show', 'fails', 'counter', '-p', 'MainPID,NRestarts,SubState')
  const jobs = await hearth.ok('list-jobs', '--no-legend')
  rmSync(`${hearth.units}/removed.service`)
  const ipc = connect(`${hearth.runtime}/control.sock`)

  await hearth.ok('daemon-reexec')
  ipc.destroy()
  t.is(await hearth.ok('show', 'fails', 'counter', '-p', 'MainPID,NRestarts,SubState'), before)
  t.is(await hearth.ok('list-jobs', '--no-legend'), jobs)
  writeFileSync(`${hearth.directory}/done`, '')
  t.is((await waits).code, 0)
  await hearth.ok('stop', 'removed')
  await hearth.file(`${hearth.directory}/stopped`)
  t.is((await hearth.ctl('is-system-running')).out.trim(), 'running')

  await hearth.ok('stop', 'counter')
  const lines = await linesOf(hearth, 'counter')
  hearth.signal('SIGTERM')
  await hearth.ended
  const followed = (await follows).out.split('\n').filter(line => line !== '')
  t.is(gap(followed), -1)
  t.is(followed.length, lines.length)
})

test('a version that does not come up is not taken, and files that were removed are not needed', async t => {
  if (!isRoot) {
    t.log('skipped: needs root')
    return t.pass()
  }
  const copy = `${process.env.TMPDIR ?? '/tmp'}/hearth-dist-${process.pid}`
  mkdirSync(copy)
  t.teardown(() => rmSync(copy, { recursive: true, force: true }))
  cpSync(`${root}dist`, `${copy}/dist`, { recursive: true })
  copyFileSync(process.execPath, `${copy}/dist/node`)
  const hearth = await boot(t, {
    units: { 'counter.service': COUNTER },
    dist: `${copy}/dist`,
  })
  // Only when the services are up does it take its files into memory.
  while (!openFiles(hearth).some(path => path.startsWith('/memfd:addon'))) await pause(20)
  const pid = await hearth.show('counter', 'MainPID')

  writeFileSync(`${copy}/dist/hearth.js`, '(function(){throw new Error("a bad build")})')
  const broken = await hearth.ctl('daemon-reexec')
  t.is(broken.code, 1)
  t.regex(broken.err, /cannot execute the daemon again: .*a bad build/s)

  rmSync(copy, { recursive: true })
  const missing = await hearth.ctl('daemon-reexec')
  t.is(missing.code, 1)
  t.regex(missing.err, /cannot execute the daemon again: cannot run .*hearth: no such file/)
  await crash(hearth, 'SIGSEGV')
  t.is(await hearth.show('counter', 'MainPID'), pid)
  t.is(readFileSync(`/proc/${hearth.pid}/stat`, 'utf8').split(' ')[0], String(hearth.pid))
})

test('a state that cannot be read does not keep it from coming up, and what runs is taken up', async t => {
  const hearth = await boot(t, {
    units: { 'counter.service': WHOLE_LINES, 'other.service': service('/bin/sleep infinity') },
  })
  const pids = await hearth.ok('show', 'counter', 'other', '-p', 'MainPID,InvocationID')
  const state = descriptors(hearth).find(path => linkOf(path).startsWith('/memfd:state'))
  const fd = openSync(state ?? '', 'r+')
  writeSync(fd, 'no ledger', 0)
  closeSync(fd)
  await crash(hearth, 'SIGSEGV')
  t.is(await hearth.ok('show', 'counter', 'other', '-p', 'MainPID,InvocationID'), pids)
  const status = (await hearth.ctl('status')).out
  t.regex(status, /State: degraded/)
  t.regex(status, /state of the image before could not be read .*2 running services were taken up/)
  await hearth.ok('stop', 'counter')
  // What the log worker had in hand at that moment is all that may be missing: lines that came together.
  const numbers = (await linesOf(hearth, 'counter')).map(line => Number(line.replace('line ', '')))
  const gaps = numbers.filter((number, i) => number !== (numbers[i - 1] ?? 0) + 1)
  t.true(gaps.length <= 1, `lines are missing before ${gaps.join(', ')}`)
  await hearth.ok('restart', 'other')
  t.is(await hearth.ok('is-active', 'other'), 'active')
  await hearth.ok('reset-failed')
  t.is(await hearth.ok('is-system-running'), 'running')
})

test('a daemon that is not PID 1 comes back, too: its services stay its own, and end with it', async t => {
  const hearth = await boot(t, {
    namespace: false,
    ...(isRoot && { user: 'nobody' }),
    units: directory => ({
      'counter.service': WHOLE_LINES,
      'ends.service': service(
        `/bin/sh -c 'while [ ! -e ${directory}/end ]; do sleep 0.1; done; exit 7'`,
      ),
      // What it leaves behind is the subreaper's, whichever image that is.
      'forks.service': service(
        `/bin/sh -c 'setsid sleep infinity & echo $! > ${directory}/forked; exec sleep infinity'`,
      ),
    }),
  })
  const pids = await hearth.ok('show', 'counter', 'ends', 'forks', '-p', 'MainPID,InvocationID')
  for (const signal of ['SIGSEGV', 'SIGABRT', 'SIGTRAP', 'SIGSYS'] as const)
    await crash(hearth, signal)
  await hearth.ok('daemon-reexec')
  t.is(await hearth.ok('show', 'counter', 'ends', 'forks', '-p', 'MainPID,InvocationID'), pids)
  writeFileSync(`${hearth.directory}/end`, '')
  await crash(hearth, 'SIGFPE')
  await hearth.until('ends', 'ActiveState', 'failed')
  t.is(await hearth.show('ends', 'ExecMainStatus'), '7')
  await hearth.ok('kill', '--kill-whom=main', '-s', 'KILL', 'forks')
  await hearth.until('forks', 'ActiveState', 'failed')
  const forked = (await hearth.file(`${hearth.directory}/forked`)).trim()
  t.false(existsSync(`/proc/${forked}`), 'nothing of a unit that is down runs on')
  await hearth.ok('stop', 'counter')
  t.is(gap(await linesOf(hearth, 'counter')), -1)
  hearth.signal('SIGTERM')
  t.deepEqual(await hearth.ended, { code: 0, signal: null })
})

for (const namespace of [true, false])
  test(`a termination signal that comes while one image takes the other's place is obeyed, ${namespace ? 'as PID 1' : 'as another process'}`, async t => {
    if (namespace && !isRoot) {
      t.log('skipped: needs root')
      return t.pass()
    }
    const hearth = await boot(t, {
      namespace,
      environment: { LD_PRELOAD: '' },
      units: { 'web.service': service('/bin/sleep infinity', 'ExecStartPost=/bin/echo life') },
    })
    await crash(hearth, 'SIGSEGV')
    const pid = await hearth.show('web', 'MainPID')
    await hearth.ok('daemon-reexec')
    // What holds the signal is loaded with Node alone.
    t.notRegex(await hearth.ok('show-environment'), /LD_PRELOAD/)
    await hearth.ok('restart', 'web')
    t.not(await hearth.show('web', 'MainPID'), pid)
    hearth.signal('SIGSEGV')
    hearth.signal('SIGTERM')
    t.deepEqual(await hearth.ended, { code: 0, signal: null })
  })

test('PID 1 obeys a termination signal that comes before it has come up', async t => {
  if (!isRoot) {
    t.log('skipped: needs root')
    return t.pass()
  }
  const directory = mkdtempSync(`${tmpdir()}/hearth-test-`)
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  mkdirSync(`${directory}/units`)
  writeFileSync(`${directory}/units/web.service`, service('/bin/sleep infinity'))
  // As soon as Node is what runs: long before it runs any of ours.
  const sends = 'until grep -q node /proc/1/comm; do :; done; kill -TERM 1'
  const { code, err } = await run(
    [
      ...[
        'setpriv',
        '--pdeathsig',
        'KILL',
        'unshare',
        '--pid',
        '--fork',
        '--mount',
        '--mount-proc',
      ],
      ...['--kill-child=SIGKILL', 'sh', '-c', `(${sends}) & exec ${root}dist/hearth`],
    ],
    {
      HEARTH_SERVICES: `${directory}/units`,
      HEARTH_RUNTIME: `${directory}/run`,
      HEARTH_LOGS: `${directory}/log`,
      HEARTH_STATE: `${directory}/state`,
    },
  )
  t.is(code, 0, err)
})

test('a crash loop ends in pauses that grow, in which orphans are reaped and a termination signal ends the services', async t => {
  if (!isRoot) {
    t.log('skipped: needs root')
    return t.pass()
  }
  const ends = (directory: string, name: string) =>
    `/bin/sh -c 'trap "echo ${name} >> ${directory}/order; exit" TERM; while :; do sleep 0.05; done'`
  const hearth = await boot(t, {
    units: directory => ({
      'first.service': service(ends(directory, 'first')),
      'second.service': service(ends(directory, 'second'), '', 'After=first.service'),
    }),
  })
  const pids = await hearth.ok('show', 'first', 'second', '-p', 'MainPID')
  for (let deaths = 1; deaths <= 5; deaths++) {
    hearth.signal('SIGSEGV')
    await hearth.said(/taking over/, deaths)
  }
  await hearth.said(/dies again and again: it does the least for 1 s/)
  const { out } = await hearth.inside(['sh', '-c', '(exec true) & sh -c "sleep 0.05 & echo \\$!"'])
  const orphan = out.trim()
  t.regex(orphan, /^\d+$/)
  while ((await hearth.inside(['test', '-e', `/proc/${orphan}`])).code === 0) await pause(50)
  t.regex((await hearth.ctl('status')).out, /State: degraded/, 'it has come up after the pause')
  t.is(await hearth.ok('show', 'first', 'second', '-p', 'MainPID'), pids)
  hearth.signal('SIGSEGV')
  await hearth.said(/dies again and again: it does the least for 2 s/)
  hearth.signal('SIGTERM')
  t.deepEqual(await hearth.ended, { code: 0, signal: null })
  t.is(readFileSync(`${hearth.directory}/order`, 'utf8'), 'second\nfirst\n')
})

// The first hundred steps are of the boot; after some hundred it answers the requests that are made here.
for (const [way, step, cause] of [
  ['heap', 100, 'SIGABRT'],
  ['overflow', 100, 'an uncaught exception'],
  ['hang', 400, 'its main loop did not turn any more'],
  ['wait', 400, 'its main loop did not turn any more'],
] as const)
  test(`the daemon survives: ${way}`, async t => {
    const hearth = await boot(t, {
      units: { 'counter.service': COUNTER },
      environment: { HEARTH_CRASH_AT: `${step}`, HEARTH_CRASH_BY: way },
      args: ['--hang-limit', step > 100 ? '1' : '30'],
    })
    const pid = await hearth.show('counter', 'MainPID')
    while (!hearth.err().includes('taking over')) await hearth.show('counter', 'MainPID')
    t.true(hearth.err().includes(`taking over from an earlier image: ${cause}`))
    t.is(await hearth.show('counter', 'MainPID'), pid)
    await hearth.ok('stop', 'counter')
    t.is(gap(await linesOf(hearth, 'counter')), -1)
  })

test('a fatal signal in another thread than the main one is survived, too', async t => {
  const tgkill = `${tmpdir()}/hearth-tgkill-${process.pid}`
  const source = `#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int c, char **v) { return c < 4 || syscall(SYS_tgkill, atoi(v[1]), atoi(v[2]), atoi(v[3])) != 0; }`
  writeFileSync(`${tgkill}.c`, source)
  t.is(spawnSync('cc', ['-o', tgkill, `${tgkill}.c`]).status, 0)
  t.teardown(() => {
    for (const path of [tgkill, `${tgkill}.c`]) rmSync(path, { force: true })
  })
  const hearth = await boot(t, { units: { 'counter.service': COUNTER } })
  const pid = await hearth.show('counter', 'MainPID')
  const threads = () =>
    readdirSync(`/proc/${hearth.pid}/task`).map(id => ({
      id,
      name: readFileSync(`/proc/${hearth.pid}/task/${id}/comm`, 'utf8').trim(),
    }))
  for (const [number, name] of ['SIGSEGV', 'SIGSYS', 'SIGABRT'].entries()) {
    const log = threads().find(thread => thread.name === 'logs')
    t.truthy(log, 'the log worker is a thread')
    const signal = constants.signals[name as NodeJS.Signals]
    t.is(spawnSync(tgkill, [`${hearth.pid}`, log?.id ?? '', `${signal}`]).status, 0)
    await hearth.said(/taking over/, number + 1)
    t.true(hearth.err().includes(`taking over from an earlier image: ${name}`))
    await hearth.ok('list-units')
    while (!threads().some(thread => thread.name === 'logs')) await pause(20)
  }
  t.is(await hearth.show('counter', 'MainPID'), pid)
  await hearth.ok('stop', 'counter')
  t.is(gap(await linesOf(hearth, 'counter')), -1)
})

test('two who ask at once to have the daemon executed anew are both told that it was', async t => {
  const hearth = await boot(t, { units: { 'web.service': service('/bin/sleep 1000') } })
  await hearth.ok('start', 'web')
  const pid = await hearth.show('web', 'MainPID')
  const asked = await Promise.all([1, 2, 3].map(() => hearth.ctl('daemon-reexec')))
  t.deepEqual(
    asked.map(({ code, err }) => ({ code, err })),
    Array(3).fill({ code: 0, err: '' }),
  )
  t.is(await hearth.show('web', 'MainPID'), pid)
})
