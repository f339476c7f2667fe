// The bundle's text as V8 gets it: out of a sealed copy, whatever becomes of the file.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import test from 'ava'
import { native as loadNative } from '../../daemon/runtime/native.ts'

type Source = { sourceText(path: string): string; sourceFd(): number }
const native = loadNative() as ReturnType<typeof loadNative> & Source

test.serial(
  'the text is the file’s, stays when that is written over, and can be had again by its descriptor',
  t => {
    const directory = mkdtempSync(`${tmpdir()}/hearth-source-`)
    t.teardown(() => rmSync(directory, { recursive: true }))
    const path = `${directory}/bundle.js`
    const written = `//${'first line '.repeat(20_000)}\n(function(){return "é".length})`
    writeFileSync(path, written, 'latin1')
    t.is(native.sourceFd(), -1)
    const text = native.sourceText(path)
    writeFileSync(path, 'x'.repeat(written.length))
    native.trim()
    t.is(text, written)
    const fd = native.sourceFd()
    t.true(fd >= 0)
    t.throws(() => writeFileSync(`/proc/self/fd/${fd}`, 'y'), { code: 'EPERM' })
    t.is(readFileSync(`/proc/self/fd/${fd}`, 'latin1'), written)
    t.is(native.sourceText(`/proc/self/fd/${fd}`), written)
  },
)

test('a file that is not there is told', t => {
  t.throws(() => native.sourceText('/no/such/file'), { code: 'ENOENT' })
})
