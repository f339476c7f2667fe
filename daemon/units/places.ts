// The directories that unit files are looked for in, unless the command line names others.
const DEFAULT_SERVICES = [
  '/etc/hearth/services.d',
  '/run/hearth/services.d',
  '/usr/lib/hearth/services.d',
]

const listed = (list: string | undefined) => (list ?? '').split(':').filter(path => path !== '')

/**
 * Unit directories and look-up directories by the environment (HEARTH_SERVICES, HEARTH_VENDOR_UNITS: lists divided by `:`),
 * the first wins.
 */
export function placesOf(environment: Readonly<Record<string, string | undefined>>): {
  services: readonly string[]
  vendorUnits: readonly string[]
} {
  const services = listed(environment.HEARTH_SERVICES)
  return {
    services: services.length > 0 ? services : DEFAULT_SERVICES,
    vendorUnits: listed(environment.HEARTH_VENDOR_UNITS),
  }
}
