// `npm run soak -- [--minutes N] [--services N]`: a real daemon that restarts services, reads their lines, answers clients and is
// executed anew, all at a high rate, for half an hour. It prints the daemon's private memory and descriptors over time, and
// exits with 1 when they grow. Root only.
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { ExecutionContext } from 'ava'
import { connect } from '../../ctl/client.ts'
import { boot } from '../system/pid1.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    services: { type: 'string', default: '20' },
    'reexec-seconds': { type: 'string', default: '20' },
  },
})
const minutes = Number(values.minutes)
const count = Number(values.services)
const reexecMs = Number(values['reexec-seconds']) * 1000
/** Of all samples the first part is the warming up; what is above the first half of the rest by so much has grown. */
const WARM = 0.2
const GROWTH = 1.1
const SLACK_KIB = 4096
const SLACK_FDS = 8
const SAMPLES = 60
const LOOKS = 20
const LOOK_MS = 100
const TRIES = 300
/** The least that an image takes when it has come up. */
const IMAGE_KIB = 60_000

const teardowns: (() => unknown)[] = []
const context = {
  passed: true,
  log: () => {},
  teardown: (act: () => unknown) => void teardowns.unshift(act),
} as unknown as ExecutionContext

const unit = (exec: string, more = '') =>
  `[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=${exec}\nRestart=always\n${more}\n[Install]\nWantedBy=default.target\n`
const units = Object.fromEntries([
  // Lives for a moment; writes all the while; tells its state.
  ...Array.from({ length: count }, (_, i) => [
    `short${i}.service`,
    unit(`/bin/sh -c 'echo begins; sleep 0.${3 + (i % 7)}; exit ${i % 3}'`, 'RestartSec=50ms'),
  ]),
  ['loud.service', unit(`/bin/sh -c 'while :; do seq 1 200; sleep 0.1; done'`)],
  [
    'notify.service',
    unit(
      `/bin/sh -c 'systemd-notify --ready; i=0; while :; do i=$((i+1)); systemd-notify --status=$i; sleep 0.2; done'`,
      'Type=notify\nNotifyAccess=all',
    ),
  ],
])
const hearth = await boot(context, {
  units,
  args: ['--no-console', '--log-rotate-bytes', '1000000', '--log-level', 'error'],
})

type Sample = { minutes: number; privateKib: number; fds: number }
/** Null in the moment in which one image takes the other's place: the process has no memory then, or nearly none. */
const rollupOf = (pid: number): string | null => {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    return kibOf(text, 'Rss') < IMAGE_KIB ? null : text
  } catch {
    return null
  }
}
const kibOf = (text: string, name: string) =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0)
const read = async (): Promise<Sample> => {
  let rollup = rollupOf(hearth.pid)
  for (let i = 0; rollup === null && i < TRIES; i++) {
    await pause(LOOK_MS)
    rollup = rollupOf(hearth.pid)
  }
  if (rollup === null) throw new Error(`the daemon is gone: ${hearth.err().slice(-2000)}`)
  const text = rollup
  return {
    minutes: (performance.now() - began) / 60_000,
    privateKib: kibOf(text, 'Private_Clean') + kibOf(text, 'Private_Dirty'),
    fds: readdirSync(`/proc/${hearth.pid}/fd`).length,
  }
}
/** The least of both in a while: what ends meanwhile is still held for a moment. */
async function least(): Promise<Sample> {
  let found = await read()
  for (let i = 0; i < LOOKS; i++) {
    await pause(LOOK_MS)
    const next = await read()
    found = {
      ...next,
      privateKib: Math.min(found.privateKib, next.privateKib),
      fds: Math.min(found.fds, next.fds),
    }
  }
  return found
}
const done = { reexecs: 0, requests: 0, follows: 0, restarts: 0 }
const began = performance.now()
const until = began + minutes * 60_000
const isOver = () => performance.now() >= until

