// The editor: $SYSTEMD_EDITOR, $EDITOR or $VISUAL, else the first of a few that is there (systemctl(1), ENVIRONMENT).
import { spawnSync } from 'node:child_process'

const USUAL = ['editor', 'nano', 'vim', 'vi']

/** Lets it run to its end on the terminal; what went wrong, or null. */
export function runEditor(
  files: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string | null {
  const told = environment.SYSTEMD_EDITOR || environment.EDITOR || environment.VISUAL
  const candidates = told ? [told.trim().split(/\s+/)] : USUAL.map(name => [name])
  for (const [program = '', ...args] of candidates) {
    const { error, status, signal } = spawnSync(program, [...args, ...files], { stdio: 'inherit' })
    if (error === undefined) {
      if (status === 0) return null
      return `cannot go on: the editor ${program} ended with ${signal ?? `status ${status}`}`
    }
    if (told) return `cannot run the editor ${program}: ${error.message}`
  }
  return `cannot edit: none of the editors ${USUAL.join(', ')} is there; set EDITOR`
}
