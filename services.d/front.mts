// One port for two services: /hello and /goodbye are passed on to the sockets of those who answer them.
import { request as ask } from 'node:http'
import { dirname, join } from 'node:path'
import { serve } from './lib/serve.mts'

const sockets = process.argv[2] ?? dirname(process.argv[1] ?? '.')
const SERVICES = ['hello', 'goodbye']

serve((request, response) => {
  const name = new URL(request.url ?? '/', 'http://localhost').pathname.slice(1)
  if (!SERVICES.includes(name)) {
    response.statusCode = 404
    response.end(`ask for ${SERVICES.map(service => `/${service}`).join(' or ')}\n`)
    return
  }
  const { method, url: path, headers } = request
  const passed = ask(
    { socketPath: join(sockets, `${name}.sock`), method, path, headers },
    answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    },
  )
  passed.on('error', error => {
    console.error(`<4>${name} does not answer: ${error.message}`)
    if (!response.headersSent) response.statusCode = 502
    response.end(`${name} does not answer\n`)
  })
  request.pipe(passed)
})
