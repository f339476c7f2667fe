// The signals that the daemon itself is sent.
import type { ShutdownKind } from '../engine/state.ts'
import type { Native } from './native.ts'

export type SignalActions = {
  /** `again`: the second SIGINT; whoever sends it does not want to wait. */
  shutdown: (kind: ShutdownKind, again: boolean) => void
  reload: () => void
  /** Opens the control socket anew, for when its file was removed. */
  reopen: () => void
  /** Writes the state to the log. */
  dump: () => void
}

const SIGRTMIN = 34
export const SIGNALS = {
  hup: 1,
  int: 2,
  usr1: 10,
  usr2: 12,
  term: 15,
  /** systemd(1), SIGNALS: SIGRTMIN+3 to +6. */
  halt: SIGRTMIN + 3,
  poweroff: SIGRTMIN + 4,
  reboot: SIGRTMIN + 5,
  kexec: SIGRTMIN + 6,
} as const

/** Listens to them. `isMachine`: as a machine's PID 1, where SIGINT is Ctrl-Alt-Del and an end by SIGTERM means power off;
 * elsewhere each of them ends the daemon, and a container or its caller goes on. */
export function listenToSignals(native: Native, isMachine: boolean, actions: SignalActions): void {
  let interrupts = 0
  native.onSignals(Object.values(SIGNALS), signal => {
    switch (signal) {
      case SIGNALS.term:
        actions.shutdown(isMachine ? 'poweroff' : 'exit', false)
        return
      case SIGNALS.int:
        interrupts++
        actions.shutdown(isMachine ? 'reboot' : 'exit', interrupts > 1)
        return
      case SIGNALS.halt:
        actions.shutdown(isMachine ? 'halt' : 'exit', false)
        return
      case SIGNALS.poweroff:
        actions.shutdown(isMachine ? 'poweroff' : 'exit', false)
        return
      case SIGNALS.reboot:
      case SIGNALS.kexec: // no other kernel is loaded here: an ordinary reboot
        actions.shutdown('reboot', false)
        return
      case SIGNALS.hup:
        actions.reload()
        return
      case SIGNALS.usr1:
        actions.reopen()
        return
      case SIGNALS.usr2:
        actions.dump()
        return
    }
  })
}
