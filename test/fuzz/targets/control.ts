// What clients send: frames, requests, patterns.
import { BROKEN_EVENT, ControlParser } from '../../../daemon/control/frames.ts'
import { FRAME_DELIMITER, MAX_REQUEST_BYTES } from '../../../daemon/control/schema.ts'
import { parseCancel, parseRequest } from '../../../daemon/control/validate.ts'
import { createPattern } from '../../../daemon/logs/pattern.ts'
import { expect, kindOf, type Target, texts } from '../target.ts'

const parser = new ControlParser({
  delimiter: FRAME_DELIMITER,
  maxMessageSize: MAX_REQUEST_BYTES,
  maxPendingBytes: 1 << 20,
  maxEventNameLength: 256,
  messageTimeout: 0,
  allowReservedEvents: false,
  encoding: 'utf8',
  parser: '',
  unlink: false,
  silent: true,
  logPayloads: false,
  identifyPeer: false,
  maxConnections: 10,
  readableAll: false,
  writableAll: false,
  secureSocketRoot: false,
})

const REQUESTS = [
  { v: 1, id: 1, method: 'version', params: {} },
  {
    v: 1,
    id: 2,
    method: 'jobs',
    params: { verb: 'start', units: ['web'], mode: 'fail', wait: true },
  },
  { v: 1, id: 3, method: 'logs', params: { units: ['web'], lines: 10, grep: 'a.*b' } },
  { v: 1, id: 4, method: 'kill', params: { units: ['web'], signal: 15, whom: 'main' } },
  { v: 1, id: 5, method: 'show', params: { properties: ['Id'] } },
  { v: 1, id: 6, method: 'setEnvironment', params: { assignments: ['A=b'] } },
  { v: 1, id: 7, method: 'shutdown', params: { kind: 'exit', exitStatus: 3 } },
].map(request => JSON.stringify(request))

/** Told by the kind of what comes of it. */
function request(data: unknown): string {
  const found = parseRequest(data)
  parseCancel(data)
  if (found.isOk()) return `ok ${found.value.method}`
  const { error, id } = found.error
  expect(/^cannot /.test(error.message), `a refusal is worded: ${error.message}`)
  expect(error.message.length < 1000, 'a refusal is long')
  expect(id === null || Number.isSafeInteger(id), `id ${id}`)
  return kindOf(error.message)
}

function read(parts: readonly string[]): { messages: unknown[]; rest: string } {
  const messages: unknown[] = []
  let rest = ''
  for (const part of parts) rest = parser.read(rest, part, message => messages.push(message))
  return { messages, rest }
}

const frames: Target = {
  name: 'frames',
  corpus: texts(
    ...REQUESTS.map(text => `{"type":"request","data":${text}}${FRAME_DELIMITER}`),
    `{"type":"cancel","data":{"id":1}}${FRAME_DELIMITER}`.repeat(2),
  ),
  words: [
    FRAME_DELIMITER,
    '{"type":"request","data":',
    '"type":"cancel"',
    '"__proto__":',
    '{',
    '}',
    '"',
  ],
  run(input) {
    const text = new TextDecoder().decode(input)
    const whole = read([text])
    const isBroken = (message: unknown) => (message as { type: unknown }).type === BROKEN_EVENT
    // Wherever it is cut, the same comes out, up to what is broken: the connection ends there.
    const at = text.length === 0 ? 0 : (input[0] ?? 0) % text.length
    const cut = read([text.slice(0, at), text.slice(at)])
    const told = ({ messages }: typeof whole) => {
      const end = messages.findIndex(isBroken)
      return JSON.stringify(end < 0 ? messages : messages.slice(0, end))
    }
    expect(told(whole) === told(cut), `cut at ${at} it is read as another`)
    if (!whole.messages.some(isBroken)) expect(whole.rest === cut.rest, 'another rest')
    return whole.messages
      .map(message => {
        const { type, data } = message as { type: string; data: unknown }
        return `${type} ${type === BROKEN_EVENT ? (data as { code: string }).code : request(data)}`
      })
      .slice(0, 3)
      .join('|')
  },
}

const requests: Target = {
  name: 'requests',
  corpus: texts(...REQUESTS),
  words: [
    '"v":1',
    '"id":',
    '"method":"',
    'isActive',
    'logs',
    'setProperty',
    '"params":{',
    '"units":[',
    'null',
    '1e999',
    ',',
  ],
  run(input) {
    let data: unknown
    try {
      data = JSON.parse(new TextDecoder().decode(input))
    } catch {
      return 'no JSON'
    }
    return request(data)
  },
}

const patterns: Target = {
  name: 'patterns',
  corpus: texts('a.*b', '(a|b)+c{2,5}', '[^\\d\\w]$', '\\bfoo', 'A?', '\\x41\\u0042', '(?<n>a)'),
  words: [
    '(?:',
    ')',
    '*',
    '+?',
    '{1000}',
    '[^',
    ']',
    '\\',
    '\\p{L}',
    '(?=',
    '\\1',
    '|',
    '^',
    '$',
    '(?i:',
  ],
  run(input) {
    const source = new TextDecoder().decode(input)
    const found = parseRequest({ v: 1, id: 1, method: 'logs', params: { grep: source } })
    if (found.isErr()) return kindOf(found.error.error.message)
    const matches = createPattern(source)
    matches('a'.repeat(2000))
    return String(matches('foo bar') || matches(source))
  },
}

export const control = [frames, requests, patterns]
