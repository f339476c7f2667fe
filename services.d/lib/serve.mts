// An HTTP server that ends well: told to stop, it takes no new requests, answers those it has begun, and exits.
import { rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'

/** How long the requests that have begun may take after SIGTERM; the units' TimeoutStopSec= is longer. */
const DEADLINE_MS = 5_000

/**
 * Listens on $PORT or $SOCKET until SIGTERM or SIGINT. Exits 0 when every request was answered, 1 when some had to be cut
 * off at the deadline. `?wait=SECONDS` makes an answer slow, to see that it is waited for.
 */
export function serve(answer: RequestListener): void {
  const { PORT, SOCKET } = process.env
  let underWay = 0
  let isStopping = false

  const server = createServer(async (request, response) => {
    underWay++
    response.once('close', () => underWay--)
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
    await new Promise(resolve => setTimeout(resolve, Number(searchParams.get('wait') ?? 0) * 1000))
    // A client that has gone away is not answered.
    if (response.destroyed) return
    if (isStopping) response.setHeader('connection', 'close')
    answer(request, response)
  })

  const stop = (signal: string) => {
    if (isStopping) return
    isStopping = true
    console.log(`${signal}: no new requests are taken, under way: ${underWay}`)
    server.close(() => console.log('all requests are answered, bye'))
    setTimeout(() => {
      console.error(`<4>requests that took too long and are cut off: ${underWay}`)
      process.exit(1)
    }, DEADLINE_MS).unref()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)

  server.on('error', error => {
    console.error(`<3>cannot serve: ${error.message}`)
    process.exit(1)
  })
  // After a SIGKILL the socket is still there.
  if (SOCKET) rmSync(SOCKET, { force: true })
  const where = SOCKET ?? Number(PORT)
  server.listen(where, () => console.log(`listening on ${SOCKET ?? `http://localhost:${PORT}`}`))
}
