import test from 'ava'
import { readMoment } from '../../ctl/analyze/moment.ts'
import { signalNumber } from '../../ctl/commands/kill.ts'

process.env.TZ = 'UTC'
const now = Date.UTC(2026, 10, 25, 21, 23, 32)
const at = (...parts: [number, number, number, number?, number?, number?]) =>
  Date.UTC(...parts) * 1000

test('moments are read as people write them', t => {
  t.is(readMoment('now', now), now * 1000)
  t.is(readMoment('today', now), at(2026, 10, 25))
  t.is(readMoment('yesterday', now), at(2026, 10, 24))
  t.is(readMoment('2026-11-20', now), at(2026, 10, 20))
  t.is(readMoment('2026-11-20 08:05', now), at(2026, 10, 20, 8, 5))
  t.is(readMoment('2026-11-20T08:05:06', now), at(2026, 10, 20, 8, 5, 6))
  t.is(readMoment('08:05', now), at(2026, 10, 25, 8, 5))
  t.is(readMoment('10min ago', now), (now - 600_000) * 1000)
  t.is(readMoment('2 hours 5 minutes ago', now), (now - 7_500_000) * 1000)
  t.is(readMoment('-1h', now), (now - 3_600_000) * 1000)
  t.is(readMoment('@5.5', now), 5_500_000)
})

test('what is no moment is none', t => {
  for (const text of ['', 'soon', '10 parsecs ago', '2026-11', 'ago', '25', '08:05 2026-11-20']) {
    t.is(readMoment(text, now), null, text)
  }
})

test('signals are read by name, with or without SIG, and by number', t => {
  t.is(signalNumber('SIGHUP'), 1)
  t.is(signalNumber('hup'), 1)
  t.is(signalNumber('9'), 9)
  t.is(signalNumber('RTMIN'), 34)
  t.is(signalNumber('SIGRTMIN+3'), 37)
  t.is(signalNumber('RTMAX-1'), 63)
  for (const name of ['0', '65', 'NOPE', 'RTMIN+31', '']) t.is(signalNumber(name), null, name)
})
