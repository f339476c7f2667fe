// Writes docs/directives.md: what becomes of every directive, as the table of directives says it.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createDirectives, type Directive, SECTIONS } from '../../daemon/units/directives.ts'
import { yesNo } from '../../daemon/units/print.ts'
import { MANUAL, UNDOCUMENTED } from './manual.ts'

const FILE = fileURLToPath(new URL('../../docs/directives.md', import.meta.url))

const STATES = ['done', 'partly', 'not in a container', 'not done'] as const
type State = (typeof STATES)[number]

const table = createDirectives()
const words = (text: string) => text.trim().split(/\s+/)

function stateOf({ status, missing }: Directive): State {
  if (status === 'inert') return 'not in a container'
  if (status === 'not-enforced') return 'not done'
  return missing === null ? 'done' : 'partly'
}

function remarkOf(row: Directive, name: string): string {
  const parts = [
    ...(row.name === name ? [] : [`as \`${row.name}=\``]),
    ...(row.missing === null ? [] : [`missing: ${row.missing}`]),
    ...(row.note === null ? [] : [row.note]),
  ]
  return parts.join('; ').replaceAll('|', '\\|')
}

type Counts = Record<State, number>

function tableOf(section: string, names: readonly string[], counts: Counts): string {
  const lines = names.map(name => {
    const row = table.find(section, name)
    if (row === null) throw new Error(`the table has no ${section}.${name}`)
    const state = stateOf(row)
    counts[state]++
    return `| \`${name}=\` | ${state} | ${remarkOf(row, name)} |`
  })
  return ['| directive | state | remark |', '| --- | --- | --- |', ...lines].join('\n')
}

const title = (text: string) => {
  const lower = text
    .toLowerCase()
    .replace(/\[(\w)(\w*)\] section options/, (_, a, b) => `[${a.toUpperCase()}${b}]`)
  return lower.charAt(0).toUpperCase() + lower.slice(1)
}

/** The sections whose rows are those of [Service] as well, by page. */
const ALSO: Readonly<Record<string, string>> = {
  'systemd.exec(5)': '[Service], [Socket], [Mount], [Swap]',
  'systemd.kill(5)': '[Service], [Socket], [Mount], [Swap], [Scope]',
  'systemd.resource-control(5)': '[Service], [Socket], [Mount], [Swap], [Slice], [Scope]',
}

/** What the table has in a section that neither the manual of 252 nor systemd 252 itself knows. */
function newerOf(section: string, shared: ReadonlySet<string>): string[] {
  const known = new Set([
    ...MANUAL.filter(part => part.section === section).flatMap(part => words(part.names)),
    ...words(UNDOCUMENTED[section] ?? ''),
  ])
  const rows = table.section(section).map(({ name }) => name)
  return [...new Set(rows)].filter(name => !known.has(name) && !shared.has(name)).sort()
}

const ownLine = ({ name, default: fallback, note }: Directive) =>
  `| \`${name}=\` | ${typeof fallback === 'boolean' ? yesNo(fallback) : (fallback ?? '')} | ${note ?? ''} |`

/** The page as it should be. */
export function directivesPage(): string {
  const counts = Object.fromEntries(STATES.map(state => [state, 0])) as Counts
  const parts: string[] = []
  let page = ''
  for (const part of MANUAL) {
    if (part.page !== page) {
      page = part.page
      const also = ALSO[page]
      parts.push(`## ${page}`, ...(also === undefined ? [] : [`In ${also}.`]))
    }
    if (part.heading !== null) parts.push(`### ${title(part.heading)}`)
    parts.push(tableOf(part.section, words(part.names), counts))
  }

  parts.push('## Older spellings, and what the manual leaves out')
  for (const [section, names] of Object.entries(UNDOCUMENTED))
    parts.push(`### [${section}]`, tableOf(section, words(names), counts))

  parts.push('## Since systemd 253')
  const service = newerOf('Service', new Set())
  const inService = new Set([
    ...service,
    ...MANUAL.filter(({ section }) => section === 'Service').flatMap(({ names }) => words(names)),
    ...words(UNDOCUMENTED.Service ?? ''),
  ])
  for (const section of SECTIONS) {
    if (section === 'X-Hearth') continue
    const names = section === 'Service' ? service : newerOf(section, inService)
    if (names.length > 0) parts.push(`### In [${section}]`, tableOf(section, names, counts))
  }

  const total = STATES.reduce((sum, state) => sum + counts[state], 0)
  const all = [
    '# Directives',
    `<!-- Made by \`npm run docs\` from the table of directives (daemon/units/directives/); not to be edited. -->
What hearth does with each directive of systemd, in the order of the manual pages of systemd 252 and then what has come since.
All are read, none is an error. What is *done* may still need what a container forbids: \`ctl fidelity\` tells, for the
units and the machine at hand. hearth's own are at the end.`,
    `| state | directives | |
| --- | --- | --- |
| done | ${counts.done} | as in systemd |
| partly | ${counts.partly} | but for what the remark says |
| not in a container | ${counts['not in a container']} | without a meaning there, and nothing is lost |
| not done | ${counts['not done']} | read and kept; \`ctl verify\` tells of it |
| all | ${total} | |`,
    ...parts,
    '## [X-Hearth]',
    'hearth’s own. systemd ignores the section, so a unit stays valid for both.',
    [
      '| directive | default | |',
      '| --- | --- | --- |',
      ...table.section('X-Hearth').map(ownLine),
    ].join('\n'),
  ]
  return `${all.join('\n\n')}\n`
}

if (import.meta.main) writeFileSync(FILE, directivesPage())
