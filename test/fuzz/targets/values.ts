// Values: what is read and printed is read as the same.
import { ok } from 'neverthrow'
import { printCalendar, readCalendar } from '../../../daemon/units/values/calendar.ts'
import { readCommands } from '../../../daemon/units/values/command.ts'
import { assignments } from '../../../daemon/units/values/environment.ts'
import { formatTimespan } from '../../../daemon/units/values/format-timespan.ts'
import { nextElapse } from '../../../daemon/units/values/next-elapse.ts'
import { readSize } from '../../../daemon/units/values/number.ts'
import { numberSetText, readNumberSet } from '../../../daemon/units/values/number-set.ts'
import { openFile, openFileText } from '../../../daemon/units/values/open-file.ts'
import { readSocketAddress, socketAddressText } from '../../../daemon/units/values/socket.ts'
import { readTimespan } from '../../../daemon/units/values/timespan.ts'
import { readTimestamp } from '../../../daemon/units/values/timestamp.ts'
import { unescapeBytes } from '../../../daemon/units/values/unescape.ts'
import {
  escapeName,
  escapePath,
  isUnitName,
  mangleName,
  unescapeName,
  unescapePath,
} from '../../../daemon/units/values/unit-name.ts'
import { words } from '../../../daemon/units/values/words.ts'
import { UTC } from '../../../daemon/units/values/zone.ts'
import { expect, kindOf, type Target, texts } from '../target.ts'

const NOW = 1_795_641_812_000_000
const context = { expand: (text: string) => ok<string, string>(text), warn: () => {} }
const textOf = (input: Uint8Array) => new TextDecoder().decode(input)
const same = (a: unknown, b: unknown, what: string) =>
  expect(JSON.stringify(a) === JSON.stringify(b), `${what}: ${JSON.stringify([a, b])}`)

const calendar: Target = {
  name: 'calendar',
  corpus: texts(
    'Mon..Fri *-*-* 08:00:00',
    'hourly',
    '*-02~01/3 Europe/Berlin',
    '2026,2028-1..6/2-1 12:0/5:3.5 UTC',
    'Sat,Sun 10:*/15',
    '@1700000000',
    '*:*:0/0.1',
  ),
  words: ['*', '..', '/', '~', ',', ':', '-', 'Mon', 'weekly', ' UTC', '1970', '2199', '.000001'],
  run(input) {
    const found = readCalendar(textOf(input))
    if (found.isErr()) return kindOf(found.error)
    const printed = printCalendar(found.value)
    const again = readCalendar(printed)
    expect(again.isOk(), `${printed} is not read again`)
    same(printCalendar(again.value), printed, 'printed again')
    let moment = NOW
    for (let i = 0; i < 3; i++) {
      const next = nextElapse(found.value, moment, UTC)
      same(next, nextElapse(again.value, moment, UTC), 'the next elapse of what is printed')
      if (next === null) break
      expect(next > moment, `${next} is not after ${moment}`)
      moment = next
    }
    return printed.replace(/\d+/g, '0').slice(0, 40)
  },
}

const timespan: Target = {
  name: 'timespan',
  corpus: texts('1min 30s', '2.5h', '100', 'infinity', '1y 2months 3w', '5us', '1.000001s', '+3 s'),
  words: ['s', 'min', 'months', 'M', 'y', 'us', 'µs', 'μs', '.', ' ', '18446744073709551615'],
  run(input) {
    const text = textOf(input)
    const usec = readTimespan(text)
    const stamp = readTimestamp(text, NOW, UTC)
    const kind = stamp.isOk() ? 'moment' : kindOf(stamp.error)
    if (stamp.isOk()) expect(Number.isFinite(stamp.value), `the moment ${stamp.value}`)
    if (typeof usec !== 'bigint') return `${usec} ${kind}`
    expect(usec >= 0n && usec < 2n ** 64n, `out of range: ${usec}`)
    const printed = formatTimespan(usec)
    expect(readTimespan(printed) === usec, `${usec} is printed as ${printed}`)
    return `${printed.replace(/\d+/g, '')} ${kind}`
  },
}

