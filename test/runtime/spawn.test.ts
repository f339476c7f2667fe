// Starting commands: what the process finds.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import anyTest, { type ExecutionContext, type TestFn } from 'ava'
import { command, isRoot, sh, type UnitParts, World } from './world.ts'

const test = anyTest as TestFn<{ world: World }>
test.beforeEach(t => {
  t.context.world = new World({ notify: true })
})
test.afterEach.always(t => t.context.world.close())
// One world at a time owns the process's SIGCHLD.
const serial = test.serial

const asRoot = (title: string, body: (t: ExecutionContext<{ world: World }>) => unknown) =>
  serial(title, async t => {
    if (isRoot) return void (await body(t))
    t.log('needs root: not checked')
    t.pass()
  })

serial('a command runs with its output in the log of the run and its exit told', async t => {
  const { out, err, exit } = await t.context.world.run({
    service: { execStart: [sh('echo to out; echo to err >&2; exit 3')] },
  })
  t.is(out, 'to out\n')
  t.is(err, 'to err\n')
  t.deepEqual(exit, { kind: 'exited', status: 3 })
})

serial('the environment is the curated one, not the one of the daemon', async t => {
  const { world } = t.context
  const { out } = await world.run({ service: { execStart: [command(['/usr/bin/env'])] } })
  t.deepEqual(
    out
      .trim()
      .split('\n')
      .map(line => line.split('=')[0])
      .sort(),
    ['INVOCATION_ID', 'PATH', 'SYSTEMD_EXEC_PID'],
  )
})

serial('the words of a command line are expanded from the environment', async t => {
  const { out } = await t.context.world.run({
    service: {
      execStart: [
        command(['/usr/bin/printf', '[%s]', '$ONE', '$TWO', '${TWO}', '$$ONE', 'a${ONE}b']),
      ],
    },
    exec: { environment: ['ONE=one', 'TWO=two two'] },
  })
  t.is(out, '[one][two][two][two two][$ONE][aoneb]')
})

serial('a variable that is not set counts as empty, and the log says so', async t => {
  const { world } = t.context
  const { out } = await world.run({
    service: { execStart: [command(['/usr/bin/printf', '[%s]', 'a${NOWHERE}b', '$NOWHERE'])] },
  })
  t.is(out, '[ab]')
  t.true(world.lines.some(line => line.startsWith('warn') && line.includes('$NOWHERE')))
})

serial('with the prefix : nothing is expanded', async t => {
  const { out } = await t.context.world.run({
    service: {
      execStart: [command(['/usr/bin/printf', '%s', '$PATH ${PATH} $$'], { noExpand: true })],
    },
  })
  t.is(out, '$PATH ${PATH} $$')
})

serial('with the prefix @ the second word is argv[0]', async t => {
  const { out } = await t.context.world.run({
    service: {
      execStart: [command(['other', '-c', 'echo $0'], { path: '/bin/sh', noExpand: true })],
    },
  })
  t.is(out, 'other\n')
})

serial('a bare name is found in the search path', async t => {
  const { out } = await t.context.world.run({
    service: { execStart: [command(['printf', 'found'])] },
  })
  t.is(out, 'found')
})

serial('ExecSearchPath= takes the place of the search path and of PATH', async t => {
  const { world } = t.context
  writeFileSync(join(world.directory, 'mine'), '#!/bin/sh\necho "$PATH"\n', { mode: 0o755 })
  const { out } = await world.run({
    service: { execStart: [command(['mine'])] },
    exec: { execSearchPath: [world.directory] },
  })
  t.is(out, `${world.directory}\n`)
})

