// What pino loads for its transports is left out: they are worker threads with files of their own, which a bundle does not
// have, and node:worker_threads and node:stream would cost each start some 10 ms.
import type { Plugin } from 'esbuild'

const CONTENTS = {
  transport: `module.exports = () => { throw new Error('pino: there are no transports in a bundle') }`,
  // All else that pino wants of node:worker_threads; the daemon logs in its main thread.
  worker_threads: 'module.exports = { isMainThread: true }',
}

export const pinoWithoutTransports: Plugin = {
  name: 'pino-without-transports',
  setup(build) {
    build.onResolve({ filter: /\/transport$|^(node:)?worker_threads$/ }, ({ path, importer }) =>
      /\/node_modules\/pino\//.test(importer)
        ? { path: path.replace(/^.*[/:]/, ''), namespace: 'pino' }
        : undefined,
    )
    build.onLoad({ filter: /.*/, namespace: 'pino' }, ({ path }) => ({
      contents: CONTENTS[path as keyof typeof CONTENTS],
    }))
  },
}
