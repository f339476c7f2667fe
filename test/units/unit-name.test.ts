import test from 'ava'
import {
  escapeName,
  escapePath,
  instanceOf,
  mangleName,
  nameKind,
  prefixOf,
  simplifyPath,
  templateOf,
  unescapeName,
  unescapePath,
  withInstance,
} from '../../daemon/units/values/unit-name.ts'

test('a name has a stem of letters, digits and :-_.\\@, and the suffix of a type', t => {
  for (const name of [
    'a.service',
    '-.slice',
    'a\\x2db.mount',
    'a:b_c.d.target',
    `${'a'.repeat(247)}.service`,
  ])
    t.is(nameKind(name), 'plain', name)
  t.is(nameKind('a@.service'), 'template')
  t.is(nameKind('a@b.service'), 'instance')
  t.is(nameKind('a@b@c.service'), 'instance')
  for (const name of [
    '',
    'a',
    '.service',
    'a.b',
    '@.service',
    '@a.service',
    'a b.service',
    'a/b.service',
    'ä.service',
    `${'a'.repeat(248)}.service`,
  ])
    t.is(nameKind(name), null, name)
})

test('prefix, instance and template of a name', t => {
  t.is(prefixOf('a@b.service'), 'a')
  t.is(prefixOf('a.b.service'), 'a.b')
  t.is(instanceOf('a@b.c.service'), 'b.c')
  t.is(instanceOf('a@.service'), '')
  t.is(instanceOf('a.service'), null)
  t.is(templateOf('a@b.service'), 'a@.service')
  t.is(templateOf('a@.service'), null)
  t.is(withInstance('a@.service', 'x.y'), 'a@x.y.service')
  t.is(withInstance('a@b.service', 'x'), 'a@b.service')
})

test('escaping turns / into - and what may not stand in a name into \\xNN, and back', t => {
  t.is(escapeName('Hallöchen, Meister'), 'Hall\\xc3\\xb6chen\\x2c\\x20Meister')
  t.is(escapeName('.a-b'), '\\x2ea\\x2db')
  t.is(unescapeName('a-b\\x2dc').unwrapOr('?'), 'a/b-c')
  t.is(
    unescapeName('\\xef\\xbb\\xbfa').unwrapOr('?'),
    '\ufeffa',
    'a byte order mark is a character',
  )
  t.true(unescapeName('a\\b').isErr())
  t.is(escapePath('/dev//sda/').unwrapOr('?'), 'dev-sda')
  t.is(escapePath('/').unwrapOr('?'), '-')
  t.true(escapePath('/a/../b').isErr())
  t.is(unescapePath('dev-sda').unwrapOr('?'), '/dev/sda')
  t.is(unescapePath('-').unwrapOr('?'), '/')
  t.true(unescapePath('a-').isErr())
})

test('paths lose empty parts, dots and a slash at the end', t => {
  const simple: [string, string][] = [
    ['/a//b/./c/', '/a/b/c'],
    ['/', '/'],
    ['//', '/'],
    ['/.', '/'],
    ['a/./b', 'a/b'],
    ['/a/.b/..c', '/a/.b/..c'],
    ['/a/..', '/a/..'],
    ['./a', 'a'],
    ['', '.'],
  ]
  for (const [path, expected] of simple) t.is(simplifyPath(path), expected, path)
})

test('what is typed is completed as systemctl does', t => {
  const mangled: [string, string][] = [
    ['web', 'web.service'],
    ['web.service', 'web.service'],
    ['web@1', 'web@1.service'],
    ['web.target', 'web.target'],
    ['web@*', 'web@*'],
    ['*', '*'],
    ['/home', 'home.mount'],
    ['/dev/sda', 'dev-sda.device'],
    ['a b', 'a\\x20b.service'],
    ['a.b', 'a.b.service'],
  ]
  for (const [typed, name] of mangled) t.is(mangleName(typed).unwrapOr('?'), name, typed)
  t.is(mangleName('web', { suffix: '.socket' }).unwrapOr('?'), 'web.socket')
  t.true(mangleName('').isErr())
})
