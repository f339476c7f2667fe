// The properties of a simulated unit, as `ctl show` prints them.
import type { Backend } from '../../daemon/control/backend.ts'
import { unitProperties } from '../../daemon/control/show.ts'
import { initialUnitState } from '../../daemon/engine/initial.ts'
import { machineOf } from '../../daemon/engine/machines.ts'
import type { UnitName } from '../../daemon/units/unit.ts'
import type { SimulatedDaemon } from '../daemon.ts'

/** By name. */
export function propertiesOf(daemon: SimulatedDaemon, name: UnitName): Map<string, string> {
  const { engine, around } = daemon
  const unit = engine.graph.unit(name)
  const stateOf = (id: UnitName) =>
    daemon.stateOf(id) ?? initialUnitState(id, engine.graph.unit(id).type)
  const machine = (id: UnitName) => machineOf(engine.graph.unit(id).type)
  // Of the backend what is asked about a unit; nothing is counted of processes that do not exist.
  const backend = {
    state: engine.state,
    activeState: id => machine(id).activeState(stateOf(id)),
    subState: id => machine(id).subState(stateOf(id)),
    result: id => machine(id).result(stateOf(id)),
    related: (id, relation) => engine.graph.related(id, relation),
    needsReload: () => false,
    storedDescriptors: () => 0,
    resources: () => NO_RESOURCES,
  } satisfies Partial<Backend>
  const call = {
    backend: backend as Partial<Backend> as Backend,
    role: 'admin',
    now: () => around.now,
  } as const
  return new Map(unitProperties(call, unit))
}

const NO_RESOURCES = {
  memoryBytes: null,
  memoryPeakBytes: null,
  cpuUsec: null,
  tasks: null,
  io: null,
  tasksMax: Number.POSITIVE_INFINITY,
  memoryMin: 0,
  memoryLow: 0,
  memoryHigh: Number.POSITIVE_INFINITY,
  memoryMax: Number.POSITIVE_INFINITY,
  memorySwapMax: Number.POSITIVE_INFINITY,
  controlGroup: '',
}
