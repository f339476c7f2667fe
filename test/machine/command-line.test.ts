// What a kernel hands to its first process, and what it tells about mounts.
import test from 'ava'
import { readOptions } from '../../daemon/options.ts'
import { parseMounts } from '../../daemon/runtime/machine.ts'

const onMachine = (...argv: readonly string[]) => readOptions(argv, {}, '1.0', true)

test('words of the kernel’s command line that are no options are left out', t => {
  const options = onMachine('splash', '--nope', '-x', '--target', 'rescue.target', 'single')
  t.is(options.target, 'rescue.target')
})

test('PID 1 of a machine does not end by an option that is wrong', t => {
  t.deepEqual(onMachine('--log-level', 'loud', '--target', 'rescue.target'), onMachine())
  t.deepEqual(onMachine('--target'), onMachine())
  t.deepEqual(onMachine('--version'), onMachine())
  t.deepEqual(onMachine('--help'), onMachine())
})

test('mount points are read with their blanks', t => {
  const text = 'proc /proc proc rw,nosuid 0 0\n/dev/sda1 /a\\040b\\011c\\134 ext4 rw 0 0\n'
  t.deepEqual(parseMounts(text), [
    { target: '/proc', type: 'proc' },
    { target: '/a b\tc\\', type: 'ext4' },
  ])
})
