// What hearth test and hearth replay read: test files, and recordings that somebody has sent.
import { readRecording, recordingLines } from '../../../daemon/record.ts'
import { replay } from '../../../simulation/replay/replay.ts'
import { stepLines } from '../../../simulation/replay/report.ts'
import { readScript } from '../../../simulation/trial/read.ts'
import { unit } from '../../simulation/units.ts'
import { ends, SECOND, World } from '../../simulation/world.ts'
import { expect, kindOf, type Target, texts } from '../target.ts'

const testFiles: Target = {
  name: 'test-files',
  corpus: texts(
    'units ./services.d\nclock 2026-01-01\nunit a.service\n  [Service]\n  ExecStart=/bin/a\ntest it\n  process a run 2+: exits 1 after 3s, obeys with 2\n  boot\n  at 1min 2s expect a active Result=success\n',
    'process a ExecStop[2] run 1-3: killed by SIGHUP at once, says STATUS="a, b" after 2s\ntest it\n  within 2h: expect not a before b\n  for 3s expect message of a /x+/\n  SIGTERM\n  expect exit 0\n',
  ),
  words: [
    'test ',
    'process ',
    'expect ',
    ' after ',
    'at 5s ',
    'within 1min ',
    'units ',
    '\n  ',
    ': ',
    ', ',
    '"',
    'run ',
  ],
  run(input) {
    const text = new TextDecoder().decode(input)
    const read = readScript('/x.test', text)
    if (read.isErr()) {
      for (const { line, message } of read.error) {
        expect(line >= 1 && line <= text.split('\n').length, `line ${line}`)
        expect(message.length > 0, 'a mistake without words')
      }
      return kindOf(read.error.map(({ message }) => message).join(' '))
    }
    const [first] = read.value.trials
    expect(first !== undefined, 'a file without a test')
    return `${read.value.trials.length} ${first.steps.map(({ action }) => action.do).join(' ')}`.slice(
      0,
      60,
    )
  },
}

/** A service that fails and is started again, in lines. */
function written(): string[] {
  const units = [
    unit('a.service', { requires: ['b.service'], after: ['b.service'] }),
    unit('b.service', { service: { restart: 'on-failure', restartUsec: SECOND } }),
  ]
  const world = new World({
    units,
    behave: ({ unit: name }) => ends(name === 'b.service' ? 3 : 0, SECOND),
  })
  world.start('a.service').pass(5 * SECOND)
  return [...recordingLines(world.recording())]
}
const lines = written()

/** Bytes put in place of others: each four are a place and what its byte becomes. */
const recordings: Target = {
  name: 'recordings',
  corpus: [Buffer.from([0, 0, 0, 49]), Buffer.from([0, 40, 200, 110, 1, 2, 3, 34])],
  run(input) {
    const bytes = Buffer.from(lines.join('\n'))
    for (let at = 0; at + 4 <= input.length && at < 40; at += 4) {
      const place = Buffer.from(input).readUIntBE(at, 3) % bytes.length
      bytes[place] = input[at + 3] ?? 0
    }
    const read = readRecording(bytes.toString())
    if (read.isErr()) return kindOf(read.error)
    try {
      let differing = 0
      for (const { step, engine } of replay(read.value)) {
        if (!step.isSame) differing++
        stepLines(step, engine, null)
      }
      return `${differing} differ`
    } catch (error) {
      // As hearth replay says it.
      return kindOf((error as Error).message)
    }
  },
}

export const simulation = [testFiles, recordings]
