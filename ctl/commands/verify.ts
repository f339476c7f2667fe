// verify: what is wrong with unit files, line by line.
import type { ProblemInfo } from '../../daemon/control/schema.ts'
import type { Command, Context } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { answered, complainAll } from './answer.ts'

/** Fails when a unit has an error; warnings and notes alone are none. */
export const run: Command = async context => {
  // Files, not units of the daemon: it need not even run.
  if (context.args.some(arg => arg.includes('/')))
    return (await import('../analyze/main.ts')).run(['verify', ...context.args])
  return verifyUnits(context)
}

const verifyUnits: Command = async context =>
  answered(
    context,
    await context.ask('verify', context.args.length > 0 ? { units: context.args } : {}),
    ({ units, errors }) => {
      if (context.options.json) context.printJson('verify', units)
      else {
        context.print(
          ...units.flatMap(({ unit, problems }) =>
            problems.map(problem => formatProblem(context, unit, problem)),
          ),
        )
      }
      const status = complainAll(context, errors)
      const wrong = units.some(({ problems }) => problems.some(one => one.severity === 'error'))
      return status || (wrong ? FAILURE : SUCCESS)
    },
  )

function formatProblem({ paint }: Context, unit: string, problem: ProblemInfo): string {
  const { severity, file, line, directive, message } = problem
  const place = file === null ? unit : line === null ? file : `${file}:${line}`
  const colour = severity === 'error' ? paint.red : severity === 'warning' ? paint.yellow : null
  const about = directive === null ? '' : `${directive}: `
  return `${place}: ${colour === null ? severity : colour(severity)}: ${about}${message}`
}
