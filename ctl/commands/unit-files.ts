// enable, disable, mask and unmask: changes to unit files.
import type { UnitFileChangeInfo } from '../../daemon/control/schema.ts'
import type { Command } from '../context.ts'
import { answered, tellOutcomes } from './answer.ts'

export const run: Command = async context => {
  const { args, options } = context
  const verb = context.verb as 'enable' | 'disable' | 'mask' | 'unmask'
  const answer = await context.ask(verb, {
    units: args,
    runtime: options.runtime,
    force: options.force,
    now: options.now,
  })
  return answered(context, answer, result => {
    if (options.json) context.printJson('unit-files', result)
    // On standard error, as systemctl has it: it is not what was asked for.
    context.note(...result.changes.map(inWords), ...result.notes)
    return tellOutcomes(context, result.jobs)
  })
}

const inWords = ({ action, path, target }: UnitFileChangeInfo) =>
  action === 'symlink' ? `Created symlink ${path} → ${target}.` : `Removed "${path}".`
