// Methods about unit files: enabling and masking, reading them, reading all anew.
import { readFileSync, statSync } from 'node:fs'
import { err, ok, type Result } from 'neverthrow'
import type { Unit, UnitName } from '../units/unit.ts'
import { nameKind } from '../units/values/unit-name.ts'
import type { Backend, UnitFileChanges } from './backend.ts'
import { CANCELLED, type Call, type Handler } from './call.ts'
import { operationError } from './errors.ts'
import { runJobs } from './jobs.ts'
import { findUnit, notFound, resolveUnits } from './resolve.ts'
import type { ControlError, JobOutcome, JobVerb, UnitFileParams, UnitFileResult } from './schema.ts'

type Change = (
  backend: Backend,
  names: readonly UnitName[],
  how: { runtime: boolean; force: boolean },
) => UnitFileChanges

/** A change to unit files that has been made, with the jobs of `now`. */
const change =
  (verb: 'enable' | 'disable' | 'mask' | 'unmask', job: JobVerb | null, apply: Change) =>
  async (call: Call, params: UnitFileParams): Promise<Result<UnitFileResult, ControlError>> => {
    const { backend } = call
    const { units, unmatched } = resolveUnits(backend, params.units, { files: true })
    const [missing] = unmatched
    if (missing) return err(missing)
    // What is not there can be masked, so that it does not come.
    const mayBeMissing = verb === 'mask' || verb === 'unmask'
    const stranger = strangerAmong(backend, units, mayBeMissing)
    if (stranger !== null) return err(notFound(backend, stranger))
    const changed = attempt(`${verb} ${units.join(' ')}`, () =>
      apply(backend, units, howOf(params)),
    )
    if (changed.isErr()) return err(changed.error)
    return withJobs(call, changed.value, params.now && job !== null ? [[job, units]] : [])
  }

const howOf = ({ runtime = false, force = false }: { runtime?: boolean; force?: boolean }) => ({
  runtime,
  force,
})

function attempt(what: string, act: () => UnitFileChanges): Result<UnitFileChanges, ControlError> {
  try {
    return ok(act())
  } catch (error) {
    return err(operationError(what, error))
  }
}

async function withJobs(
  { backend, signal, caller }: Call,
  { changes, notes }: UnitFileChanges,
  wanted: readonly (readonly [JobVerb, readonly UnitName[]])[],
): Promise<Result<UnitFileResult, ControlError>> {
  const jobs: JobOutcome[] = []
  for (const [job, names] of wanted) {
    const startable = names.filter(name => nameKind(name) !== 'template')
    const how = { mode: 'replace', wait: true, signal, by: caller() } as const
    const done = await runJobs(backend, job, startable, how)
    if (done === null) return err(CANCELLED)
    jobs.push(...done)
  }
  return ok({ changes: [...changes], notes: [...notes], jobs })
}

/** The first that is no name, or that nobody knows. */
function strangerAmong(
  backend: Backend,
  units: readonly UnitName[],
  mayBeMissing: boolean,
): UnitName | null {
  const known = new Set(backend.unitFiles().map(file => file.name))
  const isStrange = (name: UnitName) =>
    nameKind(name) === null || (!mayBeMissing && !isKnown(backend, known, name))
  return units.find(isStrange) ?? null
}

function isKnown(backend: Backend, files: ReadonlySet<UnitName>, name: UnitName): boolean {
  if (files.has(name)) return true
  const unit = findUnit(backend, name).unwrapOr(null)
  return unit !== null && unit.loadState !== 'not-found'
}

export const enable: Handler<'enable'> = change('enable', 'start', (backend, names, how) =>
  backend.enable(names, how),
)
export const disable: Handler<'disable'> = change('disable', 'stop', (backend, names, how) =>
  backend.disable(names, how),
)
export const mask: Handler<'mask'> = change('mask', 'stop', (backend, names, how) =>
  backend.mask(names, how),
)
export const unmask: Handler<'unmask'> = change('unmask', null, (backend, names, how) =>
  backend.unmask(names, how),
)

