// The directives of [Socket] but those of the execution environment (systemd.socket(5)).
import { err, ok } from 'neverthrow'
import { execCommandText, octal, plain, spaced, usec, yesNo } from '../print.ts'
import type { ListenPort, SocketSettings, Unit } from '../unit.ts'
import { boolean, readBoolean } from '../values/boolean.ts'
import { readCommands } from '../values/command.ts'
import { integer, mode, readSize } from '../values/number.ts'
import { expanded, oneOf, type Parse } from '../values/parse.ts'
import { absolutePaths, principal } from '../values/path.ts'
import { listenText, netlinkPort, pathPort, socketPort } from '../values/socket.ts'
import { timeout, timespan } from '../values/timespan.ts'
import { nameKind, unitType } from '../values/unit-name.ts'
import {
  custom,
  type Directive,
  type DirectiveOptions,
  ignored,
  list,
  setting,
  take,
} from './directive.ts'
import { unitNames } from './unit.ts'

type Of<T> = {
  [K in keyof SocketSettings]: SocketSettings[K] extends T ? K : never
}[keyof SocketSettings]

const UINT = 0xffff_ffff
const count = integer(0, UINT)

const bytes: Parse<number> = text => readSize(text)

/** A number, printed as it is. */
const number = (
  name: string,
  field: Of<number>,
  parse: Parse<number> = count,
  options: DirectiveOptions = {},
): Directive => setting('socket', name, field, parse, { ...options, print: plain })

/** A number whose absence leaves the kernel's default. */
const optional = (
  name: string,
  field: 'priority' | 'ipTos' | 'ipTtl' | 'mark',
  parse: Parse<number>,
) =>
  setting(
    'socket',
    name,
    field,
    (text, context) => (text === '-1' ? ok(null) : parse(text, context)),
    { print: value => String(value ?? -1) },
  )

const flag = (name: string, field: Of<boolean>): Directive =>
  setting('socket', name, field, boolean, { print: yesNo })

const span = (name: string, field: Of<number>, parse: Parse<number> = timespan): Directive =>
  setting('socket', name, field, parse, { print: usec, property: name.replace(/Sec$/, 'USec') })

const exec = (
  name: string,
  field: 'execStartPre' | 'execStartPost' | 'execStopPre' | 'execStopPost',
): Directive =>
  list('socket', name, field, readCommands, {
    print: commands => commands.map(command => execCommandText(command)),
  })

/** `Listen=/run/web.sock (Stream)`, a line each. */
const listenLines = ({ socket }: Unit): string[] =>
  (socket?.listen ?? []).map(port => {
    const { address, type } = listenText(port)
    return `${address} (${type})`
  })

/** All kinds add to one list; an empty value takes back those of every kind, as in systemd. */
const listen = (name: string, parse: Parse<ListenPort[]>): Directive =>
  custom(
    name,
    (draft, text, context) => {
      if (text === '') {
        delete draft.socket.listen
        return ok()
      }
      return take(parse(text, context), ports => {
        draft.socket.listen = [...(draft.socket.listen ?? []), ...ports]
      })
    },
    [],
    { properties: [{ name: 'Listen', print: listenLines }] },
  )

const serviceName: Parse<string> = (text, context) =>
  unitNames(text, context).andThen(([name = '', ...others]) =>
    others.length > 0 || unitType(name) !== 'service' || nameKind(name) === 'template'
      ? err('expected the name of one service')
      : ok(name),
  )

const TOS = new Map([
  ['low-delay', 16],
  ['throughput', 8],
  ['reliability', 4],
  ['low-cost', 2],
])
const tos: Parse<number> = (text, context) => {
  const word = TOS.get(text)
  if (word !== undefined) return ok(word)
  return integer(0, 255)(text, context).mapErr(
    () => 'expected low-delay, throughput, reliability, low-cost or a number from 0 to 255',
  )
}

