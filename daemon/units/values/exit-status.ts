// Exit statuses by name: libc's, LSB's, BSD's sysexits and systemd's own (systemd.exec(5), PROCESS EXIT CODES).
import { err, ok } from 'neverthrow'
import type { ExitStatusSet } from '../unit.ts'
import type { Parse } from './parse.ts'
import { signalNumber } from './signal.ts'
import { words } from './words.ts'

export type ExitStatusClass = 'libc' | 'LSB' | 'BSD' | 'systemd'

const TABLE = `SUCCESS 0 FAILURE 1 INVALIDARGUMENT 2 NOTIMPLEMENTED 3 NOPERMISSION 4 NOTINSTALLED 5 NOTCONFIGURED 6
NOTRUNNING 7 USAGE 64 DATAERR 65 NOINPUT 66 NOUSER 67 NOHOST 68 UNAVAILABLE 69 SOFTWARE 70 OSERR 71 OSFILE 72
CANTCREAT 73 IOERR 74 TEMPFAIL 75 PROTOCOL 76 NOPERM 77 CONFIG 78 CHDIR 200 NICE 201 FDS 202 EXEC 203 MEMORY 204
LIMITS 205 OOM_ADJUST 206 SIGNAL_MASK 207 STDIN 208 STDOUT 209 CHROOT 210 IOPRIO 211 TIMERSLACK 212 SECUREBITS 213
SETSCHEDULER 214 CPUAFFINITY 215 GROUP 216 USER 217 CAPABILITIES 218 CGROUP 219 SETSID 220 CONFIRM 221 STDERR 222
PAM 224 NETWORK 225 NAMESPACE 226 NO_NEW_PRIVILEGES 227 SECCOMP 228 SELINUX_CONTEXT 229 PERSONALITY 230 APPARMOR 231
ADDRESS_FAMILIES 232 RUNTIME_DIRECTORY 233 CHOWN 235 SMACK_PROCESS_LABEL 236 KEYRING 237 STATE_DIRECTORY 238
CACHE_DIRECTORY 239 LOGS_DIRECTORY 240 CONFIGURATION_DIRECTORY 241 NUMA_POLICY 242 CREDENTIALS 243 BPF 244
EXCEPTION 255`

const NUMBERS = new Map<string, number>()
for (const [, name = '', number] of TABLE.matchAll(/([A-Z_]+) (\d+)/g))
  NUMBERS.set(name, Number(number))

/** All of them, in the order of their numbers. */
export const exitStatuses = (): { name: string; number: number; class: ExitStatusClass }[] =>
  [...NUMBERS].map(([name, number]) => ({ name, number, class: exitStatusClass(number) }))

function exitStatusClass(number: number): ExitStatusClass {
  if (number < 2) return 'libc'
  if (number < 8) return 'LSB'
  return number < 200 ? 'BSD' : 'systemd'
}

/** The number of a status given by name (`TEMPFAIL`) or as a number from 0 to 255; null if there is none. */
export function exitStatusNumber(text: string): number | null {
  const named = NUMBERS.get(text)
  if (named !== undefined) return named
  return /^\d+$/.test(text) && Number(text) <= 255 ? Number(text) : null
}

/** The name of a status, or null; systemd prints it as `status=203/EXEC`. */
export function exitStatusName(number: number): string | null {
  for (const [name, known] of NUMBERS) if (known === number) return name
  return null
}

/** Exit statuses and signals, mixed: `SuccessExitStatus=TEMPFAIL 250 SIGKILL`. A number is a status. */
export const exitStatusSet: Parse<ExitStatusSet> = text =>
  words(text).andThen(found => {
    const statuses = new Set<number>()
    const signals = new Set<number>()
    for (const word of found) {
      const status = exitStatusNumber(word)
      const signal = status === null ? signalNumber(word) : null
      if (status !== null) statuses.add(status)
      else if (signal !== null) signals.add(signal)
      else return err(`${word} is neither an exit status (a name or 0 to 255) nor a signal`)
    }
    return ok({ statuses: [...statuses], signals: [...signals] })
  })
