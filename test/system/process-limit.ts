// A daemon that is kept from making processes and threads, by a cgroup with the controller `pids`.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import type { Pid1 } from './pid1.ts'

const PIDS = '/sys/fs/cgroup/pids'

export const canLimit = process.geteuid?.() === 0 && existsSync(`${PIDS}/cgroup.procs`)

/** From now on the daemon and whom it starts may have so many processes and threads, given how many there are, until the
 * returned function is called. */
export function limitProcesses(
  t: Pick<ExecutionContext, 'teardown'>,
  hearth: Pid1,
  most: (now: number) => number = now => now,
): () => void {
  const group = `${PIDS}/hearth-test-${hearth.pid}`
  if (!existsSync(group)) {
    mkdirSync(group)
    t.teardown(async () => {
      if (existsSync(`/proc/${hearth.pid}`)) hearth.signal('SIGKILL')
      await hearth.ended
      rmdirSync(group)
    })
  }
  writeFileSync(`${group}/cgroup.procs`, String(hearth.pid))
  const now = Number(readFileSync(`${group}/pids.current`, 'utf8'))
  writeFileSync(`${group}/pids.max`, String(most(now)))
  return () => writeFileSync(`${group}/pids.max`, 'max')
}
