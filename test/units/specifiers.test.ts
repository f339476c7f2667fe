import test from 'ava'
import { expandSpecifiers, type HostFacts } from '../../daemon/units/specifiers.ts'
import { host } from './_files.ts'

const unit = {
  id: 'srv-my\\x2dapp@a-b\\x2dc.service',
  fragmentPath: '/etc/units/srv-my\\x2dapp@.service',
}
const expand = (text: string, facts: HostFacts = host) => expandSpecifiers(text, unit, facts)

test('names: whole, prefix, instance, escaped or not', t => {
  const found: [string, string][] = [
    ['%n', unit.id],
    ['%N', 'srv-my\\x2dapp@a-b\\x2dc'],
    ['%p', 'srv-my\\x2dapp'],
    ['%P', 'srv/my-app'],
    ['%i', 'a-b\\x2dc'],
    ['%I', 'a/b-c'],
    ['%j', 'my\\x2dapp'],
    ['%J', 'my-app'],
    ['%f', '/a/b-c'],
    ['%y', unit.fragmentPath],
    ['%Y', '/etc/units'],
  ]
  for (const [text, expected] of found) t.is(expand(text).unwrapOr('?'), expected, text)
})

test('without an instance %i is empty and %f is the prefix as a path', t => {
  const plain = { id: 'srv-data.service', fragmentPath: null }
  t.is(expandSpecifiers('<%i> %f', plain, host).unwrapOr('?'), '<> /srv/data')
})

test('the machine and its directories', t => {
  const found: [string, string][] = [
    ['%a', 'x86-64'],
    ['%H', 'box.example.org'],
    ['%l', 'box'],
    ['%v', '6.1.0'],
    ['%b', 'b'.repeat(32)],
    ['%m', 'd'.repeat(32)],
    ['%o-%w-%W%A%B%M', 'debian-12-'],
    ['%t %S %C %L %E %T %V', '/run /var/lib /var/cache /var/log /etc /tmp /var/tmp'],
    ['%u %U %g %G %h %s', 'root 0 root 0 /root /bin/sh'],
    ['%d', `/run/credentials/${unit.id}`],
  ]
  for (const [text, expected] of found) t.is(expand(text).unwrapOr('?'), expected, text)
})

test('%% is a percent sign, and so is a % before what is neither letter nor digit', t => {
  t.is(expand('%%n 100% %-').unwrapOr('?'), '%n 100% %-')
  t.is(expand('50%').unwrapOr('?'), '50%')
})

test('an unknown specifier is an error that names it', t => {
  t.is(expand('%z')._unsafeUnwrapErr(), '%z is no specifier; write %%z for a percent sign')
  t.is(expand('%5')._unsafeUnwrapErr(), '%5 is no specifier; write %%5 for a percent sign')
})

test('a fact that the machine has not got is an error', t => {
  t.is(
    expand('%m', { ...host, machineId: null })._unsafeUnwrapErr(),
    '%m is not known on this machine',
  )
})

test('host facts are read only when a specifier asks for them', t => {
  const facts: HostFacts = {
    ...host,
    get hostname(): string {
      t.fail()
      return ''
    },
  }
  t.is(expandSpecifiers('%t', unit, facts).unwrapOr('?'), '/run')
})
