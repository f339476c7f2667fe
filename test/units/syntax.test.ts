import test from 'ava'
import { describeProblem } from '../../daemon/units/errors.ts'
import { readUnitFile } from '../../daemon/units/syntax.ts'

const read = (text: string | Uint8Array) =>
  readUnitFile('/u', typeof text === 'string' ? new TextEncoder().encode(text) : text)
const values = (text: string | Uint8Array) =>
  read(text).assignments.map(({ section, name, value }) => `${section}.${name}=${value}`)

test('an assignment belongs to the section before it, spaces around name and value do not', t => {
  t.deepEqual(values('[Unit]\nDescription = A  b \n[Service]\n\tExecStart=/bin/true\n'), [
    'Unit.Description=A  b',
    'Service.ExecStart=/bin/true',
  ])
})

test('lines that begin with # or ; are comments, also between continued lines', t => {
  t.deepEqual(values('# a\n; b\n[S]\nA=1 \\\n# c\n ; d\n2\nB=x # no comment\n'), [
    'S.A=1  2',
    'S.B=x # no comment',
  ])
})

test('a backslash at the end continues the line and becomes a space; an escaped one does not', t => {
  t.deepEqual(values('[S]\nA=1\\\n  2\\\n3\nB=x\\\\\nC=y'), ['S.A=1   2 3', 'S.B=x\\\\', 'S.C=y'])
})

test('a continuation at the end of the file ends there', t => {
  t.deepEqual(values('[S]\nA=1\\\n'), ['S.A=1'])
})

test('lines may end in CRLF, and a byte order mark is skipped', t => {
  t.deepEqual(values('\ufeff[S]\r\nA=1 \\\r\n2\r\nB=\r\n'), ['S.A=1  2', 'S.B='])
})

test('a section may be opened again', t => {
  const file = read('[S]\nA=1\n[T]\nA=2\n[S]\nA=3\n')
  t.deepEqual(
    file.assignments.map(({ section, value }) => section + value),
    ['S1', 'T2', 'S3'],
  )
  t.deepEqual(
    file.sections.map(({ name, place }) => [name, place.line]),
    [
      ['S', 1],
      ['T', 3],
    ],
  )
})

test('an assignment knows its first line and the column of its value', t => {
  const [first, second] = read('[S]\nA=1\\\n2\n  Bee = x\n').assignments
  t.deepEqual([first?.line, first?.column], [2, 3])
  t.deepEqual([second?.line, second?.column], [4, 9])
})

test('what cannot be understood is left out with a warning that names file and line', t => {
  const file = read('A=0\n[S]\nnonsense\n=1\nB=2\n')
  t.deepEqual(file.problems.map(describeProblem), [
    '/u:1: "A=0" stands before the first section, ignored',
    '/u:3: "nonsense" has no =, ignored; expected Name=value',
    '/u:4: "=1" has no name before its =, ignored',
  ])
  t.true(file.problems.every(({ severity }) => severity === 'warning'))
  t.deepEqual(values('A=0\n[S]\nnonsense\n=1\nB=2\n'), ['S.B=2'])
})

test('a broken section header is an error: what follows belongs nowhere', t => {
  const file = read('[S]\nA=1\n[Serv\nB=2\n')
  t.is(file.problems[0]?.severity, 'error')
  t.is(
    describeProblem(file.problems[0] as never),
    '/u:3: cannot read the section header "[Serv": expected [Name]',
  )
  t.is(file.assignments.length, 1)
})

test('a line with a NUL byte or bytes that are not UTF-8 is left out with a warning', t => {
  const bytes = new TextEncoder().encode('[S]\nA=1\nB=?\nC=3\nD=\0\nE=5\n')
  bytes[bytes.indexOf(0x3f)] = 0xff
  const file = read(bytes)
  t.deepEqual(values(bytes), ['S.A=1', 'S.C=3', 'S.E=5'])
  t.deepEqual(file.problems.map(describeProblem), [
    '/u:3: the line holds bytes that are not UTF-8, ignored',
    '/u:5: the line holds a NUL byte, ignored',
  ])
})

test('a line of more than 1 MiB is an error, with its continuations too', t => {
  t.is(read(`[S]\nA=${'x'.repeat(1024 * 1024)}\n`).problems[0]?.severity, 'error')
  const half = 'x'.repeat(600 * 1024)
  t.is(read(`[S]\nA=${half}\\\n${half}\n`).problems[0]?.severity, 'error')
  t.deepEqual(read(`[S]\nA=${half}\nB=${half}\n`).problems, [])
})

test('an empty file has nothing', t => {
  t.deepEqual(read(''), { path: '/u', assignments: [], sections: [], problems: [] })
})
