import test from 'ava'
import { CAPABILITIES } from '../../../daemon/units/values/capability.ts'
import { exitStatuses } from '../../../daemon/units/values/exit-status.ts'
import { ask } from './ask.ts'

/** The rows under the header, their cells divided by one space. */
const rows = (out: string) =>
  out
    .split('\n')
    .slice(1)
    .filter(line => line !== '')
    .map(line => line.trim().split(/\s+/).join(' '))

test('exit statuses have the names, numbers and classes of systemd-analyze exit-status', t => {
  const answer = ask(t, 'systemd-analyze', ['exit-status'])
  if (answer === null) return
  const ours = exitStatuses().map(status => `${status.name} ${status.number} ${status.class}`)
  t.deepEqual(ours, rows(answer.out))
})

test('capabilities have the names and numbers of systemd-analyze capability', t => {
  const answer = ask(t, 'systemd-analyze', ['capability'])
  if (answer === null) return
  t.deepEqual(
    CAPABILITIES.map((name, number) => `${name.toLowerCase()} ${number}`),
    rows(answer.out),
  )
})
