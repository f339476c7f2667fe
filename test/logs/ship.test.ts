// Forwarding: what a line becomes, how far it has come, and a server that takes its time.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import test from 'ava'
import type { LogRecord } from '../../daemon/logs/record.ts'
import { advance, createSkip, readCursors, writeCursors } from '../../daemon/logs/ship/cursor.ts'
import { formatOtlp, rejectedBy } from '../../daemon/logs/ship/otlp.ts'
import { headersOf } from '../../daemon/logs/ship/senders.ts'
import { formatSyslog, frameSyslog } from '../../daemon/logs/ship/syslog.ts'
import { createShipping } from '../../daemon/logs/shipping.ts'
import { readLogDestination } from '../../daemon/units/values/log-destination.ts'
import { openLogs, temporaryDirectory } from './world.ts'

const RECORD: LogRecord = {
  timeUsec: 1_795_686_337_319_500,
  unit: 'web.service',
  identifier: 'app name',
  pid: 7,
  stream: 'log',
  priority: 3,
  invocationId: '',
  message: 'said',
  fields: { SYSLOG_FACILITY: '4', CODE_LINE: '9', QUOTED: 'a "b" ]\\' },
}

test('a record is a message of RFC 5424', t => {
  t.is(
    formatSyslog(RECORD, 'h ost').toString(),
    '<35>1 2026-11-26T09:45:37.319500Z h_ost app_name 7 - [hearth@32473 unit="web.service" stream="log"][fields@32473 CODE_LINE="9" QUOTED="a \\"b\\" \\]\\\\"] said',
  )
  const bare = {
    ...RECORD,
    pid: null,
    identifier: '',
    fields: {},
    message: '\u00ff',
    binary: true,
  } as const
  const bytes = formatSyslog(bare, '')
  t.true(
    bytes
      .toString('latin1')
      .endsWith('Z - - - - [hearth@32473 unit="web.service" stream="log"] \u00ff'),
  )
  t.is(frameSyslog(Buffer.from('four')).toString(), '4 four')
})

test('records are a request of OTLP, by unit', t => {
  const other = { ...RECORD, unit: 'db.service', pid: null, binary: true, message: 'ÿ' } as const
  const told = JSON.parse(formatOtlp([RECORD, other, RECORD], 'host', '1'))
  t.deepEqual(
    told.resourceLogs.map(
      (each: { scopeLogs: [{ logRecords: [] }] }) => each.scopeLogs[0].logRecords.length,
    ),
    [2, 1],
  )
  t.like(told.resourceLogs[0].scopeLogs[0].logRecords[0], {
    timeUnixNano: '1795686337319500000',
    severityNumber: 17,
    severityText: 'err',
    body: { stringValue: 'said' },
  })
  t.deepEqual(told.resourceLogs[1].scopeLogs[0].logRecords[0].body, { bytesValue: '/w==' })
  t.is(rejectedBy('{"partialSuccess":{"rejectedLogRecords":"3"}}'), 3)
  for (const answer of ['', '{}', 'null', '{"partialSuccess":{"rejectedLogRecords":-1}}'])
    t.is(rejectedBy(answer), 0)
  t.deepEqual(headersOf('a=b%20c, x-y = z ,bad name=1,=2'), { a: 'b c', 'x-y': 'z' })
})

test('a destination is a URL', t => {
  const read = (text: string) => readLogDestination(text).unwrapOr(null)
  t.deepEqual(read('udp://[::1]'), { kind: 'udp', host: '::1', port: 514 })
  t.deepEqual(read('tcp://log.example:601'), { kind: 'tcp', host: 'log.example', port: 601 })
  t.deepEqual(read('unix:///run/a%20b'), { kind: 'unix', path: '/run/a b' })
  t.deepEqual(read('http://c:4318'), { kind: 'otlp', url: 'http://c:4318/v1/logs' })
  t.deepEqual(read('https://c/own'), { kind: 'otlp', url: 'https://c/own' })
  for (const bad of [
    '',
    'host',
    'ftp://x',
    'udp://',
    'tcp://h/path',
    'unix://',
    'unix://h/x',
    'unix:///%',
  ])
    t.is(read(bad), null, bad)
})

test('what has been sent is known by unit, to the line', t => {
  const at = (unit: string, timeUsec: number) => ({ ...RECORD, unit, timeUsec })
  const begun = { begunUsec: 1, units: new Map() }
  const cursor = advance(begun, [at('a', 5), at('b', 5), at('a', 6), at('a', 6)])
  const directory = temporaryDirectory(t)
  writeCursors(directory, new Map([['udp://h', cursor]]))
  const [read] = readCursors(directory).values()
  t.deepEqual(read, cursor)
  const skip = createSkip(cursor)
  const lines = [at('a', 6), at('b', 5), at('c', 1), at('a', 6), at('a', 6), at('b', 6), at('a', 6)]
  t.deepEqual(lines.map(skip), [true, true, false, true, false, false, false])
  t.deepEqual(readCursors('/nowhere'), new Map())
})

/** The messages of RFC 6587's octet counting. */
function messagesIn(text: string): string[] {
  const found: string[] = []
  for (let at = 0; at < text.length; ) {
    const space = text.indexOf(' ', at)
    const length = Number(text.slice(at, space))
    found.push(text.slice(space + 1, space + 1 + length))
    at = space + 1 + length
  }
  return found
}

test('a server that does not read holds nobody up, and gets what the files still have, with a count of the rest', async t => {
  const sockets: Socket[] = []
  let text = ''
  const server = createServer(socket => {
    sockets.push(socket)
    socket
      .pause()
      .setEncoding('utf8')
      .on('error', () => {})
    socket.on('data', more => {
      text += more
      wake()
    })
  }).listen(0, '127.0.0.1')
  let wake = () => {}
  await once(server, 'listening')
  t.teardown(() => server.close())
  t.teardown(() => sockets.forEach(socket => void socket.destroy()))
  const url = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { logs, directory, run, ask } = openLogs(t, { rotateBytes: 2_000_000, keep: 1 })
  const warnings: string[] = []
  const shipping = createShipping({
    logs,
    directory,
    urls: [url],
    sinceUsec: 0,
    version: '1',
    nowUsec: () => Date.now() * 1000,
    warn: message => warnings.push(message),
  })
  t.teardown(() => shipping.finish(1000))
  await run('web.service', 'echo n=0')
  while (sockets.length === 0) await once(server, 'connection')
  // More than the sockets take, and than the files keep.
  await run('web.service', 'seq -f "n=%g" 1 200000; echo n=last')
  t.is((await ask({ units: ['web.service'], lines: 1 })).at(-1)?.message, 'n=last')
  sockets[0]?.resume()
  while (!text.endsWith('n=last')) await new Promise<void>(resolve => (wake = resolve))
  const numbers = messagesIn(text)
    .flatMap(message => / n=(\d+)$/.exec(message)?.[1] ?? [])
    .map(Number)
  t.true(numbers.length < 200_000)
  t.deepEqual(
    [...new Set(numbers)].sort((a, b) => a - b),
    numbers,
    'in order, none twice',
  )
  const missed = warnings.flatMap(
    each => /^(\d+) bytes of logs were removed before/.exec(each)?.[1] ?? [],
  )
  t.is(missed.length, 1)
  t.deepEqual(numbers.slice(0, 1), [0])
  await shipping.finish(1000)
  t.regex([...readCursors(directory).keys()].join(), /^tcp:/)
})
