// OpenFile= (systemd.service(5), since systemd 253).
import { err, ok } from 'neverthrow'
import type { OpenFile } from '../unit.ts'
import { listed, type Parse } from './parse.ts'

const ACCESS = ['read-only', 'append', 'truncate'] as const
const GRACEFUL = 'graceful'
// No control character and no colon, which divides the names in LISTEN_FDNAMES.
const NAME = /^[\x20-\x39\x3b-\x7e]{1,255}$/

/** `PATH[:NAME[:OPTION,…]]`. */
export const openFile: Parse<OpenFile[]> = (text, context) =>
  context.expand(text).andThen(value => {
    const [path = '', name = '', options = '', ...more] = value.split(':')
    if (!path.startsWith('/') || more.length > 0)
      return err<OpenFile[], string>('expected PATH:NAME:OPTIONS with an absolute path')
    const words = options === '' ? [] : options.split(',')
    const unknown = words.find(word => word !== GRACEFUL && !ACCESS.some(one => one === word))
    if (unknown !== undefined)
      return err(`expected options of ${listed([...ACCESS, GRACEFUL])}, not ${unknown}`)
    const access = ACCESS.filter(one => words.includes(one))
    if (access.length > 1 || new Set(words).size < words.length)
      return err('expected one of read-only, append and truncate, and no option twice')
    const own = name === '' ? path.slice(path.lastIndexOf('/') + 1) : name
    if (!NAME.test(own)) return err('expected a name of at most 255 printable characters')
    const graceful = words.includes(GRACEFUL)
    return ok<OpenFile[], string>([
      { path, name: own, access: access[0] ?? 'read-write', graceful },
    ])
  })

/** As `systemctl show` prints it. */
export function openFileText({ path, name, access, graceful }: OpenFile): string {
  const options = [...(access === 'read-write' ? [] : [access]), ...(graceful ? [GRACEFUL] : [])]
  return [path, name, ...(options.length > 0 ? [options.join(',')] : [])].join(':')
}
