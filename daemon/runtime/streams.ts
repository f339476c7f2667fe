// StandardInput=, StandardOutput= and StandardError= as descriptors of the child (systemd.exec(5), LOGGING AND STANDARD
// INPUT/OUTPUT). Files are opened here, by the daemon, as whoever it is.
import { closeSync, constants, fchmodSync, fstatSync, openSync, statSync, writeSync } from 'node:fs'
import { err, ok, type Result } from 'neverthrow'
import type { ExecSettings, StandardStream } from '../units/unit.ts'
import { EXIT, errnoOf, inWords, type SpawnFailure } from './failure.ts'
import type { Handed } from './handed.ts'
import type { ChildCall, Native } from './native.ts'
import { DEFAULT_TTY } from './terminal.ts'

export type Streams = {
  fds: readonly [number, number, number]
  /** Descriptors that are closed once the child has them. */
  opened: readonly number[]
  calls: readonly ChildCall[]
  controllingTty: boolean
}

export type StreamSources = {
  native: Native
  /** Whom the unit's processes run as: the terminal becomes his; null: the daemon's own user. */
  uid: number | null
  warn: (message: string) => void
  /** The write ends of the run's log pipes; throws an errno error when there is no descriptor left. */
  log: () => { out: number; err: number }
  /** What the unit is handed, for the kinds `socket` and `fd`. */
  handed: Pick<Handed, 'socket' | 'named'>
}

type StreamName = 'StandardInput' | 'StandardOutput' | 'StandardError'
const EXIT_OF: Readonly<Record<StreamName, number>> = {
  StandardInput: EXIT.stdin,
  StandardOutput: EXIT.stdout,
  StandardError: EXIT.stderr,
}

const STEP_OF: Readonly<Record<StreamName, string>> = {
  StandardInput: 'STDIN',
  StandardOutput: 'STDOUT',
  StandardError: 'STDERR',
}

const NULL = -1
const F_SETFL = 4
const TIOCSCTTY = 0x540e
const TTY_MODE = 0o620
const KERNEL_LOG = '/dev/kmsg'

const isTty = (stream: StandardStream) =>
  stream.kind === 'tty' || stream.kind === 'tty-force' || stream.kind === 'tty-fail'
const isLog = (stream: StandardStream) =>
  stream.kind === 'journal' || stream.kind === 'journal+console'
const isFile = (stream: StandardStream) =>
  stream.kind === 'file' || stream.kind === 'append' || stream.kind === 'truncate'
const isSame = (a: StandardStream, b: StandardStream) => a.kind === b.kind && a.target === b.target

/** Whether a unit's output goes to the log, or one of its streams does. */
export const writesToLog = ({ standardOutput, standardError }: ExecSettings): boolean =>
  isLog(standardOutput) || isLog(standardError)

