// TTYReset=, TTYVHangup=, TTYVTDisallocate=, TTYRows= and TTYColumns=: the terminal before a unit has it, and after it
// (systemd.exec(5)).
import type { ExecSettings } from '../units/unit.ts'
import type { Native } from './native.ts'

export const DEFAULT_TTY = '/dev/console'

/** Whether a stream of the unit is a terminal. */
const usesTty = ({ standardInput, standardOutput, standardError }: ExecSettings) =>
  [standardInput, standardOutput, standardError].some(({ kind }) => kind.startsWith('tty'))

/** What TERM says of the unit's terminal, as systemd has it; null: it has none. `own`: the daemon's, which came with its console. */
export function termOf(exec: ExecSettings, own: string | undefined): string | null {
  if (exec.ttyPath === null && !usesTty(exec)) return null
  const path = exec.ttyPath ?? DEFAULT_TTY
  if (path === DEFAULT_TTY && own) return own
  return /^\/dev\/tty\d+$/.test(path) ? 'linux' : 'vt220'
}

/** Does to the unit's terminal what its settings say. One that cannot be opened is told by the stream that wants it. */
export function prepareTerminal(exec: ExecSettings, native: Pick<Native, 'prepareTerminal'>): void {
  const { ttyPath, ttyReset, ttyVhangup, ttyVtDisallocate, ttyRows, ttyColumns } = exec
  const asks = ttyReset || ttyVhangup || ttyVtDisallocate || ttyRows !== null || ttyColumns !== null
  // A path alone is enough: what was on it is cleared for whoever comes next.
  if (!asks || (ttyPath === null && !usesTty(exec))) return
  native.prepareTerminal(
    ttyPath ?? DEFAULT_TTY,
    ttyVhangup,
    ttyReset,
    ttyRows ?? 0,
    ttyColumns ?? 0,
    ttyVtDisallocate,
  )
}