const TIMESTAMPING = new Map<string, SocketSettings['timestamping']>([
  ['usec', 'us'],
  ['us', 'us'],
  ['µs', 'us'],
  ['μs', 'us'],
  ['nsec', 'ns'],
  ['ns', 'ns'],
  ['off', 'off'],
])
const timestamping: Parse<SocketSettings['timestamping']> = text => {
  const known = TIMESTAMPING.get(text) ?? (readBoolean(text) === false ? 'off' : undefined)
  return known === undefined ? err('expected off, us or ns') : ok(known)
}

const fdName: Parse<string> = (text, context) =>
  context
    .expand(text)
    .andThen(name =>
      /^[\x20-\x39\x3b-\x7e]{1,255}$/.test(name)
        ? ok(name)
        : err('expected a name of at most 255 printable characters without a colon'),
    )

const bindIpv6Only: Parse<SocketSettings['bindIpv6Only']> = text => {
  const value = readBoolean(text)
  if (value !== null) return ok(value ? 'ipv6-only' : 'both')
  return text === 'default' || text === 'both' || text === 'ipv6-only'
    ? ok(text)
    : err('expected default, both or ipv6-only')
}

/** Interface names as the kernel has them. */
const interfaceName: Parse<string> = (text, context) =>
  context
    .expand(text)
    .andThen(name =>
      /^[^\s/:]{1,15}$/.test(name) ? ok(name) : err('expected the name of a network interface'),
    )

const SMACK = 'the Smack security module is not used'

const POLL_NOTE = 'without either there is no limit, as before systemd 255'

