// Condition…= and Assert…= (systemd.unit(5), CONDITIONS AND ASSERTS).
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { compareVersions } from '../../daemon/runtime/comparison.ts'
import { checkConditions } from '../../daemon/runtime/conditions.ts'
import { type HostFacts, parseOsRelease } from '../../daemon/runtime/facts.ts'
import { expandGlob, matches } from '../../daemon/runtime/glob.ts'
import type { Condition } from '../../daemon/units/unit.ts'

const directory = mkdtempSync(join(tmpdir(), 'hearth-conditions-'))
test.after.always(() => rmSync(directory, { recursive: true }))
mkdirSync(join(directory, 'full'))
mkdirSync(join(directory, 'empty'))
writeFileSync(join(directory, 'full/file'), 'text')
writeFileSync(join(directory, 'void'), '')
writeFileSync(join(directory, 'script'), '#!/bin/sh\n')
chmodSync(join(directory, 'script'), 0o755)
symlinkSync('full', join(directory, 'link'))
symlinkSync('nowhere', join(directory, 'dangling'))

const facts: HostFacts = {
  architecture: 'x86-64',
  hostname: 'web1.example',
  machineId: '0123456789abcdef0123456789abcdef',
  kernelRelease: '6.1.0-18-amd64',
  virtualization: { kind: 'container', name: 'podman' },
  isFirstBoot: false,
  environment: { FOO: 'bar' },
  user: { uid: 0, name: 'root', groups: [0, 4] },
  groupId: name => ({ root: 0, adm: 4, users: 100 })[name] ?? null,
  cpus: () => 4,
  osRelease: () => ({ ID: 'debian', VERSION_ID: '12' }),
}

/** `Kind=value` as in a unit, with `|` and `!`. */
function condition(text: string): Condition {
  const [, kind = '', trigger, negated, value = ''] = /^(\w+)=(\|?)(!?)(.*)$/s.exec(text) ?? []
  return { kind, value, trigger: trigger !== '', negated: negated !== '' }
}
const check = (...texts: string[]) => checkConditions(texts.map(condition), facts)
const at = (name: string) => join(directory, name)

const holding = [
  `PathExists=${at('full')}`,
  `PathExists=!${at('nowhere')}`,
  `PathExists=!${at('dangling')}`,
  `PathExistsGlob=${directory}/fu*`,
  `PathExistsGlob=!${directory}/*.conf`,
  `PathIsDirectory=${at('link')}`,
  `PathIsDirectory=!${at('void')}`,
  `PathIsSymbolicLink=${at('dangling')}`,
  `PathIsSymbolicLink=!${at('full')}`,
  'PathIsMountPoint=/proc',
  'PathIsMountPoint=/',
  `PathIsMountPoint=!${at('full')}`,
  `PathIsReadWrite=${at('full')}`,
  `PathIsReadWrite=!${at('nowhere')}`,
  'PathIsEncrypted=!/proc',
  `DirectoryNotEmpty=${at('full')}`,
  `DirectoryNotEmpty=!${at('empty')}`,
  `DirectoryNotEmpty=!${at('void')}`,
  `FileNotEmpty=${at('full/file')}`,
  `FileNotEmpty=!${at('void')}`,
  `FileNotEmpty=!${at('full')}`,
  `FileIsExecutable=${at('script')}`,
  `FileIsExecutable=!${at('void')}`,
  `FileIsExecutable=!${at('full')}`,
  'Architecture=x86-64',
  'Architecture=native',
  'Architecture=!arm64',
  'Virtualization=yes',
  'Virtualization=container',
  'Virtualization=podman',
  'Virtualization=!vm',
  'Virtualization=!docker',
  'Host=web1.example',
  'Host=WEB*',
  'Host=0123456789abcdef0123456789abcdef',
  'Host=!web2.example',
  'KernelVersion=6.1*',
  'KernelVersion=>=6.0',
  'KernelVersion=>= 6.0',
  'KernelVersion=>5 <7',
  'KernelVersion=!<6',
  'Credential=!nothing',
  'Environment=FOO',
  'Environment=FOO=bar',
  'Environment=!FOO=baz',
  'Environment=!BAR',
  'Security=!smack',
  'Capability=!CAP_NO_SUCH_THING_AT_ALL_BUT_ONE',
  'FirstBoot=no',
  'FirstBoot=!yes',
  'User=root',
  'User=0',
  'User=@system',
  'User=!daemon',
  'Group=adm',
  'Group=0',
  'Group=!users',
  'Group=!no-such-group',
  'Memory=>1M',
  'Memory=1M',
  'Memory=!>=1000T',
  'CPUs=4',
  'CPUs=>=2',
  'CPUs=!>4',
  'CPUs==4',
  'CPUFeature=!no-such-feature',
  'OSRelease=ID=debian',
  'OSRelease=VERSION_ID>=11',
  'OSRelease=ID$=deb*',
  'OSRelease=!VERSION_ID<12',
  'OSRelease=ID!=fedora',
  'OSRelease=NOTHING=',
  'Firmware=!device-tree-compatible(no-such-board)',
  'NeedsUpdate=!/no/such',
  'MemoryPressure=100%',
  'CPUPressure=100%/1min',
].filter(text => !/^(Capability|NeedsUpdate)=/.test(text))
for (const text of holding) {
  test(`${text.replace(directory, '…')} holds, and not its contrary`, t => {
    t.true(check(text).result)
    const [kind, value = ''] = [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]
    const contrary = `${kind}=${value.startsWith('!') ? value.slice(1) : `!${value}`}`
    t.deepEqual(check(contrary), { result: false, failed: contrary, warnings: [] })
  })
}

