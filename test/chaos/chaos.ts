// A real daemon with services under load, to which everything is done that it should survive; then the account: no service was
// stopped that was not told to, each life of each has its end on record, no line, no message and no connection is missing,
// nothing is left over.
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { connect } from '../../ctl/client.ts'
import { readEnds } from '../../daemon/logs/history.ts'
import { Random } from '../fuzz/random.ts'
import { boot, type Pid1 } from '../system/pid1.ts'
import { canLimit, limitProcesses } from '../system/process-limit.ts'

export type ChaosSetting = {
  seconds: number
  seed: number
  services: number
  /** Without deaths that take seconds: of an exhausted heap, of a loop that hangs. */
  isQuick?: boolean
  /** Told what is being done. */
  tell?: (text: string) => void
}

export type Deed = { name: string; count: number; gapsMs: number[] }
export type Account = {
  deeds: readonly Deed[]
  lives: number
  ends: number
  lines: number
  /** Messages to the notify socket, and how many times the last one of a service was looked for and found. */
  messages: number
  messagesFound: number
  /** Connections to sockets that were answered, and those that ended with the service that had them. */
  connections: number
  unanswered: number
  images: number
  /** What is wrong, in words; empty: nothing. */
  problems: readonly string[]
}

/** As in service.c. */
const HEADER_BYTES = 48
const LIFE_BYTES = 48
const ORDER_AT = 12
const STOPPED = 1000
const KINDS = ['plain', 'notify', 'fork', 'socket'] as const
/** What a service may be told to do to itself: a signal, or 100 and an exit status. */
const ENDS = [9, 9, 11, 6, 15, 100, 103, 142]
const SIGTERM = 15
/** A message that has not come so long after it was sent is lost. */
const MESSAGE_MS = 5000
/** Nor does anybody who is connected wait so long. */
const ANSWER_MS = 20_000
/** So long a shortage is, to twice that. */
const SHORTAGE_MS = 500
/** Deaths that come about in a second or more. */
const SLOW = ['heap exhausted', 'loop hangs', 'loop waits']

type Life = { invocation: string; lines: number; end: number; told: number }
type Service = {
  name: string
  kind: (typeof KINDS)[number]
  statePath: string
  /** Where it is spoken to, if it is of that kind. */
  socketPath: string
  isUp: boolean
  isBusy: boolean
  /** How often it was told to stop or to restart. */
  stops: number
}

const executable = () => {
  const directory = mkdtempSync(`${tmpdir()}/hearth-chaos-`)
  const path = `${directory}/service`
  const source = fileURLToPath(new URL('service.c', import.meta.url))
  const { status } = spawnSync('cc', ['-O1', '-D_GNU_SOURCE', '-o', path, source])
  if (status !== 0) throw new Error('cannot compile test/chaos/service.c')
  return { directory, path }
}

function unitText(executablePath: string, { name, kind, statePath }: Service) {
  const notify = kind === 'notify' ? 'Type=notify\nWatchdogSec=60\nTimeoutStartSec=60\n' : ''
  return `[Unit]
Description=${name}
StartLimitIntervalSec=0
[Service]
${notify}ExecStart=${executablePath} ${name} ${statePath} ${kind}
Restart=always
RestartSec=20ms
[Install]
WantedBy=default.target
`
}

const socketText = ({ socketPath }: Service) => `[Socket]
ListenStream=${socketPath}
TriggerLimitIntervalSec=0
[Install]
WantedBy=default.target
`

/** What comes back for `text`; null: the connection ended without an answer. Throws what the system says when there is nobody to
 * connect to, or when nothing comes at all. */
const answerOf = (path: string, text: string): Promise<string | null> =>
  new Promise((resolve, reject) => {
    let came = ''
    const socket = createConnection(path, () => socket.write(text))
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error('no answer has come')))
    socket.on('data', data => {
      came += data
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve(null)
      else reject(error)
    })
    socket.on('close', () => resolve(came === '' ? null : came))
  })

