// Refusals and results in words.
import test from 'ava'
import { describeJobResult, describeTransactionError } from '../../daemon/engine/describe-error.ts'
import type { TransactionError } from '../../daemon/engine/effect.ts'

const unit = 'db.service'

test('a refusal says what cannot be, why, and who wanted it', t => {
  const said: [TransactionError, string][] = [
    [
      { type: 'unit-not-found', unit, wantedBy: 'web.service' },
      'cannot start web.service: it requires db.service, which was not found',
    ],
    [
      { type: 'unit-masked', unit, wantedBy: null },
      'cannot start db.service: it is masked; `ctl unmask db.service` lifts that',
    ],
    [
      {
        type: 'unit-not-loaded',
        unit,
        loadState: 'bad-setting',
        reason: 'ExecStart= is missing',
        wantedBy: null,
      },
      'cannot start db.service: ExecStart= is missing (bad-setting)',
    ],
    [
      { type: 'ordering-cycle', path: ['a.service', 'b.service'] },
      'cannot order the jobs: a.service -> b.service -> a.service is a cycle of After= and Before=; remove one of them',
    ],
    [
      { type: 'destructive', unit, job: 'start', pending: 'stop' },
      'cannot start db.service: its stop job is pending and may not be replaced',
    ],
    [
      { type: 'conflicting-jobs', unit, jobs: ['start', 'stop'] },
      'cannot start and stop db.service at once: its dependencies contradict each other',
    ],
    [
      { type: 'job-not-applicable', unit, job: 'reload' },
      'cannot reload db.service: this kind of job does not apply to it',
    ],
    [
      { type: 'refused-manual', unit, job: 'stop' },
      'cannot stop db.service: it may be stopped only as a dependency of another unit (RefuseManualStop=)',
    ],
    [
      { type: 'no-isolate', unit },
      'cannot isolate db.service: its unit file has no AllowIsolate=yes',
    ],
    [
      { type: 'set-aside', unit, job: 'start' },
      'cannot start db.service: hearth itself fails at it; see its log, and report it',
    ],
    [{ type: 'shutting-down', unit }, 'cannot act on db.service: the system is shutting down'],
  ]
  for (const [error, words] of said) t.is(describeTransactionError(error), words)
})

test('a result completes a sentence about the job', t => {
  t.is(`the job ${describeJobResult('timeout')}`, 'the job timed out')
  t.is(
    `the job ${describeJobResult('dependency')}`,
    'the job failed because a unit it depends on did',
  )
})
