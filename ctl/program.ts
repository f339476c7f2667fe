// The command line by commander: help, what is wrong with a line, and every line that arguments.ts leaves alone.
import { Argument, Command, CommanderError, Option } from 'commander'
import type { CommandLine } from './arguments.ts'
import { FAILURE, SUCCESS } from './exit-status.ts'
import { noOptions, OPTIONS, type OptionSpec, type Options, setOption } from './options.ts'
import { write } from './output.ts'
import { allVerbs, DEFAULT_VERB, findVerb, otherNamesOf, type Verb } from './verbs.ts'
import { VERSION } from './version.ts'

const ABOUT = `Control hearth. Units are named as with systemctl: web is web.service, 'web@*' every instance.`

/** Reads the line; help and what is wrong with it are told here, and the answer is the exit status then. */
export function readWithCommander(words: readonly string[]): CommandLine | number {
  const options = noOptions()
  let line: CommandLine | null = null
  const program = createProgram(options, (verb, args) => {
    line = { verb, args, options }
  })
  try {
    program.parse(withVerb(words), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Commander has written what there is to say.
    return error.exitCode === 0 ? SUCCESS : FAILURE
  }
  return line ?? FAILURE
}

/** The words, the default verb in front when there is none. Not by commander's own default command: that would take any
 * mistyped verb for a pattern. */
function withVerb(words: readonly string[]): string[] {
  if (words.includes('-h') || words.includes('--help')) return [...words]
  const { operands } = createProgram(noOptions(), () => {}).parseOptions([...words])
  return operands.length > 0 ? [...words] : [DEFAULT_VERB, ...words]
}

/** The help of a verb, or of the whole for null; null when there is no such verb. */
export function helpText(name: string | null): string | null {
  const program = createProgram(noOptions(), () => {})
  if (name === null) return program.helpInformation()
  const verb = findVerb(name)
  return verb ? (findCommand(program, verb.name)?.helpInformation() ?? null) : null
}

const findCommand = (program: Command, name: string) =>
  program.commands.find(command => command.name() === name)

function createProgram(
  options: Options,
  chosen: (verb: Verb, args: readonly string[]) => void,
): Command {
  const program = new Command('ctl')
    .description(ABOUT)
    .usage('[OPTIONS] [VERB] [ARGUMENTS]')
    .version(VERSION, '--version', 'print the version of ctl')
    .helpOption('-h, --help', 'print this, or how the verb is used')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureHelp({ sortSubcommands: false, subcommandTerm, helpWidth: 100 })
    .configureOutput({
      writeOut: text => write(1, text),
      writeErr: text => write(2, text),
      outputError: (text, out) => out(inOurWords(text)),
    })
  for (const spec of OPTIONS) {
    program.addOption(toOption(spec).helpGroup(`${spec.group}:`))
    // Not by the parsed values: commander would take --no-block for the opposite of --block.
    program.on(`option:${spec.long}`, (value?: string | null) =>
      setOption(options, spec, value ?? ''),
    )
  }
  for (const verb of allVerbs()) program.addCommand(createCommand(program, verb, chosen))
  return program
}

function createCommand(
  program: Command,
  verb: Verb,
  chosen: (verb: Verb, args: readonly string[]) => void,
): Command {
  const command = new Command(verb.name)
    .copyInheritedSettings(program)
    .aliases(otherNamesOf(verb.name))
    .description(verb.about)
    .helpGroup(`${verb.group}:`)
    .usage(`[OPTIONS] ${verb.args}`.trim())
    .allowExcessArguments(false)
    .configureHelp({
      visibleOptions: () =>
        [...verb.options, ...(verb.pages ? ['no-pager'] : []), 'json', 'quiet', 'socket'].map(
          toVisible,
        ),
      visibleArguments: () => [],
    })
    .action((...all: unknown[]) => {
      // Commander hands over the arguments, then the command's options and the command.
      const args = all
        .slice(0, -2)
        .flat()
        .filter(arg => typeof arg === 'string')
      chosen(verb, args)
    })
  if (verb.max > 0) command.addArgument(toArgument(verb))
  return command
}

function toArgument(verb: Verb): Argument {
  const name = verb.args.replace(/[[\].]/g, '')
  const dots = verb.max > 1 ? '...' : ''
  return new Argument(verb.min > 0 ? `<${name}${dots}>` : `[${name}${dots}]`)
}

function toOption(spec: OptionSpec): Option {
  const names = `${spec.short === undefined ? '' : `-${spec.short}, `}--${spec.long}`
  return new Option(spec.kind === 'flag' ? names : `${names} <${spec.value}>`, spec.about)
}

function toVisible(long: string): Option {
  const spec = OPTIONS.find(one => one.long === long)
  if (spec === undefined) throw new Error(`--${long} is not in the table of options`)
  // -f is --force to commander, which is the same to logs.
  if (spec.key === 'follow') return new Option('-f, --follow', spec.about)
  return toOption(spec)
}

const subcommandTerm = (command: Command) => {
  const verb = findVerb(command.name())
  return `${command.name()} ${verb?.args ?? ''}`.trim()
}

/** `error: unknown option '--x'` as a sentence of ours. */
function inOurWords(text: string): string {
  const [first = '', ...more] = text.trim().split('\n')
  const wrong = first.replace(/^error: /, '')
  const hints = more.length > 0 ? more : ["see 'ctl help'"]
  return `cannot read the command line: ${wrong}\n${hints.map(hint => `  ${hint}\n`).join('')}`
}
