// enable, disable, reenable, preset, mask and unmask: changes to unit files.
import type { PresetMode, UnitFileChangeInfo } from '../../daemon/control/schema.ts'
import type { Command, Context } from '../context.ts'
import { FAILURE } from '../exit-status.ts'
import { answered, tellOutcomes } from './answer.ts'

const MODES: readonly PresetMode[] = ['full', 'enable-only', 'disable-only']

export const run: Command = async context => {
  const mode = MODES.find(one => one === (context.options.presetMode ?? 'full'))
  if (mode === undefined) {
    context.complain({
      code: 'bad-request',
      message: `cannot read --preset-mode=${context.options.presetMode}: expected full, enable-only or disable-only`,
    })
    return FAILURE
  }
  return answered(context, await ask(context, mode), result => {
    if (context.options.json) context.printJson('unit-files', result)
    // On standard error, as systemctl has it: it is not what was asked for.
    context.note(...result.changes.map(inWords), ...result.notes)
    return tellOutcomes(context, result.jobs)
  })
}

async function ask({ verb, args, options, ask: request }: Context, mode: PresetMode) {
  const { runtime, force, now } = options
  const how = { runtime, force, now }
  if (verb === 'preset') return request('preset', { units: args, ...how, mode })
  if (verb === 'preset-all') return request('preset', { ...how, mode })
  if (verb === 'reenable') {
    const off = await request('disable', { units: args, runtime })
    if (off.isErr()) return off
    const on = await request('enable', { units: args, ...how })
    return on.map(result => ({ ...result, changes: [...off.value.changes, ...result.changes] }))
  }
  return request(verb as 'enable' | 'disable' | 'mask' | 'unmask', { units: args, ...how })
}

const inWords = ({ action, path, target }: UnitFileChangeInfo) =>
  action === 'symlink' ? `Created symlink ${path} → ${target}.` : `Removed "${path}".`
