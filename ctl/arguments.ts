// Reads the plain command line, which nearly every one is. Commander reads all of them, but takes as long to load and run as
// the rest of `ctl is-active` does; the two agree on what this one takes (a test compares them).
import { noOptions, OPTIONS, type OptionSpec, type Options, setOption } from './options.ts'
import { DEFAULT_VERB, findVerb, type Verb } from './verbs.ts'

export type CommandLine = { verb: Verb; args: readonly string[]; options: Options }

const byName = (word: string): OptionSpec | undefined =>
  word.startsWith('--')
    ? OPTIONS.find(spec => spec.long === word.slice(2))
    : OPTIONS.find(spec => spec.short === word.slice(1))

/**
 * The verb, its arguments and the options; null when there is anything that wants a closer look: an unknown verb or option,
 * --help, `--`, several short options in one word, a wrong number of arguments.
 */
export function readPlain(words: readonly string[]): CommandLine | null {
  const options = noOptions()
  const plain: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (!word.startsWith('-')) {
      plain.push(word)
      continue
    }
    const equals = word.startsWith('--') ? word.indexOf('=') : -1
    const spec = byName(equals < 0 ? word : word.slice(0, equals))
    if (spec === undefined || (spec.kind === 'flag' && equals >= 0)) return null
    if (spec.kind === 'flag') {
      setOption(options, spec, '')
      continue
    }
    const value = equals < 0 ? words[++at] : word.slice(equals + 1)
    if (value === undefined || value === '') return null
    setOption(options, spec, value)
  }
  const verb = findVerb(plain[0] ?? DEFAULT_VERB)
  const args = plain.slice(1)
  if (verb === undefined || args.length < verb.min || args.length > verb.max) return null
  return { verb, args, options }
}
