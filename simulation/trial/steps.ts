// A line of a test: when, and what is done or expected.
import { err, ok, Result } from 'neverthrow'
import type { JobType } from '../../daemon/engine/state.ts'
import type { JobMode } from '../../daemon/units/unit.ts'
import { readClaim } from './claims.ts'
import type { Action, When } from './script.ts'
import {
  both,
  type Read,
  readFields,
  readSignal,
  readSpan,
  readStatus,
  readUnit,
  SPAN,
  unknown,
} from './words.ts'

/** ctl's verbs that ask for a job. */
export const JOB_VERBS: Readonly<Record<string, { job: JobType; mode?: JobMode }>> = {
  start: { job: 'start' },
  stop: { job: 'stop' },
  restart: { job: 'restart' },
  'try-restart': { job: 'try-restart' },
  reload: { job: 'reload' },
  'reload-or-restart': { job: 'reload-or-start' },
  'try-reload-or-restart': { job: 'try-reload' },
  isolate: { job: 'start', mode: 'isolate' },
}

type Verb = { args: string; read: (words: string[], rest: string) => Read<Action> }

const ofUnit = (act: (unit: string) => Action): Verb => ({
  args: 'UNIT',
  read: ([name, ...more]) =>
    name === undefined || more.length > 0 ? err('expected one unit') : readUnit(name).map(act),
})

const jobVerb = (
  verb: string,
  { job, mode = 'replace' }: { job: JobType; mode?: JobMode },
): Verb => ({
  args: 'UNIT...',
  read: words =>
    words.length === 0
      ? err('expected a unit')
      : Result.combine(words.map(readUnit)).map(units => ({ do: 'job', job, mode, units, verb })),
})

const SHUTDOWNS = ['exit', 'poweroff', 'reboot', 'halt'] as const
const isShutdown = (word: string): word is (typeof SHUTDOWNS)[number] =>
  SHUTDOWNS.some(kind => kind === word)

const VERBS: Readonly<Record<string, Verb>> = {
  boot: {
    args: '[TARGET]',
    read: ([target = 'default.target']) =>
      readUnit(target).map(name => ({ do: 'boot', target: name })),
  },
  ...Object.fromEntries(Object.entries(JOB_VERBS).map(([verb, row]) => [verb, jobVerb(verb, row)])),
  'reset-failed': {
    args: '[UNIT]',
    read: ([name]) =>
      name === undefined
        ? ok({ do: 'reset-failed', unit: null })
        : readUnit(name).map(unit => ({ do: 'reset-failed', unit })),
  },
  'daemon-reload': { args: '', read: () => ok({ do: 'daemon-reload' }) },
  shutdown: {
    args: `[${SHUTDOWNS.join('|')}]`,
    read: ([kind = 'exit']) =>
      isShutdown(kind)
        ? ok({ do: 'shutdown', kind, exitStatus: null, force: false })
        : err(unknown('kind of shutdown', kind, SHUTDOWNS)),
  },
  exit: {
    args: 'UNIT [STATUS]',
    read: ([name = '', status = '0']) =>
      both(readUnit(name), readStatus(status)).map(([unit, number]) => ({
        do: 'exit',
        unit,
        status: number,
      })),
  },
  kill: {
    args: 'UNIT [SIGNAL]',
    read: ([name = '', signal = 'SIGTERM']) =>
      both(readUnit(name), readSignal(signal)).map(([unit, number]) => ({
        do: 'kill',
        unit,
        signal: number,
      })),
  },
  oom: ofUnit(unit => ({ do: 'oom', unit })),
  notify: {
    args: 'UNIT NAME=VALUE...',
    read: ([name = ''], rest) =>
      both(readUnit(name), readFields(rest.slice(name.length).trim())).map(([unit, fields]) => ({
        do: 'notify',
        unit,
        fields,
      })),
  },
  connect: ofUnit(unit => ({ do: 'connect', unit })),
  create: {
    args: 'PATH',
    read: (_, path) =>
      path.startsWith('/') ? ok({ do: 'create', path }) : err('expected an absolute path'),
  },
  conditions: {
    args: 'UNIT hold|fail',
    read: ([name = '', word = '']) =>
      word === 'hold' || word === 'fail'
        ? readUnit(name).map(unit => ({ do: 'conditions', unit, holds: word === 'hold' }))
        : err('expected hold or fail'),
  },
  mount: ofUnit(unit => ({ do: 'presence', unit, isThere: true })),
  unmount: ofUnit(unit => ({ do: 'presence', unit, isThere: false })),
  'set-clock': {
    args: 'MOMENT',
    read: (_, to) =>
      to === '' ? err('expected a moment, such as +1h') : ok({ do: 'set-clock', to }),
  },
  expect: {
    args: 'CLAIM',
    read: (_, rest) => readClaim(rest).map(expectation => ({ do: 'expect', expectation })),
  },
}

/** The signals that hearth itself takes. */
const SIGNALS: Readonly<Record<string, Action>> = {
  SIGTERM: { do: 'shutdown', kind: 'exit', exitStatus: null, force: false },
  SIGINT: { do: 'shutdown', kind: 'exit', exitStatus: null, force: false },
  SIGHUP: { do: 'daemon-reload' },
  'SIGRTMIN+3': { do: 'shutdown', kind: 'exit', exitStatus: null, force: false },
  'SIGRTMIN+4': { do: 'shutdown', kind: 'exit', exitStatus: null, force: false },
  'SIGRTMIN+5': { do: 'shutdown', kind: 'reboot', exitStatus: null, force: false },
}

const WHEN = new RegExp(`^(at|after|within|for) (${SPAN})(?::?\\s+(.*))?$`)

/** A step as it is written. The error is a sentence. */
export function readStep(text: string): Read<{ when: When; action: Action }> {
  const [, word, span, rest] = WHEN.exec(text) ?? []
  if (word === undefined && /^(at|after|within|for)\b/.test(text))
    return err(`cannot read '${text}': expected a span, such as ${text.split(' ')[0]} 10s`)
  const when: Read<When> =
    word === undefined ? ok(null) : readSpan(span ?? '').map(usec => ({ word: word as 'at', usec }))
  return both(when, readAction(word === undefined ? text : (rest ?? ''))).andThen(
    ([time, action]) => {
      const isSpan = time?.word === 'within' || time?.word === 'for'
      return isSpan && action.do !== 'expect'
        ? err(
            `cannot do '${rest ?? ''}' ${time.word} a span: only what is expected can take one; use at or after`,
          )
        : ok({ when: time, action })
    },
  )
}

function readAction(text: string): Read<Action> {
  if (text === '') return ok({ do: 'nothing' })
  const [verb = '', ...words] = text.split(/\s+/)
  const signal = SIGNALS[verb]
  if (signal) return ok(signal)
  const row = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined
  if (row === undefined)
    return err(unknown('step', verb, [...Object.keys(VERBS), 'SIGTERM', 'SIGHUP']))
  return row
    .read(words, text.slice(verb.length).trim())
    .mapErr(message => `cannot read '${text}': ${message} (${`${verb} ${row.args}`.trimEnd()})`)
}
