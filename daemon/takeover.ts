// Taking the place of an earlier image of the daemon: what it has left, why it is gone, and what takes this one's place.
import { readDescriptors } from './runtime/descriptors.ts'
import {
  argvOf,
  CAUSE,
  closeImage,
  copyImage,
  environmentOf,
  holdOf,
  type Image,
  type Inheritance,
  imageFds,
  openImage,
  pathOf,
  readImageFile,
  VARIABLE,
} from './runtime/image.ts'
import { createKeep, type KeepStore } from './runtime/keep.ts'
import type { Ledger, Native } from './runtime/native.ts'
import {
  createPersist,
  type Leftover,
  type Persist,
  readLedger,
  SLOT,
  STATE_VERSION,
} from './runtime/persist.ts'

export type Takeover = {
  persist: Persist
  /** Which unit a run is of, for an image that cannot read the state (adopt.ts). */
  index: Ledger
  /** The engine's state and what is to be done yet; null at a first start, and when it could not be read. */
  leftover: Leftover | null
  /** Why what there was could not be read, in words. */
  lost: string | null
  /** Why the image before this one was left (image.ts); 0 at a first start. */
  cause: number
  /** Says why this image is left, and when. */
  leave(cause: number): void
  /** The text of the log worker, if it is held open. */
  program: (() => string) | null
  image: Image | null
  environment: Readonly<Record<string, string | undefined>>
  /** 1 for the first image. */
  number: number
  /** This image has come up: from here on it takes its own place. */
  complete(): void
  /** Has the image in memory from here on, whatever is done to its files; once the boot is over. */
  secure(): void
  /** Closes what an earlier image had opened to be kept and that did not come to be written down. `others` are kept, too. */
  sweep(others: readonly number[]): void
}

/** Never another one. */
const INDEX_VERSION = 1
/** The addon's doubles among the slots (native/image.c). */
const SLOT_CAUSE = 8
const SLOT_COUNT = 9

/** `environment`: the daemon's own; `args`: its command line without interpreter and script. */
export function takeOver(
  native: Native,
  inheritance: Inheritance | null,
  environment: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
): Takeover {
  const found = inheritance ? readState(native, inheritance.state) : null
  const ledger = found?.ledger ?? native.ledger('state', STATE_VERSION)
  const index =
    (inheritance && native.ledger(inheritance.index)) ?? native.ledger('index', INDEX_VERSION)
  native.shareSlots(ledger.slots)
  const persist = createPersist(native, ledger, found?.keep ?? null)
  if (found?.leftover) {
    persist.slots[SLOT.performed] = found.leftover.performed
    persist.slots[SLOT.spawned] = 0
  }
  const cause = persist.slots[SLOT_CAUSE] ?? 0
  persist.slots[SLOT_CAUSE] = 0

  let image = inheritance?.image ?? openImage(native)
  const own = () => [ledger.fd, index.fd, ...(image ? imageFds(image) : [])]
  // What was open when the daemon was started is whoever's who started it.
  const part = persist.keep.part('given descriptors')
  if (!inheritance) {
    const others = lastingFds().filter(fd => !own().includes(fd))
    part.put('given', others)
  }
  const givenFds = () => (part.entries.get('given')?.data ?? []) as number[]
  /** As it was given: what is added to it here is for this image's threads alone. */
  const given = { ...environment }
  delete given[VARIABLE]
  const guard = (by: Image | null, fallback: Image | null) => {
    if (by === null || by.node < 0) return
    const told = { state: ledger.fd, index: index.fd, image: by, fallback }
    native.guard(by.node, argvOf(args), environmentOf(given, told, holdOf(by)))
  }
  guard(inheritance?.fallback ?? image, null)
  delete process.env[VARIABLE]
  // For the log worker: by its name it could be another's by now.
  const hasAddon = process.env.HEARTH_ADDON !== undefined
  if (image && !hasAddon) process.env.HEARTH_ADDON = pathOf(image.addon)

  return {
    persist,
    index,
    leftover: found?.leftover ?? null,
    lost: found?.lost ?? null,
    cause,
    get image() {
      return image
    },
    environment: given,
    number: (persist.slots[SLOT_COUNT] ?? 0) + 1,
    program: image && image.worker >= 0 ? () => readImageFile(image?.worker ?? -1) : null,
    leave(why) {
      persist.slots[SLOT_CAUSE] = why
      if (why !== 0) persist.slots[SLOT_COUNT] = (persist.slots[SLOT_COUNT] ?? 0) + 1
    },
    complete() {
      guard(image, null)
      if (inheritance?.fallback) closeImage(inheritance.fallback)
    },
    secure() {
      if (!image || image.isCopied) return
      const files = image
      image = copyImage(native, files)
      if (!hasAddon) process.env.HEARTH_ADDON = pathOf(image.addon)
      guard(image, null)
      for (const fd of imageFds({ ...files, node: -1 })) native.close(fd)
    },
    sweep(others) {
      const known = [...givenFds(), ...persist.keptFds(), ...others, ...own()]
      const kept = new Set(known)
      for (const fd of lastingFds()) if (!kept.has(fd)) native.close(fd)
    },
  }
}

type Found = {
  ledger: Ledger | null
  keep: KeepStore
  leftover: Leftover | null
  lost: string | null
}

function readState(native: Native, fd: number): Found {
  try {
    const ledger = native.ledger(fd)
    if (ledger === null) throw new Error('it is damaged')
    return { ledger, ...readLedger(ledger), lost: null }
  } catch (error) {
    const lost = error instanceof Error ? error.message : String(error)
    return { ledger: null, keep: createKeep(), leftover: null, lost }
  }
}

/** Descriptors that stay open over an execve, but for the standard streams. */
const lastingFds = () =>
  readDescriptors()
    .filter(({ fd, isKept }) => fd > 2 && isKept)
    .map(({ fd }) => fd)

const SIGNALS: Readonly<Record<number, string>> = {
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  11: 'SIGSEGV',
  31: 'SIGSYS',
}

/** Why an image was left, in words. */
export function describeCause(cause: number): string {
  switch (cause) {
    case 0:
      return 'for a reason that is not known'
    case CAUSE.exit:
      return 'an exit that nobody had asked for'
    case CAUSE.hang:
      return 'its main loop did not turn any more'
    case CAUSE.exception:
      return 'an uncaught exception'
    case CAUSE.reexec:
      return 'it was told to execute itself again'
    default:
      return SIGNALS[cause] ?? `signal ${cause}`
  }
}