/** Opens what the unit's streams need; on failure nothing stays open. */
export function openStreams(
  exec: ExecSettings,
  sources: StreamSources,
): Result<Streams, SpawnFailure> {
  const opened: number[] = []
  const calls: ChildCall[] = []
  const keep = (fd: number) => {
    opened.push(fd)
    return fd
  }
  let current: StreamName = 'StandardInput'

  const tty = () => {
    // Without O_NONBLOCK the open of a serial line waits for its carrier, and the daemon with it; the child takes the
    // flag off again.
    const path = exec.ttyPath ?? DEFAULT_TTY
    const fd = keep(openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK))
    const number = current === 'StandardInput' ? 0 : current === 'StandardOutput' ? 1 : 2
    const step = STEP_OF[current]
    calls.push({
      call: 'fcntl',
      args: [number, F_SETFL, constants.O_RDWR],
      step,
      exitStatus: EXIT_OF[current],
    })
    return fd
  }

  const input = (): number => {
    const { standardInput: stream, standardOutput: output } = exec
    switch (stream.kind) {
      case 'tty':
      case 'tty-force':
      case 'tty-fail':
        return tty()
      case 'file': {
        const shared = isSame(stream, output)
        return keep(openFile(stream, shared ? constants.O_RDWR : constants.O_RDONLY, exec.umask))
      }
      case 'data': {
        const fd = keep(sources.native.memfd('stdin'))
        const data = exec.standardInputData ?? new Uint8Array()
        // At a position of its own, so that the child reads from the beginning.
        for (let at = 0; at < data.length; ) at += writeSync(fd, data, at, data.length - at, at)
        return fd
      }
      case 'socket':
      case 'fd':
        return handedOver(stream)
      default:
        return NULL
    }
  }

  const handedOver = (stream: StandardStream): number => {
    const { handed } = sources
    const fd = stream.kind === 'socket' ? handed.socket : handed.named(stream.target ?? '')
    if (fd === null) throw new Missing()
    return fd
  }

  const output = (stdin: number): number => {
    current = 'StandardOutput'
    const { standardInput, standardOutput: stream } = exec
    if (stream.kind === 'inherit') return stdin
    if (isLog(stream)) return sources.log().out
    if (isTty(stream)) return isTty(standardInput) ? stdin : tty()
    if (isFile(stream) && stdin !== NULL && isSame(stream, standardInput)) return stdin
    return other(stream)
  }

  const error = (stdout: number): number => {
    current = 'StandardError'
    const { standardInput, standardOutput, standardError: stream } = exec
    if (stream.kind === 'inherit') return isLog(standardOutput) ? sources.log().err : stdout
    if (isLog(stream)) return sources.log().err
    if (isSame(stream, standardOutput)) return stdout
    if (isTty(stream) && isTty(standardInput)) return opened[0] ?? tty()
    return isTty(stream) ? tty() : other(stream)
  }

  const other = (stream: StandardStream): number => {
    switch (stream.kind) {
      case 'file':
        return keep(openFile(stream, constants.O_WRONLY, exec.umask))
      case 'append':
        return keep(openFile(stream, constants.O_WRONLY | constants.O_APPEND, exec.umask))
      case 'truncate':
        return keep(openFile(stream, constants.O_WRONLY | constants.O_TRUNC, exec.umask))
      case 'kmsg':
      case 'kmsg+console':
        return kernelLog(stream.kind)
      case 'socket':
      case 'fd':
        return handedOver(stream)
      default:
        return NULL
    }
  }

  /** Containers have none: then the unit's own log takes the lines, as systemd goes on without its journal. */
  const kernelLog = (kind: string) => {
    try {
      return keep(openSync(KERNEL_LOG, constants.O_WRONLY | constants.O_NOCTTY))
    } catch (error) {
      const why = inWords(errnoOf(error))
      sources.warn(`${current}=${kind} goes to the unit's log: cannot open ${KERNEL_LOG}: ${why}`)
      const { out, err } = sources.log()
      return current === 'StandardError' ? err : out
    }
  }

  /** The terminal becomes the unit's: its session's and its user's. */
  const takeTerminal = () => {
    const step = { step: STEP_OF.StandardInput, exitStatus: EXIT_OF.StandardInput }
    if (exec.standardInput.kind === 'tty-fail')
      calls.push({ call: 'ioctl', args: [0, TIOCSCTTY, 0], ...step })
    if (sources.uid === null) return
    // Where the terminal is another's, as in some containers, it stays so.
    const ignore = ['EPERM', 'EACCES', 'EROFS'] as const
    calls.push({ call: 'fchown', args: [0, sources.uid, -1], ...step, ignore })
    calls.push({ call: 'fchmod', args: [0, TTY_MODE], ...step, ignore })
  }

  try {
    const stdin = input()
    if (isTty(exec.standardInput)) takeTerminal()
    const stdout = output(stdin)
    const stderr = error(stdout)
    return ok({
      fds: [stdin, stdout, stderr],
      opened,
      calls,
      controllingTty: isTty(exec.standardInput) && exec.standardInput.kind !== 'tty-fail',
    })
  } catch (thrown) {
    for (const fd of opened) closeSync(fd)
    return err(failure(exec, current, thrown))
  }
}

/** Nothing was handed over that the stream could be. */
class Missing extends Error {}

function failure(exec: ExecSettings, name: StreamName, thrown: unknown): SpawnFailure {
  const stream = {
    StandardInput: exec.standardInput,
    StandardOutput: exec.standardOutput,
    StandardError: exec.standardError,
  }[name]
  const written = `${name}=${stream.kind}${stream.target === undefined ? '' : `:${stream.target}`}`
  const isMissing = thrown instanceof Missing
  const errno = isMissing ? 'EBADF' : errnoOf(thrown)
  const why = !isMissing
    ? inWords(errno)
    : stream.kind === 'socket'
      ? 'it takes exactly one descriptor of a socket unit; start that unit, and let the service be started by it'
      : 'no descriptor of that name was handed over; FileDescriptorName= of a socket unit gives one'
  return {
    step: STEP_OF[name],
    exitStatus: EXIT_OF[name],
    errno,
    message: `cannot set up ${written}: ${why}`,
  }
}

/** Opens a file, made with 0666 less the unit's umask. A FIFO is opened at both ends: the open of one end alone would wait
 * for another process, and the daemon with it. */
function openFile(stream: StandardStream, flags: number, umask: number): number {
  const path = stream.target ?? ''
  const base = flags | constants.O_NOCTTY
  const before = statSync(path, { throwIfNoEntry: false })
  if (before?.isFIFO()) return openSync(path, constants.O_RDWR | constants.O_NOCTTY)
  if (before || (flags & 3) === constants.O_RDONLY) return openSync(path, base)
  const fd = openSync(path, base | constants.O_CREAT, 0o600)
  // Not by the mode of the open: our own umask would have a say in it.
  if (fstatSync(fd).size === 0) fchmodSync(fd, 0o666 & ~umask)
  return fd
}