/** Clients come and go, ask this and that, and some leave in the middle of an answer. */
async function clients() {
  for (let i = 0; !isOver(); i++) {
    const connected = await connect({ socket: `${hearth.runtime}/control.sock` })
    if (connected.isErr()) {
      await pause(20)
      continue
    }
    const { value } = connected
    const asked = [
      value.request('listUnits', {}),
      value.request('status', { units: [`short${i % count}`] }),
      value.request('show', { units: [`short${i % count}`], properties: [] }),
      value.request('logs', { units: ['loud'], lines: 20 }),
    ]
    if (i % 5 > 0) await Promise.all(asked)
    value.close()
    await Promise.all(asked)
    done.requests += asked.length
    await pause(20)
  }
}

/** Somebody who follows the logs for a while. */
async function follow() {
  while (!isOver()) {
    const connected = await connect({ socket: `${hearth.runtime}/control.sock` })
    if (connected.isErr()) {
      await pause(20)
      continue
    }
    const followed = connected.value.request('logs', { units: ['loud'], lines: 10, follow: true })
    await pause(500)
    connected.value.close()
    await followed
    done.follows++
  }
}

async function commands() {
  for (let i = 0; !isOver(); i++) {
    await hearth.ctl('restart', `short${i % count}`)
    done.restarts++
    if (i % 10 === 0) await hearth.ctl('daemon-reload')
    await pause(100)
  }
}

const samples: Sample[] = []
/** An image after the other. Each is looked at when it is of the same age: a heap grows to what V8 allows it in its first minutes. */
async function images() {
  console.log('minutes  private KiB  descriptors')
  const betweenMs = (minutes * 60_000) / SAMPLES
  for (let nextMs = began; !isOver(); ) {
    await pause(reexecMs)
    if (performance.now() >= nextMs) {
      nextMs += betweenMs
      const sample = await least()
      samples.push(sample)
      const { minutes: at, privateKib, fds } = sample
      console.log(at.toFixed(1).padStart(7), `${privateKib}`.padStart(12), `${fds}`.padStart(12))
    }
    if (isOver()) return
    if (done.reexecs % 2 === 0) await hearth.ctl('daemon-reexec')
    else {
      hearth.signal('SIGSEGV')
      await hearth.ctl('list-units')
    }
    done.reexecs++
  }
}

await Promise.all([clients(), clients(), follow(), commands(), images()])
for (const act of teardowns) await act()

const MIN_SAMPLES = 8
if (samples.length < MIN_SAMPLES) {
  console.error(`${samples.length} looks tell nothing: longer, or images that live shorter`)
  process.exit(1)
}
/** Not the median: what is garbage, or waits for the log worker on a busy machine, comes on top of what is held. */
const quartile = (list: readonly number[]) => list.toSorted((a, b) => a - b)[list.length >> 2] ?? 0
const warm = samples.slice(Math.floor(samples.length * WARM))
const [early, late] = [warm.slice(0, warm.length >> 1), warm.slice(warm.length >> 1)]
const grown = (of: (sample: Sample) => number, slack: number) => {
  const [before, after] = [quartile(early.map(of)), quartile(late.map(of))]
  return { before, after, isGrown: after > before * GROWTH && after > before + slack }
}
const memory = grown(sample => sample.privateKib, SLACK_KIB)
const fds = grown(sample => sample.fds, SLACK_FDS)
console.log(
  `${done.reexecs} images, ${done.requests} requests, ${done.follows} followers, ${done.restarts} restarts by hand`,
)
console.log(`private memory: ${memory.before} KiB, later ${memory.after} KiB`)
console.log(`descriptors: ${fds.before}, later ${fds.after}`)
for (const [what, { isGrown }] of [
  ['private memory', memory],
  ['descriptors', fds],
] as const)
  if (isGrown) console.error(`${what} has grown`)
process.exit(memory.isGrown || fds.isGrown ? 1 : 0)
