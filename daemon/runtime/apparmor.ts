// AppArmorProfile= as system calls of the child: the profile that its execve takes up (systemd.exec(5); aa_change_onexec(2)).
import type { Abilities } from '../units/directives/need.ts'
import type { ExecSettings } from '../units/unit.ts'
import { EXIT } from './failure.ts'
import type { Attempt, ChildCall } from './native.ts'

const AT_FDCWD = -100
const O_WRONLY = 1

/** As the kernel has it since 5.8; before that another security module may have the file of all. */
const FILE = '/proc/self/attr/apparmor/exec'

const calls = (name: string): Attempt[] => {
  const text = Buffer.from(`exec ${name}`)
  return [
    { call: 'openat', args: [AT_FDCWD, FILE, O_WRONLY, 0] },
    { call: 'write', args: [{ result: -1 }, text, text.length] },
    { call: 'close', args: [{ result: -2 }] },
  ]
}

/** Whether a profile can be taken up at all: that of whoever is not confined is there wherever AppArmor is. */
export const appArmorProbe = (): Attempt[] => calls('unconfined')

/** None where AppArmor is not in force: the setting then has no effect, and the guard tells. */
export function appArmorCalls(
  { appArmorProfile }: ExecSettings,
  abilities: Abilities,
): readonly ChildCall[] {
  if (appArmorProfile === null || abilities.apparmor !== null) return []
  const { name, optional } = appArmorProfile
  const told = { step: 'APPARMOR', exitStatus: EXIT.appArmor }
  return calls(name).map(call => ({
    ...call,
    ...told,
    ...(optional && { ignore: 'all' as const }),
  }))
}
