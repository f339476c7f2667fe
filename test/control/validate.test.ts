import test from 'ava'
import fc from 'fast-check'
import { nearestNames } from '../../daemon/control/nearest.ts'
import type { ErrorCode } from '../../daemon/control/schema.ts'
import { parseCancel, parseRequest } from '../../daemon/control/validate.ts'
import { matchesGlob } from '../../daemon/units/glob.ts'
import { dial, openDaemon } from './wire.ts'

const request = (method: string, params: unknown, more = {}) =>
  parseRequest({ v: 1, id: 5, method, params, ...more })

test('a request keeps its id and its params', t => {
  t.deepEqual(request('isActive', { units: ['web'] })._unsafeUnwrap(), {
    v: 1,
    id: 5,
    method: 'isActive',
    params: { units: ['web'] },
  })
})

test('params may be left out where none is needed', t => {
  t.true(parseRequest({ v: 1, id: 5, method: 'version' }).isOk())
})

const WRONG: [string, string, unknown, ErrorCode][] = [
  ['an unknown parameter', 'isActive', { units: [], dryRun: true }, 'bad-request'],
  ['a parameter of the wrong type', 'isActive', { units: 'web' }, 'bad-request'],
  ['a missing parameter', 'jobs', { verb: 'start' }, 'bad-request'],
  ['an unknown verb', 'jobs', { verb: 'explode', units: [] }, 'bad-request'],
  ['a signal that is none', 'kill', { units: ['a'], signal: 65 }, 'bad-request'],
  ['a negative number of lines', 'logs', { lines: -1 }, 'bad-request'],
  ['an expression that is none', 'logs', { grep: '(' }, 'bad-request'],
  ['an expression that could run for ever', 'logs', { grep: '(a+)+\\1' }, 'bad-request'],
  ['an exit status without exit', 'shutdown', { kind: 'reboot', exitStatus: 1 }, 'bad-request'],
  ['a status over 255', 'shutdown', { kind: 'exit', exitStatus: 256 }, 'bad-request'],
  ['an unknown method', 'explode', {}, 'unknown-method'],
  ['a method that every object has', 'constructor', {}, 'unknown-method'],
]
for (const [what, method, params, code] of WRONG) {
  test(`${what} is refused with ${code} under the id of the request`, t => {
    const { id, error } = request(method, params)._unsafeUnwrapErr()
    t.is(id, 5)
    t.is(error.code, code)
    t.regex(error.message, /^cannot /)
  })
}

test('another version is refused by name', t => {
  const { error } = request('version', {}, { v: 2 })._unsafeUnwrapErr()
  t.is(error.code, 'unsupported-version')
})

test('the refusal names the place', t => {
  const { error } = request('isActive', { units: ['a', 7] })._unsafeUnwrapErr()
  t.is(error.message, 'cannot call isActive: units.1: expected string but received 7')
})

test('a refusal is short, whatever the client has written', t => {
  const { error } = request('isActive', { units: [], ['x'.repeat(10_000)]: 1 })._unsafeUnwrapErr()
  t.true(error.message.length < 700)
})

test('nothing that JSON can say makes the validators throw', t => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      parseRequest(value)
      parseCancel(value)
    }),
    { numRuns: 2000 },
  )
  const methods = ['jobs', 'kill', 'logs', 'show', 'setEnvironment', 'shutdown', 'enable']
  fc.assert(
    fc.property(fc.constantFrom(...methods), fc.jsonValue(), (method, params) => {
      const parsed = request(method, params)
      return parsed.isOk() || parsed.error.error.message.length < 600
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

test('no message makes the server fall, whatever is in it', async t => {
  const daemon = await openDaemon(t)
  const wire = await dial(t, daemon.path)
  let id = 0
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(
        'jobs',
        'status',
        'show',
        'listUnits',
        'cat',
        'isEnabled',
        'listDependencies',
      ),
      fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), { maxLength: 3 }),
      async (method, units) => {
        const key = method === 'listUnits' ? 'patterns' : 'units'
        const verb = method === 'jobs' ? { verb: 'start' } : {}
        wire.send(++id, method, { ...verb, [key]: units })
        return (await wire.next()).data.id === id
      },
    ),
    { numRuns: 200 },
  )
  t.pass()
})

test('globs match as fnmatch(3) does', t => {
  const yes: [string, string][] = [
    ['*', ''],
    ['web@*', 'web@1.service'],
    ['*.service', 'a.service'],
    ['w?b', 'web'],
    ['[a-c]x', 'bx'],
    ['[!a-c]x', 'dx'],
    ['[]]x', ']x'],
    ['[a', '[a'],
    ['a*b*c', 'aXbbYc'],
    ['\\x2d*', '\\x2dfoo'],
  ]
  const no: [string, string][] = [
    ['', 'a'],
    ['?', ''],
    ['web', 'web.service'],
    ['[a-c]x', 'dx'],
    ['[!a-c]x', 'ax'],
    ['*a', 'b'],
  ]
  for (const [pattern, name] of yes) t.true(matchesGlob(pattern, name), `${pattern} ${name}`)
  for (const [pattern, name] of no) t.false(matchesGlob(pattern, name), `${pattern} ${name}`)
})

test('a glob made to be slow is not', t => {
  t.false(matchesGlob('*a'.repeat(500), 'a'.repeat(255)))
})

test('the nearest names are a few letters away, or hold what was written', t => {
  const names = ['nginx.service', 'ssh.service', 'sshd.service', 'redis-server.service', 'a.target']
  t.deepEqual(nearestNames('ngnix.service', names), ['nginx.service'])
  t.deepEqual(nearestNames('redis.service', names), ['redis-server.service'])
  t.deepEqual(nearestNames('nginx.socket', names), ['nginx.service'])
  t.deepEqual(nearestNames('completely-else.service', names), [])
})
