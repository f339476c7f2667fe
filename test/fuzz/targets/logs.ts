// What comes in at the sockets that programs log to.
import { linesOf } from '../../../daemon/logs/intake.ts'
import { parseEntries } from '../../../daemon/logs/journal-entry.ts'
import { formatBytes, LINE_MAX, parseLine } from '../../../daemon/logs/line.ts'
import { rejectedBy } from '../../../daemon/logs/ship/otlp.ts'
import { parseStreamHead } from '../../../daemon/logs/stream-head.ts'
import { parseSyslog } from '../../../daemon/logs/syslog.ts'
import { readLogDestination } from '../../../daemon/units/values/log-destination.ts'
import { expect, type Target, texts } from '../target.ts'

type Said = {
  priority: number
  identifier: string | null
  pid: number | null
  fields: Readonly<Record<string, string>>
  message: Buffer
}

/** Whatever was sent is kept as lines that are read back, with every byte of the message. */
function expectKept({ priority, identifier, pid, fields, message }: Said): void {
  expect(priority >= 0 && priority <= 7, `priority ${priority}`)
  expect(pid === null || Number.isSafeInteger(pid), `pid ${pid}`)
  const kept: Buffer[] = []
  for (const { line, isPartial, isLast } of linesOf(message)) {
    expect(!line.includes(10) && line.length <= LINE_MAX, `a line of ${line.length} bytes`)
    const head = { timeUsec: 0, invocationId: '', stream: 'log', priority, pid } as const
    const bytes = formatBytes(
      {
        ...head,
        identifier: identifier ?? '',
        ...(isPartial && { partial: true }),
        ...(isLast && { fields }),
      },
      line,
    )
    const record = parseLine('web.service', bytes, 0, bytes.length - 1)
    expect(record !== null && bytes.indexOf(10) === bytes.length - 1, `the line ${bytes}`)
    kept.push(Buffer.from(record.message, record.binary ? 'latin1' : 'utf8'))
    if (!isPartial && !isLast) kept.push(Buffer.of(10))
    expect(!isLast || JSON.stringify(record.fields) === JSON.stringify(fields), 'its fields')
  }
  let end = message.length
  while (end > 0 && message[end - 1] === 10) end--
  expect(Buffer.concat(kept).equals(message.subarray(0, end)), 'the bytes of the message')
}

const kindOf = ({ identifier, pid, fields, message }: Said) =>
  [identifier === null, pid === null, Object.keys(fields).length, message.includes(10)].join(' ')

const syslog: Target = {
  name: 'syslog-messages',
  corpus: texts(
    '<34>Oct 11 22:14:15 su[12]: failed for lonvick',
    '<13>Feb  5 17:32:18 tag: one\ntwo',
    '<165>1 2003-10-11T22:14:15.003Z host app 8710 ID47 [ex@1 iut="3" b="a \\"] c"][x y="z"] \u{feff}said',
    '<30>1 - - - - - - text',
    '<999>no head',
    'x',
  ),
  words: [
    '<0>',
    '<191>',
    'Jan  1 00:00:00 ',
    '1 - - - - - ',
    '[a b="c"]',
    '\\"',
    ']: ',
    '[1]',
    '\0',
  ],
  run(input) {
    const said = parseSyslog(Buffer.from(input))
    expect(said.facility >= 0 && said.facility <= 23, `facility ${said.facility}`)
    expectKept(said)
    return kindOf(said)
  },
}

const sized = (value: string) => {
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(Buffer.byteLength(value)))
  return Buffer.concat([Buffer.from('MESSAGE\n'), size, Buffer.from(`${value}\n`)])
}

const journal: Target = {
  name: 'journal-entries',
  corpus: [
    ...texts(
      'MESSAGE=said\nPRIORITY=3\nSYSLOG_IDENTIFIER=app\nSYSLOG_PID=7\nCODE_LINE=1\n',
      'A=1\nA=2\n_PID=1\nmessage=no\n\nMESSAGE=second\n',
    ),
    Buffer.concat([Buffer.from('PRIORITY=9\n'), sized('a\nb'), Buffer.from('B=c\n')]),
    sized('x'.repeat(300)),
  ],
  words: [
    'MESSAGE\n',
    'MESSAGE=',
    '\n\n',
    '\0\0\0\0\0\0\0',
    '\x01\0\0\0\0\0\0\0',
    'PRIORITY=0',
    '_A=',
  ],
  run(input) {
    const { entries, isDamaged } = parseEntries(Buffer.from(input))
    for (const entry of entries) {
      expect(!Object.keys(entry.fields).some(name => !/^[A-Z]/.test(name)), 'a field of its own')
      expectKept(entry)
    }
    return [isDamaged, ...entries.map(kindOf)].slice(0, 3).join()
  },
}

const streams: Target = {
  name: 'stream-heads',
  corpus: texts(
    'cat\n\n13\n1\n0\n0\n0\nfirst line\n',
    '\nweb.service\n6\n0\n0\n0\n0\n',
    'x\n\n',
    '\n\n\n',
  ),
  words: ['\n\n', '1\n', '30\n', '\n0\n0\n0\n'],
  run(input) {
    const bytes = Buffer.from(input)
    const head = parseStreamHead(bytes)
    // However it comes in parts, it comes to the same.
    let at = 0
    let early = parseStreamHead(bytes.subarray(0, at))
    while (early === 'more' && at < bytes.length) early = parseStreamHead(bytes.subarray(0, ++at))
    expect(JSON.stringify(early) === JSON.stringify(head), `at ${at}: ${JSON.stringify(early)}`)
    if (typeof head === 'string') return head
    expect(head.length <= bytes.length && bytes[head.length - 1] === 10, `length ${head.length}`)
    expect(head.priority >= 0 && head.priority <= 7, `priority ${head.priority}`)
    return [head.identifier === null, head.priority, head.levelPrefix].join(' ')
  },
}

const answers: Target = {
  name: 'otlp-answers',
  corpus: texts(
    '{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"x"}}',
    '{}',
    'null',
    '[1]',
  ),
  words: ['"partialSuccess":', '"rejectedLogRecords":', '{}', '-1', '1e99', 'null'],
  run(input) {
    const rejected = rejectedBy(new TextDecoder().decode(input))
    expect(Number.isSafeInteger(rejected) && rejected >= 0, `${rejected} rejected`)
    return String(rejected > 0)
  },
}

const destinations: Target = {
  name: 'log-destinations',
  corpus: texts(
    'udp://[::1]:514',
    'tcp://host',
    'unix:///run/log%20x',
    'https://host:4318/v1/logs?x=y',
  ),
  words: ['://', 'unix:', ':65535', '%00', '/', '@', '[', ']'],
  run(input) {
    const read = readLogDestination(new TextDecoder().decode(input))
    if (read.isErr()) return 'none'
    const to = read.value
    if ('port' in to)
      expect(to.port >= 0 && to.port <= 65_535 && to.host !== '', JSON.stringify(to))
    else if ('path' in to) expect(to.path.startsWith('/'), to.path)
    else expect(URL.canParse(to.url), to.url)
    return to.kind
  },
}

export const logs = [syslog, journal, streams, answers, destinations]
