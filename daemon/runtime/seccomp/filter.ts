// The filter of system calls that a unit's settings come to, complete before anything is forked.
import { type Architecture, systemCallNumber } from '../../units/system-calls/names.ts'
import { layersOf, type Restrictions } from './layers.ts'
import { encode, LOCAL_ARCHITECTURES, type Machine, program } from './program.ts'
import { ALLOW, KILL, type Layer, LOG, plainVerdict } from './rules.ts'

export type Filter = {
  /** An array of struct sock_filter; null: the restrictions come to nothing on this machine. */
  program: Uint8Array | null
  /** A system call that is refused and without which nobody can be started; null: there is none. */
  hindrance: 'execve' | 'exit_group' | null
}

/** The machine that we run on. */
export const ownMachine = (): Machine => (process.arch === 'arm64' ? 'arm64' : 'x86-64')

export function compileFilter(restrictions: Restrictions, machine: Machine = ownMachine()): Filter {
  const layers = new Map<Architecture, readonly Layer[]>()
  for (const architecture of LOCAL_ARCHITECTURES[machine])
    layers.set(architecture, layersOf(architecture, machine, restrictions))
  const foreign = restrictions.architectures === null ? ALLOW : KILL
  const instructions = program(machine, name => layers.get(name) ?? [], foreign)
  return {
    program: instructions && encode(instructions),
    hindrance: hindranceOf(layers.get(machine) ?? [], machine),
  }
}

/**
 * Under its filter the child calls execve and, when that fails, exit_group. It shares its parent's memory until then: one
 * that is killed takes the daemon along where the kernel dumps core (before Linux 5.16), and one that cannot end holds the
 * daemon for ever. So neither is tried.
 */
function hindranceOf(layers: readonly Layer[], machine: Machine): Filter['hindrance'] {
  const verdict = (name: string) => plainVerdict(layers, systemCallNumber(name, machine) ?? -1)
  if (verdict('execve') === KILL) return 'execve'
  const end = verdict('exit_group')
  return end === ALLOW || end === LOG ? null : 'exit_group'
}

const compiled = new Map<string, WeakRef<Filter>>()

/** As compileFilter(), once for all units with the same restrictions. */
export function sharedFilter(restrictions: Restrictions): Filter {
  const key = JSON.stringify(restrictions, (_, value) =>
    value instanceof Set ? [...value] : value,
  )
  const known = compiled.get(key)?.deref()
  if (known) return known
  const filter = compileFilter(restrictions)
  compiled.set(key, new WeakRef(filter))
  return filter
}
