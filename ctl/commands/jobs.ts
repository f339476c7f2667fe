// start, stop, restart and the other verbs that queue a job for each unit and wait for it.
import type { JobModeName, JobVerb, Methods } from '../../daemon/control/schema.ts'
import type { Command, Context } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { UNIT_TYPES } from '../options.ts'
import { complainAll, failed, tellOutcomes } from './answer.ts'

/** A Ctrl-C while it waits ends ctl alone: the jobs go on. */
export const run: Command = async context => {
  const { options } = context
  const verb = context.verb as JobVerb
  const answer = await context.ask('jobs', {
    verb,
    units: verb === 'isolate' ? context.args.map(targetName) : context.args,
    wait: !options.noBlock,
    // Sent again when the daemon is executed anew, it is still the same request.
    key: randomKey(),
    ...(options.jobMode === null ? {} : { mode: options.jobMode as JobModeName }),
  })
  if (answer.isErr()) return failed(context, answer.error)
  const { jobs } = answer.value
  if (options.json) context.printJson('jobs', jobs)
  const status = tellOutcomes(context, jobs)
  if (!options.wait || options.noBlock) return status
  const started = jobs.filter(job => job.result === 'done').map(job => job.unit)
  return started.length > 0 ? Math.max(status, await waitForEnd(context, started)) : status
}

const randomKey = () =>
  Array.from({ length: 8 }, () =>
    Math.floor(Math.random() * 65_536)
      .toString(16)
      .padStart(4, '0'),
  ).join('')

/** Waits until the units are down again; fails when one of them failed. */
async function waitForEnd(context: Context, units: readonly string[]): Promise<number> {
  const answer = await context.ask('waitInactive', { units })
  if (answer.isErr()) return failed(context, answer.error)
  const { units: ended, errors } = answer.value
  const bad = ended.filter(unit => unit.active === 'failed')
  for (const { unit, result } of bad) context.complain(endedBadly(unit, result))
  return complainAll(context, errors) || (bad.length > 0 ? FAILURE : SUCCESS)
}

type Ended = Methods['waitInactive']['result']['units'][number]

const endedBadly = (unit: Ended['unit'], result: Ended['result']) => ({
  code: 'failed' as const,
  message: `cannot call the run of ${unit} a success: it failed (${result})`,
  hint: `see 'ctl status ${unit}' and 'ctl logs ${unit}'`,
  unit,
})

/** What is isolated is a target when its name does not say otherwise (systemctl(1), isolate). */
const targetName = (name: string) =>
  UNIT_TYPES.some(type => name.endsWith(`.${type}`)) ? name : `${name}.target`
