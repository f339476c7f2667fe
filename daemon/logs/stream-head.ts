// What a program sends first on journald's stdout socket (sd_journal_stream_fd(3)): seven lines, and then its output.

export type StreamHead = {
  /** Null: none was given. */
  identifier: string | null
  /** As of syslog(3). */
  priority: number
  /** Whether a line may begin with `<N>`. */
  levelPrefix: boolean
  /** How many bytes the head takes up. */
  length: number
}

const NEWLINE = 0x0a
const LINES = 7
/** A head is never longer. */
const LONGEST = 4096
const INFO = 6

/** The head at the start of a stream; `more`: it is not whole yet; `bad`: it is none. */
export function parseStreamHead(bytes: Buffer): StreamHead | 'more' | 'bad' {
  const lines: string[] = []
  let at = 0
  while (lines.length < LINES) {
    const newline = bytes.indexOf(NEWLINE, at)
    const end = newline === -1 ? bytes.length : newline
    if (end > LONGEST) return 'bad'
    if (newline === -1) return 'more'
    lines.push(bytes.toString('utf8', at, newline))
    at = newline + 1
  }
  // The unit's name is the kernel's to tell; whether lines go to syslog, the kernel or the console is ours to say.
  const [identifier = '', , priority = '', levelPrefix = ''] = lines
  if (!/^\d{1,3}$/.test(priority) || !/^[01]$/.test(levelPrefix)) return 'bad'
  return {
    identifier: identifier || null,
    priority: Number(priority) <= 191 ? Number(priority) & 7 : INFO,
    levelPrefix: levelPrefix === '1',
    length: at,
  }
}
