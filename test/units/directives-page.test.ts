// docs/directives.md.
import { readFileSync } from 'node:fs'
import test from 'ava'
import { directivesPage } from '../../build/directives/docs.ts'

test('the page of directives is what the table of directives says', t => {
  const page = readFileSync(new URL('../../docs/directives.md', import.meta.url), 'utf8')
  t.true(page === directivesPage(), 'docs/directives.md is not up to date: npm run docs')
})
