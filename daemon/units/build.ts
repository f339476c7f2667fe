// Files -> a unit: each assignment is looked up in the table of directives, then the unit is completed and checked.
import {
  EXEC_DEFAULTS,
  HEARTH_DEFAULTS,
  INSTALL_DEFAULTS,
  KILL_DEFAULTS,
  NONE,
  SERVICE_DEFAULTS,
  UNIT_DEFAULTS,
} from './defaults.ts'
import { type DirectiveTable, type Draft, SECTIONS } from './directives.ts'
import { describeProblem, didYouMean } from './errors.ts'
import {
  addImplicit,
  completeService,
  type Dependencies,
  serviceProblem,
  serviceWarnings,
  unsupportedType,
} from './implicit.ts'
import { expandSpecifiers, type HostFacts } from './specifiers.ts'
import type { Assignment, UnitFile } from './syntax.ts'
import type {
  DependencyKind,
  InstallSettings,
  Place,
  Problem,
  Unit,
  UnitFileState,
  UnitName,
  UnitType,
} from './unit.ts'
import type { ValueContext } from './values/parse.ts'

/** The section that only units of a type have. */
export const SECTION_OF: Partial<Record<UnitType, string>> = {
  service: 'Service',
  socket: 'Socket',
  timer: 'Timer',
  path: 'Path',
  mount: 'Mount',
  automount: 'Automount',
  swap: 'Swap',
  slice: 'Slice',
  scope: 'Scope',
}

export type BuildContext = { table: DirectiveTable; host: HostFacts }

export type BuildInput = {
  id: UnitName
  names: readonly UnitName[]
  type: UnitType
  fragmentPath: string | null
  dropInPaths: readonly string[]
  /** Its state, given its [Install] section. */
  unitFileState: (install: InstallSettings) => UnitFileState
  /** The unit's file and its drop-ins, in the order in which they count. */
  files: readonly UnitFile[]
  /** Dependencies that come from links and from the [Install] of others. */
  pulls: Dependencies
  /** The name of the unit that a name means. */
  canonical: (name: UnitName) => UnitName
}

const newDraft = (): Draft => ({
  unit: {},
  service: {},
  kill: {},
  exec: {},
  install: {},
  hearth: {},
  dependencies: {},
})

type Assigning = {
  id: UnitName
  type: UnitType
  fragmentPath: string | null
  files: readonly UnitFile[]
  problems: Problem[]
  /** Only these sections; null: all. */
  only: string | null
}

/** Puts everything the files say into a draft; what is wrong goes to `problems`. */
function assignAll({ table, host }: BuildContext, work: Assigning): Draft {
  const draft = newDraft()
  const own = SECTION_OF[work.type]
  let place: Place = { file: '', line: 0 }
  let directive = ''
  const context: ValueContext = {
    expand: text => expandSpecifiers(text, work, host),
    warn: message => {
      work.problems.push({
        severity: 'warning',
        place,
        directive,
        message: `${name()}: ${message}`,
      })
    },
  }
  const name = () => `${directive.slice(directive.indexOf('.') + 1)}=`
  const isMeant = (section: string) =>
    section === 'Unit' || section === 'Install' || section === 'X-Hearth' || section === own

  for (const file of work.files) {
    if (work.only === null)
      for (const section of file.sections)
        if (!isMeant(section.name) && !section.name.startsWith('X-'))
          work.problems.push(straySection(section, work.type))
    for (const assignment of file.assignments) {
      const { section } = assignment
      if (!isMeant(section) || (work.only !== null && section !== work.only)) continue
      if (assignment.name.startsWith('X-')) continue
      const row = table.find(section, assignment.name)
      if (!row) {
        work.problems.push(unknownDirective(table, assignment, own))
        continue
      }
      place = assignment.place
      directive = `${section}.${row.name}`
      const done = row.assign(draft, assignment.value, context)
      if (done.isErr())
        work.problems.push({
          severity: 'error',
          place,
          directive,
          message: `cannot read ${assignment.name}=${shortened(assignment.value)}: ${done.error}`,
        })
    }
  }
  return draft
}

const shortened = (value: string) => (value.length > 80 ? `${value.slice(0, 80)}…` : value)

function straySection({ name, place }: UnitFile['sections'][number], type: UnitType): Problem {
  const message = SECTIONS.includes(name)
    ? `section [${name}] has no meaning in a ${type} unit, ignored`
    : `unknown section [${name}], ignored${didYouMean(name, SECTIONS)}`
  return { severity: 'warning', place, message }
}

