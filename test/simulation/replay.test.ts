// ctl record and hearth replay: a recording gives the decisions again, step by step, and tells where it does not.
import test from 'ava'
import { readRecording, recordingLines } from '../../daemon/record.ts'
import { createRecorder } from '../../daemon/recorder.ts'
import { engineOf, replay } from '../../simulation/replay/replay.ts'
import { stateLines, stepLines } from '../../simulation/replay/report.ts'
import { search } from './search.ts'
import { unit } from './units.ts'
import { ends, SECOND, type World, world } from './world.ts'

const written = (w: World) => [...recordingLines(w.recording())].join('\n')
const read = (text: string) => readRecording(text)._unsafeUnwrap()

test('whatever has happened, a recording gives the same decisions again', t => {
  let steps = 0
  const count = { scenarios: 0, steps: 0, crashes: 0 }
  const found = search({ runs: 60, seed: 1, courses: ['play'] }, count, w => {
    for (const { step, engine } of replay(read(written(w)))) {
      steps++
      if (!step.isSame) throw new Error(stepLines(step, engine, null).join('\n'))
    }
  })
  if (found) throw found.error
  t.true(steps > 300, `${steps} steps`)
})

const failing = () =>
  world([unit('a.service', { service: { restart: 'on-failure', restartUsec: SECOND } })], {
    behave: () => ends(3, SECOND),
  })

test('a ring holds the latest steps, and the state before the first of them', t => {
  const w = failing()
    .start('a.service')
    .pass(3 * SECOND)
  const all = w.recording()
  t.is(all.state.units.get('a.service')?.service?.sub ?? 'dead', 'dead')
  const recorder = createRecorder(3, w.engine)
  t.deepEqual(recorder.recording().steps, [])
  const engine = engineOf(all)
  const few = createRecorder(3, engine)
  for (const { event, now, changes, effects } of all.steps) {
    few.record(event, now, changes, effects)
    engine.commit(changes)
  }
  const { state, steps } = few.recording()
  t.deepEqual(
    steps.map(({ event }) => event),
    all.steps.slice(-3).map(({ event }) => event),
  )
  t.deepEqual(steps.at(-1)?.changes, all.steps.at(-1)?.changes)
  const before = engineOf(all)
  for (const { changes } of all.steps.slice(0, -3)) before.commit(changes)
  t.deepEqual(state.units.get('a.service'), before.state.units.get('a.service'))
  const none = createRecorder(0, engine)
  for (const { event, now, changes, effects } of all.steps)
    none.record(event, now, changes, effects)
  t.deepEqual(none.recording().steps, [])
})

test('a reload of the units begins the recording anew: older steps were decided by other files', t => {
  const w = failing().start('a.service')
  w.reload(unit('a.service', { service: { type: 'oneshot' } }))
  t.deepEqual(w.recording().steps, [])
})

test('values of environments and credentials are not in a recording', t => {
  const exec = {
    environment: ['PASSWORD=hunter2', 'EMPTY='],
    standardInputData: new Uint8Array([1]),
  }
  const plain = unit('a.service')
  const secret = { name: 'key', data: Buffer.from('hunter2') }
  const w = world([
    { ...plain, exec: { ...plain.exec, ...exec, setCredentials: [secret] } } as typeof plain,
  ])
  w.post({ type: 'environment-changed', set: ['TOKEN=hunter2', 'OTHER=x'], unset: [] })
  w.start('a.service')
  w.post({ type: 'environment-changed', set: [], unset: ['TOKEN=hunter2'] })
  const text = written(w)
  t.false(/hunter2|aHVudGVyMg/.test(text))
  t.regex(text, /"PASSWORD=\*\d"/)
  // What was the same is the same: the decisions are, too.
  const steps = [...replay(read(text))].map(({ step }) => step)
  t.true(steps.every(({ isSame }) => isSame))
  t.deepEqual(w.engine.state.manager.environment, ['OTHER=x'])
})

test('a step that comes out otherwise is told, with what was recorded and what is decided now', t => {
  const w = failing()
    .start('a.service')
    .pass(3 * SECOND)
  // Another engine it is not, but another unit.
  const text = written(w).replace('"restart":"on-failure"', '"restart":"no"')
  const told: string[][] = []
  for (const { step, engine } of replay(read(text)))
    if (!step.isSame)
      told.push(stepLines(step, engine, null).map(line => line.replace(/^#\d+ .* {2}/, '')))
  t.deepEqual(told[0], [
    'killed a.service token=2 waiting=false',
    '        differs. Recorded:',
    '          a.service  activating (auto-restart), Result=exit-code',
    "          a.service  warn: Failed with result 'exit-code'.",
    '          a.service  run-ends',
    '        Now:',
    '          a.service  failed (failed), Result=exit-code',
    "          a.service  warn: Failed with result 'exit-code'.",
    '          a.service  run-ends',
  ])
})

test('the state at the end of a replay is that of the daemon', t => {
  const w = failing()
    .start('a.service')
    .pass(3 * SECOND)
  const recording = read(written(w))
  const engine = [...replay(recording)].at(-1)?.engine
  t.deepEqual(engine && stateLines(engine, null), stateLines(w.engine, null))
  t.deepEqual(stateLines(w.engine, 'b.service'), [])
})

test('what is no recording, or of another version, is refused by a sentence', t => {
  const message = (text: string) => readRecording(text)._unsafeUnwrapErr()
  t.regex(message(''), /^it is no recording/)
  t.regex(message('{}'), /^it is no recording/)
  t.regex(message('nonsense'), /^line 1 is no JSON/)
  t.regex(message('{"recording":99,"program":"9.0"}'), /version 99.*version 1.*\(9\.0\)/)
  t.regex(message('{"recording":1}'), /cut off/)
  t.regex(message('{"recording":1}\n{"state":null}'), /damaged/)
  t.regex(message('{"recording":1}\n{"unit":{}}\n{"state":{}}'), /damaged/)
  t.regex(message('{"recording":1}\n7'), /^line 2 is no object/)
})
