// What a service tells of itself: sd_notify(3).

import { isLimit, notifyAccess } from '../../units/notify-access.ts'
import type { MachineInput } from '../machine.ts'
import { unreachable } from '../unreachable.ts'
import { adopt, isSuitable } from './answers.ts'
import { enterReloadByNotify, enterRunning, enterStopByNotify } from './running.ts'
import { enterStartPost } from './start.ts'
import { enterSignal } from './stop.ts'
import { inUsec, isWatched, log, resetWatchdog, set, setSub, type Turn } from './turn.ts'

type Notification = Extract<MachineInput, { type: 'notify' }>
type Fields = Notification['fields']

/** A message of `pid`, which the kernel vouches for, and the descriptors that came with it. */
export function notified(turn: Turn, { pid, fields, fds = [] }: Notification): void {
  if (!isDown(turn) && isAllowed(turn, pid)) {
    if (fields.MAINPID !== undefined) toldMainPid(turn, fields.MAINPID)
    toldState(turn, fields)
    toldStatus(turn, fields)
    if (fields.EXTEND_TIMEOUT_USEC !== undefined) extendTimeout(turn, fields.EXTEND_TIMEOUT_USEC)
    if (fields.WATCHDOG !== undefined) toldWatchdog(turn, fields.WATCHDOG)
    if (fields.WATCHDOG_USEC !== undefined) overrideWatchdog(turn, fields.WATCHDOG_USEC)
    toldDescriptors(turn, fields, fds)
  }
}

/** A message that was under way while its service ended. */
function isDown({ facts: { sub } }: Turn): boolean {
  return sub === 'dead' || sub === 'failed' || sub === 'auto-restart'
}

/** NotifyAccess=: whose messages count. */
function isAllowed(turn: Turn, pid: number): boolean {
  const { mainPid, controlPid } = turn.facts
  const access = notifyAccess(turn.service)
  switch (access) {
    case 'all':
      return true
    case 'none':
      refuse(turn, pid, 'reception is disabled')
      return false
    case 'main':
      if (pid === mainPid) return true
      refuse(turn, pid, `reception only permitted for main PID ${mainPid ?? '(not known)'}`)
      return false
    case 'exec':
      if (pid === mainPid || pid === controlPid) return true
      refuse(turn, pid, 'reception only permitted for the main and control process')
      return false
    default:
      return unreachable(access)
  }
}

function refuse(turn: Turn, pid: number, why: string): void {
  log(turn, 'warn', `Got notification message from PID ${pid}, but ${why}.`)
}

function toldMainPid(turn: Turn, value: string): void {
  const pid = number(value)
  switch (turn.facts.sub) {
    case 'start':
    case 'start-post':
    case 'running':
    case 'reload':
    case 'reload-signal':
    case 'reload-notify':
      if (pid === null || !isSuitable(turn, pid)) {
        log(turn, 'warn', `New main PID ${value} cannot be the main process, ignoring.`)
      } else adopt(turn, pid)
      return
    default: // before there is a main process, or when it does not matter any more
      return
  }
}

/** STOPPING=1 wins over the others, READY=1 over RELOADING=1: a message with both tells of a reload that is done. */
function toldState(turn: Turn, fields: Fields): void {
  const { sub } = turn.facts
  if (fields.STOPPING === '1') {
    set(turn, { notifyState: 'stopping' })
    if (sub === 'running' || sub === 'reload-signal' || sub === 'reload-notify') {
      enterStopByNotify(turn)
    }
  } else if (fields.READY === '1') {
    set(turn, { notifyState: 'ready' })
    const { type } = turn.service
    if (sub === 'start' && (type === 'notify' || type === 'notify-reload')) enterStartPost(turn)
    else if (sub === 'reload-notify') enterRunning(turn, 'success')
    else if (sub === 'reload-signal' && fields.RELOADING === '1' && isOfThisReload(turn, fields)) {
      enterRunning(turn, 'success')
    }
  } else if (fields.RELOADING === '1') {
    set(turn, { notifyState: 'reloading' })
    if (sub === 'running') enterReloadByNotify(turn)
    else if (sub === 'reload-signal' && isOfThisReload(turn, fields)) setSub(turn, 'reload-notify')
  }
}

