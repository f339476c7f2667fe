// Changes to unit files (ctl enable, disable, mask, unmask), planned by the units room and made here.
import { mkdirSync, symlinkSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Result } from 'neverthrow'
import {
  describeInstallError,
  type InstallError,
  type InstallOptions,
  type Plan,
  planDisable,
  planEnable,
  planMask,
  planUnmask,
  type UnitFileChange,
} from '../units/install.ts'
import type { UnitFilesView } from '../units/load.ts'
import type { UnitName } from '../units/unit.ts'

/** Each makes its changes and gives them with what the user should hear. They throw an Error whose message begins with
 * "cannot" when the change is refused, and nothing is changed then, or an errno error when a file cannot be written. */
export interface UnitFileActions {
  enable(names: readonly UnitName[], how: InstallOptions): Plan
  disable(names: readonly UnitName[], how: { runtime: boolean }): Plan
  mask(names: readonly UnitName[], how: { runtime: boolean }): Plan
  unmask(names: readonly UnitName[], how: { runtime: boolean }): Plan
}

export function createUnitFileActions(files: UnitFilesView): UnitFileActions {
  const carryOut = (planned: Result<Plan, InstallError>): Plan => {
    if (planned.isErr()) throw new Error(describeInstallError(planned.error))
    for (const change of planned.value.changes) make(change)
    return planned.value
  }
  return {
    enable: (names, how) => carryOut(planEnable(files, names, how)),
    disable: (names, how) => carryOut(planDisable(files, names, how)),
    mask: (names, how) => carryOut(planMask(files, names, how)),
    unmask: (names, how) => carryOut(planUnmask(files, names, how)),
  }
}

function make({ action, path, target }: UnitFileChange): void {
  if (action === 'unlink' || target === null) {
    unlinkSync(path)
    return
  }
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(target, path)
}