export const socketDirectives = (): Directive[] => [
  listen('ListenStream', socketPort('stream')),
  listen('ListenDatagram', socketPort('datagram')),
  listen('ListenSequentialPacket', socketPort('sequential-packet')),
  listen('ListenFIFO', pathPort('fifo')),
  listen('ListenNetlink', netlinkPort),
  listen('ListenSpecial', pathPort('special')),
  listen('ListenMessageQueue', pathPort('message-queue')),
  ignored('ListenUSBFunction', 'inert', 'USB gadgets are a matter of hardware'),
  setting('socket', 'SocketProtocol', 'socketProtocol', oneOf('udplite', 'sctp', 'mptcp'), {
    print: plain,
  }),
  setting('socket', 'BindIPv6Only', 'bindIpv6Only', bindIpv6Only, { print: plain }),
  number('Backlog', 'backlog'),
  setting('socket', 'BindToDevice', 'bindToDevice', interfaceName, { print: plain }),
  exec('ExecStartPre', 'execStartPre'),
  exec('ExecStartPost', 'execStartPost'),
  exec('ExecStopPre', 'execStopPre'),
  exec('ExecStopPost', 'execStopPost'),
  span('TimeoutSec', 'timeoutUsec', timeout),
  setting('socket', 'SocketUser', 'socketUser', principal, { print: plain }),
  setting('socket', 'SocketGroup', 'socketGroup', principal, { print: plain }),
  setting('socket', 'SocketMode', 'socketMode', mode, { print: octal }),
  setting('socket', 'DirectoryMode', 'directoryMode', mode, { print: octal }),
  flag('Accept', 'accept'),
  flag('FlushPending', 'flushPending'),
  flag('Writable', 'writable'),
  number('MaxConnections', 'maxConnections'),
  number('MaxConnectionsPerSource', 'maxConnectionsPerSource'),
  flag('KeepAlive', 'keepAlive'),
  span('KeepAliveTimeSec', 'keepAliveTimeUsec'),
  span('KeepAliveIntervalSec', 'keepAliveIntervalUsec'),
  number('KeepAliveProbes', 'keepAliveProbes'),
  span('DeferAcceptSec', 'deferAcceptUsec'),
  flag('NoDelay', 'noDelay'),
  optional('Priority', 'priority', integer(0, 0x7fff_ffff)),
  number('ReceiveBuffer', 'receiveBuffer', bytes),
  number('SendBuffer', 'sendBuffer', bytes),
  optional('IPTOS', 'ipTos', tos),
  optional('IPTTL', 'ipTtl', integer(1, 255)),
  optional('Mark', 'mark', integer(0, 0x7fff_ffff)),
  number('PipeSize', 'pipeSize', bytes),
  flag('FreeBind', 'freeBind'),
  flag('Transparent', 'transparent'),
  flag('Broadcast', 'broadcast'),
  flag('PassCredentials', 'passCredentials'),
  flag('PassSecurity', 'passSecurity'),
  flag('PassPacketInfo', 'passPacketInfo'),
  setting('socket', 'Timestamping', 'timestamping', timestamping, { print: plain }),
  setting('socket', 'TCPCongestion', 'tcpCongestion', expanded, { print: plain }),
  flag('ReusePort', 'reusePort'),
  number('MessageQueueMaxMessages', 'messageQueueMaxMessages', integer(0, Number.MAX_SAFE_INTEGER)),
  number('MessageQueueMessageSize', 'messageQueueMessageSize', integer(0, Number.MAX_SAFE_INTEGER)),
  flag('RemoveOnStop', 'removeOnStop'),
  list('socket', 'Symlinks', 'symlinks', absolutePaths, { print: spaced }),
  setting('socket', 'FileDescriptorName', 'fileDescriptorName', fdName, {
    properties: [{ name: 'FileDescriptorName', print: descriptorName }],
  }),
  setting('socket', 'Service', 'service', serviceName),
  setting('socket', 'PollLimitIntervalSec', 'pollLimitIntervalUsec', timespan, {
    property: 'PollLimitIntervalUSec',
    note: POLL_NOTE,
    print: value => usec(value ?? 0),
  }),
  setting('socket', 'PollLimitBurst', 'pollLimitBurst', count, {
    note: POLL_NOTE,
    print: value => String(value ?? 0),
  }),
  span('TriggerLimitIntervalSec', 'triggerLimitIntervalUsec'),
  setting('socket', 'TriggerLimitBurst', 'triggerLimitBurst', count, {
    properties: [
      {
        name: 'TriggerLimitBurst',
        print: ({ socket }) => (socket ? `${triggerLimitBurst(socket)}` : ''),
      },
    ],
  }),
  ignored('SmackLabel', 'inert', SMACK),
  ignored('SmackLabelIPIn', 'inert', SMACK),
  ignored('SmackLabelIPOut', 'inert', SMACK),
  ignored('SELinuxContextFromNet', 'inert', 'SELinux is not used'),
  ...[
    'PassFileDescriptorsToExec',
    'AcceptFileDescriptors',
    'PassPIDFD',
    'XAttrEntryPoint',
    'DeferTrigger',
    'DeferTriggerMaxSec',
  ].map(name => ignored(name, 'not-enforced', null)),
]

/** PollLimitIntervalSec= and PollLimitBurst= in force (systemd.socket(5)); null: no limit, as where neither is set. */
export function pollLimit({
  pollLimitIntervalUsec: interval,
  pollLimitBurst: burst,
  accept,
}: SocketSettings): { intervalUsec: number; burst: number } | null {
  if ((interval === null && burst === null) || interval === 0 || burst === 0) return null
  return { intervalUsec: interval ?? 2_000_000, burst: burst ?? (accept ? 150 : 15) }
}

/** TriggerLimitBurst= in force (systemd.socket(5)): many connections are more usual than many starts of one service. */
export const triggerLimitBurst = ({ triggerLimitBurst: burst, accept }: SocketSettings): number =>
  burst ?? (accept ? 200 : 20)

/** FileDescriptorName= in force. */
export function descriptorName({ id, socket }: Pick<Unit, 'id' | 'socket'>): string {
  return socket?.fileDescriptorName ?? (socket?.accept ? 'connection' : id)
}
