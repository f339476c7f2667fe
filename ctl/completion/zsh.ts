// Completion for zsh.
import { LOG_LEVELS } from '../../daemon/control/schema.ts'
import type { OptionSpec } from '../options.ts'
import { allVerbs } from '../verbs.ts'
import { LIST_FILES, LIST_UNITS, offeredOptions, verbsWith } from './words.ts'

/** A script for a directory of $fpath, as the file _ctl, or to be evaluated after compinit. */
export function zshCompletion(): string {
  const verbs = allVerbs().map(
    verb => `    ${quote(`${verb.name}:${verb.about.replace(/:/g, '\\:')}`)}`,
  )
  return `#compdef ctl
# zsh completion for ctl: source <(ctl completion zsh)
_ctl_units() {
  local -a units
  units=(\${(f)"$(_call_program units ctl $ctl_to ${LIST_UNITS})"})
  compadd -a units
}
_ctl_files() {
  local -a units
  units=(\${(f)"$(_call_program units ctl $ctl_to ${LIST_FILES})"})
  compadd -a units
}
_ctl_verbs() {
  local -a verbs
  verbs=(
${verbs.join('\n')}
  )
  _describe verb verbs
}
_ctl_shells() { compadd bash zsh fish }
_ctl_levels() { compadd ${LOG_LEVELS.join(' ')} }
_ctl_arguments() {
  local of=
  case $words[1] in
    ${verbsWith('units').join('|')}) of=_ctl_units ;;
    ${verbsWith('files').join('|')}) of=_ctl_files ;;
    ${verbsWith('verbs').join('|')}) of=_ctl_verbs ;;
    ${verbsWith('shells').join('|')}) of=_ctl_shells ;;
    ${verbsWith('levels').join('|')}) of=_ctl_levels ;;
  esac
  _arguments -s : $ctl_options \${of:+"*: :$of"}
}
_ctl() {
  local -a ctl_to ctl_options
  ctl_to=(\${words[(r)--socket=*]})
  ctl_options=(
${offeredOptions()
  .map(spec => `    ${argument(spec)}`)
  .join('\n')}
    '(-)'{-h,--help}'[how ctl is used]'
  )
  _arguments -s -A '-*' : $ctl_options '(-)1:verb:_ctl_verbs' '(-)*::argument:_ctl_arguments'
}
if [[ $funcstack[1] == _ctl ]]; then _ctl "$@"; else compdef _ctl ctl; fi
`
}

const quote = (text: string) => `'${text.replace(/'/g, "'\\''")}'`

/** A line of _arguments: \`{-n+,--lines=}'[about]:N:'\`. */
function argument(spec: OptionSpec): string {
  const takes = spec.kind !== 'flag'
  const long = `--${spec.long}${takes ? '=' : ''}`
  const names = spec.short === undefined ? long : `{-${spec.short}${takes ? '+' : ''},${long}}`
  const about = spec.about.replace(/[[\]:]/g, '\\$&')
  return `'*'${names}${quote(`[${about}]${takes ? `:${spec.value}:${action(spec)}` : ''}`)}`
}

function action(spec: OptionSpec): string {
  if (spec.kind === 'flag') return ''
  if (spec.key === 'socket') return '_files'
  if (spec.key === 'unit') return '_ctl_units'
  return spec.values === undefined ? '' : `(${spec.values.join(' ')})`
}
