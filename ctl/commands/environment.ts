// show-environment, set-environment, import-environment and unset-environment: the manager's environment, which services inherit.
import type { Command, Context } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { formatAssignment } from '../format/environment.ts'
import { answered } from './answer.ts'

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

export const run: Command = async context => {
  if (context.verb === 'show-environment') return await show(context)
  if (context.verb === 'import-environment') return await importOurs(context)
  const setting = context.verb === 'set-environment'
  const wrong = context.args.find(arg => !isRight(arg, setting))
  if (wrong !== undefined) {
    context.complain({
      code: 'bad-request',
      message: `cannot ${setting ? 'set' : 'unset'} '${wrong}': expected ${setting ? 'NAME=VALUE' : 'NAME'}, the name of letters, digits and underscores`,
    })
    return FAILURE
  }
  const answer = setting
    ? await context.ask('setEnvironment', { assignments: context.args })
    : await context.ask('unsetEnvironment', { names: context.args })
  return answered(context, answer, () => {
    if (context.options.json) context.printJson('done', {})
    return SUCCESS
  })
}

/** Those of ctl itself that are named, or all (systemctl(1), import-environment). */
async function importOurs(context: Context) {
  const names = context.args.length > 0 ? context.args : Object.keys(process.env).filter(isName)
  const wrong = names.find(name => !isName(name) || process.env[name] === undefined)
  if (wrong !== undefined) {
    const why = isName(wrong) ? 'it is not set' : 'it is no name of a variable'
    context.complain({ code: 'bad-request', message: `cannot import '${wrong}': ${why}` })
    return FAILURE
  }
  const assignments = names.map(name => `${name}=${process.env[name]}`)
  return answered(context, await context.ask('setEnvironment', { assignments }), () => {
    if (context.options.json) context.printJson('done', {})
    return SUCCESS
  })
}

const isName = (text: string) => NAME.test(text)

function isRight(argument: string, setting: boolean): boolean {
  const equals = argument.indexOf('=')
  return NAME.test(equals < 0 ? argument : argument.slice(0, equals)) && (!setting || equals > 0)
}

const show = async (context: Context) =>
  answered(context, await context.ask('getEnvironment', {}), ({ environment }) => {
    if (context.options.json) {
      const pairs = environment.map(split)
      context.printJson('show-environment', Object.fromEntries(pairs))
    } else context.print(...environment.map(formatAssignment))
    return SUCCESS
  })

function split(assignment: string): [name: string, value: string] {
  const equals = assignment.indexOf('=')
  return [assignment.slice(0, equals), assignment.slice(equals + 1)]
}