/** Without names: all files that can be enabled or disabled, the masked ones left alone. */
export const preset: Handler<'preset'> = async (call, params) => {
  const { backend } = call
  const { units, unmatched } =
    params.units === undefined
      ? { units: presettable(backend), unmatched: [] }
      : resolveUnits(backend, params.units, { files: true })
  const [missing] = unmatched
  if (missing) return err(missing)
  const stranger = strangerAmong(backend, units, false)
  if (stranger !== null) return err(notFound(backend, stranger))
  const { mode = 'full' } = params
  const wanted = backend.presets(units)
  const enabled = mode === 'disable-only' ? [] : wanted.enable
  const disabled = mode === 'enable-only' ? [] : wanted.disable
  const how = howOf(params)
  const changed = attempt('preset', () => {
    const off = disabled.length > 0 ? backend.disable(disabled, how) : NOTHING
    const on = enabled.length > 0 ? backend.enable(enabled, how) : NOTHING
    return { changes: [...off.changes, ...on.changes], notes: [...off.notes, ...on.notes] }
  })
  if (changed.isErr()) return err(changed.error)
  return withJobs(
    call,
    changed.value,
    params.now
      ? [
          ['stop', disabled],
          ['start', enabled],
        ]
      : [],
  )
}

const NOTHING: UnitFileChanges = { changes: [], notes: [] }

/** A template is enabled by its default instance, which it may lack: it is left alone, as are units without [Install]. */
const presettable = (backend: Backend): UnitName[] =>
  backend
    .unitFiles()
    .filter(
      ({ name, state }) => /^(?:enabled|disabled)/.test(state) && nameKind(name) !== 'template',
    )
    .map(({ name }) => name)

export const reload: Handler<'reload'> = async ({ backend }) => {
  try {
    return ok({ problems: [...(await backend.reload())] })
  } catch (error) {
    return err(operationError('reload', error))
  }
}

export const cat: Handler<'cat'> = (call, params) => {
  const { backend } = call
  const { units, unmatched } = resolveUnits(backend, params.units, { files: true })
  const errors: ControlError[] = [...unmatched]
  const files: { unit: string; files: { path: string; text: string }[] }[] = []
  for (const name of units) {
    const read = pathsOf(backend, name).andThen(paths => readAll(call, name, paths))
    if (read.isOk()) files.push({ unit: name, files: read.value })
    else errors.push(read.error)
  }
  return ok({ units: files, errors })
}

function pathsOf(backend: Backend, name: UnitName): Result<readonly string[], ControlError> {
  if (nameKind(name) === 'template') {
    const file = backend.unitFiles().find(one => one.name === name)
    return file ? ok([file.path]) : err(notFound(backend, name))
  }
  return findUnit(backend, name).andThen(unit => {
    const paths = [...(unit.fragmentPath === null ? [] : [unit.fragmentPath]), ...unit.dropInPaths]
    return paths.length > 0 ? ok(paths) : err(noFiles(backend, unit))
  })
}

const noFiles = (backend: Backend, unit: Unit): ControlError =>
  unit.loadState === 'not-found'
    ? notFound(backend, unit.id)
    : {
        code: 'failed',
        message: `cannot show files of ${unit.id}: it is built in and has none`,
        unit: unit.id,
      }

function readAll(
  { role }: Call,
  unit: UnitName,
  paths: readonly string[],
): Result<{ path: string; text: string }[], ControlError> {
  const files: { path: string; text: string }[] = []
  for (const path of paths) {
    try {
      // The daemon may read what a member of the control group may not.
      if (role !== 'admin' && (statSync(path).mode & 0o004) === 0) {
        return err({
          code: 'not-permitted',
          message: `cannot show ${path} to a member of the control group: it is not readable for everybody`,
          hint: 'use sudo',
          unit,
        })
      }
      files.push({ path, text: readFileSync(path, 'utf8') })
    } catch (error) {
      return err({ ...operationError(`read ${path}`, error), unit })
    }
  }
  return ok(files)
}
