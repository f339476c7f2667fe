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
  close(): void
}

/** The context of a command line that was read. */
export function createContext(verb: string, args: readonly string[], options: Options): Context {
  const terminal = isatty(1)
  const paint = createPaint(wantsColour(terminal, process.env))
  let connection: Connection | null = null
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
      if (connection === null) {
        const { connect } = await import('./client.ts')
        const made = await connect(options.socket === null ? {} : { socket: options.socket })
        if (made.isErr()) return made as never
        connection = made.value
      }
      return connection.request(method, params, request)
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
