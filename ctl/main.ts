#!/usr/bin/env node
// ctl: the command line of hearth. Loads little, and the verb's own code late: a status check is asked for all the time.
import { readPlain } from './arguments.ts'
import { loadCommand } from './commands.ts'
import { createContext } from './context.ts'

async function main(words: readonly string[]): Promise<number> {
  const line = readPlain(words) ?? (await import('./program.ts')).readWithCommander(words)
  if (typeof line === 'number') return line
  const { verb, args, options } = line
  const context = createContext(verb.name, args, options)
  try {
    const run = await loadCommand(verb.name)
    return await run(context)
  } finally {
    context.close()
  }
}

void main(process.argv.slice(2)).then(status => {
  process.exitCode = status
})
