// The notify socket: datagrams of sd_notify(3), each with the kernel's word on who sent it.
import type { UnitName } from '../units/unit.ts'
import type { KeptPart } from './keep.ts'
import type { Native, NotifyDatagram, NotifySocket } from './native.ts'
import type { Processes } from './processes.ts'
import { readStat } from './procfs.ts'
import type { Descriptors } from './unit-descriptors.ts'

const SOCKET = 'socket'
/** A message that the daemon has died of so often is not heard again. */
const MOST_DEATHS = 2

export type NotifyParts = {
  native: Native
  processes: Pick<Processes, 'unitOf'>
  post: (event: {
    type: 'notify'
    unit: UnitName
    pid: number
    fields: Readonly<Record<string, string>>
    fds?: readonly number[]
  }) => void
  descriptors: Pick<Descriptors, 'offer'>
  log: (level: 'debug' | 'warn', unit: UnitName | null, message: string) => void
}

/** Opens the socket at `path`, or goes on with the one that an earlier image has bound. */
export function openNotify(parts: NotifyParts, kept: KeptPart, path: string): NotifySocket {
  const before = kept.entries.get(SOCKET)?.fds[0]
  const socket = parts.native.notifySocket(before ?? path, datagram => take(parts, datagram))
  if (before === undefined) kept.put(SOCKET, null, [socket.fd])
  return {
    ...socket,
    close() {
      // Before it is closed: the next image, should there be one, would take for it what has its number then.
      kept.drop(SOCKET)
      socket.close()
    },
  }
}

function take(parts: NotifyParts, datagram: NotifyDatagram): void {
  if (datagram.deaths >= MOST_DEATHS) {
    const told = `a notification of process ${datagram.pid} is left out: hearth has died of it`
    parts.descriptors.offer(datagram.fds, () => parts.log('warn', null, told))
    return
  }
  // With BARRIER=1 the sender waits for its descriptor to be closed (sd_notify_barrier(3)): what it had sent before has been
  // posted by now.
  parts.descriptors.offer(datagram.fds, () => tell(parts, datagram))
}

function tell({ processes, post, log }: NotifyParts, datagram: NotifyDatagram): void {
  const { pid, text, fds } = datagram
  const unit = processes.unitOf(pid)
  const fields = unit === null ? null : parseFields(text)
  if (unit === null) {
    log('debug', null, `a notification of process ${pid} is left out: it belongs to no unit`)
    return
  }
  if (fields === null) {
    log('debug', unit, `a notification of process ${pid} is left out: it holds a NUL`)
    return
  }
  const problem = whyNoMainPid(fields.MAINPID, unit, datagram, processes)
  if (problem !== null) {
    delete fields.MAINPID
    log('warn', unit, `cannot take the main process from MAINPID= of process ${pid}: ${problem}`)
  }
  if (Object.keys(fields).length === 0) return
  post({ type: 'notify', unit, pid, fields, ...(fds.length > 0 && { fds }) })
}

/**
 * What is wrong with a MAINPID=, or null. It is signalled as the unit's when the unit is stopped, so it has to live, not be
 * the daemon, and be the unit's own, unless root says otherwise (systemd's service.c, service_notify_message).
 */
function whyNoMainPid(
  value: string | undefined,
  unit: UnitName,
  sender: Pick<NotifyDatagram, 'pid' | 'uid'>,
  processes: NotifyParts['processes'],
): string | null {
  if (value === undefined) return null
  if (!/^\d{1,10}$/.test(value)) return `${JSON.stringify(value.slice(0, 64))} is no process number`
  const pid = Number(value)
  if (pid === sender.pid) return null
  if (pid <= 1 || pid === process.pid) return `it names ${pid}, which is the daemon itself`
  const stat = readStat(pid)
  if (!stat || stat.state === 'Z' || stat.state === 'X') {
    return `it names ${pid}, which does not exist or has ended`
  }
  if (sender.uid === 0 || processes.unitOf(pid) === unit) return null
  return `it names ${pid}, which is not of this unit, and the sender is not root`
}

/** `NAME=value` lines; of a name the first counts. Null: it cannot be a notification. What READY=1, RELOADING=1 and
 * STOPPING=1 mean together is the engine's to say. */
export function parseFields(text: string): Record<string, string> | null {
  if (text.includes('\0')) return null
  const fields: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const at = line.indexOf('=')
    if (at <= 0) continue
    const name = line.slice(0, at)
    if (name === 'BARRIER' || Object.hasOwn(fields, name)) continue
    fields[name] = line.slice(at + 1)
  }
  return fields
}
