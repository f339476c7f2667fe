// Sockets under a real PID 1: they listen for services that are not there yet, and go on listening while those restart.
import { spawnSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { boot, isRoot } from './pid1.ts'

const directory = mkdtempSync(`${tmpdir()}/hearth-activated-`)
const activated = `${directory}/activated`
const { status } = spawnSync('cc', [
  '-D_GNU_SOURCE',
  '-o',
  activated,
  fileURLToPath(new URL('activated.c', import.meta.url)),
])
if (status !== 0) throw new Error('cannot compile test/system/activated.c')
test.after.always(() => rmSync(directory, { recursive: true }))

const socket = (lines: string) => `[Socket]\n${lines}\n[Install]\nWantedBy=sockets.target\n`
const service = (command: string, lines = '') => `[Service]\nExecStart=${command}\n${lines}\n`

/** A port of loopback that nobody has at the moment. */
const freePort = () =>
  new Promise<number>(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0))
    })
  })

/** What is answered to `said` until the other side ends; an errno name where nobody listens. */
const ask = (to: string | number, said = '') =>
  new Promise<string>(resolve => {
    let answer = ''
    const client: Socket = typeof to === 'number' ? connect(to, '127.0.0.1') : connect(to)
    client.setEncoding('utf8')
    client.on('data', text => {
      answer += text
    })
    client.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
    client.on('close', () => resolve(answer))
    if (said !== '') client.write(said)
  })

test('a service gets the descriptors of its socket when somebody comes, and nobody is refused while it restarts', async t => {
  const port = await freePort()
  const hearth = await boot(t, {
    units: at => ({
      'web.socket': socket(
        `ListenStream=${at}/below/web.sock\nListenStream=127.0.0.1:${port}\nSocketMode=0640\nDirectoryMode=0710\nFileDescriptorName=web\nSymlinks=${at}/web.link\nRemoveOnStop=yes`,
      ),
      'web.service': service(`${activated} serve`),
      'told.socket': socket(`ListenStream=${at}/told.sock\nService=told@x.service`),
      'other.socket': socket(`ListenStream=@${at}/abstract\nFileDescriptorName=other`),
      'other.service': service('/bin/true'),
      'told@.service': `[Unit]\nStartLimitBurst=0\n${service(`${activated} told ${at}/told`, 'Sockets=other.socket\nNonBlocking=yes\nType=oneshot\nRemainAfterExit=yes')}`,
      'mail.socket': socket(
        `ListenDatagram=${at}/mail.sock\nReceiveBuffer=64K\nPassCredentials=yes`,
      ),
      'mail.service': service(`${activated} receive ${at}/mail`),
      'pipe.socket': socket(`ListenFIFO=${at}/pipe\nSocketMode=0600\nPipeSize=8K`),
      'pipe.service': service(
        `/bin/sh -c 'read line <&3; echo "$line $LISTEN_FDNAMES" > ${at}/piped'`,
      ),
    }),
  })
  const at = hearth.directory
  const path = `${at}/below/web.sock`
  t.is(await hearth.show('web.service', 'ActiveState'), 'inactive')
  t.is(await hearth.show('web.socket', 'SubState'), 'listening')
  t.is(statSync(path).mode & 0o7777, 0o640)
  t.is(statSync(`${at}/below`).mode & 0o7777, 0o710)
  t.is(readlinkSync(`${at}/web.link`), path)

  const first = await ask(path)
  t.regex(first, /^served by \d+\n$/)
  await hearth.until('web.socket', 'SubState', 'running')
  t.is(first, `served by ${await hearth.show('web.service', 'MainPID')}\n`)

  // Two clients that never pause, over two restarts and a stop: each connection is answered by one process or the next.
  let isOver = false
  const answers: string[] = []
  const client = async () => {
    while (!isOver) answers.push(await ask(path))
  }
  const clients = [client(), client()]
  await hearth.ok('restart', 'web.service')
  await hearth.ok('restart', 'web.service')
  await hearth.ok('stop', 'web.service')
  await hearth.until('web.socket', 'SubState', 'running')
  isOver = true
  await Promise.all(clients)
  const served = new Set(answers)
  t.true(served.size >= 3, 'several processes have served')
  t.deepEqual(
    [...served].filter(answer => !/^served by \d+\n$/.test(answer)),
    [],
  )

  // Those of Sockets= come too, each by its name, and do not block as NonBlocking= says.
  void ask(`${at}/told.sock`)
  const told = await hearth.file(`${at}/told`, text => text.endsWith('\n'))
  t.is(told, '2 told.socket:other own nonblocking\n')

  t.is(spawnSync(activated, ['send', `${at}/mail.sock`, 'good news']).status, 0)
  t.is(await hearth.file(`${at}/mail`, text => text !== ''), 'good news')
  t.is(statSync(`${at}/pipe`).mode & 0o7777, 0o600)
  writeFileSync(`${at}/pipe`, 'a line\n')
  t.is(await hearth.file(`${at}/piped`, text => text !== ''), 'a line pipe.socket\n')

  const list = await hearth.ok('list-sockets', '--show-types')
  t.regex(list, /^LISTEN +TYPE +UNIT +ACTIVATES$/m)
  t.true(list.includes(`127.0.0.1:${port}`))
  t.regex(
    list,
    /^@\S+ +Stream +other\.socket +told@x\.service, other\.service$|^@\S+ +Stream +other\.socket +other\.service, told@x\.service$/m,
  )
  t.is(await hearth.show('mail.socket', 'Listen'), `${at}/mail.sock (Datagram)`)

  // The service is to be started by the socket alone now: it listens no more, and its node is gone.
  await hearth.ok('stop', 'web.socket', 'web.service')
  t.is(await ask(port), 'ECONNREFUSED')
  t.is(await ask(path), 'ENOENT')
  t.is(lstatSync(`${at}/web.link`, { throwIfNoEntry: false }), undefined)
})

