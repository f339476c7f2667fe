// How a unit's processes are scheduled (systemd.exec(5), SCHEDULING).
import { err, ok } from 'neverthrow'
import { plain, yesNo } from '../print.ts'
import type { ExecSettings } from '../unit.ts'
import { boolean } from '../values/boolean.ts'
import { integer } from '../values/number.ts'
import { numberSetText, readNumberSet } from '../values/number-set.ts'
import { listed, oneOf, type Parse } from '../values/parse.ts'
import { custom, type Directive, setting, take } from './directive.ts'

/** A word of a list that the kernel numbers, or its number. */
const numbered =
  (words: readonly string[]): Parse<number> =>
  text => {
    const at = /^\d+$/.test(text) ? Number(text) : words.indexOf(text)
    return words[at] === undefined || words[at] === ''
      ? err(`expected ${listed(words.filter(word => word !== ''))}`)
      : ok(at)
  }

// linux/sched.h: SCHED_NORMAL 0, FIFO 1, RR 2, BATCH 3, IDLE 5; 4 was never used.
const FIFO = 1
const ROUND_ROBIN = 2
const POLICIES = ['other', 'fifo', 'rr', 'batch', '', 'idle']
// linux/ioprio.h
const IO_REALTIME = 1
const IO_CLASSES = ['none', 'realtime', 'best-effort', 'idle']

const NUMA = 'numa'
const affinity = custom(
  'CPUAffinity',
  (draft, text) => {
    if (text === '') delete draft.exec.cpuAffinity
    else if (text === NUMA) draft.exec.cpuAffinity = NUMA
    else {
      return take(readNumberSet(text), added => {
        const before = draft.exec.cpuAffinity
        const known = before === NUMA || !before ? [] : before
        draft.exec.cpuAffinity = [...new Set([...known, ...added])].sort((a, b) => a - b)
      })
    }
    return ok()
  },
  null,
  {
    properties: [
      {
        name: 'CPUAffinity',
        print: ({ exec }) =>
          exec?.cpuAffinity && exec.cpuAffinity !== NUMA ? numberSetText(exec.cpuAffinity) : '',
      },
      { name: 'CPUAffinityFromNUMA', print: ({ exec }) => yesNo(exec?.cpuAffinity === NUMA) },
    ],
  },
)

const numaMask: Parse<ExecSettings['numaMask']> = text =>
  text === 'all' ? ok(text) : readNumberSet(text)

export const schedulingDirectives = (): Directive[] => [
  setting('exec', 'Nice', 'nice', integer(-20, 19), {
    print: value => String(value ?? 0),
    needs: ({ exec }) => ((exec?.nice ?? 0) < 0 ? ['nice'] : []),
  }),
  setting('exec', 'CPUSchedulingPolicy', 'cpuSchedulingPolicy', numbered(POLICIES), {
    print: value => String(value ?? 0),
    needs: ({ exec }) =>
      exec?.cpuSchedulingPolicy === FIFO || exec?.cpuSchedulingPolicy === ROUND_ROBIN
        ? ['realtime']
        : [],
  }),
  setting('exec', 'CPUSchedulingPriority', 'cpuSchedulingPriority', integer(0, 99), {
    print: plain,
  }),
  setting('exec', 'CPUSchedulingResetOnFork', 'cpuSchedulingResetOnFork', boolean, {
    print: yesNo,
  }),
  affinity,
  setting(
    'exec',
    'NUMAPolicy',
    'numaPolicy',
    oneOf('default', 'preferred', 'bind', 'interleave', 'local'),
    { print: value => value ?? 'n/a' },
  ),
  setting('exec', 'NUMAMask', 'numaMask', numaMask, {
    print: value => (value === 'all' || value === null ? (value ?? '') : numberSetText(value)),
  }),
  setting('exec', 'IOSchedulingClass', 'ioSchedulingClass', numbered(IO_CLASSES), {
    print: value => String(value ?? 2),
    needs: ({ exec }) => (exec?.ioSchedulingClass === IO_REALTIME ? ['realtime'] : []),
  }),
  setting('exec', 'IOSchedulingPriority', 'ioSchedulingPriority', integer(0, 7), {
    print: value => String(value ?? 4),
  }),
]
