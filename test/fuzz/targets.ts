// Everything that takes bytes from outside.

import type { Target } from './target.ts'
import { control } from './targets/control.ts'
import { files } from './targets/files.ts'
import { logs } from './targets/logs.ts'
import { notify } from './targets/notify.ts'
import { simulation } from './targets/simulation.ts'
import { state } from './targets/state.ts'
import { units } from './targets/units.ts'
import { values } from './targets/values.ts'

export const TARGETS: readonly Target[] = [
  ...units,
  ...values,
  ...control,
  ...notify,
  ...logs,
  ...files,
  ...state,
  ...simulation,
]
