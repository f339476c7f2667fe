// The daemon's command line and environment.
import { Command, InvalidArgumentError, Option } from 'commander'
import { LOG_LEVELS, type LogLevel } from './control/schema.ts'
import type { ConsoleFormat } from './logs/console-line.ts'
import { LOG_SOCKETS, type LogSocketKind } from './logs/sockets.ts'
import type { CgroupUse } from './runtime/cgroups/cgroups.ts'
import { native } from './runtime/native.ts'
import { placesOf } from './units/places.ts'
import { readLogDestination } from './units/values/log-destination.ts'

export type Options = {
  /** Ordered unit directories, the first wins; a unit there with [Install] is enabled by being there. */
  services: readonly string[]
  /** Looked up when a unit is named or enabled, never started by being there. */
  vendorUnits: readonly string[]
  /** Directories of preset files, the first wins. */
  presets: readonly string[]
  /** That of `services` which is in the runtime directory: the first, unless it was given another place. */
  runtimeUnits: string
  runtimeDirectory: string
  logDirectory: string
  /** What outlives the daemon: the stamps of timers. */
  stateDirectory: string
  /** The unit that boot starts. */
  target: string
  logFormat: 'pretty' | 'json'
  logLevel: LogLevel
  /** Whether services' lines also go to the daemon's stdout; null: when PID 1 in a container. */
  console: boolean | null
  consoleFormat: ConsoleFormat
  /** How long services wait for a reader of stdout that takes nothing; Infinity: for ever. */
  consoleWaitSec: number
  controlGroup: string | null
  cgroups: CgroupUse
  /** Whether units are not to start where their security would be weakened. */
  strict: boolean
  /** How many of the engine's latest steps are kept for `ctl record`. */
  recordSteps: number
  /** How long the main loop may hang, seconds; 0: as long as it likes. */
  hangLimitSec: number
  /** Size at which a service's log is rotated, bytes, and how many old files stay. */
  logRotateBytes: number
  logKeep: number
  /** All services' log files together, bytes; 0: no bound. */
  logTotalBytes: number
  /** How long an old log file stays, and after how long a new one is begun, seconds; 0: by size alone. */
  logMaxAgeSec: number
  logRotateSec: number
  logCompress: boolean
  /** Which of the sockets are served that other loggers have. */
  logSockets: readonly LogSocketKind[]
  /** URLs that all units' lines are forwarded to. */
  logForward: readonly string[]
}

const collect = (value: string, before: readonly string[] | undefined) => [...(before ?? []), value]
const wholeNumber = (value: string) => {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('a whole number is expected')
  return Number(value)
}

const socketKinds = (value: string): LogSocketKind[] => {
  const all = Object.keys(LOG_SOCKETS) as LogSocketKind[]
  if (value === 'all') return all
  const named = value.split(',').filter(Boolean)
  const stranger = named.find(name => !(name in LOG_SOCKETS))
  if (stranger !== undefined)
    throw new InvalidArgumentError(`'${stranger}' is none of all, ${all.join(', ')}`)
  return all.filter(kind => named.includes(kind))
}

const destination = (value: string, before: readonly string[] = []) => {
  const read = readLogDestination(value)
  if (read.isErr()) throw new InvalidArgumentError(read.error)
  return [...before, value]
}

/** A directory of the user's or of root's, as the contract in the README lists them. */
function directory(set: string | undefined, root: string, user: string | undefined, name: string) {
  if (set) return set
  if (process.geteuid?.() === 0) return root
  return user ? `${user}/${name}` : `/tmp/hearth-${process.geteuid?.()}/${name}`
}

/**
 * Reads the command line (without the interpreter and the script) and the environment. Ends the process with a message
 * and status 2 on a usage error, with 0 after --help or --version. Not when PID 1 of a machine: a kernel gives it the words of
 * its own command line that it does not know itself, and panics when PID 1 ends; what is not understood is left out.
 */
