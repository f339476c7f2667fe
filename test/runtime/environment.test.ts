// The environment block: sources, their order, and the syntax of environment files (systemd.exec(5)).
import test from 'ava'
import fc from 'fast-check'
import {
  initialEnvironment,
  startEnvironment,
  type UnitSources,
  unitEnvironment,
  variable,
} from '../../daemon/runtime/environment.ts'
import { type Assignment, parseEnvironmentFile } from '../../daemon/runtime/environment-file.ts'
import { OWN_IDENTITY } from '../../daemon/runtime/users.ts'
import { EXEC_DEFAULTS } from '../../daemon/units/defaults.ts'
import type { ExecSettings } from '../../daemon/units/unit.ts'

type Given = {
  sources?: Partial<UnitSources>
  exec?: Partial<ExecSettings>
  facts?: readonly string[]
  files?: readonly Assignment[]
}
function block({ sources, exec, facts = [], files = [] }: Given) {
  const settings = { ...EXEC_DEFAULTS, ...exec }
  const unit = unitEnvironment({
    manager: [],
    own: {},
    identity: OWN_IDENTITY,
    notifySocket: null,
    directories: [],
    managerPid: null,
    term: null,
    ...sources,
    exec: settings,
  })
  return Object.fromEntries(
    [...startEnvironment(unit, facts, files, settings).values()].map(entry => {
      const at = entry.indexOf('=')
      return [entry.slice(0, at), entry.slice(at + 1)]
    }),
  )
}

const user = {
  ...OWN_IDENTITY,
  uid: 33,
  gid: 33,
  groups: [33],
  name: 'www-data',
  home: '/var/www',
  shell: null,
}
const table: readonly [title: string, given: Given, block: Record<string, string>][] = [
  ['nothing is there that nobody set', { sources: { own: { SECRET: 'x' } } }, {}],
  ['the manager’s environment is', { sources: { manager: ['A=1', 'B=2'] } }, { A: '1', B: '2' }],
  [
    'what the manager knows of the start wins over its environment',
    { sources: { manager: ['MAINPID=1', 'A=1'] }, facts: ['MAINPID=7'] },
    { MAINPID: '7', A: '1' },
  ],
  [
    'the user’s variables are set as far as it has them',
    { sources: { identity: user } },
    { HOME: '/var/www', LOGNAME: 'www-data', USER: 'www-data' },
  ],
  [
    'PassEnvironment= takes from the daemon’s own what is set there',
    { sources: { own: { A: 'own', C: 'no' } }, exec: { passEnvironment: ['A', 'B'] } },
    { A: 'own' },
  ],
  [
    'Environment= wins over PassEnvironment=, the manager and the user',
    {
      sources: { own: { A: 'own' }, manager: ['A=manager', 'USER=x'], identity: user },
      exec: {
        passEnvironment: ['A'],
        environment: ['A=unit', 'USER=unit', 'HOME=/h', 'LOGNAME=l'],
      },
    },
    { A: 'unit', USER: 'unit', HOME: '/h', LOGNAME: 'l' },
  ],
  ['the later of two assignments wins', { exec: { environment: ['A=1', 'A=2'] } }, { A: '2' }],
  [
    'a file wins over Environment=, a later one over an earlier',
    {
      exec: { environment: ['A=unit', 'B=unit'] },
      files: [
        ['A', 'first'],
        ['A', 'second'],
      ],
    },
    { A: 'second', B: 'unit' },
  ],
  [
    'UnsetEnvironment= removes a name, or an assignment that is just so',
    {
      exec: { environment: ['A=1', 'B=2', 'C=3'], unsetEnvironment: ['A', 'B=2', 'C=4'] },
      files: [['A', 'file']],
    },
    { C: '3' },
  ],
  [
    'ExecSearchPath= gives PATH, unless the unit sets that itself',
    { sources: { manager: ['PATH=/m'] }, exec: { execSearchPath: ['/a', '/b'] } },
    { PATH: '/a:/b' },
  ],
  [
    'PATH of Environment= wins over ExecSearchPath=',
    { exec: { execSearchPath: ['/a'], environment: ['PATH=/mine'] } },
    { PATH: '/mine' },
  ],
  [
    'a value may hold equals signs and be empty',
    { exec: { environment: ['A=b=c', 'D='] } },
    { A: 'b=c', D: '' },
  ],
]
for (const [title, given, expected] of table) {
  test(title, t => {
    t.deepEqual(block(given), expected)
  })
}

