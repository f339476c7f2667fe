// Answers every request with a greeting: the text that it is started with.
import { serve } from './lib/serve.mts'

const greeting = process.argv.slice(2).join(' ')

serve((request, response) => {
  console.log(`${request.method} ${request.url}`)
  response.setHeader('content-type', 'text/plain; charset=utf-8')
  response.end(`${greeting}\n`)
})
