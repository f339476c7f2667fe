// What /proc tells of a process. Every answer may be out of date the moment it is given; null is "gone or not ours to see".
import { openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs'

export type ProcessStat = {
  pid: number
  command: string
  /** R, S, D, T, Z, X … (proc(5)). */
  state: string
  parent: number
  group: number
  session: number
  /** The controlling terminal's device number, 0: none. */
  terminal: number
  cpuUsec: number
  threads: number
  /** Ticks since boot: with the pid it names the process for good. */
  startTicks: number
  rssBytes: number
}

/** The kernel's USER_HZ, the same on every Linux that Node runs on. */
const TICK_USEC = 10_000
const PAGE_BYTES = 4096

const attempt = <T>(read: () => T): T | null => {
  try {
    return read()
  } catch {
    return null
  }
}

/** /proc/PID/stat (proc(5)), or null. */
export function readStat(pid: number): ProcessStat | null {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  if (text === null) return null
  // The name may itself hold spaces and parentheses: it ends at the last one.
  const end = text.lastIndexOf(')')
  const fields = text.slice(end + 2).split(' ')
  const number = (field: number) => Number(fields[field - 3])
  return {
    pid,
    command: text.slice(text.indexOf('(') + 1, end),
    state: fields[0] ?? '?',
    parent: number(4),
    group: number(5),
    session: number(6),
    terminal: number(7),
    cpuUsec: (number(14) + number(15)) * TICK_USEC,
    threads: number(20),
    startTicks: number(22),
    rssBytes: number(24) * PAGE_BYTES,
  }
}

let own: { fd: number; text: Buffer } | null | undefined

/** Our own children, zombies too: those of the main thread, which alone starts processes and is given the orphans. Null:
 * the kernel keeps no such list (CONFIG_PROC_CHILDREN). It is read whole, so that nothing moves while it is. */
export function readOwnChildren(): number[] | null {
  if (own === undefined) {
    const fd = attempt(() => openSync(`/proc/self/task/${process.pid}/children`, 'r'))
    own = fd === null ? null : { fd, text: Buffer.alloc(1 << 14) }
  }
  if (own === null) return null
  let length = readSync(own.fd, own.text, 0, own.text.length, 0)
  while (length === own.text.length) {
    own.text = Buffer.alloc(own.text.length * 4)
    length = readSync(own.fd, own.text, 0, own.text.length, 0)
  }
  const found: number[] = []
  let pid = 0
  for (let i = 0; i < length; i++) {
    const digit = (own.text[i] as number) - 0x30
    if (digit >= 0) pid = pid * 10 + digit
    else {
      if (pid > 0) found.push(pid)
      pid = 0
    }
  }
  return found
}

/** The children of a process, of all its threads. */
export function readChildren(pid: number): number[] {
  const single = attempt(() => statSync(`/proc/${pid}/task`).nlink === 3)
  if (single === null) return []
  const tasks = single ? [String(pid)] : (attempt(() => readdirSync(`/proc/${pid}/task`)) ?? [])
  const found: number[] = []
  for (const task of tasks) {
    const text = attempt(() => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8'))
    if (!text) continue
    for (const word of text.split(' ')) if (word !== '') found.push(Number(word))
  }
  return found
}

/** The environment that the process was executed with: empty when it was overwritten, null when it may not be read. */
export function readEnvironment(pid: number): Record<string, string> | null {
  const text = attempt(() => readFileSync(`/proc/${pid}/environ`, 'utf8'))
  if (text === null) return null
  const found: Record<string, string> = {}
  for (const entry of text.split('\0')) {
    const at = entry.indexOf('=')
    if (at > 0 && /^\w+$/.test(entry.slice(0, at))) found[entry.slice(0, at)] = entry.slice(at + 1)
  }
  return found
}

/** The command line for people: arguments joined by spaces, or the name in brackets when there is none. */
export function readCommandLine(pid: number): string | null {
  const text = attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  if (text === null) return null
  const line = text.replace(/\0+$/, '').replaceAll('\0', ' ')
  if (line !== '') return line
  const stat = readStat(pid)
  return stat ? `[${stat.command}]` : null
}

/** Every process that can be seen, by pid. */
export function allPids(): number[] {
  const names = attempt(() => readdirSync('/proc')) ?? []
  return names.filter(name => /^\d+$/.test(name)).map(Number)
}
