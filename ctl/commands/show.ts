// show: properties as NAME=VALUE, for programs.
import type { Methods } from '../../daemon/control/schema.ts'
import type { Command, Context } from '../context.ts'
import { answered, complainAll } from './answer.ts'

type Shown = Methods['show']['result']['units'][number]

export const run: Command = async context => {
  const { args, options } = context
  const properties = [...options.property, ...options.propertyValue]
  return answered(
    context,
    await context.ask('show', {
      ...(args.length > 0 ? { units: args } : {}),
      ...(properties.length > 0 ? { properties } : {}),
    }),
    ({ units, errors }) => {
      if (options.json) {
        context.printJson(
          'show',
          units.map(({ unit, properties: all }) => ({ unit, properties: toRecord(all) })),
        )
      } else printUnits(context, units, properties.length > 0)
      return complainAll(context, errors)
    },
  )
}

/** As systemctl: an empty property is shown when it was asked for, else with --all only. */
function printUnits({ options, print }: Context, units: readonly Shown[], asked: boolean): void {
  const valuesOnly = options.value || options.propertyValue.length > 0
  const blocks = units.map(({ properties }) =>
    properties
      .filter(([, value]) => asked || options.all || value !== '')
      .map(([name, value]) => (valuesOnly ? value : `${name}=${value}`))
      .join('\n'),
  )
  const text = blocks.join('\n\n')
  if (text !== '' || units.some(unit => unit.properties.length > 0)) print(text)
}

function toRecord(properties: Shown['properties']): Record<string, string> {
  const record: Record<string, string> = {}
  for (const [name, value] of properties) {
    const before = record[name]
    record[name] = before === undefined ? value : `${before}\n${value}`
  }
  return record
}
