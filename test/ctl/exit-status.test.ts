import test from 'ava'
import type { Answers } from './fake-daemon.ts'
import { startFake } from './fake-daemon.ts'
import { managerStatus, unitStatus } from './specimens.ts'

const states: Readonly<Record<string, string>> = {
  web: 'active',
  config: 'reloading',
  slow: 'activating',
  bad: 'failed',
}
const missing = (unit: string) => ({
  code: 'unit-not-found' as const,
  message: `cannot find the unit ${unit}.service: no unit directory has a file for it`,
  hint: 'did you mean web.service?',
  near: ['web.service'],
})
const cannotReload = (unit: string) => ({
  code: 'job-not-applicable' as const,
  message: `cannot reload ${unit}.service: this kind of job does not apply to it`,
})
const isThere = (unit: string) => unit in states

const answers: Answers = {
  isActive: ({ units }) => ({
    result: {
      units: units.map(unit => ({
        unit: `${unit}.service`,
        state: states[unit] ?? 'inactive',
        load: isThere(unit) ? 'loaded' : 'not-found',
      })),
    },
  }),
  isEnabled: ({ units }) => ({
    result: {
      units: units.map(unit => ({
        unit: `${unit}.service`,
        state: { web: 'enabled', bad: 'static', slow: 'disabled' }[unit] ?? 'not-found',
      })),
      errors: units.filter(unit => !isThere(unit)).map(missing),
    },
  }),
  status: ({ units = [] }) => ({
    result: {
      manager: units.length === 0 ? managerStatus() : null,
      units: units
        .filter(isThere)
        .map(unit => unitStatus({ unit: `${unit}.service`, activeState: states[unit] ?? '' })),
      errors: units.filter(unit => !isThere(unit)).map(missing),
    },
  }),
  listUnits: { result: { units: [], total: 0 } },
  listUnitFiles: { result: { files: [] } },
  isSystemRunning: { result: { state: 'degraded' } },
  jobs: ({ verb, units }) => ({
    result: {
      jobs: units.map((unit, index) => ({
        unit: `${unit}.service`,
        job: isThere(unit) ? index + 1 : null,
        result: isThere(unit) ? (unit === 'bad' ? 'failed' : 'done') : null,
        explanation:
          unit === 'bad'
            ? {
                summary: `cannot ${verb} bad.service: the main process exited with status 1 (FAILURE)`,
                result: 'exit-code',
                exit: 'exited with status 1 (FAILURE)',
                command: '/bin/false',
                cause: 'bad.service',
                lines: ['starting', 'Error: listen EADDRINUSE: address already in use', ''],
                hint: "see 'ctl status bad.service' and 'ctl logs bad.service'",
              }
            : null,
        error: !isThere(unit) ? missing(unit) : verb === 'reload' ? cannotReload(unit) : null,
      })),
    },
  }),
  waitInactive: ({ units }) => ({
    result: {
      units: units.map(unit => ({
        unit,
        active: unit === 'slow.service' ? 'failed' : 'inactive',
        result: 'exit-code',
      })),
      errors: [],
    },
  }),
  kill: { result: { units: [{ unit: 'web.service', signalled: 2 }], errors: [] } },
  cancel: {
    result: {
      cancelled: [],
      errors: [
        { code: 'no-such-job', message: 'cannot cancel job 9: there is none of that number' },
      ],
    },
  },
}

// As systemctl 252 exits; `start nope` with 5, "not installed".
const table: readonly (readonly [line: string, code: number])[] = [
  ['is-active web', 0],
  ['is-active config', 0],
  ['is-active slow', 3],
  ['is-active bad', 3],
  ['is-active nope', 3],
  ['is-active bad web', 0],
  ['is-failed bad', 0],
  ['is-failed web', 1],
  ['is-failed nope', 1],
  ['is-enabled web', 0],
  ['is-enabled bad', 0],
  ['is-enabled slow', 1],
  ['is-enabled nope', 1],
  ['is-system-running', 1],
  ['status', 0],
  ['status web', 0],
  ['status slow', 3],
  ['status bad', 3],
  ['status nope', 4],
  ['status web nope', 4],
  ['start web', 0],
  ['start bad', 1],
  ['start nope', 5],
  ['start --wait web', 0],
  ['reload web', 3],
  ['reload nope', 5],
  ['start --wait slow', 1],
  ['kill web', 0],
  ['kill --signal=NOPE web', 1],
  ['cancel 9', 1],
  ['list-units', 0],
  ['list-unit-files', 0],
  ['list-unit-files nope', 1],
  ['no-such-verb', 1],
  ['start', 1],
  ['start --no-such-option web', 1],
  ['exit 256', 1],
  ['--help', 0],
  ['help start', 0],
  ['help nope', 1],
]

test('exit statuses are those of systemctl', async t => {
  const { ctl } = await startFake(t, answers)
  for (const [line, code] of table) t.is((await ctl(...line.split(' '))).code, code, line)
})

test('a word for each unit is printed, in order; --quiet prints none', async t => {
  const { ctl } = await startFake(t, answers)
  t.is((await ctl('is-active', 'web', 'nope', 'bad')).out, 'active\ninactive\nfailed\n')
  const quiet = await ctl('is-active', '-q', 'bad')
  t.deepEqual(quiet, { code: 3, out: '', err: '' })
})

test('a failed start says why: what ended how, the last line of output, where to look', async t => {
  const { ctl } = await startFake(t, answers)
  const { out, err } = await ctl('start', 'web', 'bad')
  t.is(out, '')
  t.is(
    err,
    `cannot start bad.service: the main process exited with status 1 (FAILURE)
  last output: Error: listen EADDRINUSE: address already in use
  see 'ctl status bad.service' and 'ctl logs bad.service'
`,
  )
})

test('a unit that is not there is answered with the nearest name', async t => {
  const { ctl } = await startFake(t, answers)
  t.is(
    (await ctl('start', 'wbe')).err,
    `cannot find the unit wbe.service: no unit directory has a file for it
  did you mean web.service?
`,
  )
})
