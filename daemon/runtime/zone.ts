// The machine's time zone, by its name in the IANA database (localtime(5)).
import { readFileSync, readlinkSync } from 'node:fs'
import { type Clock, clocksOf, findZone } from '../units/values/zone.ts'

export const LOCALTIME = '/etc/localtime'

/** TZ= of the environment, else where /etc/localtime leads, else what /etc/timezone says; UTC where none tells a zone. */
export function localZone(environment: Readonly<Record<string, string | undefined>>): string {
  const told = environment.TZ ? [environment.TZ.replace(/^:/, '')] : []
  for (const name of [...told, linked(), read('/etc/timezone').trim()]) {
    const zone = name === '' ? null : findZone(name)
    if (zone !== null) return zone.name
  }
  return 'UTC'
}

const ZONES = '/usr/share/zoneinfo'

/** The clocks of that zone by their abbreviations: its file ends with the rule that holds now (tzfile(5)). None where there is
 * no such file. */
export function localClocks(
  environment: Readonly<Record<string, string | undefined>>,
): readonly Clock[] {
  const zone = localZone(environment)
  for (const path of [`${ZONES}/${zone}`, LOCALTIME]) {
    const [, rule] = /^TZif[\s\S]*\n([^\n]*)\n$/.exec(read(path)) ?? []
    if (rule !== undefined) return clocksOf(rule)
  }
  return []
}

function linked(): string {
  try {
    return readlinkSync(LOCALTIME).replace(/^.*\/zoneinfo\/(?:posix\/|right\/)?/, '')
  } catch {
    return ''
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
