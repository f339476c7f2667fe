// The daemon dies at each of its steps, one run for each, and what comes of the services is the same as without a crash. Some
// steps are tried here; more with HEARTH_CRASH_TRIES=NUMBER, all of them with `npm run test:crash`, from HEARTH_CRASH_FROM=STEP on;
// HEARTH_CRASH_BY=WAY,... has it die in those ways alone.
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { boot, isRoot, type UnitFiles } from './pid1.ts'

const isAll = process.env.HEARTH_CRASH_ALL !== undefined
const SOME = Number(process.env.HEARTH_CRASH_TRIES ?? 5)
const AT_ONCE = 2
const WAYS = process.env.HEARTH_CRASH_BY?.split(',') ?? [
  'die',
  'throw',
  'overflow',
  'abort',
  'exit',
  'reject',
]
/** What is thrown may be met at a request, which fails then: nobody has died. */
const THROWS = ['throw', 'overflow']
const LONGEST_MS = 60_000
type Try = { at: Step; way: string }

const units = (directory: string): UnitFiles => {
  const service = (exec: string, more = '') =>
    `[Service]\nExecStart=/bin/sh -c '${exec}'\n${more}\n[Install]\nWantedBy=default.target\n`
  return {
    'web.service': service('echo life; exec sleep infinity', `ExecStop=/bin/sh -c "echo stop"`),
    'notify.service': service(
      'echo life; systemd-notify --ready; exec sleep infinity',
      'Type=notify\nNotifyAccess=all',
    ),
    'once.service': service('echo life', 'Type=oneshot\nRemainAfterExit=yes'),
    'fails.service': service(
      `echo life; echo x >> ${directory}/lives; [ $(wc -l < ${directory}/lives) -ge 3 ] || exit 3; exec sleep infinity`,
      'Restart=on-failure\nRestartSec=20ms',
    ),
  }
}
const NAMES = ['web', 'notify', 'once', 'fails']
const PROPERTIES = 'Id,ActiveState,SubState,Result,NRestarts,ExecMainStatus'

type Step = number | 'leaving'

/** What can be seen of a run in which the daemon died at step `at` in that way; null: it never did. */
async function outcome(t: ExecutionContext, at: Step | null, way = 'die') {
  const hearth = await boot(t, {
    units,
    before: `export HEARTH_CRASH_BY=${way} HEARTH_CRASH_${at === null ? 'STEPS="$HEARTH_LOGS.steps"' : `AT=${at}`}`,
    args: ['--no-console'],
  })
  const ok = async (...args: readonly string[]) => {
    const first = await hearth.ctl(...args)
    if (first.code === 0) return first.out.trim()
    const isMet = THROWS.includes(way) && /cannot (answer|tell who is calling)/.test(first.err)
    if (!isMet) throw new Error(`ctl ${args.join(' ')}: ${first.err}`)
    return hearth.ok(...args)
  }
  const isUp = async () => {
    const states = await hearth.ctl('show', ...NAMES, '-p', 'ActiveState')
    return states.out.match(/ActiveState=active/g)?.length === NAMES.length
  }
  const deadline = Date.now() + LONGEST_MS
  while (!(await isUp())) if (Date.now() > deadline) throw new Error('the services are not up')
  await ok('restart', 'web')
  await ok('stop', 'once')
  await ok('start', 'once')
  const shown = await ok('show', ...NAMES, '-p', PROPERTIES)
  hearth.signal('SIGTERM')
  const end = await Promise.race([hearth.ended, pause(LONGEST_MS, null)])
  if (end === null) throw new Error(`it does not end: ${hearth.err().slice(-4000)}`)
  const lines = NAMES.map(name => {
    const text = readFileSync(`${hearth.directory}/log/${name}.service/current`, 'utf8')
    return `${name}: ${text.match(/(life|stop)$/gm)?.join(' ')}`
  })
  const steps = at === null ? Number(readFileSync(`${hearth.directory}/log.steps`, 'utf8')) : 0
  const isTold = /taking over|a defect in hearth itself/.test(hearth.err())
  return { seen: { shown, end, lines }, isTold, steps, err: hearth.err() }
}

test('the daemon may die at any step, in whatever way: the services end up as if it had not', async t => {
  t.timeout((isAll ? 24 : 1) * 60 * 60_000)
  if (!isRoot) {
    t.log('skipped: needs root')
    return t.pass()
  }
  const { seen, steps } = await outcome(t, null)
  t.true(steps > 100)
  t.log(`${steps} steps`)
  const count = isAll ? steps : SOME
  // Another choice each time.
  const offset = isAll ? 0 : Math.random()
  const chosen = Array.from(
    { length: count },
    (_, i) => 1 + Math.floor(((i + offset) * steps) / count),
  )
  // The last of them are those of the daemon's own end.
  if (!isAll) chosen.push(steps - 20, steps - 30)
  const failed: string[] = []
  /** A run has some steps more or less: it may end before. */
  let unreached = 0
  const from = Number(process.env.HEARTH_CRASH_FROM ?? 0)
  const tries = (isAll ? WAYS : [null]).flatMap(way =>
    chosen
      .filter(at => at >= from)
      .map((at, i): Try => ({ at, way: way ?? WAYS[i % WAYS.length] ?? 'die' })),
  )
  // The sockets are closed by then.
  tries.push({ at: 'leaving', way: 'die' })
  const work = async () => {
    for (let one = tries.shift(); one !== undefined; one = tries.shift()) {
      const { at, way } = one
      const tried = await outcome(t, at, way).catch(error => ({
        seen: String(error),
        isTold: true,
        err: '',
      }))
      if (!tried.isTold) unreached++
      if (isAll && at !== 'leaving' && at % 100 === 0)
        console.error(`${way} at step ${at} of ${steps}`)
      if (isDeepStrictEqual(tried.seen, seen)) continue
      failed.push(`${way} at ${at}`)
      t.log(way, at, tried.seen, tried.err)
    }
  }
  const all = tries.length
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  t.deepEqual(failed, [])
  t.true(unreached < all / 2, `${unreached} of ${all} deaths did not come about`)
})
