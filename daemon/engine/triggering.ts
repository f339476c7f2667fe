// What timers and path units have in common: they wait for something, trigger a unit, and wait on once it is down again.
import type { UnitName } from '../units/unit.ts'
import { describeTransactionError } from './describe-error.ts'
import type { MachineInput } from './machine.ts'
import type { TriggerResult } from './state.ts'
import { log, set, type Turn } from './turn.ts'
import { unreachable } from './unreachable.ts'

type Facts = { sub: 'dead' | 'waiting' | 'running' | 'elapsed' | 'failed'; result: TriggerResult }

/** What one of the two is beside that. */
export type Triggering<F extends Facts> = {
  /** What a start that cannot be leaves undone, in words. */
  purpose: string
  begin: (turn: Turn<F>) => void
  enterDown: (turn: Turn<F>, sub: 'dead' | 'failed', result: TriggerResult) => void
}

export const isUp = ({ facts }: Turn<Facts>): boolean =>
  facts.sub !== 'dead' && facts.sub !== 'failed'

type CommonInput = Extract<
  MachineInput,
  { type: 'start' | 'stop' | 'reset-failed' | 'start-limit-hit' | 'trigger-refused' }
>

/** Takes an input that both take alike. */
export function takeCommon<F extends Facts>(
  turn: Turn<F>,
  input: CommonInput,
  { purpose, begin, enterDown }: Triggering<F>,
): void {
  const settle = (sub: 'dead' | 'failed', result: TriggerResult) =>
    set<Facts>(turn as Turn<Facts>, { sub, result })
  switch (input.type) {
    case 'start':
      if (!isUp(turn)) start(turn, purpose, begin, settle)
      return
    case 'stop':
      if (isUp(turn)) enterDown(turn, 'dead', 'success')
      return
    case 'reset-failed':
      if (turn.facts.sub === 'failed') settle('dead', 'success')
      return
    case 'start-limit-hit':
      if (!isUp(turn)) settle('failed', 'start-limit-hit')
      return
    case 'trigger-refused':
      if (turn.facts.sub !== 'running') return
      log(turn, 'warn', `Cannot trigger ${input.unit}: ${describeTransactionError(input.error)}`)
      enterDown(turn, 'failed', 'resources')
      return
    default:
      unreachable(input)
  }
}

function start<F extends Facts>(
  turn: Turn<F>,
  purpose: string,
  begin: (turn: Turn<F>) => void,
  settle: (sub: 'failed', result: TriggerResult) => void,
): void {
  const triggered = turn.context.triggered()
  if (triggered?.loadState === 'loaded') {
    turn.invocationId = turn.context.invocationId()
    begin(turn)
    return
  }
  const unit = triggered?.unit ?? 'the unit to trigger'
  log(turn, 'warn', `${purpose}: ${unit} is not loaded (${triggered?.loadState})`)
  settle('failed', 'resources')
}

/** The unit to trigger now; null: there is none any more, and the unit has failed by that. */
export function toTrigger<F extends Facts>(
  turn: Turn<F>,
  { enterDown }: Triggering<F>,
): UnitName | null {
  const triggered = turn.context.triggered()
  if (triggered !== null) return triggered.unit
  log(turn, 'warn', 'There is no unit to trigger any more')
  enterDown(turn, 'failed', 'resources')
  return null
}
