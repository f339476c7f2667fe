// A thread of `npm run simulate`: plays the seeds that it is given, one after the other.
import { parentPort, workerData } from 'node:worker_threads'
import { type Count, search } from './search.ts'

/** `failure`: what was found, in words. */
export type Report = Count & { seed: number; failure: { course: string; text: string } | null }
export type Task = { runs: number; courses: readonly string[] }

const FRAMES = 12

parentPort?.on('message', (seed: number) => {
  const { runs, courses } = workerData as Task
  const count: Count = { scenarios: 0, steps: 0, crashes: 0 }
  const found = search({ runs, seed, courses }, count)
  const report: Report = {
    ...count,
    seed,
    failure: found && { course: found.course, text: inWords(found.error) },
  }
  parentPort?.postMessage(report)
})

/** The message, which holds the schedule, and where it was thrown, without the schedule again. */
function inWords({ message, stack }: Error): string {
  const frames = stack?.split('\n').filter(line => line.startsWith('    at ')) ?? []
  return [message, ...frames.slice(0, FRAMES)].join('\n')
}