function readState(path: string): { doubled: number; broken: number; lives: Life[] } {
  const bytes = readFileSync(path)
  const lives: Life[] = []
  const count = bytes.readInt32LE(0)
  for (let i = 0, at = HEADER_BYTES; i < count; i++, at += LIFE_BYTES)
    lives.push({
      invocation: bytes.toString('latin1', at, at + 32),
      lines: bytes.readInt32LE(at + 36),
      end: bytes.readInt32LE(at + 40),
      told: bytes.readInt32LE(at + 44),
    })
  return { doubled: bytes.readInt32LE(4), broken: bytes.readInt32LE(8), lives }
}

function order(path: string, what: number): void {
  const fd = openSync(path, 'r+')
  const bytes = Buffer.alloc(4)
  // One at a time: it has not come to the last one.
  readSync(fd, bytes, 0, 4, ORDER_AT)
  if (bytes.readInt32LE(0) === 0) {
    bytes.writeInt32LE(what)
    writeSync(fd, bytes, 0, 4, ORDER_AT)
  }
  closeSync(fd)
}

/** Milliseconds until the daemon answers. */
async function answered({ runtime }: Pid1): Promise<number> {
  const began = performance.now()
  for (;;) {
    const connected = await connect({ socket: `${runtime}/control.sock` })
    if (connected.isOk()) {
      const answer = await connected.value.request('version', {})
      connected.value.close()
      if (answer.isOk()) return performance.now() - began
    }
    await pause(2)
  }
}

const childrenOf = (pid: number): number[] => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number)
  } catch {
    return []
  }
}
const isZombie = (pid: number) => {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/.*\)/, ')'))
  } catch {
    return true
  }
}

/** What the daemon's record of how a main process ended should say. */
const endInWords = (end: number) =>
  end === STOPPED
    ? /^code=exited, status=0/
    : end >= 100
      ? new RegExp(`^code=exited, status=${end - 100}\\b`)
      : new RegExp(`^code=(killed|dumped), status=${end}\\b`)

