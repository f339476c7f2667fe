// version: of ctl, and of the daemon when it runs.
import type { Command } from '../context.ts'
import { SUCCESS } from '../exit-status.ts'
import { VERSION } from '../version.ts'

export const run: Command = async context => {
  const answer = await context.ask('version', {})
  const daemon = answer.isOk() ? answer.value : null
  if (context.options.json) {
    const told = daemon && { version: daemon.version, protocol: daemon.protocol, pid: daemon.pid }
    context.printJson('version', { ctl: VERSION, daemon: told })
  } else {
    context.print(
      `ctl ${VERSION}`,
      daemon === null
        ? 'hearth is not reachable'
        : `hearth ${daemon.version} (PID ${daemon.pid}, protocol ${daemon.protocol})`,
    )
  }
  return SUCCESS
}
