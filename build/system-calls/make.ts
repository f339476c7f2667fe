// Makes the tables in daemon/units/system-calls/: numbers from libseccomp's table and the kernel's headers, groups from
// systemd. It takes a C compiler, libseccomp-dev, linux-libc-dev and systemd-analyze; what it makes is committed.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const target = join(here, '../../daemon/units/system-calls')

/** Those that Debian 12's libseccomp does not know yet: since 424 a number is the same on all architectures. */
const NEWER: Readonly<Record<string, string>> = {
  uretprobe: '335 - - - -',
  uprobe: '336 - - - -',
  cachestat: '451',
  fchmodat2: '452',
  map_shadow_stack: '453',
  futex_wake: '454',
  futex_wait: '455',
  futex_requeue: '456',
  statmount: '457',
  listmount: '458',
  lsm_get_self_attr: '459',
  lsm_set_self_attr: '460',
  lsm_list_modules: '461',
  mseal: '462',
  setxattrat: '463',
  getxattrat: '464',
  listxattrat: '465',
  removexattrat: '466',
  open_tree_attr: '467',
  file_getattr: '468',
  file_setattr: '469',
  listns: '470',
}

/** On x86 libseccomp counts those that can also be made through socketcall and ipc as missing. */
function directNumbers(): Map<string, string> {
  const header = readFileSync('/usr/include/x86_64-linux-gnu/asm/unistd_32.h', 'utf8')
  return new Map(
    [...header.matchAll(/^#define __NR_(\w+) (\d+)$/gm)].map(([, name = '', number = '']) => [
      name,
      number,
    ]),
  )
}

/** `@group` -> its help and members, as `systemd-analyze syscall-filter` prints them. */
function groups(): Map<string, { help: string; members: string[] }> {
  const found = new Map<string, { help: string; members: string[] }>()
  const text = execFileSync('systemd-analyze', ['syscall-filter'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let group = { help: '', members: [] as string[] }
  for (const line of text.split('\n')) {
    const words = line.trim()
    if (line.startsWith('@')) {
      group = { help: '', members: [] }
      found.set(words, group)
    } else if (line.startsWith('    # ')) group.help = words.slice(2)
    else if (/^ {4}[@\w-]+$/.test(line)) group.members.push(words)
    else if (words !== '' && !line.startsWith('#'))
      throw new Error(`systemd-analyze says '${line}'`)
  }
  return found
}

function numbers(names: readonly string[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-system-calls-'))
  try {
    const program = join(directory, 'numbers')
    execFileSync('cc', ['-o', program, join(here, 'numbers.c'), '-lseccomp'])
    const direct = directNumbers()
    return execFileSync(program, { input: names.join('\n'), encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(line => {
        const [name = '', ...columns] = line.split(' ')
        if (columns.every(number => number === '-') && NEWER[name]) return `${name} ${NEWER[name]}`
        if (columns[1] === '-') columns[1] = direct.get(name) ?? '-'
        return new Set(columns).size === 1
          ? `${name} ${columns[0]}`
          : `${name} ${columns.join(' ')}`
      })
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const listed = groups()
const header = readFileSync('/usr/include/seccomp-syscalls.h', 'utf8')
const names = new Set([
  ...[...header.matchAll(/^#define __SNR_(\w+)/gm)].map(([, name = '']) => name),
  ...[...listed.values()].flatMap(({ members }) => members.filter(name => !name.startsWith('@'))),
  ...Object.keys(NEWER),
])
const GENERATED = 'Made by build/system-calls/make.ts; not to be edited.'
writeFileSync(
  join(target, 'table.ts'),
  `// ${GENERATED}

/** A line for each system call: its numbers on x86-64, x86, x32 (without its bit), arm64 and arm, \`-\` for none; one
 * number when it is the same on all. */
export const TABLE = \`
${numbers([...names].sort()).join('\n')}
\`
`,
)
const known = new Set(
  (listed.get('@known')?.members ?? []).flatMap(name => listed.get(name)?.members ?? [name]),
)
const unknown = [...names].filter(name => !known.has(name) && !(name in NEWER)).sort()
listed.delete('@known')
writeFileSync(
  join(target, 'groups.ts'),
  `// ${GENERATED}

/** The groups of systemd 252 but for @known: a line with its name and what it is, then its members. */
export const GROUPS = \`
${[...listed].map(([name, { help, members }]) => `${name} ${help}\n${members.join(' ')}`).join('\n')}
\`

/** What the table has beside @known. */
export const BEYOND_KNOWN = \`${unknown.join(' ')}\`
`,
)
