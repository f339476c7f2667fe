// What a process of a test does, in words: `ready after 5s, exits 1 after 1min`.
import { err, ok } from 'neverthrow'
import type { Behaviour } from '../behaviour.ts'
import type { Phrases } from './script.ts'
import { both, type Read, readFields, readSignal, readSpan, readStatus, SPAN } from './words.ts'

const SIGABRT = 6
const SIGKILL = 9

type Words = (string | undefined)[]
type Phrase = {
  /** As the documentation has it. */
  form: string
  pattern: RegExp
  read: (words: Words) => Read<Phrases>
}

const phrase = (form: string, pattern: string, read: Phrase['read']): Phrase => ({
  form,
  pattern: new RegExp(`^${pattern}$`),
  read,
})

/** `after SPAN`, `every SPAN` (each process anew) or `at once`. */
const WHEN = `(?: (?:after|every) (${SPAN})| at once)`
const span = (text: string | undefined): Read<number> =>
  text === undefined ? ok(0) : readSpan(text)

const PHRASES: readonly Phrase[] = [
  phrase('lives', '(?:lives|runs)', () => ok({ livesUsec: null })),
  phrase('ready after SPAN', `ready${WHEN}?`, ([after]) =>
    span(after).map(readyUsec => ({ readyUsec })),
  ),
  phrase('never ready', 'never ready', () => ok({ readyUsec: null })),
  phrase(
    'exits STATUS after SPAN',
    `exits?(?: ((?!after|every|at)\\S+))?${WHEN}?`,
    ([status, after]) =>
      both(readStatus(status ?? '0'), span(after)).map(([number, livesUsec]) => ({
        livesUsec: livesUsec ?? 0,
        exit: { kind: 'exited', status: number ?? 0 },
      })),
  ),
  phrase('killed by SIGNAL after SPAN', `(?:is )?killed by (\\S+)${WHEN}?`, ([signal, after]) =>
    both(readSignal(signal ?? ''), span(after)).map(([number, livesUsec]) => ({
      livesUsec,
      exit: { kind: 'killed', signal: number },
    })),
  ),
  phrase('dumps core after SPAN', `dumps core${WHEN}?`, ([after]) =>
    span(after).map(livesUsec => ({ livesUsec, exit: { kind: 'dumped', signal: SIGABRT } })),
  ),
  phrase('out of memory after SPAN', `(?:runs |is )?out of memory${WHEN}?`, ([after]) =>
    span(after).map(livesUsec => ({
      livesUsec,
      isOom: true,
      exit: { kind: 'killed', signal: SIGKILL },
    })),
  ),
  phrase('ignores signals', 'ignores (?:signals|\\S+)', () => ok({ obeysUsec: null })),
  phrase('obeys after SPAN', `(?:obeys|stops)${WHEN}`, ([after]) =>
    span(after).map(obeysUsec => ({ obeysUsec })),
  ),
  phrase('obeys with STATUS', '(?:obeys|stops) with (\\S+)', ([status]) =>
    readStatus(status ?? '').map(number => ({ obeysWith: { kind: 'exited', status: number } })),
  ),
  phrase('pings every SPAN', `pings every (${SPAN})`, ([every]) =>
    span(every).map(everyUsec => ({ pings: { everyUsec, forUsec: null } })),
  ),
  phrase('pings every SPAN for SPAN', `pings every (${SPAN}) for (${SPAN})`, ([every, lasting]) =>
    both(span(every), span(lasting)).map(([everyUsec, forUsec]) => ({
      pings: { everyUsec, forUsec },
    })),
  ),
  phrase('never pings', 'never pings', () => ok({ isSilent: true })),
  phrase('says NAME=VALUE after SPAN', `says (.+?)(?: after (${SPAN}))?`, ([fields, after]) =>
    both(readFields(fields ?? ''), span(after)).map(([found, afterUsec]) => ({
      says: [{ afterUsec, fields: found }],
    })),
  ),
  phrase('cannot be started', 'cannot be (?:started|executed|found)', () =>
    ok({ isMissing: true }),
  ),
  phrase('cannot be forked', 'cannot be forked', () =>
    ok({
      isMissing: true,
      failure: { step: 'FORK', exitStatus: 0, errno: 'EAGAIN', message: 'no more processes' },
    }),
  ),
]

/** All that can be said of a process, as the documentation has it. */
export const forms: readonly string[] = PHRASES.map(({ form }) => form)

/** A comma that is not in quotes. */
const BETWEEN = /\s*,\s*(?=(?:[^"]*"[^"]*")*[^"]*$)/

/** Phrases with commas between. */
export function readPhrases(text: string): Read<Phrases> {
  let all: Phrases = {}
  for (const part of text.split(BETWEEN)) {
    const [, ofParent, words = ''] = /^(parent )?(.*)$/.exec(part) ?? []
    const read = readPhrase(words)
    if (read.isErr()) return err(read.error)
    const says = [...(all.says ?? []), ...(read.value.says ?? [])]
    if (ofParent) all = { ...all, parent: { ...all.parent, ...(read.value as Partial<Behaviour>) } }
    else all = { ...all, ...read.value, ...(says.length > 0 && { says }) }
  }
  return ok(all)
}

function readPhrase(text: string): Read<Phrases> {
  for (const { pattern, read } of PHRASES) {
    const found = pattern.exec(text)
    if (found) return read(found.slice(1))
  }
  return err(`cannot read '${text}': expected ${forms.join('; ')}`)
}
