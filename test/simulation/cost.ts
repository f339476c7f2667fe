// What the engine alone costs: `node test/simulation/cost.ts [COUNT ...]` boots and shuts down that many independent
// services, every process answering at once, and prints the thread's CPU time. The first line is a cold engine's.

import type { Effect } from '../../daemon/engine/effect.ts'
import { createEngine } from '../../daemon/engine/engine.ts'
import type { EngineEvent } from '../../daemon/engine/event.ts'
import { FakeUnits, unit } from './units.ts'

const cpuMs = () => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

function unitsOf(count: number): FakeUnits {
  const defaults = { unit: { defaultDependencies: true } }
  const shutdown = { before: ['shutdown.target'], conflicts: ['shutdown.target'], ...defaults }
  const early = ['sysinit.target']
  const names = Array.from({ length: count }, (_, i) => `s${i}.service`)
  return new FakeUnits([
    unit('shutdown.target'),
    unit('sysinit.target', shutdown),
    unit('basic.target', { requires: early, after: early, ...shutdown }),
    unit('default.target', { wants: names, requires: ['basic.target'], ...shutdown }),
    ...names.map(name =>
      unit(name, { requires: early, after: [...early, 'basic.target'], ...shutdown }),
    ),
  ])
}

function measure(count: number): void {
  const now = { realtimeUsec: 1, monotonicUsec: 1 }
  const units = unitsOf(count)
  const begun = cpuMs()
  const engine = createEngine({ units, seed: '0123456789abcdef'.repeat(2), started: now })
  let pid = 100
  let longest = 0

  const answers = (effect: Effect): EngineEvent[] => {
    if (effect.type === 'spawn') {
      const { unit: name, token } = effect
      return [{ type: 'spawned', unit: name, token, pid: ++pid }]
    }
    if (effect.type !== 'kill') return []
    const { unit: name, token, main, signal } = effect
    const killed: EngineEvent = { type: 'killed', unit: name, token, waiting: main !== null }
    if (main === null) return [killed]
    return [
      killed,
      { type: 'exited', pid: main, exit: { kind: 'killed', signal } },
      { type: 'emptied', unit: name },
    ]
  }

  const run = (first: EngineEvent) => {
    const queue = [first]
    for (let event = queue.shift(); event; event = queue.shift()) {
      now.monotonicUsec++
      const before = cpuMs()
      const { changes, effects } = engine.step(event, now)
      engine.commit(changes)
      longest = Math.max(longest, cpuMs() - before)
      for (const effect of effects) queue.push(...answers(effect))
    }
  }

  run({
    type: 'job-requested',
    request: 1,
    job: 'start',
    unit: 'default.target',
    mode: 'replace',
    manual: false,
  })
  const up = cpuMs()
  const { phase } = engine.state.manager
  run({ type: 'shutdown-requested', kind: 'exit', exitStatus: null })
  const down = cpuMs()
  console.log(
    `${count} services: boot ${(up - begun).toFixed(0)} ms (${phase}), shutdown ${(down - up).toFixed(0)} ms, longest step ${longest.toFixed(0)} ms`,
  )
}

const counts = process.argv.slice(2).map(Number)
for (const count of counts.length > 0 ? counts : [1000, 1000, 2000, 4000]) measure(count)
