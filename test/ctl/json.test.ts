import test from 'ava'
import type { Answers } from './fake-daemon.ts'
import { startFake } from './fake-daemon.ts'
import { logLine, managerStatus, unitStatus } from './specimens.ts'

const missing = {
  code: 'unit-not-found' as const,
  message: 'cannot find the unit nope.service',
  unit: 'nope.service',
}
const outcome = {
  unit: 'web.service',
  job: 1,
  result: 'done' as const,
  explanation: null,
  error: null,
}
const unitFile = {
  changes: [{ action: 'unlink' as const, path: '/x', target: null }],
  notes: [],
  jobs: [],
}

const answers: Answers = {
  jobs: { result: { jobs: [outcome] } },
  kill: { result: { units: [{ unit: 'web.service', signalled: 1 }], errors: [missing] } },
  status: ({ units = [] }) => ({
    result:
      units.length === 0
        ? { manager: managerStatus(), units: [], errors: [] }
        : { manager: null, units: [unitStatus()], errors: [missing] },
  }),
  show: {
    result: {
      units: [
        {
          unit: 'web.service',
          properties: [
            ['E', '1'],
            ['E', '2'],
            ['Id', ''],
          ],
        },
      ],
      errors: [],
    },
  },
  cat: {
    result: { units: [{ unit: 'web.service', files: [{ path: '/x', text: 'x' }] }], errors: [] },
  },
  listUnits: {
    result: {
      units: [
        {
          unit: 'web.service',
          load: 'loaded',
          active: 'active',
          sub: 'running',
          job: { id: 1, type: 'stop' },
          description: 'The web',
        },
      ],
      total: 1,
    },
  },
  listUnitFiles: {
    result: { files: [{ unit: 'web.service', state: 'enabled', path: '/x', preset: 'enabled' }] },
  },
  listDependencies: {
    result: { trees: [{ unit: 'web.service', active: 'active', children: [] }], errors: [] },
  },
  listJobs: { result: { jobs: [{ id: 1, unit: 'web.service', type: 'start', state: 'waiting' }] } },
  isActive: { result: { units: [{ unit: 'web.service', state: 'active', load: 'loaded' }] } },
  isEnabled: { result: { units: [{ unit: 'web.service', state: 'enabled' }], errors: [] } },
  isSystemRunning: { result: { state: 'running' } },
  mask: { result: unitFile },
  resetFailed: { result: { errors: [] } },
  reload: { result: { problems: ['x'] } },
  cancel: { result: { cancelled: [1], errors: [] } },
  logLevel: { result: { level: 'info' } },
  getEnvironment: { result: { environment: ['A=b=c'] } },
  setEnvironment: { result: {} },
  shutdown: { result: {} },
  verify: {
    result: { units: [{ unit: 'web.service', loadState: 'loaded', problems: [] }], errors: [] },
  },
  version: {
    result: {
      version: '9.9.9',
      protocol: 1,
      pid: 1,
      image: { number: 1, cause: null, asked: false },
    },
  },
}

// The documents of ctl/json.ts, verb by verb: a change here is a change for every program that reads them.
const documents: readonly (readonly [line: string, document: unknown])[] = [
  ['start web', [outcome]],
  ['kill web', [{ unit: 'web.service', signalled: 1 }]],
  ['status web', [unitStatus()]],
  ['status', { manager: managerStatus(), failed: [] }],
  ['show web', [{ unit: 'web.service', properties: { E: '1\n2', Id: '' } }]],
  ['cat web', [{ unit: 'web.service', files: [{ path: '/x', text: 'x' }] }]],
  [
    'list-units',
    [
      {
        unit: 'web.service',
        load: 'loaded',
        active: 'active',
        sub: 'running',
        job: { id: 1, type: 'stop' },
        description: 'The web',
      },
    ],
  ],
  ['list-unit-files', [{ unit: 'web.service', state: 'enabled', path: '/x', preset: 'enabled' }]],
  ['list-dependencies', [{ unit: 'web.service', active: 'active', children: [] }]],
  ['list-jobs', [{ id: 1, unit: 'web.service', type: 'start', state: 'waiting' }]],
  ['is-active web', [{ unit: 'web.service', state: 'active' }]],
  ['is-failed web', [{ unit: 'web.service', state: 'active' }]],
  ['is-enabled web', [{ unit: 'web.service', state: 'enabled' }]],
  ['is-system-running', { state: 'running' }],
  ['mask web', unitFile],
  ['reset-failed', {}],
  ['daemon-reload', { problems: ['x'] }],
  ['cancel 1', { cancelled: [1] }],
  ['show-environment', { A: 'b=c' }],
  ['set-environment A=b', {}],
  ['poweroff', {}],
  ['list-jobs -o json', [{ id: 1, unit: 'web.service', type: 'start', state: 'waiting' }]],
  ['verify', [{ unit: 'web.service', loadState: 'loaded', problems: [] }]],
]

test('--json prints one document for each verb, of the documented shape', async t => {
  const { ctl } = await startFake(t, answers)
  for (const [line, document] of documents) {
    const { out } = await ctl('--json', ...line.split(' '))
    t.deepEqual(JSON.parse(out), document, line)
  }
})

test('--json puts errors on standard error, one object a line', async t => {
  const { ctl } = await startFake(t, answers)
  const { code, out, err } = await ctl('status', 'web', 'nope', '--json')
  t.is(code, 4)
  t.is(JSON.parse(out).length, 1)
  t.deepEqual(
    err
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
    [{ error: missing }],
  )
})

test('--json prints a line of JSON for each line of the logs', async t => {
  const lines = [logLine('a'), logLine('b')]
  const { ctl } = await startFake(t, { logs: { result: { errors: [] }, parts: [{ lines }] } })
  const { out } = await ctl('logs', '--json')
  t.deepEqual(
    out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
    lines,
  )
})
