// ctl analyze verify: what is wrong with unit files, as somebody's image build asks it: by paths, without a daemon.
import { lstatSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { err, ok, type Result } from 'neverthrow'
import { describePlace } from '../../daemon/units/errors.ts'
import type { LoadedUnits } from '../../daemon/units/load.ts'
import type { Unit, Units } from '../../daemon/units/unit.ts'
import { isUnitName, nameKind, withInstance } from '../../daemon/units/values/unit-name.ts'
import { complain, readWords, refuse, type Subcommand } from './command.ts'
import { dependencyFindings } from './dependencies.ts'
import { executableFindings } from './executables.ts'
import { describeFinding, type Finding } from './finding.ts'
import { loadUnits } from './host.ts'

/** Tells all of them on standard error; fails when one is an error. */
export const run: Subcommand = words => {
  const read = readWords(words, {})
  if (typeof read === 'string') return refuse(read)
  const found = filesOf(read.args)
  if (found.isErr()) return refuse(found.error)
  if (found.value.length === 0)
    return refuse(`cannot verify: ${read.args.join(', ')} holds no unit`)
  const loaded = loadUnits([...new Set(found.value.map(path => dirname(path)))])
  const given = found.value.map(path => unitOf(loaded, path))
  const findings = [...given.flatMap(unit => ofFiles(loaded, unit)), ...ofAll(loaded, given)]
  const lines = [...new Set(findings.map(describeFinding))]
  if (lines.length > 0) complain(...lines)
  return findings.some(({ severity }) => severity === 'error') ? 1 : 0
}

/** The unit files that the words name; of a directory all that are in it. */
function filesOf(words: readonly string[]): Result<string[], string> {
  const files = new Set<string>()
  for (const word of words) {
    const path = resolve(word)
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined && !lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
      return err(`cannot verify ${word}: there is no such file`)
    if (stat?.isDirectory()) {
      for (const entry of readdirSync(path, { withFileTypes: true }))
        if (isUnitName(entry.name) && !entry.isDirectory()) files.add(join(path, entry.name))
    } else if (isUnitName(basename(path))) files.add(path)
    else return err(`cannot verify ${word}: expected a file named as a unit, such as web.service`)
  }
  return ok([...files])
}

/** As a unit of its directory; of a template an instance. A file that another one hides is read for itself. */
function unitOf(units: LoadedUnits, path: string): Unit {
  const file = basename(path)
  const name = nameKind(file) === 'template' ? withInstance(file, 'test-instance') : file
  const unit = units.get(name)
  if (unit.fragmentPath === path || lstatSync(path).isSymbolicLink()) return unit
  return units.fromFile(path, name)
}

/** Mistakes in its files, and what they set in vain. */
function ofFiles(units: LoadedUnits, unit: Unit): Finding[] {
  const findings: Finding[] = unit.problems.map(({ severity, place, directive, message }) => ({
    severity,
    place: describePlace(place),
    message: directive === undefined ? message : `${directive}: ${message}`,
  }))
  if (unit.loadState === 'error')
    findings.push({
      severity: 'error',
      place: unit.fragmentPath ?? unit.id,
      message: unit.loadError ?? 'cannot read it',
    })
  for (const { place, message } of units.notEnforced(unit.id))
    findings.push({ severity: 'warning', place: describePlace(place), message })
  return findings
}

/** What shows when the units are looked at with those that they name. */
function ofAll(loaded: LoadedUnits, given: readonly Unit[]): Finding[] {
  const own = new Map(given.flatMap(unit => unit.names.map(name => [name, unit] as const)))
  const units: Units = {
    get: name => own.get(name) ?? loaded.get(name),
    loaded: () => loaded.loaded(),
  }
  const read = given.filter(
    ({ loadState }) => loadState === 'loaded' || loadState === 'bad-setting',
  )
  return [
    ...read.flatMap(unit => executableFindings(loaded, unit)),
    ...dependencyFindings(loaded, units, read),
  ]
}