const timestamp: Target = {
  name: 'timestamp',
  corpus: texts(
    '2026-11-25 21:23:32 UTC',
    'yesterday',
    '-5min',
    '+1h 30s',
    '@1700000000.5',
    'Wed 2026-11-25',
    '12:30',
    '2 days ago',
    'now',
  ),
  words: ['today', 'tomorrow', ' ago', ' left', '@', 'UTC', 'Europe/Berlin', '9999', '.999999'],
  run(input) {
    const moment = readTimestamp(textOf(input), NOW, UTC)
    if (moment.isErr()) return kindOf(moment.error)
    expect(Number.isFinite(moment.value) && moment.value >= 0, `the moment ${moment.value}`)
    return String(Math.sign(moment.value - NOW)) + textOf(input).replace(/\d+/g, '0').slice(0, 12)
  },
}

const names: Target = {
  name: 'unit-names',
  corpus: texts(
    'web.service',
    'a@b.service',
    '/dev/sda',
    'a-b\\x2dc.mount',
    'web',
    'a*.service',
    'é/b',
    '..',
  ),
  words: ['.service', '.mount', '@', '\\x2d', '\\x', '/', '//', '/./', '-', '*'],
  run(input) {
    const text = textOf(input)
    same(unescapeName(escapeName(text)).unwrapOr('?'), text, 'escaped')
    const path = escapePath(`/${text}`)
    if (path.isOk()) expect(unescapePath(path.value).isOk(), `${path.value} is no path again`)
    const name = mangleName(text, { keepGlobs: false })
    if (name.isOk())
      expect(isUnitName(name.value) || name.value.length > 255, `${name.value} is no unit name`)
    return `${isUnitName(text)} ${path.isOk()} ${name.isOk() ? name.value.split('.').at(-1) : kindOf(name.error)}`
  },
}

const lists: Target = {
  name: 'words',
  corpus: texts(
    'a "b c" \'d\' e\\x20f',
    'A=b "C=d e"',
    '-/bin/a $B ${C} ; /bin/d',
    '@/bin/a b',
    '10M',
    '1.5G',
    '0-3 5,7',
    '/a:b:append,graceful',
    '\\101\\u00e9\\n',
  ),
  words: [
    '"',
    "'",
    '\\',
    '\\x41',
    '\\U0001f600',
    ' ; ',
    '+',
    '!!',
    '-',
    '$$',
    '%%',
    ':',
    'graceful',
  ],
  run(input) {
    const text = textOf(input)
    const list = words(text)
    const commands = readCommands(text, context)
    if (commands.isOk())
      for (const { path, argv } of commands.value)
        expect(path.length > 0 && argv.length > 0, 'a command without a name')
    const variables = assignments(text, context)
    if (variables.isOk())
      for (const each of variables.value) expect(/^[A-Za-z_]\w*=/.test(each), `variable ${each}`)
    const size = readSize(text)
    if (size.isOk()) expect(size.value >= 0, `size ${size.value}`)
    const numbers = readNumberSet(text)
    if (numbers.isOk())
      same(readNumberSet(numberSetText(numbers.value)).unwrapOr([-1]), numbers.value, 'numbers')
    const file = openFile(text, context)
    if (file.isOk() && file.value[0])
      same(openFile(openFileText(file.value[0]), context).unwrapOr([]), file.value, 'file')
    const bytes = unescapeBytes(text)
    return [list, commands, variables, size, numbers, file, bytes]
      .map(each => (each.isOk() ? 'ok' : kindOf(each.error).slice(0, 20)))
      .join('|')
  },
}

const addresses: Target = {
  name: 'addresses',
  corpus: texts(
    '80',
    '127.0.0.1:80',
    '[::1]:80',
    '[fe80::1%eth0]:80',
    '/run/a',
    '@a',
    'vsock:2:3',
    '[::ffff:1.2.3.4]:1%lo',
  ),
  words: ['[', ']', '::', '%', ':', '65535', 'vsock:', '@', '/', '.'],
  run(input) {
    const found = readSocketAddress(textOf(input))
    if (found.isErr()) return kindOf(found.error)
    const printed = socketAddressText(found.value)
    same(readSocketAddress(printed).unwrapOr(null), found.value, 'printed')
    return printed.replace(/\w+/g, 'a').slice(0, 20)
  },
}

export const values = [calendar, timespan, timestamp, names, lists, addresses]
