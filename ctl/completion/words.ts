// What there is to complete, for the three shells.
import { OPTIONS, type OptionSpec } from '../options.ts'
import { allVerbs, type Verb } from '../verbs.ts'

/** Options worth offering: those that are taken and ignored are not. */
export const offeredOptions = (): readonly OptionSpec[] =>
  OPTIONS.filter(spec => spec.group !== 'Ignored')

/** Names of the verbs whose arguments are of that kind. */
export const verbsWith = (completes: Verb['completes']): readonly string[] =>
  allVerbs()
    .filter(verb => verb.completes === completes)
    .map(verb => verb.name)

/** Options with a value that has a fixed set of words. */
export const fixedValues = (): readonly (OptionSpec & { values: readonly string[] })[] =>
  offeredOptions().flatMap(spec =>
    spec.kind !== 'flag' && spec.values !== undefined ? [{ ...spec, values: spec.values }] : [],
  )

/** `-p` and `--property`. */
export const namesOf = (spec: OptionSpec): readonly string[] => [
  ...(spec.short === undefined ? [] : [`-${spec.short}`]),
  `--${spec.long}`,
]

/** Shell commands that print the names of units, one a line, and nothing when the daemon does not answer. */
export const LIST_UNITS = "list-units --all --plain --no-legend 2>/dev/null | sed 's/ .*//'"
export const LIST_FILES = "list-unit-files --no-legend 2>/dev/null | sed 's/ .*//'"
