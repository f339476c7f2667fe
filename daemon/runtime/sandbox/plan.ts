// A sandbox's file system as a list of operations, made before anything is forked. The unit's tree is put together in a
// directory of its own, so that no mount hides the source of another; then it becomes the root.
import type { Result } from 'neverthrow'
import { below, type Entry, isWithin, join } from './entry.ts'
import { MS } from './flags.ts'
import { normalise, type SandboxProblem, type Spot } from './normalise.ts'
import type { Operation } from './operation.ts'
import { DEVICE_MOUNTS, DEVICE_NODES, hostPath, type Look, type View } from './view.ts'

export type PlanRequest = {
  entries: readonly Entry[]
  /** The directory of the host that is the unit's `/`, free of links. */
  root: string
  /** An empty directory of the host, free of links, where the tree is put together. */
  stage: string
  /** A directory of the host with `directory` and `file`, which nobody may read. */
  inaccessible: string
  look: Look
  /** The host's mount points, asked for where they matter. */
  mounts: () => readonly string[]
  /** Whether the kernel sets flags of a tree of mounts at once (mount_setattr, Linux 5.12). */
  setsFlags: boolean
}

export type MountPlan = {
  operations: readonly Operation[]
  warnings: readonly string[]
  /** Where on the host is what the unit finds at a path; null: nothing is, or nothing of the host's. */
  locate: (path: string) => string | null
}

type Attributes = { readOnly: boolean; noExec: boolean }
const OPEN: Attributes = { readOnly: false, noExec: false }
const NOT_READABLE = MS.RDONLY | MS.NOEXEC | MS.NOSUID | MS.NODEV

/** The same request gives the same plan. An error names the setting and the path. */
export function planMounts(request: PlanRequest): Result<MountPlan, SandboxProblem> {
  return normalise(request.entries, request.root, request.look).map(
    ({ spots, view, warnings }) => ({
      operations: new Planner(request, view).plan(spots),
      warnings,
      locate: path => view.locate(path),
    }),
  )
}

type Step = Operation extends infer O
  ? O extends Operation
    ? Omit<O, 'directive' | 'path'>
    : never
  : never

