// What a verb's command is given: its arguments, the daemon, and where to print.
import { isatty } from 'node:tty'
import type { Result } from 'neverthrow'
import type { ControlError, MethodName, Methods } from '../daemon/control/schema.ts'
import type { Connection, RequestOptions } from './client.ts'
import type { ClientError } from './client-error.ts'
import { createPaint, type Paint, wantsColour } from './format/paint.ts'
import type { JsonOutput } from './json.ts'
import type { Options } from './options.ts'
import { terminalWidth, write } from './output.ts'

const MOST_ATTEMPTS = 3
/** Methods that are not sent a second time when the daemon went away before it answered: it may have done them. */
const ONCE: ReadonlySet<MethodName> = new Set(['kill', 'shutdown'])
const isRepeatable = (method: MethodName) => !ONCE.has(method)

/** Runs a verb; gives the exit status. */
export type Command = (context: Context) => Promise<number>

export type Context = {
  verb: string
  args: readonly string[]
  options: Options
  paint: Paint
  /** Whether standard output is a terminal. */
  terminal: boolean
  /** Cells to cut lines to; null: as long as they get. */
  width: number | null
  /** Prints lines on standard output. */
  print(...lines: readonly string[]): void
  /** Prints the one JSON document of a verb. */
  printJson<V extends keyof JsonOutput>(verb: V, document: JsonOutput[V]): void
  /** Prints on standard error, unless --quiet. */
  note(...lines: readonly string[]): void
  /** Tells an error on standard error. */
  complain(error: ControlError, details?: readonly string[]): void
  /** Asks the daemon, over a connection that is made when first needed. */
  ask<M extends MethodName>(
    method: M,
    params: Methods[M]['params'],
    options?: RequestOptions<M>,
  ): Promise<Result<Methods[M]['result'], ClientError>>
  /** As `ask`, over a new connection, once the present one has ended: the daemon is executed anew. */
  askNext<M extends MethodName>(
    method: M,
    params: Methods[M]['params'],
  ): Promise<Result<Methods[M]['result'], ClientError>>
  close(): void
}

/** The context of a command line that was read. */
export function createContext(verb: string, args: readonly string[], options: Options): Context {
  const terminal = isatty(1)
  const paint = createPaint(wantsColour(terminal, process.env))
  let connection: Connection | null = null

  const open = async (): Promise<Result<Connection, ClientError>> => {
    const { connect } = await import('./client.ts')
    const made = await connect(options.socket === null ? {} : { socket: options.socket })
    if (made.isOk()) connection = made.value
    return made
  }

  return {
    verb,
    args,
    options,
    paint,
    terminal,
    width: options.full || !terminal ? null : terminalWidth(),
    print(...lines) {
      if (lines.length > 0) write(1, `${lines.join('\n')}\n`)
    },
    printJson(_verb, document) {
      write(1, `${JSON.stringify(document, null, terminal ? 2 : undefined)}\n`)
    },
    note(...lines) {
      if (!options.quiet && lines.length > 0) write(2, `${lines.join('\n')}\n`)
    },
    complain(error, details = []) {
      if (options.json) write(2, `${JSON.stringify({ error })}\n`)
      else write(2, `${formatError(error, options.quiet ? [] : details, options.quiet)}\n`)
    },
    async ask(method, params, request) {
      let asked: typeof params = params
      for (let attempts = 0; ; attempts++) {
        if (connection === null) {
          const made = await open()
          if (made.isErr()) return made as never
        }
        const answer = await (connection as Connection).request(method, asked, request)
        const isLost = answer.isErr() && answer.error.type === 'disconnected'
        if (!isLost || attempts === MOST_ATTEMPTS || !isRepeatable(method)) return answer
        // The daemon is executed anew, after a crash say: its socket stays. If it is gone, so is the daemon.
        connection = null
        if ((await open()).isErr()) return answer
        asked = request?.again?.() ?? params
      }
    },
    async askNext(method, params) {
      await connection?.ended
      connection = null
      const made = await open()
      if (made.isErr()) return made as never
      return made.value.request(method, params)
    },
    close() {
      connection?.close()
    },
  }
}

function formatError(error: ControlError, details: readonly string[], quiet: boolean): string {
  const hint = error.hint === undefined || quiet ? [] : [error.hint]
  return [error.message, ...[...details, ...hint].map(line => `  ${line}`)].join('\n')
}
