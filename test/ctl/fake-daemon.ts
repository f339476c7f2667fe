// A daemon that speaks the protocol over a real socket and answers what a test tells it to; and ctl beside it.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import type { ExecutionContext } from 'ava'
import { build } from 'esbuild'
import { IPCModule, type Server } from 'node-ipc'
import { lazyBuiltins } from '../../build/lazy-builtins.ts'
import {
  CANCEL_EVENT,
  type Cancel,
  type ControlError,
  FRAME_DELIMITER,
  MAX_REPLY_BYTES,
  type MethodName,
  type Methods,
  PART_EVENT,
  PROTOCOL_VERSION,
  REPLY_EVENT,
  REQUEST_EVENT,
  type Request,
} from '../../daemon/control/schema.ts'

export const root = new URL('../..', import.meta.url).pathname
const NODE = `${root}node_modules/.bin/node`

type Answer<M extends MethodName> =
  | { result: Methods[M]['result']; parts?: readonly Methods[M]['part'][] }
  | { error: ControlError }
  /** Parts without end, until the client goes away. */
  | { endless: Methods[M]['part'] }
  /** No answer, until the request is cancelled or the client goes away. */
  | 'silence'
  | 'hang-up'
export type Answers = {
  [M in MethodName]?: Answer<M> | ((params: Methods[M]['params']) => Answer<M>)
}

export type Outcome = { code: number; out: string; err: string }
export type FakeDaemon = {
  socket: string
  /** What ctl asked for, in order. */
  requests: { method: MethodName; params: unknown }[]
  cancelled: number[]
  ctl(...args: readonly string[]): Promise<Outcome>
  /** Resolves when a request for that method has come. */
  asked(method: MethodName): Promise<void>
}

/** Starts a fake daemon that ends with the test. */
export async function startFake(t: ExecutionContext, answers: Answers): Promise<FakeDaemon> {
  const directory = mkdtempSync(`${tmpdir()}/hearth-ctl-`)
  const socket = `${directory}/control.sock`
  const requests: FakeDaemon['requests'] = []
  const cancelled: number[] = []
  const waiting: { method: MethodName; resolve: () => void }[] = []
  const server = await serve(socket)

  server.on(REQUEST_EVENT, (data, client) => {
    const request = data as Request
    requests.push({ method: request.method, params: request.params })
    for (const one of waiting) if (one.method === request.method) one.resolve()
    reply(server, client, request, answerTo(answers, request))
  })
  server.on(CANCEL_EVENT, (data, client) => {
    const { id } = data as Cancel
    cancelled.push(id)
    const error: ControlError = { code: 'cancelled', message: 'cannot go on: cancelled' }
    server.emit(client, REPLY_EVENT, { v: PROTOCOL_VERSION, id, ok: false, error })
  })
  t.teardown(() => {
    server.stop()
    rmSync(directory, { recursive: true })
  })
  return {
    socket,
    requests,
    cancelled,
    ctl: (...args) => runCtl(['--socket', socket, ...args]),
    asked: method =>
      requests.some(one => one.method === method)
        ? Promise.resolve()
        : new Promise(resolve => waiting.push({ method, resolve })),
  }
}

function answerTo<M extends MethodName>(answers: Answers, request: Request<M>): Answer<M> {
  const answer = answers[request.method] as Answers[M]
  const unknown: ControlError = {
    code: 'unknown-method',
    message: `cannot do ${request.method}: the test has no answer for it`,
  }
  if (answer === undefined) return { error: unknown }
  return typeof answer === 'function' ? answer(request.params) : (answer as Answer<M>)
}

function reply<M extends MethodName>(
  server: Server,
  client: Socket,
  { id }: Request,
  answer: Answer<M>,
): void {
  if (answer === 'silence') return
  if (answer === 'hang-up') {
    client.destroy()
    return
  }
  if ('endless' in answer) {
    const part = { v: PROTOCOL_VERSION, id, part: answer.endless }
    const timer = setInterval(() => server.emit(client, PART_EVENT, part), 10)
    client.once('close', () => clearInterval(timer))
    return
  }
  if ('error' in answer) {
    server.emit(client, REPLY_EVENT, { v: PROTOCOL_VERSION, id, ok: false, error: answer.error })
    return
  }
  for (const part of answer.parts ?? []) {
    server.emit(client, PART_EVENT, { v: PROTOCOL_VERSION, id, part })
  }
  server.emit(client, REPLY_EVENT, { v: PROTOCOL_VERSION, id, ok: true, result: answer.result })
}

function serve(path: string): Promise<Server> {
  const ipc = new IPCModule()
  Object.assign(ipc.config, {
    silent: true,
    parser: 'guarded',
    delimiter: FRAME_DELIMITER,
    maxMessageSize: MAX_REPLY_BYTES,
    maxPendingBytes: MAX_REPLY_BYTES,
    secureSocketRoot: false,
  })
  return new Promise(resolve => {
    ipc.serve(path, () => {
      if (ipc.server) resolve(ipc.server)
    })
    if (ipc.server) ipc.server.start()
  })
}

let bundle: Promise<string> | undefined

/** ctl in one file, as it ships: from the sources it would take four times as long to start, and tests start it often. */
function bundleCtl(): Promise<string> {
  const directory = mkdtempSync(`${tmpdir()}/hearth-ctl-`)
  process.on('exit', () => rmSync(directory, { recursive: true }))
  const outfile = `${directory}/ctl.cjs`
  return build({
    absWorkingDir: root,
    entryPoints: ['ctl/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'cjs',
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: 'const importMetaUrl = `file://${__filename}`' },
    plugins: [lazyBuiltins],
  }).then(() => outfile)
}

/** The command line of ctl. */
export async function ctlCommand(socket: string): Promise<readonly [node: string, ...string[]]> {
  bundle ??= bundleCtl()
  return [NODE, await bundle, '--socket', socket]
}

/** ctl, run to its end in a process of its own. */
export async function runCtl(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  bundle ??= bundleCtl()
  const file = await bundle
  return new Promise(resolve => {
    execFile(
      NODE,
      [file, ...args],
      { env: { ...process.env, TZ: 'UTC', ...env } },
      (error, out, err) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
        resolve({ code, out, err })
      },
    )
  })
}
