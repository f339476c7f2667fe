// Starts a thread of the daemon's: the log worker, or the one that forwards logs.
import { SHARE_ENV, Worker } from 'node:worker_threads'
import { err, ok, type Result } from 'neverthrow'
import { inWords } from '../runtime/failure.ts'

export type Thread = {
  name: string
  /** The text of its program; null: the file's. */
  program: string | null
  file: URL
  workerData: unknown
  /** Of a heap of its own, MiB: a mistake in it must not take the machine's memory. */
  youngMb: number
  oldMb: number
}

/** The thread, or why there is none to be had, in words: the limit of processes is reached, say. Throws what is a defect. */
export function startThread({
  name,
  program,
  file,
  workerData,
  ...heap
}: Thread): Result<Worker, string> {
  try {
    return ok(
      new Worker(program ?? file, {
        name,
        eval: program !== null,
        workerData,
        env: SHARE_ENV,
        execArgv: [],
        trackUnmanagedFds: false,
        resourceLimits: {
          maxYoungGenerationSizeMb: heap.youngMb,
          maxOldGenerationSizeMb: heap.oldMb,
        },
      }),
    )
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // Its message is the name of the errno.
    if (code !== 'ERR_WORKER_INIT_FAILED') throw error
    return err(inWords(message))
  }
}