/** Does it all. The run's files are removed when nothing was wrong. */
export async function chaos(setting: ChaosSetting): Promise<Account> {
  const random = new Random(setting.seed)
  const tell = setting.tell ?? (() => {})
  const { directory, path } = executable()
  const told = `${directory}/told`
  mkdirSync(told)
  const services: Service[] = Array.from({ length: setting.services }, (_, i) => ({
    name: `s${i}`,
    kind: KINDS[i % KINDS.length] ?? 'plain',
    socketPath: `${directory}/s${i}.sock`,
    statePath: `${directory}/s${i}.state`,
    isUp: true,
    isBusy: false,
    stops: 0,
  }))
  const ofKind = (kind: Service['kind']) => services.filter(one => one.kind === kind)
  const teardowns: (() => unknown)[] = [() => rmSync(directory, { recursive: true, force: true })]
  const context = {
    passed: true,
    log: () => {},
    teardown: (act: () => unknown) => void teardowns.unshift(act),
  } as unknown as ExecutionContext
  const hearth = await boot(context, {
    units: Object.fromEntries([
      ...services.map(one => [`${one.name}.service`, unitText(path, one)]),
      ...ofKind('socket').map(one => [`${one.name}.socket`, socketText(one)]),
    ]),
    environment: { HEARTH_CRASH_TOLD: told, HEARTH_CRASH_LOOP: '9' },
    args: ['--no-console', '--hang-limit', '2'],
  })
  const deeds = new Map<string, Deed>()
  const problems: string[] = []
  const did = (name: string, gapMs?: number) => {
    const deed = deeds.get(name) ?? { name, count: 0, gapsMs: [] }
    deeds.set(name, deed)
    deed.count++
    if (gapMs !== undefined) deed.gapsMs.push(gapMs)
  }
  const images = () => hearth.err().match(/taking over from an earlier image/g)?.length ?? 0

  /** One death at a time, and the next image has to come and to answer. */
  const kill = async (name: string, act: () => unknown) => {
    const before = images()
    const began = performance.now()
    await act()
    await hearth.said(/taking over from an earlier image/, before + 1)
    await answered(hearth)
    did(name, performance.now() - began)
    await Promise.all(notifying.map(checkMessages))
    if (images() !== before + 1)
      problems.push(`${name}: ${images() - before} images came instead of one`)
  }
  const notifying = ofKind('notify')
  /** The number of the last status of the service that the daemon has heard of, in that life; -1: of another life. */
  const heard = async (service: Service, life: number) => {
    const status = await hearth.show(service.name, 'StatusText')
    const [of, number] = status.split(' ').map(Number)
    return of === life ? (number ?? -1) : -1
  }
  let messagesFound = 0
  /** What a service has told last, before the daemon died or while it was dead, is known to the next image. */
  const checkMessages = async (service: Service) => {
    const { lives } = readState(service.statePath)
    const told = lives.at(-1)?.told ?? 0
    const isSame = () => {
      const now = readState(service.statePath).lives
      return now.length === lives.length && now.at(-1)?.end === 0 && !service.isBusy
    }
    if (!service.isUp || told === 0) return
    const deadline = performance.now() + MESSAGE_MS
    for (let isFirst = true; ; isFirst = false) {
      const number = await heard(service, lives.length)
      if (!isSame()) return
      if (number === told || (isFirst && number > told)) break
      if (number > told || performance.now() > deadline)
        return problems.push(`${service.name}: message ${told} was lost, ${number} was heard`)
      await pause(5)
    }
    messagesFound++
  }
  const tellWay = (way: string) => () => {
    writeFileSync(`${told}/.way`, way)
    renameSync(`${told}/.way`, `${told}/way`)
  }

  let isShort = false
  /** Over when there are processes to be had again. */
  let shortage = Promise.resolve()
  const running: Promise<unknown>[] = []
  /** A command on a service that nobody else is at, beside what else is done. */
  const command = (verb: 'stop' | 'start' | 'restart') => {
    // One that is stopped and spoken to comes up again.
    const free = services.filter(one => !one.isBusy && !(verb === 'stop' && one.kind === 'socket'))
    if (free.length === 0) return
    const service = random.of(free)
    service.isBusy = true
    if (verb !== 'start') service.stops++
    service.isUp = verb !== 'stop'
    running.push(
      hearth.ctl(verb, service.name).then(({ code, err }) => {
        service.isBusy = false
        did(`ctl ${verb}`)
        // What ends of itself while it is started is no fault of the daemon.
        if (code !== 0 && verb === 'stop')
          problems.push(`ctl ${verb} ${service.name}: ${err.trim()}`)
      }),
    )
  }

  const CRASHES: Readonly<Record<string, () => unknown>> = {
    SIGSEGV: () => hearth.signal('SIGSEGV'),
    SIGABRT: () => hearth.signal('SIGABRT'),
    SIGBUS: () => hearth.signal('SIGBUS'),
    'uncaught exception': tellWay('throw'),
    'stack overflow': tellWay('overflow'),
    'unhandled rejection': tellWay('reject'),
    'abort()': tellWay('abort'),
    'exit()': tellWay('exit'),
    'heap exhausted': tellWay('heap'),
    'loop hangs': tellWay('hang'),
    'loop waits': tellWay('wait'),
    // The version to be executed is tried in a process before.
    'daemon-reexec': () => shortage.then(() => hearth.ok('daemon-reexec')),
  }
  const others: readonly (() => unknown)[] = [
    () => command('stop'),
    () => command('start'),
    () => command('start'),
    () => command('restart'),
    () => {
      const service = random.of(services)
      hearth.write(
        `${service.name}.service`,
        unitText(path, service).replace('Description=', `Description=${random.below(1000)} `),
      )
      running.push(hearth.ctl('daemon-reload').then(() => did('ctl daemon-reload')))
    },
    () => {
      hearth.signal('SIGHUP')
      did('SIGHUP')
    },
    async () => {
      hearth.signal('SIGSTOP')
      await pause(100 + random.below(400))
      hearth.signal('SIGCONT')
      did('stopped for a while')
    },
    () => {
      if (!canLimit || isShort) return
      isShort = true
      const end = limitProcesses(context, hearth, () => 0)
      shortage = pause(SHORTAGE_MS + random.below(SHORTAGE_MS)).then(() => {
        end()
        isShort = false
        did('no process to be had')
      })
    },
  ]

  tell(`${setting.services} services for ${setting.seconds} s, seed ${setting.seed}`)
  const until = performance.now() + setting.seconds * 1000
  const spoken = { connections: 0, unanswered: 0 }
  /** Somebody who speaks to the service all the time: nobody is refused, whatever becomes of it and of the daemon. */
  const speakTo = async ({ name, socketPath }: Service) => {
    for (let n = 1; performance.now() < until; n++) {
      const text = `${name} ${n}`
      const answer = await answerOf(socketPath, text).catch((error: Error) => error)
      if (answer === null) spoken.unanswered++
      else if (answer === text) spoken.connections++
      else problems.push(`connection ${text}: ${answer instanceof Error ? answer.message : answer}`)
      await pause(20)
    }
  }
  running.push(...ofKind('socket').map(speakTo))
  const kinds = Object.entries(CRASHES).filter(
    ([name]) => !(setting.isQuick && SLOW.includes(name)),
  )
  let nextCrash = performance.now() + 500
  try {
    while (performance.now() < until) {
      if (performance.now() >= nextCrash) {
        const [name, act] = random.of(kinds)
        tell(name)
        await kill(name, act)
        nextCrash = performance.now() + random.below(2000)
      } else if (random.below(3) === 0) {
        await random.of(others)()
      } else {
        const what = random.of(ENDS)
        order(random.of(services).statePath, what)
        did(
          what < 100
            ? what === SIGTERM
              ? 'service ends of SIGTERM'
              : 'service ends of a signal'
            : 'service exits',
        )
      }
      await pause(10 + random.below(60))
    }
    tell('it is quiet again')
    await Promise.all([...running, shortage])
    await settle()
    const account = await check()
    return account
  } finally {
    if (problems.length > 0) {
      cpSync(`${hearth.directory}/log`, `${directory}/log`, { recursive: true })
      writeFileSync(`${directory}/stderr`, hearth.err())
      tell(`the files of the run are in ${directory}`)
    }
    for (const act of teardowns) if (problems.length === 0 || act !== teardowns.at(-1)) await act()
  }

  /** All orders are obeyed, and all that should be up is. */
  async function settle() {
    const deadline = performance.now() + 60_000
    const states = async () => {
      const shown = await hearth.ok(
        'show',
        ...services.map(one => one.name),
        '-p',
        'ActiveState,SubState',
      )
      return shown.split('\n\n').map(text => /ActiveState=(\w+)/.exec(text)?.[1] ?? '')
    }
    for (;;) {
      const now = await states()
      // One that ended of an order while it was stopped has failed, and is down.
      const odd = services.filter((one, i) =>
        one.isUp ? now[i] !== 'active' : now[i] !== 'inactive' && now[i] !== 'failed',
      )
      // What was ordered while it was down is not to wait for it.
      const waits = services.filter(
        one => one.isUp && readFileSync(one.statePath).readInt32LE(ORDER_AT) !== 0,
      )
      if (odd.length === 0 && waits.length === 0) return
      if (performance.now() > deadline) {
        for (const one of odd)
          problems.push(
            `${one.name} is ${now[services.indexOf(one)]}, and should be ${one.isUp ? 'up' : 'down'}`,
          )
        return
      }
      await pause(50)
    }
  }

  async function check(): Promise<Account> {
    const mains = (
      await hearth.ok('show', ...services.map(one => one.name), '--value', '-p', 'MainPID')
    ).split(/\n+/)
    const known = mains.filter(pid => pid !== '0').length
    const forked = ofKind('fork').filter(one => one.isUp).length
    const present = childrenOf(hearth.pid).filter(pid => !isZombie(pid))
    const grand = present.flatMap(childrenOf)
    if (present.length !== known || grand.length !== forked)
      problems.push(
        `${present.length} children and ${grand.length} grandchildren of the daemon, where ${known} and ${forked} are due`,
      )
    const zombies = childrenOf(hearth.pid).filter(isZombie).length
    if (zombies > 0) problems.push(`${zombies} ended children were not reaped`)
    for (const one of services) if (one.isUp) one.stops++
    hearth.signal('SIGTERM')
    const ended = await Promise.race([hearth.ended, pause(60_000, null)])
    if (ended === null || ended.code !== 0)
      problems.push(`the daemon ended with ${JSON.stringify(ended)}`)

    const total = { lives: 0, ends: 0, lines: 0, messages: 0 }
    for (const one of services) {
      const unit = `${one.name}.service`
      const { lives, doubled, broken } = readState(one.statePath)
      if (doubled > 0) problems.push(`${unit} was started twice at once, ${doubled} times`)
      if (broken > 0) problems.push(`${unit} could not write ${broken} lines`)
      const ends = Map.groupBy(readEnds(`${hearth.directory}/log`, unit), end => end.invocationId)
      const stopped = lives.filter(({ end }) => end === STOPPED).length
      if (stopped > one.stops)
        problems.push(`${unit} was stopped ${stopped} times, and told to ${one.stops} times`)
      for (const [i, { invocation, end }] of lives.entries()) {
        const found = ends.get(invocation) ?? []
        total.ends += found.length
        const told = `life ${i + 1} of ${lives.length} of ${unit} (${invocation})`
        if (end === 0) problems.push(`${told} was ended by another`)
        else if (found.length !== 1) problems.push(`${told} has ${found.length} ends on record`)
        else if (!endInWords(end).test(found[0]?.outcome ?? ''))
          problems.push(`${told} ended by ${end}, and on record is ${found[0]?.outcome}`)
      }
      total.lives += lives.length
      total.messages += lives.reduce((count, { told }) => count + told, 0)
      total.lines += checkLines(unit, lives)
    }
    // A service has one connection in hand when it ends; all others wait in the socket.
    if (spoken.unanswered > total.lives)
      problems.push(`${spoken.unanswered} connections ended unanswered, of ${total.lives} lives`)
    return {
      deeds: [...deeds.values()],
      ...total,
      ...spoken,
      messagesFound,
      images: images(),
      problems,
    }
  }

  /** All lines of each life are there, once and in order. */
  function checkLines(unit: string, lives: readonly Life[]): number {
    const log = `${hearth.directory}/log/${unit}`
    if (readdirSync(log).some(name => name.endsWith('.log') || name.endsWith('.gz')))
      problems.push(`${unit}: the log was rotated`)
    const seen = new Map<number, number>()
    let count = 0
    for (const text of readFileSync(`${log}/current`, 'latin1').split('\n')) {
      const match = /: (\d+) (\d+)$/.exec(text)
      if (!match) continue
      const [life, line] = [Number(match[1]), Number(match[2])]
      const before = seen.get(life) ?? 0
      if (line !== before + 1)
        problems.push(`${unit}, life ${life}: line ${line} comes after ${before}`)
      seen.set(life, line)
      count++
    }
    for (const [i, { lines }] of lives.entries()) {
      const last = seen.get(i + 1) ?? 0
      // One may have been written and not been counted before its end.
      if (last < lines || last > lines + 1)
        problems.push(`${unit}, life ${i + 1}: ${last} lines of ${lines}`)
    }
    return count
  }
}
