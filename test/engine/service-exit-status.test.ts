// How a process ended: the words for it, and what counts as clean.
import test from 'ava'
import {
  describeExit,
  exitResult,
  inStatusSet,
  signalName,
  statusName,
} from '../../daemon/engine/exit-status.ts'
import { dumped, exited, killedBy } from './service-world.ts'

const NONE = { statuses: [], signals: [] }

test('signals have the names of signal(7)', t => {
  const names: readonly (readonly [number, string])[] = [
    [1, 'HUP'],
    [9, 'KILL'],
    [10, 'USR1'],
    [15, 'TERM'],
    [16, 'STKFLT'],
    [17, 'CHLD'],
    [31, 'SYS'],
    [34, 'RTMIN'],
    [37, 'RTMIN+3'],
    [64, 'RTMIN+30'],
    [99, '99'],
  ]
  for (const [signal, name] of names) t.is(signalName(signal), name)
})

test('exit statuses have the names that systemd gives them', t => {
  // From `systemd-analyze exit-status`.
  const names: readonly (readonly [number, string | null])[] = [
    [0, 'SUCCESS'],
    [1, 'FAILURE'],
    [5, 'NOTINSTALLED'],
    [7, 'NOTRUNNING'],
    [8, null],
    [64, 'USAGE'],
    [72, 'OSFILE'],
    [78, 'CONFIG'],
    [200, 'CHDIR'],
    [203, 'EXEC'],
    [209, 'STDOUT'],
    [217, 'USER'],
    [222, 'STDERR'],
    [223, null],
    [230, 'PERSONALITY'],
    [233, 'RUNTIME_DIRECTORY'],
    [234, null],
    [239, 'CACHE_DIRECTORY'],
    [244, 'BPF'],
    [255, 'EXCEPTION'],
  ]
  for (const [status, name] of names) t.is(statusName(status), name)
})

test('an ending is described as systemd logs it', t => {
  t.is(describeExit(exited(1)), 'code=exited, status=1/FAILURE')
  t.is(describeExit(exited(42)), 'code=exited, status=42/n/a')
  t.is(describeExit(killedBy(15)), 'code=killed, status=15/TERM')
  t.is(describeExit(dumped(6)), 'code=dumped, status=6/ABRT')
})

test('the signals that end daemons are clean for a daemon alone', t => {
  for (const signal of [1, 2, 13, 15]) {
    t.is(exitResult(killedBy(signal), 'daemon', NONE), 'success')
    t.is(exitResult(killedBy(signal), 'command', NONE), 'signal')
  }
  for (const signal of [3, 9, 14]) t.is(exitResult(killedBy(signal), 'daemon', NONE), 'signal')
})

test('a core dump is unclean by whatever signal, unless that is named', t => {
  t.is(exitResult(dumped(15), 'daemon', NONE), 'core-dump')
  t.is(exitResult(dumped(6), 'daemon', { statuses: [], signals: [6] }), 'success')
})

test('statuses and signals of the same number are different things', t => {
  const set = { statuses: [9], signals: [] }
  t.true(inStatusSet(set, exited(9)))
  t.false(inStatusSet(set, killedBy(9)))
})
