import test from 'ava'
import { formatLogLine } from '../../ctl/format/log-line.ts'
import { createPaint } from '../../ctl/format/paint.ts'
import { logLine } from './specimens.ts'

process.env.TZ = 'UTC'
const style = { host: 'host', paint: createPaint(false), terminal: false }
const onTerminal = { host: 'host', paint: createPaint(true), terminal: true }

test('the formats are those of journalctl', t => {
  const line = logLine('hello')
  t.is(formatLogLine(line, 'short', style), 'Nov 25 21:23:32 host nginx[123]: hello')
  t.is(formatLogLine(line, 'short-precise', style), 'Nov 25 21:23:32.000000 host nginx[123]: hello')
  t.is(formatLogLine(line, 'short-iso', style), '2026-11-25T21:23:32+0000 host nginx[123]: hello')
  t.is(
    formatLogLine(line, 'short-full', style),
    'Wed 2026-11-25 21:23:32 UTC host nginx[123]: hello',
  )
  t.is(
    formatLogLine(line, 'with-unit', style),
    'Wed 2026-11-25 21:23:32 UTC host web.service[123]: hello',
  )
  t.is(formatLogLine(line, 'cat', style), 'hello')
  t.is(formatLogLine(line, 'raw', style), 'hello')
  const later = logLine('hello', { timeUsec: line.timeUsec + 12_345 })
  t.is(
    formatLogLine(later, 'short-iso-precise', style),
    '2026-11-25T21:23:32.012345+0000 host nginx[123]: hello',
  )
  t.is(
    formatLogLine(later, 'short-unix', style),
    `${line.timeUsec / 1_000_000}.012345 host nginx[123]: hello`,
  )
  t.deepEqual(JSON.parse(String(formatLogLine(line, 'json', style))), line)
})

test('a line whose process is not known has no brackets', t => {
  t.is(formatLogLine(logLine('x', { pid: null }), 'short', style), 'Nov 25 21:23:32 host nginx: x')
})

test('urgent lines are coloured on a terminal', t => {
  const { paint } = onTerminal
  const text = (priority: number) => formatLogLine(logLine('x', { priority }), 'short', onTerminal)
  t.true(String(text(3)).endsWith(paint.red('x')))
  t.true(String(text(4)).endsWith(paint.yellow('x')))
  t.true(String(text(6)).endsWith(': x'))
})

test('a service’s own colours reach the terminal, what would move its cursor does not', t => {
  const line = logLine('\x1b[31mred\x1b[0m \x1b[2Jgone\rover')
  t.is(formatLogLine(line, 'cat', onTerminal), '\x1b[31mred\x1b[0m \\x1b[2Jgone\\rover\x1b[0m')
  t.is(
    formatLogLine(line, 'short', style),
    'Nov 25 21:23:32 host nginx[123]: red \\x1b[2Jgone\\rover',
  )
})

test('with cat and no terminal a line is what the service wrote, to the byte', t => {
  t.is(formatLogLine(logLine('a\x1b[2Jb\r'), 'cat', style), 'a\x1b[2Jb\r')
  const binary = formatLogLine(logLine('\xff\x00\x80', { binary: true }), 'cat', style)
  t.deepEqual(binary, Buffer.from([0xff, 0x00, 0x80]))
  t.regex(
    String(formatLogLine(logLine('\xff\x00', { binary: true }), 'short', style)),
    /\[2B blob data\]$/,
  )
})
