// The comparisons that conditions make: of numbers, of versions, of texts with patterns.
import { matches } from './glob.ts'

/** systemd's booleans; null: none. */
export function isTruth(text: string): boolean | null {
  const word = text.toLowerCase()
  if (['1', 'yes', 'y', 'true', 't', 'on'].includes(word)) return true
  if (['0', 'no', 'n', 'false', 'f', 'off'].includes(word)) return false
  return null
}

/** `512M`: powers of 1024, as sizes in unit files are; NaN: no size. */
export function parseBytes(text: string): number {
  const [, digits, suffix = ''] = /^\s*(\d+(?:\.\d+)?)\s*([KMGTPE]?)(?:i?B)?\s*$/i.exec(text) ?? []
  if (digits === undefined) return Number.NaN
  return Number(digits) * 1024 ** ' KMGTPE'.indexOf(suffix.toUpperCase() || ' ')
}

/** `>= 4` of a number; without an operator the value must be reached. Null: the text is no comparison. */
export function compare(
  text: string,
  value: number,
  parse: (text: string) => number,
): boolean | null {
  const [, operator = '', rest = ''] = /^\s*(<=|<>|<|>=|>|==|=|!=)?\s*(.*?)\s*$/s.exec(text) ?? []
  const wanted = rest === '' ? Number.NaN : parse(rest)
  if (Number.isNaN(wanted)) return null
  return holds(operator === '' ? '>=' : operator, Math.sign(value - wanted))
}

/** `=text`, `$=pattern`, `>=version`; `implied` is the operator of a text without one. Null: there is none. */
export function compareText(
  expression: string,
  value: string,
  implied: '$=' | null,
): boolean | null {
  const [, written, rest = ''] = /^(\$=|!\$=|<=|<>|<|>=|>|==|=|!=)?(.*)$/s.exec(expression) ?? []
  const operator = written ?? implied
  const wanted = rest.trim()
  switch (operator) {
    case null:
      return null
    case '$=':
      return matches(wanted, value)
    case '!$=':
      return !matches(wanted, value)
    case '=':
      return wanted === value
    case '!=':
      return wanted !== value
    default:
      return holds(operator, compareVersions(value, wanted))
  }
}

function holds(operator: string, order: number): boolean {
  switch (operator) {
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    case '=':
    case '==':
      return order === 0
    default:
      return order !== 0
  }
}

/** The order of versions by the UAPI group's rules, as systemd's strverscmp_improved(): `~` before all, then the end,
 * then `-`, `^`, `.`, and runs of digits as numbers above letters. */
export function compareVersions(a: string, b: string): number {
  const clean = (text: string) => text.replace(/[^A-Za-z0-9~.^-]+/g, '')
  let [left, right] = [clean(a), clean(b)]
  for (;;) {
    for (const mark of ['~', 'end', '-', '^', '.']) {
      const has = (text: string) => (mark === 'end' ? text === '' : text.startsWith(mark))
      if (mark === 'end' && has(left) && has(right)) return 0
      if (has(left) !== has(right)) return has(left) ? -1 : 1
      if (mark !== 'end' && has(left)) {
        left = left.slice(1)
        right = right.slice(1)
      }
    }
    const isNumber = /^\d/.test(left) || /^\d/.test(right)
    const run = isNumber ? /^\d*/ : /^[A-Za-z]*/
    const [x, y] = [run.exec(left)?.[0] ?? '', run.exec(right)?.[0] ?? '']
    left = left.slice(x.length)
    right = right.slice(y.length)
    const order = isNumber ? orderNumbers(x, y) : orderLetters(x, y)
    if (order !== 0) return order
  }
}

/** Without leading zeros the longer number is the larger. No number at all comes before any. */
function orderNumbers(x: string, y: string): number {
  if (x === '' || y === '') return Math.sign(x.length - y.length)
  const [a, b] = [x.replace(/^0+/, ''), y.replace(/^0+/, '')]
  return Math.sign(a.length - b.length) || orderLetters(a, b)
}

const orderLetters = (x: string, y: string) => (x < y ? -1 : x > y ? 1 : 0)
