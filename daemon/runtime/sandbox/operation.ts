// What native/mounts.c does, one after the other, in the child; encoded as it reads them.

/** Paths are complete: those of the unit's file system begin with the directory where it is put together. */
export type Operation = (
  | { op: 'bind'; source: string; target: string; recursive: boolean }
  | { op: 'mount'; type: string; target: string; flags: number; data: string }
  /** Sets and clears flags of the mount at `target` and, if asked for, of all mounts below. */
  | { op: 'flags'; target: string; set: number; clear: number; recursive: boolean }
  /** The same of one mount, by a remount: for kernels without mount_setattr. */
  | { op: 'remount'; target: string; set: number; clear: number }
  | { op: 'directory'; target: string; mode: number }
  | { op: 'file'; target: string }
  /** A copy of the device node `source`, or a bind mount of it where nodes cannot be made. */
  | { op: 'device'; source: string; target: string }
  | { op: 'link'; text: string; target: string }
) & {
  /** A failure does not count. */
  optional?: boolean
  /** Nothing at `target`, or at `source`, is no failure. */
  missingOk?: boolean
  /** The setting and the path that it is done for, for messages. */
  directive: string
  path: string
}

const CODES = { bind: 1, mount: 2, flags: 3, remount: 4, directory: 5, file: 6, device: 7, link: 8 }
const OPTIONAL = 1
const RECURSIVE = 2
const MISSING_OK = 4
const HEADER = 16

/** A block for each: four words (code, how, two numbers), then three strings with their NUL, filled up to a word. */
export function encodeOperations(operations: readonly Operation[]): Uint8Array {
  const blocks = operations.map(encodeOne)
  return new Uint8Array(Buffer.concat(blocks))
}

function encodeOne(operation: Operation): Uint8Array {
  let how = (operation.optional ? OPTIONAL : 0) | (operation.missingOk ? MISSING_OK : 0)
  let numbers: readonly [number, number] = [0, 0]
  let source = ''
  let data = ''
  switch (operation.op) {
    case 'bind':
      source = operation.source
      how |= operation.recursive ? RECURSIVE : 0
      break
    case 'mount':
      source = operation.type
      data = operation.data
      numbers = [operation.flags, 0]
      break
    case 'flags':
      how |= operation.recursive ? RECURSIVE : 0
      numbers = [operation.set, operation.clear]
      break
    case 'remount':
      numbers = [operation.set, operation.clear]
      break
    case 'directory':
      numbers = [operation.mode, 0]
      break
    case 'device':
      source = operation.source
      break
    case 'link':
      source = operation.text
      break
    case 'file':
      break
  }
  const text = Buffer.from(`${source}\0${operation.target}\0${data}\0`)
  const block = Buffer.alloc(HEADER + ((text.length + 3) & ~3))
  for (const [i, word] of [CODES[operation.op], how, ...numbers].entries())
    block.writeUInt32LE(word, i * 4)
  text.copy(block, HEADER)
  return block
}
