// Completion for bash.
import { LOG_LEVELS } from '../../daemon/control/schema.ts'
import { allVerbs } from '../verbs.ts'
import { fixedValues, LIST_FILES, LIST_UNITS, namesOf, offeredOptions, verbsWith } from './words.ts'

/** A script to be sourced: `source <(ctl completion bash)`. */
export function bashCompletion(): string {
  const options = offeredOptions()
  const withValue = options.filter(spec => spec.kind !== 'flag').flatMap(namesOf)
  const values = fixedValues().map(
    spec => `    ${namesOf(spec).join('|')}) words='${spec.values.join(' ')}' ;;`,
  )
  return `# bash completion for ctl: source <(ctl completion bash)
_ctl() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} verb= words= i
  local -a to=()
  # bash splits --option=value in three.
  [[ $cur == = ]] && cur=
  [[ $prev == = ]] && prev=\${COMP_WORDS[COMP_CWORD-2]}
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${withValue.join('|')})
        [[ \${COMP_WORDS[i+1]} == = ]] && ((i++))
        [[ \${COMP_WORDS[i]} == --socket || \${COMP_WORDS[i-1]} == --socket ]] && to=(--socket "\${COMP_WORDS[i+1]}")
        ((i++)) ;;
      -*|=) ;;
      *) verb=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case $prev in
    --socket) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    -u|--unit) words=$("\${COMP_WORDS[0]}" "\${to[@]}" ${LIST_UNITS}) ;;
${values.join('\n')}
  esac
  if [[ -n $words ]]; then :
  elif [[ $cur == -* ]]; then
    words='${options.flatMap(namesOf).join(' ')} --help --version'
  elif [[ -z $verb ]]; then
    words='${allVerbs()
      .map(verb => verb.name)
      .join(' ')}'
  else
    case $verb in
      ${verbsWith('units').join('|')})
        words=$("\${COMP_WORDS[0]}" "\${to[@]}" ${LIST_UNITS}) ;;
      ${verbsWith('files').join('|')})
        words=$("\${COMP_WORDS[0]}" "\${to[@]}" ${LIST_FILES}) ;;
      ${verbsWith('verbs').join('|')}) words='${allVerbs()
        .map(verb => verb.name)
        .join(' ')}' ;;
      ${verbsWith('shells').join('|')}) words='bash zsh fish' ;;
      ${verbsWith('levels').join('|')}) words='${LOG_LEVELS.join(' ')}' ;;
    esac
  fi
  local IFS=$' \\n'
  COMPREPLY=($(compgen -W "\${words//\\\\/\\\\\\\\}" -- "$cur"))
}
complete -F _ctl ctl
`
}
