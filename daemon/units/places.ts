// The directories that unit files are looked for in, unless the command line names others.
const DEFAULT_SERVICES = [
  '/etc/hearth/services.d',
  '/run/hearth/services.d',
  '/usr/lib/hearth/services.d',
]

/** hearth's own before the machine's. */
const DEFAULT_PRESETS = [
  '/etc/hearth/presets.d',
  '/run/hearth/presets.d',
  '/usr/lib/hearth/presets.d',
  '/etc/systemd/system-preset',
  '/run/systemd/system-preset',
  '/usr/local/lib/systemd/system-preset',
  '/usr/lib/systemd/system-preset',
  '/lib/systemd/system-preset',
]

const listed = (list: string | undefined) => (list ?? '').split(':').filter(path => path !== '')

/**
 * Unit directories, look-up directories and directories of preset files by the environment (HEARTH_SERVICES,
 * HEARTH_VENDOR_UNITS, HEARTH_PRESETS: lists divided by `:`), the first wins.
 */
export function placesOf(environment: Readonly<Record<string, string | undefined>>): {
  services: readonly string[]
  vendorUnits: readonly string[]
  presets: readonly string[]
} {
  const services = listed(environment.HEARTH_SERVICES)
  const presets = listed(environment.HEARTH_PRESETS)
  return {
    services: services.length > 0 ? services : DEFAULT_SERVICES,
    vendorUnits: listed(environment.HEARTH_VENDOR_UNITS),
    presets: presets.length > 0 ? presets : DEFAULT_PRESETS,
  }
}
