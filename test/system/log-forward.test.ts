// Logs forwarded to a real rsyslog and to a collector of OTLP, which come and go.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import test, { type ExecutionContext } from 'ava'
import { boot, fileHolds } from './pid1.ts'

const RSYSLOG = '/usr/sbin/rsyslogd'
const rsyslogTest = existsSync(RSYSLOG) ? test : test.skip

/** A port that nobody had a moment ago. */
async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** An rsyslog of our own: what comes in by each way is in the file of its name. */
async function createRsyslog(t: ExecutionContext) {
  const directory = mkdtempSync(`${tmpdir()}/hearth-rsyslog-`)
  const [udp, tcp] = [await freePort(), await freePort()]
  const input = (name: string, more: string) =>
    `input(type="im${name}" ruleset="${name}" ${more})
ruleset(name="${name}") { action(type="omfile" file="${directory}/${name}" template="line") }`
  writeFileSync(
    `${directory}/conf`,
    `global(workDirectory="${directory}" maxMessageSize="64k")
module(load="imudp") module(load="imtcp") module(load="imuxsock" SysSock.Use="off")
template(name="line" type="string" string="%syslogseverity% %syslogfacility% %app-name% %procid% %structured-data% %msg%\\n")
${input('udp', `address="127.0.0.1" port="${udp}"`)}
${input('tcp', `address="127.0.0.1" port="${tcp}"`)}
${input('uxsock', `Socket="${directory}/socket" UseSpecialParser="off" RateLimit.Interval="0"`)}
`,
  )
  let child: ChildProcess | null = null
  const stop = async () => {
    const ending = child
    child = null
    if (!ending || ending.exitCode !== null) return
    ending.kill('SIGTERM')
    await once(ending, 'exit')
  }
  const start = async () => {
    rmSync(`${directory}/pid`, { force: true })
    const args = ['-n', '-f', `${directory}/conf`, '-i', `${directory}/pid`]
    child = spawn('setpriv', ['--pdeathsig', 'KILL', RSYSLOG, ...args], { stdio: 'ignore' })
    await fileHolds(`${directory}/pid`, text => text !== '')
  }
  t.teardown(async () => {
    await stop()
    rmSync(directory, { recursive: true })
  })
  return { directory, udp, tcp, start, stop }
}

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1)
const numbersIn = (text: string) =>
  [...new Set([...text.matchAll(/ n=(\d+)$/gm)].map(([, n]) => Number(n)))].sort((a, b) => a - b)

rsyslogTest(
  'every line comes to rsyslog, by TCP, UDP and a Unix socket, though it goes and comes again',
  async t => {
    const syslog = await createRsyslog(t)
    await syslog.start()
    const count = 300
    const hearth = await boot(t, {
      units: directory => ({
        'web.service': `[Service]\nSyslogIdentifier=app\nExecStart=/bin/sh -c 'for n in $(seq ${count}); do echo "<4>said n=$n"; [ $n != 100 ] || { : > ${directory}/paused; until [ -e ${directory}/go ]; do sleep 0.05; done; }; done; exec sleep infinity'\n`,
        'silent.service':
          '[Service]\nType=oneshot\nExecStart=/bin/echo secret\n[X-Hearth]\nLogForward=no\n',
        'only.service': `[Service]\nType=oneshot\nExecStart=/bin/echo only n=1\n[X-Hearth]\nLogForward=udp://127.0.0.1:${syslog.udp}\n`,
      }),
      args: [
        '--log-forward',
        `tcp://127.0.0.1:${syslog.tcp}`,
        '--log-forward',
        `unix://${syslog.directory}/socket`,
      ],
    })
    await hearth.ok('start', 'web', 'silent', 'only')
    const ways = ['tcp', 'uxsock']
    for (const way of ways)
      await fileHolds(`${syslog.directory}/${way}`, text => numbersIn(text).length >= 100)
    await syslog.stop()
    writeFileSync(`${hearth.directory}/go`, '')
    await hearth.said(
      /cannot forward logs to tcp:.*ECONNREFUSED.*; they wait in the log files meanwhile/,
    )
    await hearth.ok('daemon-reexec')
    await syslog.start()
    for (const way of ways) {
      const text = await fileHolds(
        `${syslog.directory}/${way}`,
        told => numbersIn(told).length >= count,
      )
      t.deepEqual(numbersIn(text), upTo(count), way)
      t.regex(
        text,
        /^4 3 app \d+ \[hearth@32473 unit="web\.service" run="[0-9a-f]{32}" stream="out"\] ?said n=1$/m,
      )
      t.notRegex(text, /secret|only/)
    }
    const udp = await fileHolds(`${syslog.directory}/udp`, text => text.includes('\n'))
    t.regex(udp, /^6 3 echo \d+ .* ?only n=1\n$/)
  },
)

type Otlp = {
  resourceLogs: {
    resource: { attributes: { key: string; value: { stringValue: string } }[] }
    scopeLogs: { logRecords: { severityNumber: number; body: { stringValue: string } }[] }[]
  }[]
}

test('every line comes to a collector of OTLP, which is asked again when it is busy', async t => {
  const bodies: string[] = []
  let requests = 0
  let wake = () => {}
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', more => {
      body += more
    })
    request.on('end', () => {
      requests++
      if (requests === 1) {
        response.writeHead(503, { 'retry-after': '1' }).end()
        return
      }
      if (request.url === '/v1/logs' && request.headers['x-key'] === 'a b') bodies.push(body)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      wake()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.closeAllConnections())
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const hearth = await boot(t, {
    units: {
      'late.service': `[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c 'trap "echo last words; exit" TERM; systemd-notify --ready; while :; do sleep 0.05; done'\n`,
      'web.service':
        '[Service]\nType=oneshot\nExecStart=/bin/sh -c \'seq -f n=%%g 2000; echo "<3>bad" >&2\'\n',
    },
    environment: {
      HEARTH_LOG_FORWARD: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20b',
    },
  })
  await hearth.ok('start', 'web', 'late')
  const told = () =>
    bodies.flatMap(body =>
      (JSON.parse(body) as Otlp).resourceLogs.flatMap(({ resource, scopeLogs }) =>
        scopeLogs.flatMap(({ logRecords }) =>
          logRecords.map(record => ({ ...record, resource: resource.attributes[0]?.value })),
        ),
      ),
    )
  while (told().length < 2001) await new Promise<void>(resolve => (wake = resolve))
  const lines = told().map(({ body }) => body.stringValue)
  t.deepEqual(
    lines.filter(line => line !== 'bad'),
    upTo(2000).map(n => `n=${n}`),
  )
  t.like(
    told().find(({ body }) => body.stringValue === 'bad'),
    {
      severityNumber: 17,
      resource: { stringValue: 'web' },
    },
  )
  t.regex(hearth.err(), /cannot forward logs to http:.*it answers 503/)
  hearth.signal('SIGTERM')
  await hearth.ended
  t.true(
    told().some(({ body }) => body.stringValue === 'last words'),
    'of the shutdown, too',
  )
})