test('each connection of a socket with Accept=yes has a service of its own, as many as may be', async t => {
  const port = await freePort()
  const hearth = await boot(t, {
    units: at => ({
      'echo.socket': socket(
        `ListenStream=${at}/echo.sock\nListenStream=127.0.0.1:${port}\nAccept=yes\nMaxConnections=2`,
      ),
      'echo@.service': service(
        `/bin/sh -c 'read line; echo "$line of $REMOTE_ADDR:$REMOTE_PORT"'`,
        'StandardInput=socket\nStandardError=journal',
      ),
      'handed.socket': socket(`ListenStream=${at}/handed.sock\nAccept=yes`),
      'handed@.service': service(`/bin/sh -c 'echo "$LISTEN_FDS $LISTEN_FDNAMES" >&3; false'`),
      'none.socket': socket(`ListenStream=${at}/none.sock\nAccept=yes`),
      'strict.socket': socket(
        `ListenStream=${at}/strict.sock\nAccept=yes\nMaxConnectionsPerSource=1`,
      ),
      'slow.socket': socket(
        `ListenStream=${at}/slow.sock\nAccept=yes\nPollLimitIntervalSec=1h\nPollLimitBurst=2`,
      ),
      'slow@.service': service('/bin/cat', 'StandardInput=socket'),
      'soon.socket': socket(
        `ListenStream=${at}/soon.sock\nAccept=yes\nPollLimitIntervalSec=100ms\nPollLimitBurst=1`,
      ),
      'soon@.service': service('/bin/cat', 'StandardInput=socket'),
      'strict@.service': service(`/bin/sh -c 'read line; echo "$line"'`, 'StandardInput=socket'),
    }),
  })
  const at = hearth.directory
  t.regex(await ask(port, 'one\n'), /^one of 127\.0\.0\.1:\d+\n$/)
  t.is(await ask(`${at}/echo.sock`, 'two\n'), 'two of :\n')

  const loaded = async () =>
    (await hearth.ok('list-units', '--all', '--plain', '--no-legend', '*@*')).trim()
  const waiting = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  await hearth.until('echo.socket', 'NConnections', '2')
  t.regex(
    await loaded(),
    new RegExp(
      `^echo@2-127\\.0\\.0\\.1:${port}-127\\.0\\.0\\.1:\\d+\\.service +loaded +active +running`,
    ),
  )
  t.regex(await hearth.ok('status', 'echo.socket'), /Accepted: 4; Connected: 2$/m)
  // A daemon that dies of a fault of its own goes on in a new image: with its sockets, and with who is connected.
  hearth.signal('SIGSEGV')
  await hearth.said(/taking over from an earlier image/)
  t.is(await hearth.show('echo.socket', 'NConnections'), '2')
  // One more than may be is closed at once, which its client may hear of as a reset.
  t.true(['', 'ECONNRESET'].includes(await ask(port)))
  for (const client of waiting) client.end('bye\n')
  await hearth.until('echo.socket', 'NConnections', '0')
  t.is(await hearth.show('echo.socket', 'NRefused'), '1')
  t.is(await hearth.show('echo.socket', 'NAccepted'), '4')
  t.is(await loaded(), '', 'what served a connection is forgotten')

  // One that has failed is kept to be looked at, until that is over.
  t.is(await ask(`${at}/handed.sock`), '1 connection\n')
  await hearth.until('handed.socket', 'NConnections', '0')
  t.regex(await loaded(), /^handed@0-\d+-\d+\.service +loaded +failed/)
  await hearth.ok('reset-failed')
  t.is(await loaded(), '')

  const first = connect(`${at}/strict.sock`)
  await hearth.until('strict.socket', 'NConnections', '1')
  t.true(['', 'ECONNRESET'].includes(await ask(`${at}/strict.sock`)))
  first.end('over\n')
  await hearth.until('strict.socket', 'NConnections', '0')
  t.is(await ask(`${at}/strict.sock`, 'again\n'), 'again\n')

  // PollLimitBurst=: those beyond wait until the interval is over, and nobody is refused.
  const many = ['slow', 'slow', 'slow', 'soon', 'soon', 'soon'].map(name =>
    connect(`${at}/${name}.sock`),
  )
  await hearth.until('soon.socket', 'NAccepted', '3')
  await hearth.until('slow.socket', 'NAccepted', '2')
  for (const client of many) client.destroy()
  await hearth.until('slow.socket', 'NConnections', '0')
  t.is(await hearth.show('slow.socket', 'NAccepted'), '2')
  t.is(await hearth.show('slow.socket', 'NRefused'), '0')

  // Without a template nobody could be served.
  await ask(`${at}/none.sock`)
  await hearth.until('none.socket', 'ActiveState', 'failed')
  t.is(await hearth.show('none.socket', 'Result'), 'resources')
  t.regex(
    await hearth.ok('status', 'none.socket').catch(String),
    /needs a template for its services: none@\.service/,
  )
})

