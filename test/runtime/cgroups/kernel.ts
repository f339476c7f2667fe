// The kernel's side of cgroup v2, as far as hearth's goes: directories that have their files by what their parent gives
// them, and the rule that a cgroup has processes or gives controllers, not both.
import type { CgroupFiles } from '../../../daemon/runtime/cgroups/files.ts'
import type { ProgramKind } from '../../../daemon/runtime/cgroups/programs.ts'

const FILES: Readonly<Record<string, readonly string[]>> = {
  '': [
    'cgroup.procs',
    'cgroup.controllers',
    'cgroup.subtree_control',
    'cgroup.events',
    'cgroup.kill',
    'cpu.stat',
  ],
  cpu: ['cpu.weight', 'cpu.idle', 'cpu.max'],
  cpuset: ['cpuset.cpus', 'cpuset.mems'],
  io: ['io.weight', 'io.max', 'io.latency', 'io.stat'],
  memory: [
    ...['memory.current', 'memory.peak', 'memory.min', 'memory.low', 'memory.high', 'memory.max'],
    ...['memory.swap.max', 'memory.oom.group', 'memory.events'],
  ],
  pids: ['pids.current', 'pids.max'],
}

type Directory = {
  pids: Set<number>
  files: Map<string, string>
  given: Set<string>
  below: Set<string>
  owner: string
}

export class Kernel implements CgroupFiles {
  readonly #directories = new Map<string, Directory>()
  readonly #watches = new Map<string, Set<() => void>>()
  /** Directories that may not be written to, with the errno. */
  readonly refused = new Map<string, string>()
  /** Everything that was written, as `directory/file=value`. */
  readonly writes: string[] = []

  /** `own` is the daemon's cgroup, in a container: not the root of the hierarchy, to which no rule applies. */
  constructor(own: string, controllers: readonly string[], pids: readonly number[] = []) {
    this.#add(own, new Set(controllers))
    for (const pid of pids) this.#directory(own).pids.add(pid)
  }

  #directory(path: string): Directory {
    const found = this.#directories.get(path)
    if (!found) throw new Error(`no directory ${path}`)
    return found
  }

  #add(path: string, given: Set<string>) {
    const directory = {
      pids: new Set<number>(),
      files: new Map(),
      given,
      below: new Set<string>(),
      owner: '',
    }
    this.#directories.set(path, directory)
  }

  #split(path: string): [directory: string, file: string] {
    const slash = path.lastIndexOf('/')
    return [path.slice(0, slash), path.slice(slash + 1)]
  }

  #has({ given }: Directory, file: string): boolean {
    return [...given, ''].some(controller => FILES[controller]?.includes(file))
  }

  #populated(path: string): boolean {
    for (const [at, { pids }] of this.#directories)
      if ((at === path || at.startsWith(`${path}/`)) && pids.size > 0) return true
    return false
  }

  read(path: string): string {
    const [at, file] = this.#split(path)
    const directory = this.#directories.get(at)
    if (!directory || !this.#has(directory, file)) return ''
    if (file === 'cgroup.procs') return [...directory.pids].join('\n')
    if (file === 'cgroup.controllers') return [...directory.given].join(' ')
    if (file === 'cgroup.subtree_control') return [...directory.below].join(' ')
    if (file === 'cgroup.events') return `populated ${this.#populated(at) ? 1 : 0}\nfrozen 0\n`
    return directory.files.get(file) ?? ''
  }

  write(path: string, text: string): string | null {
    const [at, file] = this.#split(path)
    const directory = this.#directories.get(at)
    const refused = this.refused.get(at) ?? this.refused.get(path)
    if (refused) return refused
    if (!directory || !this.#has(directory, file)) return 'ENOENT'
    this.writes.push(`${path}=${text}`)
    if (file === 'cgroup.procs') return this.move(Number(text), at)
    if (file === 'cgroup.subtree_control') return this.#control(at, directory, text)
    directory.files.set(file, text)
    return null
  }

  #control(at: string, directory: Directory, text: string): string | null {
    const controller = text.slice(1)
    if (!directory.given.has(controller)) return 'ENOENT'
    if (text.startsWith('+') && directory.pids.size > 0) return 'EBUSY'
    const children = [...this.#directories].filter(([path]) => this.#split(path)[0] === at)
    for (const [, child] of children) {
      if (text.startsWith('+')) child.given.add(controller)
      else if (child.below.has(controller)) return 'EBUSY'
      else child.given.delete(controller)
    }
    if (text.startsWith('+')) directory.below.add(controller)
    else directory.below.delete(controller)
    return null
  }

  /** What is attached, by `directory kind`. */
  readonly programs = new Map<string, Uint8Array>()

  attach(path: string, kind: ProgramKind, code: Uint8Array | null): string | null {
    const refused = this.refused.get(`${path} ${kind}`)
    if (refused) return refused
    if (code) this.programs.set(`${path} ${kind}`, code)
    else this.programs.delete(`${path} ${kind}`)
    return null
  }

  /** Moves a process, or starts one there. */
  move(pid: number, to: string): string | null {
    const directory = this.#directory(to)
    if (directory.below.size > 0) return 'EBUSY'
    for (const { pids } of this.#directories.values()) pids.delete(pid)
    directory.pids.add(pid)
    return null
  }

  end(pid: number) {
    for (const { pids } of this.#directories.values()) pids.delete(pid)
  }

  /** The kernel writes into a file, and says so. */
  set(path: string, text: string) {
    const [at, file] = this.#split(path)
    this.#directory(at).files.set(file, text)
    for (const changed of this.#watches.get(path) ?? []) changed()
  }

  mkdir(path: string): string | null {
    const [parent] = this.#split(path)
    if (this.refused.has(parent)) return this.refused.get(parent) ?? null
    if (this.#directories.has(path)) return 'EEXIST'
    this.#add(path, new Set(this.#directory(parent).below))
    return null
  }

  rmdir(path: string): boolean {
    if (this.#populated(path) || this.directories(path).length > 0) return false
    return this.#directories.delete(path)
  }

  directories(path: string): string[] {
    return [...this.#directories.keys()]
      .filter(at => this.#split(at)[0] === path)
      .map(at => this.#split(at)[1])
  }

  open(path: string): number {
    return this.#directories.has(path) ? 7 : -1
  }

  chown(path: string, uid: number, gid: number) {
    const directory = this.#directories.get(path)
    if (directory) directory.owner = `${uid}:${gid}`
  }

  ownerOf = (path: string) => this.#directory(path).owner

  watch(path: string, changed: () => void): () => void {
    const known = this.#watches.get(path) ?? new Set()
    this.#watches.set(path, known.add(changed))
    return () => void known.delete(changed)
  }
}
