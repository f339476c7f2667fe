// What the editor is given: the drop-in's own text, and the unit's other files as a comment under it, as systemctl has it.
import type { Place } from './places.ts'

const END = '### Edits below this comment will be discarded'

/** The whole file as it is, or the drop-in between two comments. */
export function commented({ path, text, others }: Place): string {
  if (others.length === 0) return text
  return [
    `### Editing ${path}`,
    '### Anything between here and the comment below will become the contents of the drop-in file',
    '',
    text,
    END,
    ...others.flatMap(other => [
      '',
      `### ${other.path}`,
      ...other.text
        .trimEnd()
        .split('\n')
        .map(line => `# ${line}`.trimEnd()),
    ]),
    '',
  ].join('\n')
}

/** What of it is kept. */
export function withoutComment({ others }: Place, text: string): string {
  if (others.length === 0) return text
  const end = text.indexOf(`\n${END}`)
  const kept = (end === -1 ? text : text.slice(0, end))
    .split('\n')
    .filter(line => !/^### (?:Editing |Anything between here )/.test(line))
    .join('\n')
    .trim()
  return kept === '' ? '' : `${kept}\n`
}