test('a socket that cannot be opened says why, and one that starts its service without end is stopped', async t => {
  const hearth = await boot(t, {
    units: at => ({
      'hooks.socket': socket(
        ['StartPre', 'StartPost', 'StopPre', 'StopPost']
          .map(
            name =>
              `Exec${name}=/bin/sh -c 'test -S ${at}/hooks.sock && s=there || s=missing; echo ${name} $s >> ${at}/hooks'`,
          )
          .join('\n')
          .concat(`\nListenStream=${at}/hooks.sock\nRemoveOnStop=yes`),
      ),
      'hooks.service': service('/bin/true'),
      'bad.socket': socket(`ListenStream=${at}/bad.sock\nListenFIFO=${at}/units/bad.service`),
      'bad.service': service('/bin/true'),
      'alone.socket': socket(`ListenStream=${at}/alone.sock`),
      'idle.socket': socket(
        `ListenStream=${at}/idle.sock\nTriggerLimitIntervalSec=1h\nTriggerLimitBurst=4`,
      ),
      'idle.service': `[Unit]\nStartLimitBurst=0\n${service('/bin/true')}`,
      'often.socket': socket(`ListenStream=${at}/often.sock`),
      'often.service': `[Unit]\nStartLimitBurst=2\n${service('/bin/true')}`,
      'up.socket': `[Socket]\nListenStream=${at}/up.sock\n`,
      'up.service': service('/bin/sleep 1000'),
      'typo.socket': socket('ListenStream=70000\nSocketMode=rw'),
    }),
  })
  const at = hearth.directory
  const fails = async (unit: string) => (await hearth.ctl('start', unit)).err
  t.regex(
    await fails('bad.socket'),
    /cannot listen on \S+\/bad\.service \(FIFO\): something of another kind is there/,
  )
  t.is(await hearth.show('bad.socket', 'Result'), 'resources')
  t.regex(await fails('alone.socket'), /cannot listen for alone\.service, which is not loaded/)
  t.is(await hearth.show('alone.socket', 'ActiveState'), 'inactive')
  await hearth.ok('start', 'up.service')
  t.regex(await fails('up.socket'), /cannot listen for up\.service, which is up already/)
  t.regex(
    await fails('typo.socket'),
    /typo\.socket:2:\d+: cannot read ListenStream=70000: expected a path/,
  )

  void ask(`${at}/idle.sock`)
  await hearth.until('idle.socket', 'ActiveState', 'failed')
  t.is(await hearth.show('idle.socket', 'Result'), 'trigger-limit-hit')
  void ask(`${at}/often.sock`)
  await hearth.until('often.socket', 'ActiveState', 'failed')
  t.is(await hearth.show('often.socket', 'Result'), 'service-start-limit-hit')

  await hearth.ok('stop', 'hooks.socket')
  t.is(
    await hearth.file(`${at}/hooks`, text => text.includes('StopPost')),
    'StartPre missing\nStartPost there\nStopPre there\nStopPost missing\n',
  )
  if (!isRoot) return
  hearth.write(
    'own.socket',
    `[Socket]\nListenStream=${at}/own.sock\nSocketUser=nobody\nSocketGroup=daemon\nPassSecurity=yes\nMark=7\nPriority=3`,
  )
  hearth.write('own.service', service('/bin/true'))
  await hearth.ok('daemon-reload')
  await hearth.ok('start', 'own.socket')
  const { uid, gid } = statSync(`${at}/own.sock`)
  t.deepEqual([uid, gid], [65534, 1])
})

