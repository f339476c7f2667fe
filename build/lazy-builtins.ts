// Built-in modules that libraries import but seldom use are loaded when they are: node:tls alone takes 10 ms of a start.
import type { Plugin } from 'esbuild'

const SELDOM =
  /^(node:)?(assert|child_process|crypto|dgram|http|https|os|readline|tls|tty|util|worker_threads|zlib)$/

/** The module in a stand-in's place. esbuild's helper copies what properties the stand-in has and keeps its prototype: so
 * the prototype looks them up, for `import { name }` as for `import * as`. node:assert may be called, too. */
const standIn = (name: string) => `let loaded
const load = () => (loaded ??= process.getBuiltinModule('node:${name}'))
const lookUp = {
  get: (_, key) => key === '__esModule' ? undefined : load()[key],
  has: (_, key) => key in load(),
}
const prototype = new Proxy({}, lookUp)
module.exports = new Proxy(function () {}, {
  ...lookUp,
  apply: (_, self, args) => load()(...args),
  getPrototypeOf: () => prototype,
})`

export const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup(build) {
    build.onResolve({ filter: SELDOM }, ({ path }) => ({
      path: path.replace(/^node:/, ''),
      namespace: 'lazy-builtin',
    }))
    build.onLoad({ filter: /.*/, namespace: 'lazy-builtin' }, ({ path }) => ({
      contents: standIn(path),
    }))
  },
}
