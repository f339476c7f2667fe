// ctl: the command line of hearth. Loads little, and the verb's own code late: a status check is asked for all the time.
import { type CommandLine, readPlain } from './arguments.ts'
import { loadCommand } from './commands.ts'
import { createContext } from './context.ts'
import { finishPaging, isWrittenOut, page } from './output.ts'

/** What goes on for ever is not for a pager (journalctl(1), --follow). */
const follows = ({ verb, options }: CommandLine) =>
  options.follow || (verb.name === 'logs' && options.force)

async function main(words: readonly string[]): Promise<void> {
  // Its words and options are its own affair.
  if (words[0] === 'analyze') {
    process.exitCode = await (await import('./analyze/main.ts')).run(words.slice(1))
    if (isWrittenOut()) process.exit()
    return
  }
  const line = readPlain(words) ?? (await import('./program.ts')).readWithCommander(words)
  if (typeof line === 'number') {
    process.exitCode = line
    return
  }
  const { verb, args, options } = line
  // systemctl's spelling; of logs it is a format.
  if (options.output === 'json' && verb.name !== 'logs') options.json = true
  const context = createContext(verb.name, args, options)
  const run = await loadCommand(verb.name)
  const isPaged = context.terminal && verb.pages && !options.noPager && !follows(line)
  if (isPaged) await page(options.pagerEnd)
  process.exitCode = await run(context)
  if (isPaged) await finishPaging()
  // Taking the connection and the streams down in good order takes longer than the kernel does.
  if (isWrittenOut()) process.exit()
  context.close()
}

void main(process.argv.slice(2))