const yes = `PathExists=${directory}`
const no = 'PathExists=/no/such'
const trigger = (text: string) => text.replace('=', '=|')
const lists: readonly [title: string, list: readonly string[], result: boolean, failed?: string][] =
  [
    ['no condition holds', [], true],
    ['all plain ones must hold', [yes, no, yes], false, no],
    ['of the triggering ones a single one is enough', [trigger(no), trigger(yes)], true],
    ['without any of the triggering ones it fails', [trigger(no), trigger(no)], false, trigger(no)],
    ['plain ones must hold beside the triggering ones', [trigger(yes), no], false, no],
    ['plain and triggering ones hold', [yes, trigger(no), trigger(yes)], true],
    ['plain ones do not stand in for the triggering ones', [yes, trigger(no)], false, trigger(no)],
    ['a triggering one may be negated', ['PathExists=|!/no/such'], true],
  ]
for (const [title, list, result, failed = null] of lists) {
  test(title, t => {
    const answer = check(...list)
    t.is(answer.result, result)
    t.is(answer.failed, failed)
  })
}

test('a kind that is not known counts as fulfilled, with a warning', t => {
  const answer = check('MoonPhase=full')
  t.true(answer.result)
  t.is(answer.warnings.length, 1)
})

test('a value that says nothing counts as not fulfilled, negated or not, with a warning', t => {
  for (const text of ['CPUs=many', 'Security=!spell', 'Capability=!CAP_NONE', 'NeedsUpdate=/usr']) {
    const answer = check(text)
    t.false(answer.result, text)
    t.is(answer.warnings.length, 1)
  }
})

test('versions are ordered as systemd-analyze compare-versions orders them', t => {
  // Each is older than the one that follows.
  const ordered = ['~1', '', '1~rc1', '1', '1-1', '1-2', '1^post', '1.0', '1.1', '1.9', '1.10', '2']
  for (let i = 0; i < ordered.length; i++) {
    for (let j = 0; j < ordered.length; j++) {
      const [a = '', b = ''] = [ordered[i], ordered[j]]
      t.is(compareVersions(a, b), Math.sign(i - j), `${a} ${b}`)
    }
  }
  t.is(compareVersions('6.1.0-18-amd64', '6.1.0-18-amd64'), 0)
  t.is(compareVersions('007', '7'), 0)
})

const patterns: readonly [pattern: string, text: string, matches: boolean][] = [
  ['*', 'anything', true],
  ['a*c', 'abc', true],
  ['a?c', 'ac', false],
  ['[a-c]x', 'bx', true],
  ['[!a-c]x', 'bx', false],
  ['[]]', ']', true],
  ['[z-a]', 'm', false],
  ['a[', 'a[', true],
  ['a.c', 'abc', false],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['é*', 'été', true],
]
for (const [pattern, text, result] of patterns) {
  test(`the pattern ${pattern} ${result ? 'matches' : 'does not match'} ${text}`, t => {
    t.is(matches(pattern, text), result)
  })
}

test('a glob gives the paths that exist, in order, hidden ones only when they are meant', t => {
  writeFileSync(at('full/.hidden'), '')
  t.deepEqual(expandGlob(`${directory}/*/f*`), [at('full/file'), at('link/file')])
  t.deepEqual(expandGlob(`${directory}/full/*`), [at('full/file')])
  t.deepEqual(expandGlob(`${directory}/full/.h*`), [at('full/.hidden')])
  t.deepEqual(expandGlob('relative/*'), [])
})

test('os-release is read with its quotes', t => {
  const text = '# comment\nID=debian\nPRETTY_NAME="A \\"name\\""\nX=\'y z\'\nbad line\n'
  t.deepEqual(parseOsRelease(text), { ID: 'debian', PRETTY_NAME: 'A "name"', X: 'y z' })
})
