// Processes: restarts, whole-tree kill without cgroups, reaping, service types, as a real PID 1 sees them.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { boot, isRoot } from './pid1.ts'

const enabled = '\n[Install]\nWantedBy=multi-user.target\n'
const alive = (pid: number) => {
  try {
    return !/ Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}
/** Pids as seen from here of the processes whose command line holds `mark`. */
const marked = (mark: string) =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(mark)
      } catch {
        return false
      }
    })
    .map(Number)
    .filter(alive)

test('a killed service is started again after RestartSec=, and its restarts are counted', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'web.service': `[Service]\nExecStart=/bin/sh -c 'echo $$$$ >> ${directory}/pids; exec sleep infinity'\nRestart=always\nRestartSec=50ms\n${enabled}`,
    }),
  })
  await hearth.file(`${hearth.directory}/pids`, text => text.endsWith('\n'))
  await hearth.ok('kill', '--signal=KILL', 'web')
  await hearth.file(`${hearth.directory}/pids`, text => text.split('\n').length === 3)
  t.is(await hearth.show('web', 'NRestarts'), '1')
  t.is(await hearth.show('web', 'ActiveState'), 'active')
})

test('a service that fails too often stays failed with start-limit-hit', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'bad.service': `[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=1h\n[Service]\nExecStart=/bin/sh -c 'echo >> ${directory}/runs'\nRestart=always\nRestartSec=1ms\n${enabled}`,
    }),
  })
  await hearth.said(/start-limit-hit|Start request repeated too quickly/)
  t.is(readFileSync(`${hearth.directory}/runs`, 'utf8'), '\n\n\n')
  t.is(await hearth.show('bad', 'ActiveState'), 'failed')
  t.is(await hearth.show('bad', 'Result'), 'start-limit-hit')
  await hearth.ok('reset-failed', 'bad')
  t.is(await hearth.show('bad', 'ActiveState'), 'inactive')
})

test('a stop reaches a grandchild that forked twice and made a session of its own', async t => {
  const mark = `${3600 + Math.floor(Math.random() * 1e6)}.25`
  const hearth = await boot(t, {
    units: directory => ({
      'tree.service': `[Service]\nExecStart=/bin/sh -c '(setsid sh -c "(setsid sleep ${mark} &)" &); : > ${directory}/up; exec sleep ${mark}'\n${enabled}`,
    }),
  })
  await hearth.file(`${hearth.directory}/up`)
  while (marked(`sleep\0${mark}`).length < 2) await new Promise(setImmediate)
  await hearth.ok('stop', 'tree')
  t.deepEqual(marked(`sleep\0${mark}`), [])
})

test('a stop ends a tree of processes that fork faster than they die', async t => {
  const mark = `bomb${process.pid}x${Math.floor(Math.random() * 1e9)}`
  const hearth = await boot(t, {
    units: directory => ({
      // Each process starts two and goes on until about three hundred stand; they ignore SIGTERM.
      'bomb.service': `[Service]\nLimitNPROC=infinity\nTimeoutStopSec=200ms\nExecStart=/bin/sh -c 'trap "" TERM; f() { [ $1 -gt 7 ] && { exec sleep 1000; }; f $(($1+1)) ${mark} & f $(($1+1)) ${mark} & wait; }; : > ${directory}/up; f 0 ${mark}'\n${enabled}`,
    }),
  })
  await hearth.file(`${hearth.directory}/up`)
  await hearth.ctl('stop', 'bomb')
  t.deepEqual(marked(mark), [])
  t.is(await hearth.show('bomb', 'MainPID'), '0')
})

test('what a service leaves that forks and ends at once is ended, whoever has looked at it before', async t => {
  const mark = `${3600 + Math.floor(Math.random() * 1e6)}.75`
  const hearth = await boot(t, {
    // Nobody has forked before the look.
    units: directory => ({
      'leaves.service': `[Service]\nExecStart=/bin/sh -c 'read x < ${directory}/go; sleep ${mark} & exit 3'\n`,
    }),
  })
  execFileSync('mkfifo', [`${hearth.directory}/go`])
  await hearth.ok('start', 'leaves')
  t.regex(await hearth.ok('status', 'leaves'), /Processes: /)
  writeFileSync(`${hearth.directory}/go`, 'x\n')
  await hearth.until('leaves', 'ActiveState', 'failed')
  t.deepEqual(marked(mark), [])
})

