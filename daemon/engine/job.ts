// Jobs: which types there are, what two of them for one unit make together, and which of two goes first.
import type { ActiveState, Job, JobType } from './state.ts'

export const isActive = (active: ActiveState) => active === 'active' || active === 'reloading'
export const isDown = (active: ActiveState) => active === 'inactive' || active === 'failed'
export const isActiveOrActivating = (active: ActiveState) =>
  isActive(active) || active === 'activating'
export const isDownOrDeactivating = (active: ActiveState) =>
  isDown(active) || active === 'deactivating'

/** What a transaction holds: the others collapse to one of these, or to `nop`, by the state of their unit. */
type Mergeable = 'start' | 'verify-active' | 'stop' | 'reload' | 'restart'
const MERGED: Record<Mergeable, Record<Mergeable, JobType | null>> = {
  start: {
    start: 'start',
    'verify-active': 'start',
    stop: null,
    reload: 'reload-or-start',
    restart: 'restart',
  },
  'verify-active': {
    start: 'start',
    'verify-active': 'verify-active',
    stop: null,
    reload: 'reload',
    restart: 'restart',
  },
  stop: { start: null, 'verify-active': null, stop: 'stop', reload: null, restart: null },
  reload: {
    start: 'reload-or-start',
    'verify-active': 'reload',
    stop: null,
    reload: 'reload',
    restart: 'restart',
  },
  restart: {
    start: 'restart',
    'verify-active': 'restart',
    stop: null,
    reload: 'restart',
    restart: 'restart',
  },
}

const isMergeable = (type: JobType): type is Mergeable => type in MERGED

/** The one job that does what both do, before collapsing; null: they contradict each other. */
export const mergeJobTypes = (a: JobType, b: JobType): JobType | null =>
  isMergeable(a) && isMergeable(b) ? MERGED[a][b] : null

export const areConflicting = (a: JobType, b: JobType): boolean => mergeJobTypes(a, b) === null

/** Whether doing `a` does all that `b` asks for. */
export const isSuperset = (a: JobType, b: JobType): boolean => mergeJobTypes(a, b) === a

/** What a conditional type comes to, by the state of its unit: `try-restart` of a unit that is down is nothing to do. */
export function collapseJobType(type: JobType, active: ActiveState): JobType {
  switch (type) {
    case 'try-restart':
      return isActive(active) ? 'restart' : 'nop'
    case 'try-reload':
      return isActive(active) ? 'reload' : 'nop'
    case 'reload-or-start':
      return isActive(active) ? 'reload' : 'start'
    default:
      return type
  }
}

/** The merge of two types, collapsed; null: they contradict each other. */
export function mergeAndCollapse(a: JobType, b: JobType, active: ActiveState): JobType | null {
  const merged = mergeJobTypes(a, b)
  return merged && collapseJobType(merged, active)
}

/** Whether the unit is already where the job would bring it. */
export function isRedundant(type: JobType, active: ActiveState): boolean {
  switch (type) {
    case 'start':
    case 'verify-active':
      return isActive(active)
    case 'stop':
      return isDown(active)
    case 'reload':
      return active === 'reloading'
    case 'restart':
      return active === 'activating'
    default:
      return type === 'nop'
  }
}

/** What ordering looks at; jobs of a transaction that is being built have no more than this. */
export type Ordered = Pick<Job, 'type' | 'ignoreOrder'>

/** A restart stops first; once stopped it becomes a start. */
export const stopsFirst = (job: Ordered) => job.type === 'stop' || job.type === 'restart'

/** Whether `job` has to wait for `other`, whose unit stands in the list `relation` of the unit of `job`
 * (systemd.unit(5), Before=, After=): starts go in order, stops the other way round, and a stop goes before a start. */
export function waitsFor(job: Ordered, other: Ordered, relation: 'after' | 'before'): boolean {
  if (job.ignoreOrder || other.ignoreOrder) return false
  return relation === 'after' ? !stopsFirst(job) : stopsFirst(other)
}
