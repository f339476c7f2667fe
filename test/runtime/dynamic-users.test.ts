// DynamicUser=: numbers for names (systemd.exec(5)).
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { createDynamicUsers, dynamicName, isDynamicId } from '../../daemon/runtime/dynamic-users.ts'
import { siphash24 } from '../../daemon/runtime/siphash.ts'

test('SipHash-2-4 gives the numbers of its authors', t => {
  const key = Uint8Array.from({ length: 16 }, (_, i) => i)
  const text = (length: number) => String.fromCharCode(...Array(length).keys())
  t.is(siphash24('', key), 0x726fdb47dd0e0e31n)
  t.is(siphash24(text(8), key), 0x93f5f5799a932462n)
  t.is(siphash24(text(15), key), 0xa129ca6149be45e5n)
})

test('a user without a name has that of its unit, all instances the same, or one made of a hash', t => {
  t.is(dynamicName('web.service'), 'web')
  t.is(dynamicName('web@two.service'), 'web')
  t.regex(dynamicName('web.front.service'), /^_du[0-9a-f]{16}$/)
  t.regex(dynamicName(`${'long'.repeat(10)}.service`), /^_du[0-9a-f]{16}$/)
})

test('a name gives the same number each time, two names never the same', t => {
  const first = createDynamicUsers(null, () => false)
  const second = createDynamicUsers(null, () => false)
  const names = Array.from({ length: 500 }, (_, i) => `unit-${i}`)
  const ids = names.map(name => first.id(name, []))
  t.is(new Set(ids).size, names.length)
  t.true(ids.every(id => id !== null && isDynamicId(id)))
  t.is(second.id('unit-0', []), ids[0] ?? null)
  t.is(first.id('unit-7', []), ids[7] ?? null)
})

test('who owns the directories already is taken, unless a real user has the number', t => {
  const users = createDynamicUsers(null, id => id === 61200)
  t.is(users.id('a', [0, 61199]), 61199)
  t.not(users.id('b', [61199, 61200]), 61199)
  t.not(users.id('b', [61199, 61200]), 61200)
})

test('a daemon that comes after another gives nobody what that one has given away', t => {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-dynamic-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const id = createDynamicUsers(directory, () => false).id('a', [61300])
  const after = createDynamicUsers(directory, () => false)
  t.is(id, 61300)
  t.not(after.id('b', [61300]), 61300)
  t.is(after.id('a', []), 61300)
})

test('when all numbers are taken there is none', t => {
  t.is(createDynamicUsers(null, () => true).id('a', []), null)
})
