// The jobs of a transaction while it is built, and who pulled in whom.
import type { UnitName } from '../units/unit.ts'
import type { JobType } from './state.ts'

/** What a reader of the log should know about a transaction that was built. */
export type Note = {
  level: 'info' | 'warn'
  unit: UnitName
  message: string
  /** The units of the ordering cycle that it tells of, each before the next and the last before the first. */
  cycle?: readonly UnitName[]
}

/** A link whose end was deleted is `gone`; it stays in the lists. */
type Link = {
  subject: Planned
  object: Planned
  matters: boolean
  conflicts: boolean
  gone: boolean
}

/** A job that may be installed. Several for one unit can stand beside each other until they are merged. */
export class Planned {
  type: JobType
  ignoreOrder: boolean
  readonly unit: UnitName
  readonly irreversible: boolean
  /** The anchor falls if this one does. */
  matters = false
  /** What it pulls in, and what pulls it in. */
  readonly pulls: Link[] = []
  readonly pulledBy: Link[] = []
  /** Of `pulledBy`, those that are not gone. */
  pullers = 0

  constructor(type: JobType, unit: UnitName, irreversible: boolean, ignoreOrder: boolean) {
    this.type = type
    this.unit = unit
    this.irreversible = irreversible
    this.ignoreOrder = ignoreOrder
  }

  /** Whether it is there because another unit has a Conflicts= with its unit. */
  isConflictedBy(): boolean {
    return this.pulledBy.some(link => link.conflicts && !link.gone)
  }
}

export class Plan {
  anchor: Planned | null = null
  readonly #irreversible: boolean
  readonly #ignoreOrder: boolean
  readonly #jobs = new Map<UnitName, Planned[]>()

  constructor(irreversible: boolean, ignoreOrder: boolean) {
    this.#irreversible = irreversible
    this.#ignoreOrder = ignoreOrder
  }

  add(type: JobType, unit: UnitName): { job: Planned; isNew: boolean } {
    const jobs = this.#jobs.get(unit)
    const known = jobs?.find(job => job.type === type)
    if (known) return { job: known, isNew: false }
    const job = new Planned(type, unit, this.#irreversible, this.#ignoreOrder)
    if (jobs) jobs.push(job)
    else this.#jobs.set(unit, [job])
    return { job, isNew: true }
  }

  link(subject: Planned, object: Planned, matters: boolean, conflicts: boolean): void {
    const link = { subject, object, matters, conflicts, gone: false }
    subject.pulls.push(link)
    object.pulledBy.push(link)
    object.pullers++
  }

  of(unit: UnitName): readonly Planned[] {
    return this.#jobs.get(unit) ?? []
  }

  /** The job of a unit that has one at least: the first. */
  only(unit: UnitName): Planned {
    const job = this.#jobs.get(unit)?.[0]
    if (!job) throw new Error(`the transaction lost the job of ${unit}`)
    return job
  }

  has(job: Planned): boolean {
    return this.of(job.unit).includes(job)
  }

  units(): UnitName[] {
    return [...this.#jobs.keys()]
  }

  jobs(): Planned[] {
    return [...this.#jobs.values()].flat()
  }

  /** Deletes a job; with `dependants`, those as well that cannot be without it. */
  delete(job: Planned, dependants: boolean): void {
    const doomed = [job]
    for (let next = doomed.pop(); next; next = doomed.pop()) {
      const jobs = this.#jobs.get(next.unit)
      const place = jobs?.indexOf(next) ?? -1
      if (!jobs || place < 0) continue
      if (jobs.length === 1) this.#jobs.delete(next.unit)
      else jobs.splice(place, 1)
      for (const link of next.pulls) {
        if (!link.gone) link.object.pullers--
        link.gone = true
      }
      for (const link of next.pulledBy) {
        if (!link.gone && dependants && link.matters) doomed.push(link.subject)
        link.gone = true
      }
      next.pullers = 0
    }
  }

  deleteUnit(unit: UnitName): void {
    for (const job of [...this.of(unit)]) this.delete(job, true)
  }

  /** Marks what the anchor cannot be without. */
  markWhatMatters(): void {
    for (const job of this.jobs()) job.matters = false
    const queue = this.anchor ? [this.anchor] : []
    for (let job = queue.pop(); job; job = queue.pop()) {
      if (job.matters) continue
      job.matters = true
      for (const link of job.pulls) if (link.matters && !link.gone) queue.push(link.object)
    }
  }

  /** Drops jobs that nothing pulls in any more. */
  collectGarbage(): void {
    const queue = this.jobs()
    for (let job = queue.pop(); job; job = queue.pop()) {
      if (job === this.anchor || job.pullers > 0 || !this.has(job)) continue
      for (const link of job.pulls) queue.push(link.object)
      this.delete(job, true)
    }
  }

  /** Makes one job of those of a unit. The anchor, if it is among them, is the one that stays. */
  merge(unit: UnitName, mergeTypes: (a: JobType, b: JobType) => JobType): void {
    const jobs = this.#jobs.get(unit)
    if (!jobs || jobs.length < 2) return
    const stays = jobs.find(job => job === this.anchor) ?? this.only(unit)
    for (const job of jobs) {
      if (job === stays) continue
      stays.type = mergeTypes(stays.type, job.type)
      stays.ignoreOrder ||= job.ignoreOrder
      for (const link of job.pulls) {
        link.subject = stays
        stays.pulls.push(link)
      }
      for (const link of job.pulledBy) {
        link.object = stays
        stays.pulledBy.push(link)
      }
      stays.pullers += job.pullers
    }
    this.#jobs.set(unit, [stays])
  }
}