test('the value of a variable is what follows its first equals sign', t => {
  const environment = new Map([['A', 'A=b=c']])
  t.is(variable(environment, 'A'), 'b=c')
  t.is(variable(environment, 'B'), undefined)
})

test('a system manager begins with a fixed PATH and the locale alone', t => {
  const own = { PATH: '/x', LANG: 'C.UTF-8', LC_TIME: 'C', HOME: '/root', SECRET: 'x' }
  t.deepEqual(initialEnvironment(own, true), [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'LANG=C.UTF-8',
    'LC_TIME=C',
  ])
})

test('a user’s manager passes on its own environment but for what was meant for itself', t => {
  const own = { PATH: '/x', HOME: '/home/a', EDITOR: 'vi', NOTIFY_SOCKET: '/s', HEARTH_LOGS: '/l' }
  t.deepEqual(initialEnvironment(own, false), ['PATH=/x', 'HOME=/home/a', 'EDITOR=vi'])
})

const files: readonly [title: string, text: string, found: readonly Assignment[]][] = [
  ['a plain assignment', 'A=b\n', [['A', 'b']]],
  ['a last line without its newline', 'A=b', [['A', 'b']]],
  ['white space around name and value goes', '  A = b c \t\n', [['A', 'b c']]],
  ['comments and lines without an equals sign', '# A=1\n; B=2\nC\nD=4\n', [['D', '4']]],
  ['a comment goes on after a backslash', '# A=1\\\nB=2\nC=3', [['C', '3']]],
  ['a hash within a value is no comment', 'A=b # c', [['A', 'b # c']]],
  [
    'an empty value',
    'A=\nB=',
    [
      ['A', ''],
      ['B', ''],
    ],
  ],
  ['a continued line', 'A=b\\\nc', [['A', 'bc']]],
  ['a backslash keeps what follows', 'A=\\ b\\\\c\\"', [['A', ' b\\c"']]],
  ['an escaped blank at the end stays', 'A=b\\ ', [['A', 'b ']]],
  ['single quotes: all as it is, over lines', 'A=\'b \\n "c"\n d\'', [['A', 'b \\n "c"\n d']]],
  ['double quotes: four escapes', 'A="\\" \\\\ \\` \\$ \\n"', [['A', '" \\ ` $ \\n']]],
  ['double quotes: a continued line', 'A="b\\\nc\nd"', [['A', 'bc\nd']]],
  [
    'blanks outside of the quotes go',
    'A= "b " \nC=d',
    [
      ['A', 'b '],
      ['C', 'd'],
    ],
  ],
  ['quotes after the first character stay', `A=b"c"'d'`, [['A', `b"c"'d'`]]],
  ['names that no environment has are left out', 'export A=1\n1B=2\nC-D=3\nE=4', [['E', '4']]],
  [
    'carriage returns end lines',
    'A=b\r\nC=d\r\n',
    [
      ['A', 'b'],
      ['C', 'd'],
    ],
  ],
  ['nothing', '', []],
]
for (const [title, text, found] of files) {
  test(`environment file: ${title}`, t => {
    t.deepEqual(parseEnvironmentFile(text), found)
  })
}

const name = fc.stringMatching(/^[A-Za-z_]\w{0,8}$/)
const value = fc.string().filter(text => !text.includes('\0'))

test('environment file: any value survives double quotes', t => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), assignments => {
      const text = assignments
        .map(([key, each]) => `${key}="${each.replace(/["\\`$]/g, '\\$&')}"\n`)
        .join('')
      t.deepEqual(parseEnvironmentFile(text), assignments)
    }),
  )
})

test('environment file: any value without a single quote survives single quotes', t => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), assignments => {
      const plain = assignments.map(([key, each]) => [key, each.replaceAll("'", '')] as const)
      t.deepEqual(
        parseEnvironmentFile(plain.map(([key, each]) => `${key}='${each}'\n`).join('')),
        plain,
      )
    }),
  )
})

test('environment file: no text makes it fail, and every name found is a name', t => {
  const piece = fc.constantFrom('A', 'b', '=', '#', ';', '"', "'", '\\', ' ', '\n', '\r', '\t', '$')
  fc.assert(
    fc.property(fc.array(piece), pieces => {
      const found = parseEnvironmentFile(pieces.join(''))
      t.true(found.every(([key]) => /^[A-Za-z_]\w*$/.test(key)))
    }),
  )
})
