// ctl analyze escape: systemd-escape(1), with its options.
import { err, ok, type Result } from 'neverthrow'
import {
  escapeName,
  escapePath,
  instanceOf,
  isUnitName,
  mangleName,
  nameKind,
  templateOf,
  unescapeName,
  unescapePath,
  unitType,
  withInstance,
} from '../../daemon/units/values/unit-name.ts'
import { complain, type OptionTable, print, readWords, refuse, type Subcommand } from './command.ts'

const OPTIONS: OptionTable = {
  path: { short: 'p', takes: 'nothing' },
  unescape: { short: 'u', takes: 'nothing' },
  mangle: { short: 'm', takes: 'nothing' },
  instance: { takes: 'nothing' },
  suffix: { takes: 'value' },
  template: { takes: 'value' },
}

/** Options that exclude each other. */
const EXCLUSIVE: readonly (readonly [string, string])[] = [
  ['suffix', 'template'],
  ['suffix', 'unescape'],
  ['suffix', 'mangle'],
  ['template', 'mangle'],
  ['path', 'mangle'],
  ['unescape', 'mangle'],
  ['instance', 'template'],
  ['instance', 'mangle'],
]

/** Prints the results on one line, divided by spaces; ends at the first string that has none. */
export const run: Subcommand = words => {
  const read = readWords(splitShort(words), OPTIONS)
  if (typeof read === 'string') return refuse(read)
  const { args, options } = read
  const clash = EXCLUSIVE.find(([one, other]) => options.has(one) && options.has(other))
  if (clash) return refuse(`cannot combine --${clash[0]} with --${clash[1]}`)
  if (options.has('instance') && !options.has('unescape'))
    return refuse('cannot give an instance: --instance wants --unescape beside it')
  const suffix = options.get('suffix')
  if (suffix !== undefined && unitType(`a.${suffix}`) === null)
    return refuse(`cannot use the suffix '${suffix}': expected a type such as service or mount`)
  const template = options.get('template')
  if (template !== undefined && nameKind(template) !== 'template')
    return refuse(`cannot use '${template}' as a template: expected a name such as web@.service`)
  if (args.length === 0) return refuse('cannot escape: expected strings')
  const results: string[] = []
  for (const text of args) {
    const result = convert(text, options)
    if (result.isErr()) {
      complain(result.error)
      return 1
    }
    results.push(result.value)
  }
  print(results.join(' '))
  return 0
}

/** `-up` as `-u -p`. */
const splitShort = (words: readonly string[]) => {
  const end = words.indexOf('--')
  return words.flatMap((word, at) =>
    /^-[pum]{2,}$/.test(word) && (end === -1 || at < end)
      ? [...word.slice(1)].map(letter => `-${letter}`)
      : [word],
  )
}

function convert(text: string, options: ReadonlyMap<string, string>): Result<string, string> {
  if (options.has('mangle')) return mangleName(text, { keepGlobs: false })
  const template = options.get('template')
  const isPath = options.has('path')
  if (options.has('unescape')) {
    const escaped =
      template === undefined && !options.has('instance')
        ? ok(text)
        : instanceIn(text, template ?? null)
    return escaped.andThen(isPath ? unescapePath : unescapeName)
  }
  const escaped = isPath ? (text === '' ? ok('-') : escapePath(text)) : ok(escapeName(text))
  return escaped.andThen(part => {
    const suffix = options.get('suffix')
    const name = suffix === undefined ? part : `${part}.${suffix}`
    if (template === undefined) return ok(name)
    const instance = withInstance(template, part)
    return part !== '' && isUnitName(instance)
      ? ok(instance)
      : err(`cannot make an instance of ${template} with '${text}'`)
  })
}

/** The escaped instance of a unit name, which is of that template. */
function instanceIn(name: string, template: string | null): Result<string, string> {
  const instance = nameKind(name) === 'instance' ? instanceOf(name) : null
  if (instance === null) return err(`cannot find an instance in '${name}'`)
  return template === null || templateOf(name) === template
    ? ok(instance)
    : err(`cannot take ${name} for an instance of ${template}: it is one of ${templateOf(name)}`)
}
