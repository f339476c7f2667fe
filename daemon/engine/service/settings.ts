// The settings that a service's machine goes by.
import { KILL_DEFAULTS, SERVICE_DEFAULTS } from '../../units/defaults.ts'
import type { KillSettings, ServiceSettings, Unit } from '../../units/unit.ts'

// A unit whose file has gone while it ran is still to be stopped: it goes by the defaults, as in systemd.
export const serviceSettings = (unit: Unit): ServiceSettings => unit.service ?? SERVICE_DEFAULTS
export const killSettings = (unit: Unit): KillSettings => unit.kill ?? KILL_DEFAULTS
