// PrivateTmp=: a /tmp and a /var/tmp for each run of a unit (systemd.exec(5), SANDBOXING).
import { chmodSync, lstatSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/** The directories that stand in for /tmp and /var/tmp. */
export type PrivateTmp = { tmp: string; varTmp: string }

/**
 * Makes the directories of one run, in /tmp and /var/tmp themselves, as systemd does: there is the room that users expect
 * to have (/run is memory, or small), and whatever clears up /tmp clears up these too. The outer one,
 * `hearth-private-RUN-UNIT`, is open to its owner alone, so that no other user gets at what is open to all in the unit's
 * /tmp. The run's id is 128 random bits. Throws an errno error.
 */
export function makePrivateTmp(invocationId: string, unit: string): PrivateTmp {
  const name = `hearth-private-${invocationId}-${unit.replaceAll(/[^\w.@:-]/g, '_')}`.slice(0, 250)
  const made = { tmp: `/tmp/${name}/tmp`, varTmp: `/var/tmp/${name}/tmp` }
  for (const inner of [made.tmp, made.varTmp]) makeOne(inner)
  return made
}

function makeOne(inner: string): void {
  const outer = dirname(inner)
  try {
    mkdirSync(outer, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Without a /var/tmp there is none to replace either.
    if (code === 'ENOENT') return
    if (code !== 'EEXIST' || lstatSync(outer).uid !== process.geteuid?.()) throw error
  }
  mkdirSync(inner, { recursive: true })
  // The umask has no say.
  chmodSync(inner, 0o1777)
}

/** What is to be removed with the run. */
export const outerDirectories = ({ tmp, varTmp }: PrivateTmp) => [dirname(tmp), dirname(varTmp)]
