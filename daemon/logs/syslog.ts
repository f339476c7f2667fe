// A message of syslog(3) as it comes at /dev/log: RFC 3164 without a host's name; RFC 5424 is understood, too (logger --rfc5424).

export type SyslogMessage = {
  /** 0 to 7. */
  priority: number
  facility: number
  /** The tag; null: there is none. */
  identifier: string | null
  /** What the sender says its process is. */
  pid: number | null
  /** STRUCTURED-DATA of RFC 5424, as `ID.PARAMETER`. */
  fields: Readonly<Record<string, string>>
  message: Buffer
}

/** syslog(3): what is not told. */
const USER = 1
const INFO = 6
const MOST_PRI = 23 * 8 + 7
/** The header is looked for in so many bytes. */
const HEAD_BYTES = 2048
const STAMP =
  /^(?:(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-]\d\d:\d\d)) /
const TAG = /^([^\s[\]]{1,256}?)(?:\[(\d{1,10})\])?:(?: |$)/
const RFC5424 =
  /^1 (?:-|\d{4}-\d\d-\d\dT\S{1,32}) \S{1,255} (\S{1,48}) (\S{1,128}) \S{1,32} (?=-(?: |$)|\[)/
const MARK = '\u00ef\u00bb\u00bf' // U+FEFF, as UTF-8 read as latin1

/** Takes a datagram apart; what is in no known form is a message as it stands. */
export function parseSyslog(bytes: Buffer): SyslogMessage {
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === 0 || bytes[end - 1] === 0x0a)) end--
  const head = bytes.toString('latin1', 0, Math.min(end, HEAD_BYTES))
  const [pri = '', value] = /^<(\d{1,3})>/.exec(head) ?? []
  const isGiven = value !== undefined && Number(value) <= MOST_PRI
  const code = isGiven ? Number(value) : USER * 8 + INFO
  const told = { priority: code & 7, facility: code >> 3 }
  const start = isGiven ? pri.length : 0
  const rest = head.slice(start)
  const modern = RFC5424.exec(rest)
  if (modern) {
    const [before, name = '', process = ''] = modern
    const data = readStructuredData(rest, before.length)
    if (data) {
      const at = start + data.end
      const from = head.startsWith(MARK, at) ? at + MARK.length : at
      return {
        ...told,
        identifier: name === '-' ? null : utf8(name),
        pid: /^\d{1,10}$/.test(process) ? Number(process) : null,
        fields: data.fields,
        message: bytes.subarray(from, end),
      }
    }
  }
  const stamp = STAMP.exec(rest)?.[0].length ?? 0
  const tag = TAG.exec(rest.slice(stamp))
  return {
    ...told,
    identifier: tag?.[1] === undefined ? null : utf8(tag[1]),
    pid: tag?.[2] === undefined ? null : Number(tag[2]),
    fields: {},
    message: bytes.subarray(start + stamp + (tag?.[0].length ?? 0), end),
  }
}

const utf8 = (latin1: string) => Buffer.from(latin1, 'latin1').toString('utf8')

/** `-`, or elements `[ID NAME="VALUE" …]`, at `from`, and the space behind; null: it is neither. */
function readStructuredData(
  text: string,
  from: number,
): { fields: Record<string, string>; end: number } | null {
  const fields: Record<string, string> = {}
  let at = from
  if (text[at] === '-') at++
  else {
    // SD-NAME, but without the backslash.
    const element = /\[([!#-<>-[^-~]{1,32})/y
    const parameter = / ([!#-<>-[^-~]{1,32})="((?:[^"\\\]]|\\.)*)"/y
    for (;;) {
      element.lastIndex = at
      const [opened, id = ''] = element.exec(text) ?? []
      if (opened === undefined) break
      at += opened.length
      for (;;) {
        parameter.lastIndex = at
        const [whole, name = '', value = ''] = parameter.exec(text) ?? []
        if (whole === undefined) break
        at += whole.length
        fields[`${id}.${name}`] = utf8(value.replace(/\\(["\\\]])/g, '$1'))
      }
      if (text[at] !== ']') return null
      at++
    }
  }
  if (at < text.length && text[at] !== ' ') return null
  return { fields, end: Math.min(at + 1, text.length) }
}