class Planner {
  readonly #request: PlanRequest
  readonly #view: View
  /** Made in the host's tree before it is copied: mount points, in places that may be read-only afterwards. */
  readonly #before: Operation[] = []
  readonly #operations: Operation[] = []
  /** What was written to while it was put together becomes read-only at last. */
  readonly #after: Operation[] = []
  #spot: Pick<Spot, 'directive' | 'path' | 'missingOk'> = {
    directive: 'the root directory',
    path: '/',
    missingOk: false,
  }

  constructor(request: PlanRequest, view: View) {
    this.#request = request
    this.#view = view
  }

  plan(spots: readonly Spot[]): Operation[] {
    const done: { path: string; attributes: Attributes }[] = []
    const first = spots[0]
    if (first?.path !== '/' || first.what === 'same') {
      const { root, stage } = this.#request
      this.#do({ op: 'bind', source: root, target: stage, recursive: true })
    }
    for (const spot of spots) {
      const around = done.findLast(({ path }) => isWithin(spot.path, path))?.attributes ?? OPEN
      const attributes = {
        readOnly: spot.readOnly ?? around.readOnly,
        noExec: spot.noExec ?? around.noExec,
      }
      this.#spot = spot
      const isThere = spot.unlessMounted && this.#isMounted(spot.path)
      this.#apply(isThere ? { ...spot, what: 'same' } : spot, attributes, around)
      done.push({ path: spot.path, attributes })
    }
    return [...this.#before, ...this.#operations, ...this.#after]
  }

  #apply(spot: Spot, attributes: Attributes, around: Attributes): void {
    const { path, what } = spot
    if (what === 'same') {
      this.#change(path, attributes, around)
      return
    }
    if (what === 'inaccessible') {
      // Nothing lies there, and the content that would is hidden.
      if (spot.node === null) return
      const node = spot.node?.kind === 'directory' ? 'directory' : 'file'
      const source = `${this.#request.inaccessible}/${node}`
      this.#do({ op: 'bind', source, target: this.#at(path), recursive: false })
      this.#flags(path, NOT_READABLE, 0, false)
      return
    }
    const noExec = attributes.noExec ? MS.NOEXEC : 0
    const readOnly = attributes.readOnly ? MS.RDONLY : 0
    switch (what.kind) {
      case 'bind': {
        const { source, recursive } = what
        const place = this.#view.placeOf(path, true)
        // What lies there already, with all its attributes: RuntimeDirectory= and the like, mostly.
        const isSame = hostPath(place, path) === source && path !== '/'
        if (isSame && !this.#isAltered(attributes, around) && recursive) return
        this.#makePoint(spot, this.#request.look(source)?.kind === 'directory')
        this.#do({ op: 'bind', source, target: this.#at(path), recursive })
        this.#flags(path, readOnly | noExec, 0, recursive)
        return
      }
      case 'tmpfs':
        this.#makePoint(spot, true)
        this.#mount('tmpfs', path, what.flags | noExec, what.data)
        if (attributes.readOnly) this.#finally(path, MS.RDONLY)
        return
      case 'devices':
        this.#makePoint(spot, true)
        this.#devices(path)
        return
      case 'proc':
        this.#makePoint(spot, true)
        this.#proc(path, what.data, what.isNeeded)
        return
      case 'mqueue':
        this.#mount('mqueue', path, MS.NOSUID | MS.NODEV | MS.NOEXEC, '')
    }
  }

  #isAltered(a: Attributes, b: Attributes): boolean {
    return a.readOnly !== b.readOnly || a.noExec !== b.noExec
  }

  /** Other attributes for what lies at a path: restrictions are added to a mount of it, for a release it is taken anew from
   * the host, where it has none of ours. What the host itself restricts stays as it is there. */
  #change(path: string, attributes: Attributes, around: Attributes): void {
    if (!this.#isAltered(attributes, around)) return
    const target = this.#at(path)
    const set = (attributes.readOnly ? MS.RDONLY : 0) | (attributes.noExec ? MS.NOEXEC : 0)
    const cleared =
      (around.readOnly && !attributes.readOnly ? MS.RDONLY : 0) |
      (around.noExec && !attributes.noExec ? MS.NOEXEC : 0)
    const source = cleared === 0 ? null : hostPath(this.#view.placeOf(path), path)
    if (path !== '/') this.#do({ op: 'bind', source: source ?? target, target, recursive: true })
    this.#flags(path, set, source === null ? cleared : 0, true)
  }

  /** A /dev of its own (systemd.exec(5), PrivateDevices=). */
  #devices(path: string): void {
    const { look } = this.#request
    const at = (name: string) => this.#at(join(path, `/${name}`))
    this.#mount(
      'tmpfs',
      path,
      MS.NOSUID | MS.STRICTATIME | MS.NOEXEC,
      'mode=755,size=4m,nr_inodes=64',
    )
    for (const name of DEVICE_MOUNTS) {
      if (look(`/dev/${name}`)?.kind !== 'directory') continue
      this.#do({ op: 'directory', target: at(name), mode: 0o755 })
      this.#do({ op: 'bind', source: `/dev/${name}`, target: at(name), recursive: false })
    }
    for (const name of DEVICE_NODES) {
      if (look(`/dev/${name}`)?.kind === 'file')
        this.#do({ op: 'device', source: `/dev/${name}`, target: at(name) })
    }
    const ptmx = look('/dev/ptmx')
    if (ptmx?.kind === 'file') this.#do({ op: 'device', source: '/dev/ptmx', target: at('ptmx') })
    else if (ptmx) this.#do({ op: 'link', text: 'pts/ptmx', target: at('ptmx') })
    const log = look('/dev/log')
    if (log?.kind === 'file') {
      this.#do({ op: 'file', target: at('log') })
      this.#do({ op: 'bind', source: '/dev/log', target: at('log'), recursive: false })
    } else {
      const text = log?.kind === 'link' ? log.target : '/run/systemd/journal/dev-log'
      this.#do({ op: 'link', text, target: at('log') })
    }
    for (const [name, text] of STANDARD_LINKS) this.#do({ op: 'link', text, target: at(name) })
    this.#finally(path, MS.RDONLY)
  }

  /** A new instance, with what a container's engine has put over parts of the host's. Where none may be mounted, or the
   * kernel does not know the options, it is the host's, as in systemd. */
  #proc(path: string, data: string, isNeeded: boolean): void {
    const target = this.#at(path)
    const flags = MS.NOSUID | MS.NODEV | MS.NOEXEC
    this.#do({ op: 'bind', source: '/proc', target, recursive: true })
    this.#do({
      op: 'mount',
      type: 'proc',
      target,
      flags,
      data,
      ...(!isNeeded && { optional: true }),
    })
    for (const mount of this.#request.mounts()) {
      if (mount === '/proc' || !isWithin(mount, '/proc')) continue
      const to = this.#at(join(path, below(mount, '/proc')))
      this.#do({ op: 'bind', source: mount, target: to, recursive: false, optional: true })
    }
  }

  /** The mount point for content, where it is missing. */
  #makePoint(spot: Spot, isDirectory: boolean): void {
    if (spot.node !== null) return
    const parts = spot.path.split('/').slice(1)
    let path = ''
    for (const [i, part] of parts.entries()) {
      path += `/${part}`
      const isLast = i === parts.length - 1
      if (!isLast && this.#view.at(path)) continue
      const place = this.#view.placeOf(path, true)
      const host = hostPath(place, path)
      const target = host ?? this.#at(path)
      const { directive } = spot
      ;(host === null ? this.#operations : this.#before).push(
        isLast && !isDirectory
          ? { op: 'file', target, directive, path }
          : { op: 'directory', target, mode: 0o755, directive, path },
      )
    }
  }

  #isMounted(path: string): boolean {
    const host = hostPath(this.#view.placeOf(path, true), path)
    return host !== null && this.#request.mounts().includes(host)
  }

  #mount(type: string, path: string, flags: number, data: string): void {
    this.#do({ op: 'mount', type, target: this.#at(path), flags, data })
  }

  #flags(path: string, set: number, clear: number, recursive: boolean): void {
    if (set === 0 && clear === 0) return
    const target = this.#at(path)
    if (this.#request.setsFlags) {
      this.#do({ op: 'flags', target, set, clear, recursive })
      return
    }
    this.#do({ op: 'remount', target, set, clear })
    const host = recursive ? hostPath(this.#view.placeOf(path), path) : null
    if (host === null) return
    for (const mount of this.#request.mounts()) {
      if (mount === host || !isWithin(mount, host)) continue
      const inside = this.#at(join(path, below(mount, host)))
      // One that another hides cannot be reached, by nobody.
      this.#do({ op: 'remount', target: inside, set, clear, optional: true })
    }
  }

  #finally(path: string, set: number): void {
    const target = this.#at(path)
    const step: Step = this.#request.setsFlags
      ? { op: 'flags', target, set, clear: 0, recursive: false }
      : { op: 'remount', target, set, clear: 0 }
    this.#after.push(this.#for(step))
  }

  #do(step: Step): void {
    this.#operations.push(this.#for(step))
  }

  #for(step: Step): Operation {
    const { directive, path, missingOk } = this.#spot
    return { ...step, ...(missingOk && { missingOk }), directive, path }
  }

  #at(path: string): string {
    return path === '/' ? this.#request.stage : `${this.#request.stage}${path}`
  }
}

const STANDARD_LINKS = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['core', '/proc/kcore'],
] as const