export function readOptions(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  version: string,
  isMachine: boolean,
): Options {
  const program = new Command('hearth')
    .description(
      'An init daemon and service supervisor that runs your systemd units in a container',
    )
    .version(version)
    .addHelpText(
      'after',
      '\nhearth test FILE... tests units on a simulated clock, hearth replay FILE goes through what ctl record has written;\nsee hearth test --help and hearth replay --help',
    )
    .option('--services <dir>', 'unit directory (repeatable, the first wins)', collect)
    .option('--vendor-units <dir>', 'directory of units found by name only (repeatable)', collect)
    .option('--target <unit>', 'unit to start at boot', 'default.target')
    .option('--runtime <dir>', 'runtime directory: control.sock, notify.sock')
    .option('--logs <dir>', "directory of the services' logs")
    .option('--state <dir>', "directory of what outlives the daemon: the timers' stamps")
    .addOption(
      new Option('--log-format <format>', "the daemon's own log").choices(['pretty', 'json']),
    )
    .addOption(
      new Option('--log-level <level>', "the daemon's own log")
        .choices([...LOG_LEVELS])
        .default('info'),
    )
    .option(
      '--log-rotate-bytes <n>',
      "size at which a service's log is rotated",
      wholeNumber,
      10_000_000,
    )
    .option('--log-keep <n>', 'old log files kept per service', wholeNumber, 5)
    .option(
      '--log-total-bytes <n>',
      'size of all log files together, beyond which the oldest go (0: any)',
      wholeNumber,
      4_000_000_000,
    )
    .option('--log-max-age <seconds>', 'how long old log files stay (0: any time)', wholeNumber, 0)
    .option(
      '--log-rotate-seconds <n>',
      "age at which a service's log is rotated (0: by its size alone)",
      wholeNumber,
      0,
    )
    .option('--no-log-compress', 'leave old log files as they are')
    .addOption(
      new Option(
        '--log-sockets [which]',
        "take logs at /dev/log (syslog) and journald's sockets (journal, stdout): all, or some of them, with commas",
      )
        .argParser(socketKinds)
        .preset('all'),
    )
    .option(
      '--record-steps <n>',
      'how many of the latest decisions are kept for ctl record (0: none)',
      wholeNumber,
      128,
    )
    .option(
      '--log-forward <url>',
      'forward the logs there (repeatable): udp://HOST:PORT, tcp://HOST:PORT, unix:///PATH (syslog), http[s]://HOST:PORT (OTLP)',
      destination,
    )
    .option(
      '--hang-limit <seconds>',
      'execute the daemon anew when its main loop hangs for that long (0: never)',
      wholeNumber,
      30,
    )
    .option('--console', "copy the services' output to stdout (default: when PID 1 in a container)")
    .option('--no-console', "do not copy the services' output to stdout")
    .addOption(
      new Option(
        '--console-format <format>',
        "how the services' output looks on stdout, with --console: name and line, JSON, the line alone; off: --no-console (default: prefix)",
      ).choices(['prefix', 'json', 'raw', 'off']),
    )
    .addOption(
      new Option(
        '--console-wait <seconds>',
        'how long services wait when nobody reads stdout, before their lines are left out there and counted (0: not at all, infinity: for ever)',
      )
        .argParser(text => (text === 'infinity' ? Number.POSITIVE_INFINITY : wholeNumber(text)))
        .default(5),
    )
    .addOption(
      new Option(
        '--cgroups <use>',
        'a cgroup for each unit, where they can be made (auto: if cgroup v2 is the only hierarchy)',
      )
        .choices(['auto', 'yes', 'no'])
        .default('auto'),
    )
    .option('--strict', 'do not start a unit that cannot be confined here as its file says', false)
    .option('--control-group <group>', 'group whose members may read by ctl')
    .allowUnknownOption(isMachine)
    .allowExcessArguments(isMachine)
    .exitOverride(error => {
      if (isMachine) throw error
      process.exit(error.exitCode === 0 ? 0 : 2)
    })
  try {
    program.parse(argv, { from: 'user' })
  } catch {
    return readOptions([], environment, version, isMachine)
  }
  const given = program.opts<{
    services?: string[]
    vendorUnits?: string[]
    target: string
    runtime?: string
    logs?: string
    state?: string
    logFormat?: 'pretty' | 'json'
    logLevel: LogLevel
    logRotateBytes: number
    logKeep: number
    logTotalBytes: number
    logMaxAge: number
    logRotateSeconds: number
    logCompress: boolean
    logSockets?: LogSocketKind[]
    logForward?: string[]
    hangLimit: number
    recordSteps: number
    console?: boolean
    consoleFormat?: ConsoleFormat | 'off'
    consoleWait: number
    controlGroup?: string
    cgroups: CgroupUse
    strict: boolean
  }>()
  /** A list in the environment. */
  const fromVariable = <T>(name: string, read: (set: string) => readonly T[]): readonly T[] => {
    try {
      const set = environment[name]
      return set ? read(set) : []
    } catch (error) {
      if (isMachine) return []
      return program.error(`error: ${name}: ${(error as Error).message}`)
    }
  }
  const places = placesOf(environment)
  const runtimeDirectory = absolute(
    directory(
      given.runtime ?? environment.HEARTH_RUNTIME,
      '/run/hearth',
      environment.XDG_RUNTIME_DIR,
      'hearth',
    ),
  )
  const runtimeUnits = `${runtimeDirectory}/services.d`
  const userState =
    environment.XDG_STATE_HOME ?? (environment.HOME && `${environment.HOME}/.local/state`)
  const unitDirectories = (given.services ?? places.services).map(absolute)
  return {
    services: unitDirectories.includes(runtimeUnits)
      ? unitDirectories
      : [runtimeUnits, ...unitDirectories],
    runtimeUnits,
    presets: places.presets.map(absolute),
    vendorUnits: (given.vendorUnits ?? places.vendorUnits).map(absolute),
    runtimeDirectory,
    logDirectory: absolute(
      directory(given.logs ?? environment.HEARTH_LOGS, '/var/log/hearth', userState, 'hearth/log'),
    ),
    stateDirectory: absolute(
      directory(given.state ?? environment.HEARTH_STATE, '/var/lib/hearth', userState, 'hearth'),
    ),
    target: given.target,
    logFormat: given.logFormat ?? (native().isTerminal(2) ? 'pretty' : 'json'),
    logLevel: given.logLevel,
    logRotateBytes: given.logRotateBytes,
    logKeep: given.logKeep,
    logTotalBytes: given.logTotalBytes,
    logMaxAgeSec: given.logMaxAge,
    logRotateSec: given.logRotateSeconds,
    logCompress: given.logCompress,
    logSockets: given.logSockets ?? fromVariable('HEARTH_LOG_SOCKETS', socketKinds),
    logForward:
      given.logForward ??
      fromVariable('HEARTH_LOG_FORWARD', set =>
        set.split(/\s+/).reduce<string[]>((all, url) => (url ? destination(url, all) : all), []),
      ),
    hangLimitSec: given.hangLimit,
    recordSteps: given.recordSteps,
    console: given.consoleFormat === 'off' ? false : (given.console ?? null),
    consoleFormat: given.consoleFormat === 'off' ? 'prefix' : (given.consoleFormat ?? 'prefix'),
    consoleWaitSec: given.consoleWait,
    controlGroup: given.controlGroup ?? null,
    cgroups: given.cgroups,
    strict: given.strict,
  }
}

const absolute = (path: string) => (path.startsWith('/') ? path : `${process.cwd()}/${path}`)
