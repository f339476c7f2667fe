// Built-in modules that libraries import but seldom use are loaded when they are: node:tls alone takes 10 ms of a start.
import type { Plugin } from 'esbuild'

const SELDOM = /^(node:)?(child_process|crypto|dgram|http|https|readline|tls|worker_threads)$/

/** Replaces each of them by an object whose properties are the module's, looked up through its prototype: esbuild keeps the
 * prototype, but would copy the properties there are. */
export const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup(build) {
    build.onResolve({ filter: SELDOM }, ({ path }) => ({
      path: path.replace(/^node:/, ''),
      namespace: 'lazy-builtin',
    }))
    build.onLoad({ filter: /.*/, namespace: 'lazy-builtin' }, ({ path }) => ({
      contents: `let loaded
const load = () => (loaded ??= process.getBuiltinModule('node:${path}'))
module.exports = Object.create(new Proxy({}, {
  get: (_, key) => key === '__esModule' ? undefined : load()[key],
  has: (_, key) => key in load(),
}))`,
    }))
  },
}
