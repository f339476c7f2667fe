// The daemon dies at each of its steps, one run for each, and what comes of the services is the same as without a crash. Some
// steps are tried here; all of them with `npm run test:crash`.
import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { boot, isRoot, type UnitFiles } from './pid1.ts'

const isAll = process.env.HEARTH_CRASH_ALL !== undefined
const SOME = 4
const AT_ONCE = 2
const LONGEST_MS = 60_000

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

/** What can be seen of a run in which the daemon died at step `at`; null: it never did. */
async function outcome(t: ExecutionContext, at: number | null) {
  const hearth = await boot(t, {
    units,
    before: `export HEARTH_CRASH_${at === null ? 'STEPS="$HEARTH_LOGS.steps"' : `AT=${at}`}`,
    args: ['--no-console'],
  })
  const isUp = async () => {
    const states = await hearth.ctl('show', ...NAMES, '-p', 'ActiveState')
    return states.out.match(/ActiveState=active/g)?.length === NAMES.length
  }
  const deadline = Date.now() + LONGEST_MS
  while (!(await isUp())) if (Date.now() > deadline) throw new Error('the services are not up')
  await hearth.ok('restart', 'web')
  await hearth.ok('stop', 'once')
  await hearth.ok('start', 'once')
  const shown = await hearth.ok('show', ...NAMES, '-p', PROPERTIES)
  hearth.signal('SIGTERM')
  const end = await hearth.ended
  const lines = NAMES.map(name => {
    const text = readFileSync(`${hearth.directory}/log/${name}.service/current`, 'utf8')
    return `${name}: ${text.match(/(life|stop)$/gm)?.join(' ')}`
  })
  const steps = at === null ? Number(readFileSync(`${hearth.directory}/log.steps`, 'utf8')) : 0
  return { seen: { shown, end, lines }, steps, err: hearth.err() }
}

test('the daemon may die at any step: the services end up as if it had not', async t => {
  t.timeout(60 * 60_000)
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
  const failed: number[] = []
  const work = async () => {
    for (let at = chosen.shift(); at !== undefined; at = chosen.shift()) {
      const tried = await outcome(t, at).catch(error => ({ seen: String(error), err: '' }))
      if (t.deepEqual(tried.seen, seen, `step ${at}`)) continue
      failed.push(at)
      t.log(at, tried.err)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  t.deepEqual(failed, [])
})
