// The figures of the logs: what the services' lines cost, beside programs that do nothing else.

import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { boot, LIMIT_MS, median, type Running, settle, sum } from './figures.ts'
import { cpuUsec, nowUsec, privateBytes, WRITTEN } from './probe.ts'
import type { Subject } from './subjects.ts'

export type Writing = { writers: number; bytes: number; length: number }

/** Boots writers that wait; `go` lets them write, and resolves when the last one has nothing left in its pipe: microseconds. */
function bootWriters<T>(
  subject: Subject,
  programs: string,
  { writers, bytes, length }: Writing,
  measure: (running: Running, go: () => Promise<number>) => Promise<T>,
): Promise<T> {
  const gate = `${programs}/gate`
  execFileSync('sh', ['-c', `test -p ${gate} || mkfifo ${gate}`])
  const each = Math.ceil(bytes / writers)
  return boot(
    subject,
    programs,
    writers,
    async running => {
      await running.up
      const go = async () => {
        const written = running.beats.next(writers, beat => beat.number === WRITTEN, LIMIT_MS)
        // All of them wait in their open. Many processes that begin at once keep this one from running again for a while.
        const start = nowUsec()
        const fd = openSync(gate, constants.O_WRONLY)
        try {
          return Math.max(...(await written).map(beat => beat.usec)) - start
        } finally {
          closeSync(fd)
        }
      }
      return await measure(running, go)
    },
    (fifo, number) => [`${programs}/lines`, fifo, `${number}`, gate, `${each}`, `${length}`],
  )
}

/** Lines from the services' pipes into files: bytes a microsecond, as they were written, and the processor time of whoever
 * reads and writes them, which tells more when the machine has other work. */
export const measureLines = (subject: Subject, programs: string, writing: Writing) =>
  bootWriters(subject, programs, writing, async ({ supervisors }, go) => {
    await settle(1200)
    const pids = supervisors()
    const before = sum(pids.map(cpuUsec))
    const rate = writing.bytes / (await go())
    return { rate, cpuUsec: sum(pids.map(cpuUsec)) - before }
  })

/** A control request until it is answered, while nothing happens and while a service writes as much as it can. */
export const measureAnswers = (subject: Subject, programs: string, writing: Writing) =>
  bootWriters(subject, programs, writing, async ({ directory }, go) => {
    await settle(1200)
    const client = openClient(`${directory}/run/control.sock`)
    const idle: number[] = []
    while (idle.length < 200) idle.push(await client.ask())
    const busy: number[] = []
    let isDone = false
    const written = go().then(() => {
      isDone = true
    })
    while (!isDone) busy.push(await client.ask())
    await written
    client.close()
    return { idleUsec: median(idle), busyUsec: median(busy) }
  })

/** What the daemon keeps for a service that has written, beyond the pipe. */
export async function measureLogged(subject: Subject, programs: string, services: number) {
  const measure = (writers: number) =>
    bootWriters(
      subject,
      programs,
      { writers, bytes: writers * 10_000, length: 100 },
      async ({ supervisors }, go) => {
        await go()
        await settle(2500)
        return sum(supervisors().map(privateBytes))
      },
    )
  const many = await measure(services)
  return { slope: (many - (await measure(1))) / (services - 1) }
}

/** A client that asks whether a service is active, a millisecond after each answer. */
function openClient(path: string) {
  const socket = connect(path)
  const answers = createInterface(socket)[Symbol.asyncIterator]()
  let id = 0
  return {
    async ask() {
      await settle(1)
      const data = { v: 1, id: ++id, method: 'isActive', params: { units: ['s0'] } }
      const start = nowUsec()
      socket.write(`${JSON.stringify({ type: 'request', data })}\n`)
      const answer = await answers.next()
      if (answer.done) throw new Error('the daemon has closed the connection')
      return nowUsec() - start
    },
    close: () => void socket.destroy(),
  }
}