function unknownDirective(
  table: DirectiveTable,
  { section, name, place }: Assignment,
  own: string | undefined,
): Problem {
  const home = ['Unit', 'Install', 'X-Hearth', own ?? 'Unit'].find(
    other => other !== section && table.find(other, name),
  )
  const hint =
    home === undefined
      ? didYouMean(
          name,
          table.section(section).map(row => row.name),
        )
      : `; it belongs in [${home}]`
  return {
    severity: 'warning',
    place,
    directive: `${section}.${name}`,
    message: `unknown directive ${name}= in [${section}], ignored${hint}`,
  }
}

/** The [Install] section alone: it says what is enabled before any unit is loaded. */
export function readInstall(
  context: BuildContext,
  unit: Pick<BuildInput, 'id' | 'type' | 'fragmentPath' | 'files'>,
): InstallSettings | null {
  if (!unit.files.some(file => file.sections.some(section => section.name === 'Install')))
    return null
  const draft = assignAll(context, { ...unit, problems: [], only: 'Install' })
  return { ...INSTALL_DEFAULTS, ...draft.install }
}

const isEmpty = (settings: object) => {
  for (const _ in settings) return false
  return true
}

/** Units share the defaults: most set nothing in most groups. */
const completed = <T extends object>(defaults: T, set: Partial<T>): T =>
  isEmpty(set) ? defaults : { ...defaults, ...set }

/** The unit that its files describe. It is `bad-setting` when something in them is wrong. */
export function buildUnit(context: BuildContext, input: BuildInput): Unit {
  const { id, type, fragmentPath } = input
  const problems: Problem[] = []
  for (const file of input.files) problems.push(...file.problems)
  const draft = assignAll(context, {
    id,
    type,
    fragmentPath,
    files: input.files,
    problems,
    only: null,
  })
  draft.unit.description ??= id

  const at = (message: string, severity: Problem['severity']) =>
    problems.push({ severity, place: { file: fragmentPath ?? id, line: 0 }, message })
  if (type === 'service') completeService(draft)
  const service = type === 'service' ? { ...SERVICE_DEFAULTS, ...draft.service } : undefined
  if (service) {
    // A command that could not be read is reported already: that it is missing would only confuse.
    const problem = problems.some(({ severity }) => severity === 'error')
      ? null
      : serviceProblem(draft, service)
    if (problem !== null) at(problem, 'error')
    for (const warning of serviceWarnings(service)) at(warning, 'warning')
  }
  const unsupported = fragmentPath === null ? null : unsupportedType(type, fragmentPath)
  if (unsupported) problems.push(unsupported)

  const dependencies: Dependencies = draft.dependencies
  for (const kind of Object.keys(input.pulls) as DependencyKind[])
    for (const name of input.pulls[kind] ?? NONE) {
      const known = dependencies[kind]
      if (known) known.push(name)
      else dependencies[kind] = [name]
    }
  addImplicit(dependencies, {
    id,
    type,
    defaultDependencies: draft.unit.defaultDependencies ?? true,
    ...(service && { service }),
  })
  const install = completed(INSTALL_DEFAULTS, draft.install)
  const error = problems.find(({ severity }) => severity === 'error')
  return {
    id,
    names: input.names,
    type,
    loadState: error ? 'bad-setting' : 'loaded',
    loadError: error ? describeProblem(error) : null,
    fragmentPath,
    dropInPaths: input.dropInPaths,
    unitFileState: input.unitFileState(install),
    problems: problems.length === 0 ? NONE : problems,
    unit: completed(UNIT_DEFAULTS, draft.unit),
    dependencies: tidy(dependencies, input),
    install,
    hearth: completed(HEARTH_DEFAULTS, draft.hearth),
    ...(service && {
      service,
      kill: completed(KILL_DEFAULTS, draft.kill),
      exec: completed(EXEC_DEFAULTS, draft.exec),
    }),
  }
}

/** Each name once, by the unit it means, and never the unit itself. */
function tidy(dependencies: Dependencies, { id, canonical }: BuildInput): Dependencies {
  for (const kind of Object.keys(dependencies) as DependencyKind[]) {
    const names = new Set<UnitName>()
    for (const name of dependencies[kind] ?? NONE) {
      const meant = canonical(name)
      if (meant !== id) names.add(meant)
    }
    if (names.size === 0) delete dependencies[kind]
    else dependencies[kind] = [...names]
  }
  return dependencies
}
