// Who may send sd_notify(3) messages to a service.
import type { NotifyAccess, ServiceSettings } from './unit.ts'

/** A span that is no limit is written as 0 or infinity. */
export const isLimit = (usec: number): boolean => usec > 0 && usec !== Infinity

/**
 * NotifyAccess= in force. What asks for messages, by its type, its watchdog or its descriptor store, gets them from its
 * main process at least (systemd.service(5), NotifyAccess=).
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
