// The settings that a service's machine goes by.
import { KILL_DEFAULTS, SERVICE_DEFAULTS } from '../../units/defaults.ts'
import type { KillSettings, NotifyAccess, ServiceSettings, Unit } from '../../units/unit.ts'

// A unit whose file has gone while it ran is still to be stopped: it goes by the defaults, as in systemd.
export const serviceSettings = (unit: Unit): ServiceSettings => unit.service ?? SERVICE_DEFAULTS
export const killSettings = (unit: Unit): KillSettings => unit.kill ?? KILL_DEFAULTS

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
