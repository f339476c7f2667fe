import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import test from 'ava'
import { ctlCommand, runCtl, startFake } from './fake-daemon.ts'
import { logLine } from './specimens.ts'

test('a daemon that does not run is one sentence, the mend, and exit status 1', async t => {
  const { code, out, err } = await runCtl(['is-active', 'web'], { HEARTH_RUNTIME: '/nonexistent' })
  t.is(code, 1)
  t.is(out, '')
  t.is(
    err,
    `cannot reach the daemon: hearth is not running, nobody listens on /nonexistent/control.sock
  start hearth, or name the socket of a running one with --socket or HEARTH_RUNTIME
`,
  )
})

test('a socket that this user may not open is told apart', async t => {
  if (process.getuid?.() === 0) {
    t.log('root may open everything: skipped')
    return t.pass()
  }
  const { ctl, socket } = await startFake(t, {})
  chmodSync(socket, 0)
  const { code, err } = await ctl('is-active', 'web')
  t.is(code, 1)
  t.regex(err, /^cannot reach the daemon: you may not open .*\n {2}use sudo/)
})

test('what the daemon refuses is told in its words', async t => {
  const error = {
    code: 'not-permitted' as const,
    message: 'cannot stop units: you may only read',
    hint: 'use sudo',
  }
  const { ctl } = await startFake(t, { jobs: { error } })
  const { code, err } = await ctl('stop', 'web')
  t.is(code, 1)
  t.is(err, 'cannot stop units: you may only read\n  use sudo\n')
  t.is((await ctl('stop', '-q', 'web')).err, 'cannot stop units: you may only read\n')
})

test('a daemon that goes away before it answers is told', async t => {
  const { ctl } = await startFake(t, { isActive: 'hang-up' })
  const { code, err } = await ctl('is-active', 'web')
  t.is(code, 1)
  t.regex(err, /^cannot get an answer: the daemon closed the connection\n/)
})

test('a stranger on the socket is told', async t => {
  const directory = mkdtempSync(`${tmpdir()}/hearth-ctl-`)
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
  })
  await new Promise<void>(resolve => server.listen(`${directory}/control.sock`, resolve))
  t.teardown(() => {
    server.close()
    rmSync(directory, { recursive: true })
  })
  const { code, err } = await runCtl(['is-active', 'web'], { HEARTH_RUNTIME: directory })
  t.is(code, 1)
  t.regex(err, /^cannot read the answer of the daemon: .*\n {2}check that ctl and hearth/)
})

test('a reader that goes away ends ctl quietly', async t => {
  const lines = Array.from({ length: 20_000 }, (_, index) => logLine(`line ${index}`))
  const { socket } = await startFake(t, { logs: { result: { errors: [] }, parts: [{ lines }] } })
  const child = spawn('sh', [
    '-c',
    `${(await ctlCommand(socket)).join(' ')} logs web -o cat | head -1`,
  ])
  let out = ''
  let err = ''
  child.stdout.on('data', data => {
    out += data
  })
  child.stderr.on('data', data => {
    err += data
  })
  await new Promise(resolve => child.on('close', resolve))
  t.is(out, 'line 0\n')
  t.is(err, '')
})

test('ctl logs -f ends with the first line that nobody reads', async t => {
  const { socket } = await startFake(t, { logs: { endless: { lines: [logLine('again')] } } })
  const command = (await ctlCommand(socket)).join(' ')
  const child = spawn('sh', ['-c', `${command} logs -f web -o cat | head -2`])
  let out = ''
  child.stdout.on('data', data => {
    out += data
  })
  await new Promise(resolve => child.on('close', resolve))
  t.is(out, 'again\nagain\n')
})

test('Ctrl-C on a start that waits ends ctl without a word and cancels nothing', async t => {
  const { socket, asked, cancelled } = await startFake(t, { jobs: 'silence' })
  const [node, ...args] = await ctlCommand(socket)
  const child = spawn(node, [...args, 'start', 'web'])
  let said = ''
  child.stdout.on('data', data => {
    said += data
  })
  child.stderr.on('data', data => {
    said += data
  })
  const ended = new Promise(resolve => child.on('close', (_, signal) => resolve(signal)))
  await asked('jobs')
  child.kill('SIGINT')
  t.is(await ended, 'SIGINT')
  t.is(said, '')
  t.deepEqual(cancelled, [])
})