const failures: readonly [string, number, string, UnitParts][] = [
  [
    'a bare name that no directory has',
    203,
    'cannot find no-such-program',
    {
      service: { execStart: [command(['no-such-program'])] },
    },
  ],
  [
    'a path that does not exist',
    203,
    'cannot run /no/such',
    {
      service: { execStart: [command(['/no/such'])] },
    },
  ],
  [
    'a file that is not executable',
    203,
    'cannot run /etc/passwd',
    {
      service: { execStart: [command(['/etc/passwd'])] },
    },
  ],
  [
    'a user that does not exist',
    217,
    'User=nobody-at-all',
    {
      service: { execStart: [command(['/bin/true'])] },
      exec: { user: 'nobody-at-all' },
    },
  ],
  [
    'a group that does not exist',
    216,
    'Group=nobody-at-all',
    {
      service: { execStart: [command(['/bin/true'])] },
      exec: { group: 'nobody-at-all' },
    },
  ],
  [
    'a working directory that is missing',
    200,
    'WorkingDirectory=/no/such',
    {
      service: { execStart: [command(['/bin/true'])] },
      exec: { workingDirectory: { path: '/no/such', missingOk: false } },
    },
  ],
  [
    'an output file that cannot be opened',
    209,
    'StandardOutput=append:/no/such/file',
    {
      service: { execStart: [command(['/bin/true'])] },
      exec: { standardOutput: { kind: 'append', target: '/no/such/file' } },
    },
  ],
  [
    'a descriptor of a socket that nobody holds',
    208,
    'StandardInput=socket',
    {
      service: { execStart: [command(['/bin/true'])] },
      exec: { standardInput: { kind: 'socket' } },
    },
  ],
  [
    'an environment file that is missing',
    0,
    'EnvironmentFile=/no/such',
    {
      service: { execStart: [command(['/bin/true'])] },
      exec: { environmentFiles: [{ path: '/no/such', missingOk: false }] },
    },
  ],
]
for (const [what, status, words, parts] of failures) {
  serial(`${what} fails with ${status} and says so`, t => {
    const { world } = t.context
    const unit = world.add(parts)
    const answer = world.spawn(unit.id)
    if (answer.type !== 'spawn-failed') return t.fail('it was started')
    t.is(answer.exitStatus, status)
    t.true(answer.message.startsWith('cannot '), answer.message)
    t.true(answer.message.includes(words), answer.message)
  })
}

serial('WorkingDirectory=-… that is missing leaves the process where the daemon was', async t => {
  const { exit } = await t.context.world.run({
    service: { execStart: [command(['/bin/true'])] },
    exec: { workingDirectory: { path: '/no/such', missingOk: true } },
  })
  t.deepEqual(exit, { kind: 'exited', status: 0 })
})

serial('what the manager knows of a start is there, unless the unit sets it itself', async t => {
  const { out } = await t.context.world.run(
    {
      service: { execStart: [sh('echo $MAINPID $SERVICE_RESULT')] },
      exec: { environment: ['SERVICE_RESULT=mine'] },
    },
    ['MAINPID=7', 'SERVICE_RESULT=success'],
  )
  t.is(out, '7 mine\n')
})

serial('a process knows its own pid, and that the watchdog means it', async t => {
  const { out, pid } = await t.context.world.run(
    { service: { execStart: [sh('echo $$ $SYSTEMD_EXEC_PID $WATCHDOG_PID')], watchdogUsec: 1e6 } },
    ['WATCHDOG_USEC=1000000'],
  )
  t.is(out, `${pid} ${pid} ${pid}\n`)
})

serial('EnvironmentFile= wins over Environment=, UnsetEnvironment= over all', async t => {
  const { world } = t.context
  const file = join(world.directory, 'env')
  writeFileSync(file, '# a comment\nA=file\nB="two\nlines"\n')
  const { out } = await world.run({
    service: { execStart: [sh('echo "$A-$B-$C-$D"')] },
    exec: {
      environment: ['A=unit', 'C=gone', 'D=kept'],
      environmentFiles: [{ path: `${world.directory}/e*`, missingOk: false }],
      unsetEnvironment: ['C', 'D=other'],
    },
  })
  t.is(out, 'file-two\nlines--kept\n')
})

serial('NOTIFY_SOCKET is there where NotifyAccess= lets somebody speak', async t => {
  const { world } = t.context
  const script = sh('echo "${NOTIFY_SOCKET:+told}"')
  const main = await world.run({
    id: 'a.service',
    service: { type: 'notify', execStart: [script] },
  })
  t.is(main.out, 'told\n')
  const plain = await world.run({ id: 'b.service', service: { execStart: [script] } })
  t.is(plain.out, '\n')
  // What asks for messages gets them from its main process, whatever NotifyAccess= says.
  const none = { notifyAccess: 'none', execStart: [script] } as const
  const asking = [{ type: 'notify' }, { watchdogUsec: 60_000_000 }] as const
  for (const [i, asks] of asking.entries()) {
    const told = await world.run({ id: `asks${i}.service`, service: { ...none, ...asks } })
    t.is(told.out, 'told\n')
  }
  const silent = await world.run({ id: 'c.service', service: none })
  t.is(silent.out, '\n')
})

serial('limits, umask and nice are those of the unit', async t => {
  const { out } = await t.context.world.run({
    service: { execStart: [sh('ulimit -n; ulimit -c; umask; nice')] },
    exec: {
      limits: { nofile: { soft: 77, hard: 99 }, core: { soft: 0, hard: 0 } },
      umask: 0o027,
      nice: 5,
    },
  })
  t.is(out, '77\n0\n0027\n5\n')
})

