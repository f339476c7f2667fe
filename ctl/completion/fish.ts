// Completion for fish.
import { LOG_LEVELS } from '../../daemon/control/schema.ts'
import type { OptionSpec } from '../options.ts'
import { allVerbs } from '../verbs.ts'
import { LIST_FILES, LIST_UNITS, offeredOptions, verbsWith } from './words.ts'

/** A script for ~/.config/fish/completions/ctl.fish, or to be sourced. */
export function fishCompletion(): string {
  const names = allVerbs()
    .map(verb => verb.name)
    .join(' ')
  const seen = (verbs: readonly string[]) => `-n '__fish_seen_subcommand_from ${verbs.join(' ')}'`
  return [
    '# fish completion for ctl: ctl completion fish | source',
    'complete -c ctl -f',
    ...allVerbs().map(
      verb =>
        `complete -c ctl -n 'not __fish_seen_subcommand_from ${names}' -a ${verb.name} -d ${quote(verb.about)}`,
    ),
    `complete -c ctl ${seen(verbsWith('units'))} -a ${quote(`(ctl ${LIST_UNITS})`)}`,
    `complete -c ctl ${seen(verbsWith('files'))} -a ${quote(`(ctl ${LIST_FILES})`)}`,
    `complete -c ctl ${seen(verbsWith('verbs'))} -a '${names}'`,
    `complete -c ctl ${seen(verbsWith('shells'))} -a 'bash zsh fish'`,
    `complete -c ctl ${seen(verbsWith('levels'))} -a '${LOG_LEVELS.join(' ')}'`,
    ...offeredOptions().map(option),
    "complete -c ctl -s h -l help -d 'how ctl is used'",
    '',
  ].join('\n')
}

const quote = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`

function option(spec: OptionSpec): string {
  const short = spec.short === undefined ? '' : ` -s ${spec.short}`
  return `complete -c ctl${short} -l ${spec.long}${values(spec)} -d ${quote(spec.about)}`
}

function values(spec: OptionSpec): string {
  if (spec.kind === 'flag') return ''
  if (spec.key === 'socket') return ' -r -F'
  if (spec.key === 'unit') return ` -x -a ${quote(`(ctl ${LIST_UNITS})`)}`
  return spec.values === undefined ? ' -x' : ` -x -a ${quote(spec.values.join(' '))}`
}
