// A record as a message of RFC 5424.
import type { LogRecord } from '../record.ts'

/** LOG_DAEMON: what services are. */
const DAEMON = 3
/** RFC 5612: the number for examples; there is none of our own. */
const ENTERPRISE = 32473
/** SD-NAME takes so many characters. */
const NAME = /^[!#-<>-[^-~]{1,32}$/

/** The message; its bytes are those of the line. */
export function formatSyslog(record: LogRecord, host: string): Buffer {
  const { timeUsec, unit, identifier, pid, priority, stream, invocationId, fields = {} } = record
  const { SYSLOG_FACILITY, ...others } = fields
  const given = Number(SYSLOG_FACILITY ?? DAEMON)
  const facility = Number.isInteger(given) && given >= 0 && given <= 23 ? given : DAEMON
  const milliseconds = Math.floor(timeUsec / 1000)
  const micros = String(timeUsec - milliseconds * 1000).padStart(3, '0')
  const time = `${new Date(milliseconds).toISOString().slice(0, 23)}${micros}Z`
  const about = { unit, run: invocationId, stream }
  const head = [
    `<${facility * 8 + priority}>1`,
    time,
    word(host, 255),
    word(identifier, 48),
    pid === null ? '-' : String(pid),
    '-',
    element('hearth', about) + element('fields', others),
  ].join(' ')
  return Buffer.concat([
    Buffer.from(`${head} `),
    Buffer.from(record.message, record.binary ? 'latin1' : 'utf8'),
  ])
}

/** A message in a stream: RFC 6587, octet counting, so that any byte may be in it. */
export const frameSyslog = (message: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${message.length} `), message])

/** Printable ASCII without blanks, at most so long; `-`: nothing. */
const word = (text: string, most: number) => text.replace(/[^!-~]/g, '_').slice(0, most) || '-'

function element(id: string, parameters: Readonly<Record<string, string>>): string {
  let told = ''
  for (const [name, value] of Object.entries(parameters))
    if (value !== '' && NAME.test(name)) told += ` ${name}="${value.replace(/["\\\]]/g, '\\$&')}"`
  return told === '' ? '' : `[${id}@${ENTERPRISE}${told}]`
}
