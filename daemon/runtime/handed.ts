// The descriptors that a service's process is handed beside its standard streams (sd_listen_fds(3)): those of its sockets
// or its connection, then what it has stored, then what is opened for it.
import type { ExecKind } from '../engine/state.ts'
import type { ExecSettings, ServiceSettings, UnitName } from '../units/unit.ts'
import type { Native, PeerAddress } from './native.ts'
import type { Opened } from './open-files.ts'
import type { Descriptors, Held } from './unit-descriptors.ts'

export type Handed = {
  /** From 3 on. */
  fds: readonly number[]
  /** LISTEN_…= and, of a connection, REMOTE_…=. */
  environment: readonly string[]
  /** The one socket of StandardInput=socket and its like; null: there is none, or more than one. */
  socket: number | null
  /** What fd:NAME means; null: nothing of that name. */
  named: (name: string) => number | null
}

type Start = {
  unit: UnitName
  exec: ExecKind
  sockets?: readonly UnitName[]
  connection?: number
}

const NOTHING: Handed = { fds: [], environment: [], socket: null, named: () => null }

export function handOver(
  start: Start,
  service: Pick<ServiceSettings, 'nonBlocking'>,
  exec: ExecSettings,
  descriptors: Descriptors,
  native: Pick<Native, 'setNonblock'>,
  opened: readonly Opened[],
): Handed {
  const connection = start.connection === undefined ? null : descriptors.find(start.connection)
  const sockets = connection
    ? [connection]
    : (start.sockets ?? []).flatMap(unit => descriptors.of(unit, 'socket'))
  const stored = descriptors.of(start.unit, 'stored')
  if (sockets.length + stored.length + opened.length === 0) return NOTHING

  const all = [...sockets, ...stored]
  const isStream = usesSocket(exec)
  const passed = start.exec === 'start' ? [...(isStream ? [] : all), ...opened] : []
  // Of the open file, so for the daemon too, which does not read from these itself.
  if (passed.length > 0) for (const { fd } of sockets) native.setNonblock(fd, service.nonBlocking)
  const [only] = sockets
  if (isStream && only) native.setNonblock(only.fd, false)
  return {
    fds: passed.map(({ fd }) => fd),
    environment: [
      ...(passed.length === 0 ? [] : listenVariables(passed)),
      ...(connection?.remote ? remoteVariables(connection.remote) : []),
    ],
    socket: sockets.length === 1 && only ? only.fd : null,
    named: name => all.find(held => held.name === name)?.fd ?? null,
  }
}

const usesSocket = ({ standardInput, standardOutput, standardError }: ExecSettings) =>
  [standardInput, standardOutput, standardError].some(({ kind }) => kind === 'socket')

const listenVariables = (passed: readonly Pick<Held, 'name'>[]) => [
  `LISTEN_FDS=${passed.length}`,
  `LISTEN_FDNAMES=${passed.map(({ name }) => name).join(':')}`,
]

/** systemd.exec(5), $REMOTE_ADDR, $REMOTE_PORT. */
function remoteVariables(remote: PeerAddress): string[] {
  switch (remote.family) {
    case 'inet':
    case 'inet6':
      return [`REMOTE_ADDR=${remote.address}`, `REMOTE_PORT=${remote.port}`]
    case 'vsock':
      return [`REMOTE_ADDR=vsock:${remote.cid}`, `REMOTE_PORT=${remote.port}`]
    case 'unix':
      return remote.path === '' ? [] : [`REMOTE_ADDR=${remote.path}`]
    default:
      return []
  }
}
