// One question to the daemon over its control socket, without a ctl process: for what a test asks again and again.
import { connect } from 'node:net'
import type { MethodName, Methods } from '../../daemon/control/schema.ts'

/** The answer, or null when the daemon refused, hung up, or could not be reached (while it is executed anew, say). */
export function ask<M extends MethodName>(
  runtime: string,
  method: M,
  params: Methods[M]['params'],
): Promise<Methods[M]['result'] | null> {
  return new Promise(resolve => {
    const socket = connect(`${runtime}/control.sock`)
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', data => {
      text += data
    })
    socket.on('error', () => resolve(null))
    socket.on('close', () => {
      const line = text.split('\n').find(part => part.includes('"type":"reply"'))
      const reply = line === undefined ? null : JSON.parse(line).data
      resolve(reply?.ok ? reply.result : null)
    })
    const data = { v: 1, id: 1, method, params }
    socket.end(`${JSON.stringify({ type: 'request', data })}\n`)
  })
}