test('orphans that belong to no service are reaped', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'maker.service': `[Service]\nType=oneshot\nExecStart=/bin/sh -c 'i=0; while [ $i -lt 200 ]; do (sleep 0 &); i=$((i+1)); done; : > ${directory}/done'\n${enabled}`,
      'web.service': `[Service]\nExecStart=/bin/sleep infinity\n${enabled}`,
    }),
  })
  await hearth.file(`${hearth.directory}/done`)
  await hearth.ctl('start', 'maker')
  const zombies = () =>
    readFileSync(`/proc/${hearth.pid}/task/${hearth.pid}/children`, 'latin1')
      .split(' ')
      .filter(pid => pid !== '')
      .filter(pid => {
        try {
          return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
        } catch {
          return false
        }
      })
  while (zombies().length > 0) await new Promise(setImmediate)
  t.is(await hearth.show('maker', 'Result'), 'success')
})

test('Type=forking takes the main process from PIDFile=, even when it comes a moment later', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'daemon.service': `[Service]\nType=forking\nPIDFile=${directory}/pid\nExecStart=/bin/sh -c '(setsid sh -c "sleep 0.1; echo \\$\\$ > ${directory}/pid.new; mv ${directory}/pid.new ${directory}/pid; exec sleep infinity" &)'\n${enabled}`,
    }),
  })
  await hearth.ok('start', 'daemon')
  t.is(
    await hearth.show('daemon', 'MainPID'),
    readFileSync(`${hearth.directory}/pid`, 'utf8').trim(),
  )
  await hearth.ok('stop', 'daemon')
  t.is(await hearth.show('daemon', 'ActiveState'), 'inactive')
})

test('Type=notify is active after READY=1 and shows STATUS=', async t => {
  const hearth = await boot(t, {
    units: {
      'ready.service': `[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c 'systemd-notify --ready --status="as warm as toast"; exec sleep infinity'\n${enabled}`,
      'never.service':
        "[Service]\nType=notify\nTimeoutStartSec=300ms\nExecStart=/bin/sh -c 'exec sleep infinity'\n",
    },
  })
  await hearth.ok('start', 'ready')
  t.is(await hearth.show('ready', 'StatusText'), 'as warm as toast')
  const late = await hearth.ctl('start', 'never')
  t.is(late.code, 1)
  t.is(await hearth.show('never', 'Result'), 'timeout')
})

test('Type=oneshot runs its commands in turn and is active with RemainAfterExit=', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'job.service': `[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'echo one >> ${directory}/out'\nExecStart=/bin/sh -c 'echo two >> ${directory}/out'\nExecStop=/bin/sh -c 'echo stop >> ${directory}/out'\n`,
    }),
  })
  await hearth.ok('start', 'job')
  t.is(await hearth.show('job', 'SubState'), 'exited')
  await hearth.ok('stop', 'job')
  t.is(readFileSync(`${hearth.directory}/out`, 'utf8'), 'one\ntwo\nstop\n')
})

test('a service runs as its user, in its directory, with its environment, limits and umask', async t => {
  if (!isRoot) {
    t.log('skipped: to run as another user takes root')
    t.pass()
    return
  }
  const hearth = await boot(t, {
    units: directory => ({
      'who.service':
        '[Service]\nType=oneshot\nUser=nobody\nGroup=nogroup\nWorkingDirectory=/usr\nUMask=0027\nLimitNOFILE=512\nNice=5\n' +
        'Environment="A=b c" D=e\nEnvironmentFile=-/nowhere\nRuntimeDirectory=who\nStandardOutput=append:' +
        `${directory}/out\n` +
        'ExecStart=/bin/sh -c \'id -un; id -gn; pwd; umask; ulimit -n; nice; echo "$A"; echo $D $HOME $USER $RUNTIME_DIRECTORY; stat -c %%U $RUNTIME_DIRECTORY; printenv INVOCATION_ID | wc -c\'\n',
    }),
  })
  await hearth.ok('start', 'who')
  t.is(
    readFileSync(`${hearth.directory}/out`, 'utf8'),
    'nobody\nnogroup\n/usr\n0027\n512\n5\nb c\ne /nonexistent nobody /run/who\nnobody\n33\n',
  )
})
