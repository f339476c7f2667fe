// The pager: on a terminal, what does not fit on the screen goes through less (systemctl(1), journalctl(1), ENVIRONMENT). What
// fits is printed as it is: a pager takes several times as long to start as a status takes to be told.
import { type ChildProcess, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'

export type PagerSettings = {
  environment: Readonly<Record<string, string | undefined>>
  /** Of the terminal, in cells. */
  rows: number
  columns: number
  /** It begins at the end of what is told (journalctl -e). */
  atEnd: boolean
  /** Prints past the pager. */
  print: (content: string | Uint8Array) => void
}

export interface Pager {
  write(content: string | Uint8Array): void
  /** Resolves when it has taken what was written; undefined when it has already. */
  drained(): undefined | Promise<void>
  /** Resolves when all is printed and the reader has left. */
  finish(): Promise<void>
}

/** systemd's: quit when it fits on one screen or by Ctrl-C, colours as they are, long lines cut, the screen left as it is. */
const LESS = 'FRSXMK'
const USUAL = ['pager', 'less', 'more']
const NEWLINE = 10

type Program = { argv: readonly [string, ...string[]]; environment: NodeJS.ProcessEnv }

/** The programs to try, the first that is there is the one; none: what the user has switched off. As in systemd, $PAGER and
 * $SYSTEMD_PAGER name another one only where $SYSTEMD_PAGERSECURE is set, as a pager can do whatever its user may. */
export function pagerPrograms(
  environment: Readonly<Record<string, string | undefined>>,
  atEnd: boolean,
  isElevated: boolean,
): readonly Program[] {
  const { SYSTEMD_PAGER, PAGER, SYSTEMD_PAGERSECURE, SYSTEMD_LESS, SYSTEMD_LESSCHARSET, TERM } =
    environment
  const wanted = SYSTEMD_PAGER ?? PAGER
  if (wanted === '' || wanted === 'cat' || TERM === undefined || TERM === 'dumb') return []
  const isSecure =
    SYSTEMD_PAGERSECURE === undefined
      ? isElevated
      : /^(1|y|yes|t|true|on)$/i.test(SYSTEMD_PAGERSECURE)
  const told: NodeJS.ProcessEnv = {
    ...environment,
    LESS: `${SYSTEMD_LESS ?? LESS}${atEnd ? ' +G' : ''}`,
    LESSCHARSET: SYSTEMD_LESSCHARSET ?? 'utf-8',
  }
  if (isSecure) told.LESSSECURE = '1'
  const isHonoured = wanted !== undefined && SYSTEMD_PAGERSECURE !== undefined
  const names = [...(isHonoured ? [wanted] : []), ...(isSecure ? ['less'] : USUAL)]
  return names.map(name => {
    const [program = '', ...args] = name.trim().split(/\s+/)
    return { argv: [program, ...args], environment: told }
  })
}

/** Holds back what is written until it is more than a screen; a pager takes it from there. */
export function createPager(settings: PagerSettings): Pager {
  const { environment, rows, columns, atEnd, print } = settings
  const isElevated =
    environment.SUDO_UID !== undefined || process.geteuid?.() !== process.getuid?.()
  let programs = pagerPrograms(environment, atEnd, isElevated)
  let held: (string | Uint8Array)[] = []
  let lines = 0
  let input: Writable | null = null
  let ended: Promise<void> = Promise.resolve()

  const release = () => {
    const all = held
    held = []
    for (const content of all) pass(content)
  }
  const pass = (content: string | Uint8Array) => {
    if (input === null) print(content)
    // What a reader that has left did not want to see.
    else if (input.writable) input.write(content)
  }
  const start = () => {
    const [next, ...others] = programs
    programs = others
    if (next === undefined) return release()
    const [program, ...args] = next.argv
    const child = spawn(program, args, {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: next.environment,
    })
    // Without a pid it could not be run; that is told later, too.
    child.on('error', () => {})
    if (child.pid === undefined) return start()
    attach(child)
    release()
  }
  const attach = (child: ChildProcess) => {
    input = child.stdin
    input?.on('error', () => {})
    // Ctrl-C is for the pager: it decides whether it ends, and we end with it.
    process.on('SIGINT', () => {})
    ended = new Promise(resolve => child.once('exit', () => resolve()))
    // Nobody reads any more what is still to come, of a log that is followed say.
    void ended.then(() => process.exit())
  }

  return {
    write(content) {
      if (input !== null || programs.length === 0) return pass(content)
      held.push(content)
      lines += linesOf(content, columns)
      if (lines >= rows) start()
    },
    drained() {
      if (!input?.writableNeedDrain) return undefined
      const pager = input
      return new Promise(resolve => {
        for (const event of ['drain', 'close', 'error']) pager.once(event, () => resolve())
      })
    },
    async finish() {
      release()
      if (input === null) return
      input.end()
      await ended
    },
  }
}

/** How many lines of the screen it takes, or a few more where it holds colours. */
function linesOf(content: string | Uint8Array, columns: number): number {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  let lines = 0
  let width = 0
  for (const byte of bytes) {
    if (byte === NEWLINE) {
      lines++
      width = 0
    } else if (++width > columns) {
      lines++
      width = 1
    }
  }
  return lines
}
