// A control server on a socket of its own, and clients that speak to it by hand.
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import type { ExecutionContext } from 'ava'
import type { Peer } from '../../daemon/control/authorise.ts'
import type { MethodName, Methods, Reply } from '../../daemon/control/schema.ts'
import {
  type ControlLimits,
  type ControlServer,
  openControlServer,
} from '../../daemon/control/server.ts'
import { createFake, type Fake, NOW } from './fake.ts'

export const OWN_UID = process.geteuid?.() ?? 0
/** Neither root nor who runs the tests, be it `nobody`. */
export const STRANGER_UID = OWN_UID === 65_534 ? 65_533 : 65_534
export const GROUP = 4711

export type Frame = { type: string; data: Record<string, unknown> & { id: number | null } }
export type Daemon = {
  fake: Fake
  server: ControlServer
  path: string
  warnings: string[]
  /** Who the next connections are. */
  peer: Peer
}

/** Opens a server that is closed with the test. */
export async function openDaemon(
  t: ExecutionContext<unknown>,
  limits: Partial<ControlLimits> = {},
  policy: { groupId?: number; uid?: number } = {},
): Promise<Daemon> {
  const directory = mkdtempSync(`${tmpdir()}/hearth-control-`)
  const fake = createFake()
  const daemon: Omit<Daemon, 'server'> = {
    fake,
    path: `${directory}/control.sock`,
    warnings: [],
    peer: { uid: OWN_UID, gid: 0, groups: [] },
  }
  const opened = await openControlServer({
    path: daemon.path,
    groupId: null,
    uid: OWN_UID,
    ...policy,
    backend: fake,
    peerCredentials: () => daemon.peer,
    now: () => NOW,
    warn: message => daemon.warnings.push(message),
    limits,
  })
  const server = opened._unsafeUnwrap()
  t.teardown(() => {
    server.close()
    rmSync(directory, { recursive: true })
  })
  return Object.assign(daemon, { server })
}

export type Wire = {
  socket: Socket
  write(text: string): void
  send(id: number, method: string, params?: unknown): void
  /** The next message; rejects when the connection ends before. */
  next(): Promise<Frame>
  /** Resolves when the connection is closed. */
  closed: Promise<void>
}

/** Connects a client; resolves when it is connected. */
export async function dial(t: ExecutionContext<unknown>, path: string): Promise<Wire> {
  const socket = connect(path)
  t.teardown(() => socket.destroy())
  const frames: Frame[] = []
  const waiting: { resolve: (frame: Frame) => void; reject: (error: Error) => void }[] = []
  let rest = ''
  let isClosed = false
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const one of lines) {
      const frame = JSON.parse(one) as Frame
      const taker = waiting.shift()
      if (taker) taker.resolve(frame)
      else frames.push(frame)
    }
  })
  // What the daemon does to a connection is seen by its end.
  socket.on('error', () => {})
  const closed = new Promise<void>(resolve => {
    socket.on('close', () => {
      isClosed = true
      for (const { reject } of waiting) reject(new Error('the connection was closed'))
      resolve()
    })
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return {
    socket,
    closed,
    write: text => void socket.write(text),
    send: (id, method, params = {}) =>
      void socket.write(
        `${JSON.stringify({ type: 'request', data: { v: 1, id, method, params } })}\n`,
      ),
    next() {
      const frame = frames.shift()
      if (frame) return Promise.resolve(frame)
      if (isClosed) return Promise.reject(new Error('the connection was closed'))
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
    },
  }
}

/** One request on a connection of its own. */
export async function ask<M extends MethodName>(
  t: ExecutionContext<unknown>,
  daemon: Daemon,
  method: M,
  params: Methods[M]['params'],
): Promise<Reply<M>> {
  const wire = await dial(t, daemon.path)
  wire.send(1, method, params)
  const frame = await wire.next()
  wire.socket.destroy()
  return frame.data as unknown as Reply<M>
}

/** The result of a request that must succeed. */
export async function result<M extends MethodName>(
  t: ExecutionContext<unknown>,
  daemon: Daemon,
  method: M,
  params: Methods[M]['params'],
): Promise<Methods[M]['result']> {
  const reply = await ask(t, daemon, method, params)
  if (!reply.ok) throw new Error(`${method} was refused: ${reply.error.message}`)
  return reply.result
}
