// On x86 sockets and System V's IPC can be reached through one call each, whose first argument tells which is meant
// (socketcall(2), ipc(2)).
const SOCKETCALL =
  'socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown setsockopt ' +
  'getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg'
const IPC: Readonly<Record<string, number>> = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
}

/** The call that `name` is a part of, the number of the part, and which bits of the argument the kernel looks at. */
export type Part = { call: 'socketcall' | 'ipc'; number: number; mask: number }

const SOCKETCALLS = SOCKETCALL.split(' ')

export function multiplexed(name: string): Part | null {
  const ipc = IPC[name]
  // Above the lowest 16 bits stands the version of the interface.
  if (ipc !== undefined) return { call: 'ipc', number: ipc, mask: 0xffff }
  const index = SOCKETCALLS.indexOf(name)
  return index === -1 ? null : { call: 'socketcall', number: index + 1, mask: 0xffffffff }
}
