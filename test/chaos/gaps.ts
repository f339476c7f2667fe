// How long the daemon does not answer when it dies, or is told to execute itself anew.
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { connect } from '../../ctl/client.ts'
import { boot, type Pid1 } from '../system/pid1.ts'

/** `ms`: on the clock; `cpuMs`: of the daemon's processor time, which says more on a busy machine. */
export type Gap = { ms: number; cpuMs: number }
export type Gaps = { crash: Gap[]; reexec: Gap[] }

const TICK_MS = 10

function cpuMs({ pid }: Pid1): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** The number of the image that answers; null: it was gone before it could. */
async function imageOf({ runtime }: Pid1): Promise<number | null> {
  const connected = await connect({ socket: `${runtime}/control.sock` })
  if (connected.isErr()) return null
  const answer = await connected.value.request('version', {})
  connected.value.close()
  return answer.isOk() ? answer.value.image.number : null
}

/** From the last answer of the present image to the first of the next one. */
async function gap(hearth: Pid1, act: () => unknown): Promise<Gap> {
  const before = await imageOf(hearth)
  let last = performance.now()
  let lastCpuMs = cpuMs(hearth)
  act()
  for (;;) {
    const image = await imageOf(hearth)
    if (image === before) {
      last = performance.now()
      lastCpuMs = cpuMs(hearth)
    } else if (image !== null)
      return { ms: performance.now() - last, cpuMs: cpuMs(hearth) - lastCpuMs }
    else await pause(1)
  }
}

/** So many times each, with so many services that sleep. */
export async function gaps(services: number, times: number): Promise<Gaps> {
  const teardowns: (() => unknown)[] = []
  const context = {
    passed: true,
    log: () => {},
    teardown: (act: () => unknown) => void teardowns.unshift(act),
  } as unknown as ExecutionContext
  const text = '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=default.target\n'
  const hearth = await boot(context, {
    units: Object.fromEntries(Array.from({ length: services }, (_, i) => [`s${i}.service`, text])),
    environment: { HEARTH_CRASH_LOOP: '9' },
    args: ['--no-console', '--log-level', 'error'],
  })
  await hearth.until('default.target', 'ActiveState', 'active')
  const found: Gaps = { crash: [], reexec: [] }
  for (let i = 0; i < times; i++) {
    found.crash.push(await gap(hearth, () => hearth.signal('SIGSEGV')))
    let told: Promise<string> | undefined
    found.reexec.push(
      await gap(hearth, () => {
        told = hearth.ok('daemon-reexec')
      }),
    )
    await told
  }
  for (const act of teardowns) await act()
  return found
}
