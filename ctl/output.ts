// Standard output and error, written at once: Node's streams would cost a tenth of the time of a short command.
import { writeSync } from 'node:fs'
import { WriteStream } from 'node:tty'
import type { Pager } from './pager.ts'

/** What standard output goes through; null: nothing. */
let pager: Pager | null = null

const streams = { 1: () => process.stdout, 2: () => process.stderr } as const
/** Descriptors that could not take all at once: what follows has to wait behind what waits. */
const streaming = new Set<number>()

/** Writes to standard output (1) or error (2). A reader that has gone (`| head`) ends the process quietly. */
export function write(fd: 1 | 2, content: string | Uint8Array): void {
  if (fd === 1 && pager !== null) pager.write(content)
  else writeThrough(fd, content)
}

function writeThrough(fd: 1 | 2, content: string | Uint8Array): void {
  if (streaming.has(fd)) {
    streams[fd]().write(content)
    return
  }
  let bytes = typeof content === 'string' ? Buffer.from(content) : content
  try {
    while (bytes.length > 0) bytes = bytes.subarray(writeSync(fd, bytes))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'EPIPE') process.exit(0)
    if (code !== 'EAGAIN') throw error
    streaming.add(fd)
    const stream = streams[fd]()
    stream.on('error', (failure: NodeJS.ErrnoException) => {
      if (failure.code !== 'EPIPE') throw failure
      process.exit(0)
    })
    stream.write(bytes)
  }
}

/** Whether nothing that was written waits for its reader. */
export const isWrittenOut = () => streaming.size === 0

/** Resolves when what was written has gone out; undefined when it has already. */
export function drained(fd: 1 | 2): undefined | Promise<void> {
  const paged = fd === 1 ? pager?.drained() : undefined
  if (paged) return paged
  if (!streaming.has(fd)) return undefined
  const stream = streams[fd]()
  if (!stream.writableNeedDrain) return undefined
  return new Promise(resolve => stream.once('drain', resolve))
}

/** From here on what is more than a screen goes to a pager, as the environment has it. */
export async function page(atEnd: boolean): Promise<void> {
  const { createPager } = await import('./pager.ts')
  const { stdout } = process
  pager = createPager({
    environment: process.env,
    rows: stdout.rows ?? 24,
    columns: terminalWidth(),
    atEnd,
    print: content => writeThrough(1, content),
  })
}

/** Resolves when the reader has left the pager, if there is one. */
export async function finishPaging(): Promise<void> {
  await pager?.finish()
}

/** The width of the terminal that standard output is, in cells. */
export function terminalWidth(): number {
  const columns = Number(process.env.COLUMNS)
  if (Number.isInteger(columns) && columns > 0) return columns
  const stream = process.stdout
  return stream instanceof WriteStream && stream.columns > 0 ? stream.columns : 80
}
