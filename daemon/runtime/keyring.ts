// KeyringMode= as system calls of the child: a session keyring of its own, in which the service finds its invocation id
// (systemd.exec(5), KeyringMode=; keyrings(7)).
import type { ExecSettings } from '../units/unit.ts'
import { EXIT } from './failure.ts'
import type { ChildCall } from './native.ts'
import type { Identity } from './users.ts'

const KEYCTL_JOIN_SESSION_KEYRING = 1
const KEYCTL_SETPERM = 5
const KEYCTL_LINK = 8
const KEY_SPEC_SESSION_KEYRING = -3
const KEY_SPEC_USER_KEYRING = -4
/** View, read and search, for who has it and for its user; nobody changes it. */
const PERMISSIONS = 0x0b0b0000
const UNCHANGED = -1

const STEP = { step: 'KEYRING', exitStatus: EXIT.keyring }
// Container engines forbid it, kernels lack it, users have used up what they may have: then it stays as it was.
const IGNORED = { ...STEP, ignore: 'all' } as const

/** None with `inherit`. The keyring belongs to the unit's user, so it is made as that one. */
export function keyringCalls(
  mode: ExecSettings['keyringMode'],
  { uid, gid }: Pick<Identity, 'uid' | 'gid'>,
  invocationId: string,
): readonly ChildCall[] {
  if (mode === 'inherit') return []
  const calls: ChildCall[] = []
  if (gid !== null) calls.push({ call: 'setregid', args: [gid, UNCHANGED], ...STEP })
  if (uid !== null) calls.push({ call: 'setreuid', args: [uid, UNCHANGED], ...STEP })
  calls.push({ call: 'keyctl', args: [KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0], ...IGNORED })
  const joined = calls.length - 1
  if (mode === 'shared') {
    const args = [KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING, 0, 0]
    calls.push({ call: 'keyctl', args, ...IGNORED })
  }
  if (uid !== null) calls.push({ call: 'setreuid', args: [0, UNCHANGED], ...STEP })
  if (gid !== null) calls.push({ call: 'setregid', args: [0, UNCHANGED], ...STEP })
  const id = Buffer.from(invocationId, 'hex')
  calls.push(
    // Into the one that was joined: where there is none, -1 stands for the thread's, which the execve takes.
    {
      call: 'add_key',
      args: ['user', 'invocation_id', id, id.length, { result: joined - calls.length }],
      ...IGNORED,
    },
    { call: 'keyctl', args: [KEYCTL_SETPERM, { result: -1 }, PERMISSIONS, 0, 0], ...IGNORED },
  )
  return calls
}
