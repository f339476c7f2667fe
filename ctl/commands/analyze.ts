// analyze: values and unit files looked at without a daemon. In a bundle of its own: it knows the language of units.
import { run as analyze } from '../analyze/main.ts'
import type { Command } from '../context.ts'

export const run: Command = context => analyze(context.args)
