// journald's native protocol (systemd.io, JOURNAL_NATIVE_PROTOCOL): what sd_journal_send(3) sends.

export type JournalEntry = {
  /** PRIORITY=, 0 to 7; info when it is not given. */
  priority: number
  /** SYSLOG_IDENTIFIER=. */
  identifier: string | null
  /** SYSLOG_PID=: what the sender says. */
  pid: number | null
  message: Buffer
  /** The other fields; those that only journald itself may set (`_…`) are not among them. */
  fields: Readonly<Record<string, string>>
}

const NEWLINE = 0x0a
const EQUALS = 0x3d
const SIZE_BYTES = 8
const INFO = 6
/** journald takes as many. */
const MOST_FIELDS = 1024
/** What of the other fields is kept, as JSON, in characters: they stand in one line with the message. */
const FIELDS_LENGTH = 24 * 1024
const NAME = /^[A-Z][A-Z0-9_]{0,63}$/
/** Tells how many fields were too long to be kept. */
const OMITTED = 'HEARTH_OMITTED_FIELDS'

type Field = readonly [name: string, value: Buffer]

/** The entries of a datagram, which empty lines separate. Null: a field is not as the protocol has it, and nothing can be told
 * from where it stands on. */
export function parseEntries(bytes: Buffer): { entries: JournalEntry[]; isDamaged: boolean } {
  const entries: JournalEntry[] = []
  let fields: Field[] = []
  let isDamaged = false
  const end = () => {
    if (fields.length > 0) entries.push(toEntry(fields))
    fields = []
  }
  for (let at = 0; at < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, at)
    const lineEnd = newline === -1 ? bytes.length : newline
    if (lineEnd === at) {
      end()
      at++
      continue
    }
    const equals = bytes.indexOf(EQUALS, at)
    const isText = equals !== -1 && equals < lineEnd
    const name = bytes.toString('latin1', at, isText ? equals : lineEnd)
    let value: Buffer
    if (isText) {
      value = bytes.subarray(equals + 1, lineEnd)
      at = lineEnd + 1
    } else {
      const from = lineEnd + 1 + SIZE_BYTES
      const size = from <= bytes.length ? bytes.readBigUInt64LE(lineEnd + 1) : -1n
      if (size < 0n || size > BigInt(bytes.length - from)) {
        isDamaged = true
        break
      }
      value = bytes.subarray(from, from + Number(size))
      at = from + Number(size)
      if (at < bytes.length && bytes[at] !== NEWLINE) {
        isDamaged = true
        break
      }
      at++
    }
    if (NAME.test(name) && fields.length < MOST_FIELDS) fields.push([name, value])
  }
  end()
  return { entries, isDamaged }
}

function toEntry(all: readonly Field[]): JournalEntry {
  const find = (name: string) => all.find(field => field[0] === name)?.[1]
  const textOf = (name: string) => find(name)?.toString('utf8') ?? ''
  const priority = textOf('PRIORITY')
  const pid = textOf('SYSLOG_PID')
  return {
    priority: /^[0-7]$/.test(priority) ? Number(priority) : INFO,
    identifier: textOf('SYSLOG_IDENTIFIER') || null,
    pid: /^\d{1,10}$/.test(pid) ? Number(pid) : null,
    message: find('MESSAGE') ?? Buffer.alloc(0),
    fields: fieldsOf(all),
  }
}

const OWN = new Set(['PRIORITY', 'SYSLOG_IDENTIFIER', 'SYSLOG_PID', 'MESSAGE'])

/** Of a name that comes more than once all values, in lines. */
function fieldsOf(all: readonly Field[]): Record<string, string> {
  const found = new Map<string, string>()
  let length = 0
  let omitted = 0
  for (const [name, value] of all) {
    if (OWN.has(name)) continue
    const text = value.length > FIELDS_LENGTH ? null : value.toString('utf8')
    const size = text === null ? 0 : JSON.stringify(text).length + name.length + 4
    if (text === null || length + size > FIELDS_LENGTH) {
      omitted++
      continue
    }
    length += size
    const before = found.get(name)
    found.set(name, before === undefined ? text : `${before}\n${text}`)
  }
  if (omitted > 0) found.set(OMITTED, String(omitted))
  return Object.fromEntries(found)
}
