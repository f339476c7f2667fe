// ctl list-timers and list-paths.
import test from 'ava'
import { createPaint } from '../../ctl/format/paint.ts'
import { formatStatus } from '../../ctl/format/status.ts'
import { formatPaths, formatTimers } from '../../ctl/format/triggers.ts'
import { unitStatus } from './specimens.ts'

const NOW = Date.UTC(2026, 10, 25, 21, 23, 32) * 1000
const HOUR = 3_600_000_000
const style = { paint: createPaint(false), legend: true, plain: false, width: null, all: false }
const timers = [
  {
    unit: 'logrotate.timer',
    active: 'active',
    activates: 'logrotate.service',
    nextUsec: NOW + 3 * HOUR,
    lastUsec: NOW - 21 * HOUR,
  },
  { unit: 'a.timer', active: 'active', activates: null, nextUsec: null, lastUsec: null },
]

test('list-timers has the columns of systemctl', t => {
  t.deepEqual(formatTimers(timers, NOW, style), [
    'NEXT                        LEFT         LAST                        PASSED  UNIT            ACTIVATES',
    'Thu 2026-11-26 00:23:32 UTC 3h 0min left Wed 2026-11-25 00:23:32 UTC 21h ago logrotate.timer logrotate.service',
    'n/a                         n/a          n/a                         n/a     a.timer         n/a',
    '',
    '2 timers listed.',
    'Pass --all to see loaded but inactive timers, too.',
  ])
  t.deepEqual(formatTimers([], NOW, { ...style, legend: false }), [])
  t.deepEqual(formatTimers([], NOW, { ...style, all: true }).at(-1), '0 timers listed.')
})

test('the status of a timer tells when it elapses next', t => {
  const status = unitStatus({
    unit: 'a.timer',
    activeState: 'active',
    subState: 'waiting',
    nowUsec: NOW,
    nextElapseUsec: NOW + HOUR,
  })
  const look = { paint: createPaint(false), host: 'box', terminal: false, width: null }
  t.regex(formatStatus(status, look), /^ {4}Trigger: Wed 2026-11-25 22:23:32 UTC; 1h 0min left$/m)
  t.regex(formatStatus({ ...status, nextElapseUsec: null }, look), /^ {4}Trigger: n\/a$/m)
  t.notRegex(formatStatus({ ...status, activeState: 'inactive' }, look), /Trigger:/)
})

test('list-paths has the columns of systemctl', t => {
  const paths = [
    {
      path: '/q',
      condition: 'DirectoryNotEmpty',
      unit: 'a.path',
      activates: 'a.service',
      active: 'active',
    },
  ]
  t.deepEqual(formatPaths(paths, style), [
    'PATH CONDITION         UNIT   ACTIVATES',
    '/q   DirectoryNotEmpty a.path a.service',
    '',
    '1 paths listed.',
    'Pass --all to see loaded but inactive paths, too.',
  ])
})
