// The names that services of Type=dbus take on the message bus (BusName=): who waits for one is told of it.
import { existsSync } from 'node:fs'
import type { EngineEvent } from '../engine/event.ts'
import type { UnitName } from '../units/unit.ts'
import { BUS_NAME, type BusConnection, type BusMessage, busPath, connectBus } from './dbus.ts'
import { inWords } from './failure.ts'

export interface BusNames {
  /** Posts `bus-name` when somebody takes the name or gives it up, and at once how it stands or that there is no bus. */
  watch(unit: UnitName, name: string): void
  unwatch(unit: UnitName): void
  /** The bus may be back: those who wait are told how things stand. */
  retry(): void
  /** Why there is no bus to ask, now; null: there is. */
  whyNot(): string | null
  close(): void
}

export type BusNamesParts = {
  isRoot: boolean
  environment: Readonly<Record<string, string | undefined>>
  post: (event: EngineEvent) => void
  warn: (message: string) => void
}

const SYSTEM_BUS = '/run/dbus/system_bus_socket'

/** The system's bus for root's daemon, the session's for another's, as with systemd's managers. */
function ownBusPath({ isRoot, environment }: BusNamesParts): string | null {
  const address = isRoot
    ? environment.DBUS_SYSTEM_BUS_ADDRESS
    : environment.DBUS_SESSION_BUS_ADDRESS
  if (address) return busPath(address)
  if (isRoot) return SYSTEM_BUS
  return environment.XDG_RUNTIME_DIR ? `${environment.XDG_RUNTIME_DIR}/bus` : null
}

const rule = (name: string) =>
  `type='signal',sender='${BUS_NAME}',interface='${BUS_NAME}',member='NameOwnerChanged',arg0='${name}'`

type Watched = { units: Set<UnitName>; isOwned: boolean | null }

export function createBusNames(parts: BusNamesParts): BusNames {
  const { post } = parts
  const path = ownBusPath(parts)
  const names = new Map<string, Watched>()
  const nameOf = new Map<UnitName, string>()
  let connection: BusConnection | null = null
  /** Names that were asked for, by the numbers of the calls. */
  const asked = new Map<number, string>()

  const tell = (name: string, isOwned: boolean) => {
    const watched = names.get(name)
    if (!watched || watched.isOwned === isOwned) return
    watched.isOwned = isOwned
    for (const unit of watched.units) post({ type: 'bus-name', unit, isOwned, problem: null })
  }

  const took = ({ type, replyTo, member, sender, strings }: BusMessage) => {
    if (type === 'signal') {
      const [name = '', , owner = ''] = strings
      if (member === 'NameOwnerChanged' && sender === BUS_NAME) tell(name, owner !== '')
      return
    }
    const name = asked.get(replyTo)
    if (name === undefined) return
    asked.delete(replyTo)
    tell(name, type === 'return')
  }

  const ask = (name: string) => {
    // The rule first: what changes in between is told.
    connection?.call('AddMatch', rule(name))
    const call = connection?.call('GetNameOwner', name)
    if (call !== undefined) asked.set(call, name)
  }

  const lost = (error: Error | null) => {
    connection = null
    asked.clear()
    const problem = problemOf(error)
    const isGone = [...names.values()].some(({ isOwned }) => isOwned !== null)
    if (isGone)
      parts.warn(
        `the message bus at ${shown(path)} is gone: no BusName= is watched for until it is back`,
      )
    for (const { units, isOwned } of names.values()) {
      if (isOwned !== null) continue
      for (const unit of units) post({ type: 'bus-name', unit, isOwned: false, problem })
    }
  }

  const problemOf = (error: Error | null): string => {
    const errno = (error as NodeJS.ErrnoException | null)?.code
    if (errno === 'ENOENT' || errno === 'ECONNREFUSED') return noBus()
    const why = errno === undefined ? (error?.message ?? 'it hung up') : inWords(errno)
    return `cannot speak to the message bus at ${shown(path)}: ${why}`
  }

  const noBus = () =>
    path === null ? 'no message bus is known' : `there is no message bus at ${shown(path)}`

  const connect = () => {
    if (connection !== null || path === null) return
    const uid = process.geteuid?.() ?? 0
    connection = connectBus(path, uid, { message: took, closed: lost })
    for (const name of names.keys()) ask(name)
  }

  return {
    watch(unit, name) {
      if (path === null) {
        post({ type: 'bus-name', unit, isOwned: false, problem: noBus() })
        return
      }
      const known = names.get(name)
      if (known) {
        known.units.add(unit)
        const { isOwned } = known
        if (isOwned !== null) post({ type: 'bus-name', unit, isOwned, problem: null })
      } else names.set(name, { units: new Set([unit]), isOwned: null })
      nameOf.set(unit, name)
      if (connection === null) connect()
      else if (!known) ask(name)
    },
    unwatch(unit) {
      const name = nameOf.get(unit)
      const watched = name === undefined ? undefined : names.get(name)
      if (name === undefined || !watched) return
      nameOf.delete(unit)
      watched.units.delete(unit)
      if (watched.units.size > 0) return
      names.delete(name)
      connection?.call('RemoveMatch', rule(name))
      if (names.size > 0) return
      connection?.close()
      connection = null
      asked.clear()
    },
    retry() {
      if (names.size > 0) connect()
    },
    whyNot: () => (path !== null && (path.startsWith('\0') || existsSync(path)) ? null : noBus()),
    close() {
      connection?.close()
      connection = null
    },
  }
}

const shown = (path: string | null) => (path ?? '').replace('\0', '@')
