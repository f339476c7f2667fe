// The settings that a service's machine goes by.
import type { KillSettings, NotifyAccess, ServiceSettings, Unit } from '../../units/unit.ts'
import { SIGHUP, SIGKILL, SIGTERM } from '../exit-status.ts'

const SIGABRT = 6
const NO_STATUS = { statuses: [], signals: [] }
const DEFAULT_TIMEOUT_USEC = 90_000_000

// A unit whose file has gone while it ran is still to be stopped: it goes by the defaults, as in systemd.
const WITHOUT_FILE: ServiceSettings = {
  type: 'simple',
  exitType: 'main',
  remainAfterExit: false,
  guessMainPid: true,
  pidFile: null,
  busName: null,
  execCondition: [],
  execStartPre: [],
  execStart: [],
  execStartPost: [],
  execReload: [],
  execStop: [],
  execStopPost: [],
  restart: 'no',
  restartMode: 'normal',
  restartUsec: 100_000,
  restartSteps: 0,
  restartMaxDelayUsec: Infinity,
  timeoutStartUsec: DEFAULT_TIMEOUT_USEC,
  timeoutStopUsec: DEFAULT_TIMEOUT_USEC,
  timeoutAbortUsec: null,
  timeoutStartFailureMode: 'terminate',
  timeoutStopFailureMode: 'terminate',
  runtimeMaxUsec: Infinity,
  runtimeRandomizedExtraUsec: 0,
  watchdogUsec: 0,
  successExitStatus: NO_STATUS,
  restartPreventExitStatus: NO_STATUS,
  restartForceExitStatus: NO_STATUS,
  rootDirectoryStartOnly: false,
  permissionsStartOnly: false,
  nonBlocking: false,
  notifyAccess: null,
  sockets: [],
  fileDescriptorStoreMax: 0,
  oomPolicy: null,
  reloadSignal: SIGHUP,
}

const KILL_WITHOUT_FILE: KillSettings = {
  killMode: 'control-group',
  killSignal: SIGTERM,
  restartKillSignal: null,
  finalKillSignal: SIGKILL,
  watchdogSignal: SIGABRT,
  sendSighup: false,
  sendSigkill: true,
}

export const serviceSettings = (unit: Unit): ServiceSettings => unit.service ?? WITHOUT_FILE
export const killSettings = (unit: Unit): KillSettings => unit.kill ?? KILL_WITHOUT_FILE

/** A span that is no limit is written as 0 or infinity. */
export const isLimit = (usec: number): boolean => usec > 0 && usec !== Infinity

/**
 * Who may send sd_notify(3) messages. What asks for messages, by its type or its watchdog, gets them from its main
 * process at least (systemd.service(5), NotifyAccess=).
 */
export function notifyAccess(service: ServiceSettings): NotifyAccess {
  const access = service.notifyAccess ?? 'none'
  const asks =
    service.type === 'notify' ||
    service.type === 'notify-reload' ||
    isLimit(service.watchdogUsec) ||
    service.fileDescriptorStoreMax > 0
  return access === 'none' && asks ? 'main' : access
}
