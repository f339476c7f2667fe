// Whether the programs are there that a service would run.
import { accessSync, constants, statSync } from 'node:fs'
import { findExecutable } from '../../daemon/runtime/command.ts'
import type { LoadedUnits } from '../../daemon/units/load.ts'
import type { ExecCommand, ServiceSettings, Unit } from '../../daemon/units/unit.ts'
import { type Finding, placeOfValue } from './finding.ts'

const COMMANDS = {
  execCondition: 'ExecCondition',
  execStartPre: 'ExecStartPre',
  execStart: 'ExecStart',
  execStartPost: 'ExecStartPost',
  execReload: 'ExecReload',
  execStop: 'ExecStop',
  execStopPost: 'ExecStopPost',
} as const satisfies Partial<Record<keyof ServiceSettings, string>>

/** Errors, as with systemd-analyze verify. One that may fail (`-`), or runs in a root of its own, is not looked at. */
export function executableFindings(units: LoadedUnits, unit: Unit): Finding[] {
  const { service, exec, hearth } = unit
  if (!service || exec?.rootDirectory) return []
  const commands: (readonly [name: string, commands: readonly ExecCommand[]])[] = [
    ...Object.entries(COMMANDS).map(
      ([field, name]) => [`Service.${name}`, service[field as keyof typeof COMMANDS]] as const,
    ),
    ['X-Hearth.LogPipe', hearth.logPipe ? [hearth.logPipe] : []],
  ]
  return commands.flatMap(([name, those]) =>
    those
      .filter(command => !command.ignoreFailure)
      .flatMap(command => {
        const problem = problemOf(command, exec?.execSearchPath ?? [])
        if (problem === null) return []
        const place = placeOfValue(units, unit, [name], command.path)
        const message = `${name}: Command ${command.path} is not executable: ${problem}`
        return [{ severity: 'error' as const, place, message }]
      }),
  )
}

function problemOf({ path }: ExecCommand, searchPath: readonly string[]): string | null {
  if (!path.startsWith('/'))
    return findExecutable(path, searchPath) === null ? 'it is not in the search path' : null
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile() ? null : 'Is a directory'
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    return code === 'EACCES' ? 'Permission denied' : 'No such file or directory'
  }
}
