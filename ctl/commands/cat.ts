// cat: unit files and their drop-ins, as they are on disk.
import type { Command } from '../context.ts'
import { answered, complainAll } from './answer.ts'

export const run: Command = async context =>
  answered(context, await context.ask('cat', { units: context.args }), ({ units, errors }) => {
    if (context.options.json) context.printJson('cat', units)
    else {
      const texts = units.flatMap(({ files }) =>
        files.map(
          ({ path, text }) => `${context.paint.cyan(`# ${path}`)}\n${text.replace(/\n$/, '')}`,
        ),
      )
      if (texts.length > 0) context.print(texts.join('\n\n'))
    }
    return complainAll(context, errors)
  })
