// Messages that say where a unit's file asks for what cannot be done.
import test from 'ava'
import { withPlace } from '../../daemon/runtime/place.ts'

const at = (written: string, value: string, line: number) => ({
  written,
  value,
  place: { file: '/u/web.service', line },
})
const files = [
  at('User', 'ada', 3),
  at('EnvironmentFile', '-/a', 4),
  at('EnvironmentFile', '/b', 5),
]

test('a message ends with the file and the line of the directive that it names first', t => {
  t.is(
    withPlace('cannot run as User=ada: no', () => files),
    'cannot run as User=ada: no (/u/web.service:3)',
  )
})

test('of several assignments it is the one whose value the message tells, else the last', t => {
  const place = (message: string) => /:(\d)\)$/.exec(withPlace(message, () => files))?.[1]
  t.is(place('cannot read EnvironmentFile=/a: no'), '4')
  t.is(place('cannot read EnvironmentFile=/b: no'), '5')
  t.is(place('cannot read EnvironmentFile=: no'), '5')
})

test('what no file sets has no place, and what names no directive is left as it is', t => {
  t.is(
    withPlace('cannot set Nice=: no', () => files),
    'cannot set Nice=: no',
  )
  t.is(withPlace('cannot start a process: no', t.fail), 'cannot start a process: no')
})