serial(
  'without a cgroup AllowedCPUs= is where the processes begin, and CPUAffinity= comes after',
  async t => {
    const { world } = t.context
    const service = { execStart: [sh('grep Cpus_allowed_list /proc/self/status')] }
    const held = await world.run({ id: 'a.service', service, resources: { allowedCpus: [0] } })
    t.is(held.out, 'Cpus_allowed_list:\t0\n')
    const none = await world.run({ id: 'b.service', service, resources: { allowedCpus: [8000] } })
    t.regex(none.out, /^Cpus_allowed_list:\t0/)
    const own = { exec: { cpuAffinity: [0] }, resources: { allowedCpus: [8000] } }
    t.is((await world.run({ id: 'c.service', service, ...own })).out, 'Cpus_allowed_list:\t0\n')
  },
)

serial('standard input is /dev/null, or the data of the unit', async t => {
  const { world } = t.context
  const none = await world.run({ id: 'a.service', service: { execStart: [sh('cat; echo end')] } })
  t.is(none.out, 'end\n')
  const data = await world.run({
    id: 'b.service',
    service: { execStart: [command(['/bin/cat'])] },
    exec: { standardInput: { kind: 'data' }, standardInputData: Buffer.from('given\n') },
  })
  t.is(data.out, 'given\n')
})

serial(
  'append: adds to a file, truncate: empties it, both made with the umask of the unit',
  async t => {
    const { world } = t.context
    const file = join(world.directory, 'out')
    const run = (kind: 'append' | 'truncate', id: string) =>
      world
        .run({
          id,
          service: { execStart: [sh('echo out; echo err >&2')] },
          exec: {
            standardOutput: { kind, target: file },
            standardError: { kind, target: file },
            umask: 0o077,
          },
        })
        .catch(() => {})
    for (const [kind, id, content] of [
      ['append', 'a.service', 'out\nerr\n'],
      ['append', 'b.service', 'out\nerr\nout\nerr\n'],
      ['truncate', 'c.service', 'out\nerr\n'],
    ] as const) {
      await run(kind, id)
      t.is(readFileSync(file, 'utf8'), content)
    }
  },
)

asRoot('User= gives the process its user, groups and the variables that tell of them', async t => {
  const { world } = t.context
  const { out } = await world.run({
    service: { execStart: [sh('id -un; id -gn; echo $USER $LOGNAME $HOME')] },
    exec: { user: 'daemon', group: 'nogroup' },
  })
  t.is(out, 'daemon\nnogroup\ndaemon daemon /usr/sbin\n')
})

asRoot('with the prefix + and ! the user stays the one of the daemon', async t => {
  const { world } = t.context
  for (const privilege of ['full', 'no-setuid'] as const) {
    const { out } = await world.run({
      id: `${privilege}.service`,
      service: { execStart: [sh('id -un', { privilege })] },
      exec: { user: 'daemon' },
    })
    t.is(out, 'root\n')
  }
})

asRoot('AmbientCapabilities= reach an ordinary user’s process', async t => {
  const { out } = await t.context.world.run({
    service: {
      execStart: [sh('grep CapAmb /proc/self/status; grep NoNewPrivs /proc/self/status')],
    },
    exec: {
      user: 'daemon',
      ambientCapabilities: [10],
      noNewPrivileges: true,
    },
  })
  t.is(out, 'CapAmb:\t0000000000000400\nNoNewPrivs:\t1\n')
})

asRoot('CapabilityBoundingSet= holds for root too', async t => {
  const { out } = await t.context.world.run({
    service: { execStart: [sh('grep -E "Cap(Bnd|Prm)" /proc/self/status')] },
    exec: { capabilityBoundingSet: [0, 5] },
  })
  t.is(out, 'CapPrm:\t0000000000000021\nCapBnd:\t0000000000000021\n')
})

asRoot('DynamicUser= runs as a number of its own, the same each time', async t => {
  const { world } = t.context
  const run = () =>
    world.run({ service: { execStart: [sh('id -u; echo $USER')] }, exec: { dynamicUser: true } })
  const first = await run()
  const [uid, name] = first.out.split('\n')
  t.true(Number(uid) >= 61184 && Number(uid) <= 65519, uid)
  t.is(name, 'web')
})

asRoot(
  'RootDirectory= is the root of the process, and bare names are looked up below it',
  async t => {
    const { out } = await t.context.world.run({
      service: {
        execStart: [
          command(['sh', '-c', 'cd /; ls -di / >/dev/null && echo in'], { noExpand: true }),
        ],
      },
      exec: { rootDirectory: '/proc/self/root' },
    })
    t.is(out, 'in\n')
  },
)