test('what a service stores comes back to it after a restart, and is dropped when it is stopped', async t => {
  const hearth = await boot(t, {
    units: at => ({
      'store.service': service(
        `${activated} store ${at}/store`,
        'Type=notify\nFileDescriptorStoreMax=4\nRestart=always\nRestartSec=0',
      ),
      'keep.service': service(
        `${activated} store ${at}/keep`,
        'Type=notify\nFileDescriptorStoreMax=1\nFileDescriptorStorePreserve=yes',
      ),
      'refuse.service': service(`${activated} store ${at}/refuse`, 'Type=notify'),
    }),
  })
  const stored = (unit: string) => hearth.show(unit, 'NFileDescriptorStore')
  const text = (unit: string, count: number) =>
    hearth.file(`${hearth.directory}/${unit}`, text => text.split('\n').length > count)
  await hearth.ok('start', 'store.service', 'keep.service', 'refuse.service')
  t.is(await text('store', 1), '0 -:\n')
  // The pipe's other end was closed: nothing would ever come of it.
  await hearth.until('store.service', 'NFileDescriptorStore', '1')
  t.is(await stored('refuse.service'), '0')
  const pid = await hearth.show('store.service', 'MainPID')
  await hearth.ok('daemon-reexec')
  await hearth.ok('restart', 'store.service')
  t.is(await text('store', 2), `0 -:\n1 note: [kept by ${pid}]\n`)
  const second = await hearth.show('store.service', 'MainPID')
  await hearth.until('store.service', 'NFileDescriptorStore', '2')
  await hearth.inside(['kill', '-KILL', second])
  await hearth.restarted('store.service', second)
  t.regex(
    await text('store', 3),
    new RegExp(`\\n2 note:note: \\[kept by ${pid}\\] \\[kept by ${second}\\]\\n$`),
  )
  await hearth.ok('stop', 'store.service', 'keep.service')
  t.is(await stored('store.service'), '0')
  t.is(await stored('keep.service'), '1', 'FileDescriptorStorePreserve=yes')
})

test('what is stored while the daemon dies again and again is stored once, all of it', async t => {
  const count = 60
  const hearth = await boot(t, {
    units: at => ({
      'hoard.service': service(
        `${activated} hoard ${at}/hoard ${count}`,
        'Type=notify\nFileDescriptorStoreMax=100\nTimeoutStartSec=infinity',
      ),
    }),
  })
  const started = hearth.ctl('start', 'hoard.service')
  for (let deaths = 1; deaths <= 3; deaths++) {
    await hearth.until('hoard.service', 'NFileDescriptorStore', now => Number(now) >= 15 * deaths)
    hearth.signal('SIGSEGV')
    await hearth.said(/taking over/, deaths)
  }
  t.is((await started).code, 0)
  t.is(await hearth.show('hoard.service', 'NFileDescriptorStore'), `${count}`)
  await hearth.ok('restart', 'hoard.service')
  const all = Array.from({ length: count }, (_, i) => `${i + 1}`.padStart(2, '0'))
  t.is(
    await hearth.file(`${hearth.directory}/hoard`, text => text.endsWith('\n')),
    `${all.join(' ')} \n`,
  )
})
