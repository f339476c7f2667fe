import { readFileSync } from 'node:fs'
import test from 'ava'
import { NEEDS } from '../../daemon/control/authorise.ts'
import { METHOD_NAMES, parseRequest } from '../../daemon/control/validate.ts'

const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')

test('docs/protocol.md has every method in a row of its tables', t => {
  const rows = page.split('\n').filter(row => row.startsWith('| `'))
  for (const method of METHOD_NAMES) {
    t.true(
      rows.some(row => row.split('|')[1]?.includes(`\`${method}\``)),
      method,
    )
  }
})

test('docs/protocol.md marks as read what readers may call', t => {
  const asking = page.slice(page.indexOf('### Asking'), page.indexOf('### Unit files'))
  for (const method of METHOD_NAMES) {
    const marked = page.includes(`| \`${method}\` *read*`) || asking.includes(`\n| \`${method}\` |`)
    t.is(marked, NEEDS[method] === 'reader', method)
  }
})

test('the requests of docs/protocol.md are valid', t => {
  const requests = page.match(/\{"type":"request","data":.*?\}\}(?=\\n|')/g) ?? []
  t.true(requests.length >= 4)
  for (const text of requests) t.true(parseRequest(JSON.parse(text).data).isOk(), text)
})