/** A reload that was already under way when the signal was sent does not count. */
function isOfThisReload(turn: Turn, fields: Fields): boolean {
  const beganUsec = number(fields.MONOTONIC_USEC ?? '')
  return beganUsec !== null && beganUsec >= (turn.facts.reloadBeginUsec ?? 0)
}

function toldStatus(turn: Turn, fields: Fields): void {
  if (fields.STATUS !== undefined && fields.STATUS !== turn.facts.statusText) {
    set(turn, { statusText: fields.STATUS })
  }
  const statusErrno = number(fields.ERRNO ?? '')
  if (statusErrno !== null && statusErrno !== turn.facts.statusErrno) set(turn, { statusErrno })
}

/** The stage may take that much longer from now; a deadline that is later anyway, or none, stays. */
function extendTimeout(turn: Turn, value: string): void {
  const usec = number(value)
  if (usec === null || !isLimit(usec)) {
    log(turn, 'warn', `Failed to parse EXTEND_TIMEOUT_USEC=${value}, ignoring.`)
    return
  }
  const extendedUsec = inUsec(turn, usec)
  const later = (at: number | null) =>
    at === null || extendedUsec === null ? at : Math.max(at, extendedUsec)
  const { deadlineUsec, watchdogDeadlineUsec, runtimeDeadlineUsec } = turn.facts
  set(turn, {
    deadlineUsec: later(deadlineUsec),
    watchdogDeadlineUsec: later(watchdogDeadlineUsec),
    runtimeDeadlineUsec: later(runtimeDeadlineUsec),
  })
}

function toldWatchdog(turn: Turn, value: string): void {
  if (value === '1') {
    if (isWatched(turn)) resetWatchdog(turn)
  } else if (value === 'trigger') {
    if (!isWatched(turn) && turn.facts.sub !== 'start') return
    log(turn, 'error', `Watchdog request (last status: ${turn.facts.statusText || '<unset>'})!`)
    enterSignal(turn, 'stop-watchdog', 'watchdog')
  } else log(turn, 'warn', 'Passed WATCHDOG= field is invalid, ignoring.')
}

/** WATCHDOG_USEC= puts another span in the place of WatchdogSec=; 0 switches the watchdog off. */
function overrideWatchdog(turn: Turn, value: string): void {
  const usec = number(value)
  if (usec === null) {
    log(turn, 'warn', `Failed to parse WATCHDOG_USEC=${value}, ignoring.`)
    return
  }
  set(turn, { watchdogUsec: usec })
  if (isWatched(turn)) resetWatchdog(turn)
}

/** FDSTORE=1 and FDSTOREREMOVE=1: descriptors that outlive the process, for the service's next one. */
function toldDescriptors(turn: Turn, fields: Fields, fds: readonly number[]): void {
  const { name: unit, service } = turn
  const isNamed = fields.FDNAME !== undefined && FD_NAME.test(fields.FDNAME)
  if (fields.FDNAME !== undefined && !isNamed) {
    log(
      turn,
      'warn',
      'Passed FDNAME= is invalid, ignoring: up to 255 printable characters, no colon.',
    )
  }
  if (fields.FDSTOREREMOVE === '1') {
    if (isNamed) turn.effects.push({ type: 'remove-descriptors', unit, name: fields.FDNAME ?? '' })
    else log(turn, 'warn', 'FDSTOREREMOVE=1 requires FDNAME=, ignoring.')
  } else if (fields.FDSTORE === '1' && fds.length > 0) {
    if (service.fileDescriptorStoreMax === 0) {
      log(turn, 'warn', 'Descriptors are not stored: FileDescriptorStoreMax= is 0.')
      return
    }
    turn.effects.push({
      type: 'store-descriptors',
      unit,
      fds,
      name: isNamed ? (fields.FDNAME ?? '') : 'stored',
      poll: fields.FDPOLL !== '0',
      most: service.fileDescriptorStoreMax,
    })
  }
}

/** fdname_is_valid() of systemd: what can stand in LISTEN_FDNAMES. */
const FD_NAME = /^[\x20-\x39\x3b-\x7e]{1,255}$/

const number = (text: string): number | null => {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : null
  return value !== null && Number.isSafeInteger(value) ? value : null
}
