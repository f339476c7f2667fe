// What is called done of systemd.exec(5), systemd.kill(5), systemd.service(5) and of sockets, timers and paths stands in a unit
// that a test starts.
import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { MANUAL } from '../../build/directives/manual.ts'
import { createDirectives } from '../../daemon/units/directives.ts'

const PAGES = new Set([
  ...['systemd.exec(5)', 'systemd.kill(5)', 'systemd.service(5)'],
  ...['systemd.socket(5)', 'systemd.timer(5)', 'systemd.path(5)'],
])

/** The sources of the tests that boot a daemon, without their own prose: comments, titles, messages that are expected. */
function sources(folder: string): string {
  const at = new URL(folder, import.meta.url)
  return readdirSync(at)
    .filter(name => name.endsWith('.test.ts'))
    .map(name => readFileSync(new URL(name, at), 'utf8'))
    .join('\n')
    .replaceAll('\\n', '\n')
    .replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '')
    .replace(/(?:title:|test\(|socket\()\s*'(?![A-Z]\w+=\S)[^'\n]*',/g, '')
    .replace(/(?:said|verified): \/.*$/gm, '')
}

test('every directive that is called done stands in a unit that a test starts', t => {
  const table = createDirectives()
  const units = sources('./') + sources('../system/')
  const set = new Set([...units.matchAll(/(?<![\w%])([A-Z]\w+)=/g)].map(([, name]) => name))
  const missing = MANUAL.filter(({ page }) => PAGES.has(page)).flatMap(({ section, names }) =>
    names
      .trim()
      .split(/\s+/)
      .filter(name => {
        const row = table.find(section, name)
        return row?.status === 'enforced' && row.missing === null && !set.has(name)
      })
      .map(name => `[${section}] ${name}=`),
  )
  t.deepEqual(missing, [])
})
