// Files -> a unit: each assignment is looked up in the table of directives, then the unit is completed and checked.
import {
  EXEC_DEFAULTS,
  INSTALL_DEFAULTS,
  KILL_DEFAULTS,
  MOUNT_DEFAULTS,
  NONE,
  PATH_DEFAULTS,
  SANDBOX_DEFAULTS,
  SERVICE_DEFAULTS,
  SOCKET_DEFAULTS,
  SWAP_DEFAULTS,
  TIMER_DEFAULTS,
  UNIT_DEFAULTS,
} from './defaults.ts'
import { type Directive, type DirectiveTable, type Draft, SECTIONS } from './directives.ts'
import { describeProblem, didYouMean, shortened } from './errors.ts'
import { isDemand } from './fidelity.ts'
import {
  addImplicit,
  completeService,
  completeStreams,
  type Dependencies,
  pathProblem,
  SHUTDOWN,
  serviceProblem,
  serviceWarnings,
  socketProblem,
  timerProblem,
  typeWarning,
} from './implicit.ts'
import { mountProblem, pathOfName, swapProblem } from './mounts.ts'
import { RESOURCE_DEFAULTS } from './resources.ts'
import { completeSandbox } from './sandbox.ts'
import type { Sharing } from './share.ts'
import { expandSpecifiers, type HostFacts } from './specifiers.ts'
import { type Assignment, placeOf, type UnitFile } from './syntax.ts'
import type {
  DependencyKind,
  HearthSettings,
  InstallSettings,
  Problem,
  Unit,
  UnitFileState,
  UnitName,
  UnitType,
} from './unit.ts'
import type { ValueContext } from './values/parse.ts'
import { nodeOf } from './values/socket.ts'

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

export type BuildContext = {
  table: DirectiveTable
  host: HostFacts
  /** What [X-Hearth] says of units that do not. */
  hearth: HearthSettings
}

/** A unit as its files alone describe it, before it is known what other units and links add. */
export type Prepared = Pick<
  Unit,
  | 'id'
  | 'type'
  | 'fragmentPath'
  | 'unit'
  | 'install'
  | 'hearth'
  | 'demands'
  | 'resources'
  | 'service'
  | 'socket'
  | 'kill'
  | 'exec'
  | 'sandbox'
  | 'timer'
  | 'path'
  | 'mount'
  | 'swap'
> & {
  dependencies: Dependencies
  problems: readonly Problem[]
  /** Whether there is an [Install] section at all. */
  hasInstallSection: boolean
}

export type Source = {
  id: UnitName
  type: UnitType
  fragmentPath: string | null
  /** The unit's file and its drop-ins, in the order in which they count. */
  files: readonly UnitFile[]
}

export type Surroundings = {
  names: readonly UnitName[]
  dropInPaths: readonly string[]
  unitFileState: UnitFileState
  /** Dependencies that come from links and from the [Install] of others. */
  pulls: Dependencies
  /** The name of the unit that a name means. */
  canonical: (name: UnitName) => UnitName
  /** The mount units, other than the unit itself, that have to be up for its paths; those without a file are. */
  mountsFor: (id: UnitName, paths: readonly string[]) => readonly UnitName[]
  sharing: Sharing
}

const newDraft = (): Draft => ({
  unit: {},
  service: {},
  socket: {},
  kill: {},
  exec: {},
  sandbox: {},
  install: {},
  hearth: {},
  timer: {},
  path: {},
  resources: {},
  mount: {},
  swap: {},
  dependencies: {},
})

type Assigning = Source & {
  problems: Problem[]
  /** `Unit.demands`, null until there is one. */
  demands: Record<string, string> | null
  /** Only these sections; null: all. */
  only: string | null
}

/** Puts everything the files say into a draft; what is wrong goes to `problems`. */
function assignAll({ table, host }: BuildContext, work: Assigning): Draft {
  const draft = newDraft()
  const own = SECTION_OF[work.type]
  let where: { file: UnitFile; assignment: Assignment; row: Directive } | null = null
  const report = (severity: Problem['severity'], message: string) => {
    if (where === null) return
    const { file, assignment, row } = where
    work.problems.push({
      severity,
      place: placeOf(file, assignment),
      directive: `${assignment.section}.${row.name}`,
      message,
    })
  }
  const context: ValueContext = {
    expand: text => expandSpecifiers(text, work, host),
    clocks: () => host.clocks ?? NONE,
    warn: message => report('warning', `${where?.assignment.name}=: ${message}`),
  }
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
        if (work.only === null) work.problems.push(unknownDirective(table, file, assignment, own))
        continue
      }
      where = { file, assignment, row }
      const done = row.assign(draft, assignment.value, context)
      if (isDemand(row) && done.isOk()) demand(work, row, assignment)
      if (done.isErr())
        report(
          'error',
          `cannot read ${assignment.name}=${shortened(assignment.value)}: ${done.error}`,
        )
    }
  }
  return draft
}

function demand(work: Assigning, row: Directive, { section, value }: Assignment) {
  work.demands ??= {}
  if (value === '') delete work.demands[`${section}.${row.name}`]
  else work.demands[`${section}.${row.name}`] = value
}

function straySection({ name, place }: UnitFile['sections'][number], type: UnitType): Problem {
  const message = SECTIONS.includes(name)
    ? `section [${name}] has no meaning in a ${type} unit, ignored`
    : `unknown section [${name}], ignored${didYouMean(name, SECTIONS)}`
  return { severity: 'warning', place, message }
}

function unknownDirective(
  table: DirectiveTable,
  file: UnitFile,
  assignment: Assignment,
  own: string | undefined,
): Problem {
  const { section, name } = assignment
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
    place: placeOf(file, assignment),
    directive: `${section}.${name}`,
    message: `unknown directive ${name}= in [${section}], ignored${hint}`,
  }
}

const hasSection = (files: readonly UnitFile[], name: string) =>
  files.some(file => file.sections.some(section => section.name === name))

/** The [Install] section alone, or null when there is none. */
export function readInstall(context: BuildContext, source: Source): InstallSettings | null {
  if (!hasSection(source.files, 'Install')) return null
  const draft = assignAll(context, { ...source, problems: [], demands: null, only: 'Install' })
  return { ...INSTALL_DEFAULTS, ...draft.install }
}

const isEmpty = (settings: object) => {
  for (const _ in settings) return false
  return true
}

/** Units share the defaults: most set nothing in most groups. */
const completed = <T extends object>(defaults: T, set: Partial<T>): T =>
  isEmpty(set) ? defaults : { ...defaults, ...set }

/** What the files say, completed and checked. */
export function prepareUnit(context: BuildContext, source: Source, sharing: Sharing): Prepared {
  const { id, type, fragmentPath, files } = source
  const problems: Problem[] = []
  for (const file of files) problems.push(...file.problems)
  const work: Assigning = { id, type, fragmentPath, files, problems, demands: null, only: null }
  const draft = assignAll(context, work)
  draft.unit.description ??= id

  const at = (message: string, severity: Problem['severity']) =>
    problems.push({ severity, place: { file: fragmentPath ?? id, line: 0 }, message })
  if (type === 'service') completeService(draft)
  else if (type === 'socket') completeStreams(draft)
  if (type === 'service' || type === 'socket') completeSandbox(draft)
  const service = type === 'service' ? { ...SERVICE_DEFAULTS, ...draft.service } : undefined
  const socket = type === 'socket' ? { ...SOCKET_DEFAULTS, ...draft.socket } : undefined
  const timer = type === 'timer' ? completed(TIMER_DEFAULTS, draft.timer) : undefined
  const path = type === 'path' ? completed(PATH_DEFAULTS, draft.path) : undefined
  const mount =
    type === 'mount'
      ? { ...MOUNT_DEFAULTS, where: pathOfName(id) ?? '', ...draft.mount }
      : undefined
  const swap = type === 'swap' ? completed(SWAP_DEFAULTS, draft.swap) : undefined
  const problem = service
    ? serviceProblem(draft, service)
    : socket
      ? socketProblem(draft, socket)
      : timer
        ? timerProblem(timer)
        : path
          ? pathProblem(path)
          : mount && fragmentPath !== null
            ? mountProblem(id, mount)
            : swap
              ? swapProblem(swap)
              : null
  // A line that could not be read is reported already: that it is missing would only confuse.
  const isReadable = !problems.some(({ severity }) => severity === 'error')
  if (problem !== null && isReadable) at(problem, 'error')
  for (const warning of service ? serviceWarnings(service) : []) at(warning, 'warning')
  const unsupported = fragmentPath === null ? null : typeWarning(type, fragmentPath)
  if (unsupported) problems.push(unsupported)
  return {
    id,
    type,
    fragmentPath,
    problems: problems.length === 0 ? NONE : problems,
    dependencies: draft.dependencies,
    unit: completed(UNIT_DEFAULTS, draft.unit),
    install: sharing.install(completed(INSTALL_DEFAULTS, draft.install)),
    hasInstallSection: hasSection(files, 'Install'),
    hearth: completed(context.hearth, draft.hearth),
    ...(!isEmpty(draft.resources) && {
      resources: { ...RESOURCE_DEFAULTS, ...draft.resources },
    }),
    ...(work.demands && !isEmpty(work.demands) && { demands: work.demands }),
    ...(service && { service }),
    ...(socket && { socket }),
    ...((service || socket || mount || swap) && {
      kill: completed(KILL_DEFAULTS, draft.kill),
      exec: completed(EXEC_DEFAULTS, draft.exec),
      sandbox: completed(SANDBOX_DEFAULTS, draft.sandbox),
    }),
    ...(timer && { timer }),
    ...(path && { path }),
    ...(mount && { mount }),
    ...(swap && { swap }),
  }
}

/** The paths that have to be there for the unit: what it says, and what its settings imply (systemd.unit(5), RequiresMountsFor=). */
function neededPaths({ unit, exec, path, mount, socket }: Prepared): readonly string[] {
  const found = [...unit.requiresMountsFor]
  for (const at of [exec?.workingDirectory?.path, exec?.rootDirectory]) {
    if (at?.startsWith('/')) found.push(at)
  }
  for (const watched of path?.watched ?? []) found.push(watched.path)
  for (const node of socket?.listen.map(nodeOf) ?? []) if (node !== null) found.push(node)
  if (mount && mount.what !== null) {
    // Those above it; what a bind mount shows elsewhere.
    if (mount.where !== '/') found.push(mount.where.replace(/\/[^/]*$/, '') || '/')
    if (mount.what.startsWith('/') && !mount.what.startsWith('/dev/')) found.push(mount.what)
  }
  return found
}

/** The unit among the others. It is `bad-setting` when something in its files is wrong. */
export function finishUnit(prepared: Prepared, around: Surroundings): Unit {
  const {
    id,
    type,
    problems,
    unit,
    service,
    socket,
    kill,
    exec,
    sandbox,
    timer,
    path,
    mount,
    swap,
  } = prepared
  const mounts = around.mountsFor(id, neededPaths(prepared))
  const wantedMounts = around.mountsFor(id, unit.wantsMountsFor)
  const make = () => {
    const all: Dependencies = { ...prepared.dependencies }
    for (const kind of Object.keys(around.pulls) as DependencyKind[])
      all[kind] = [...(all[kind] ?? NONE), ...(around.pulls[kind] ?? NONE)]
    addImplicit(all, {
      id,
      type,
      defaultDependencies: unit.defaultDependencies,
      ...(service && { service }),
      ...(socket && { socket }),
      ...(timer && { timer }),
      ...(path && { path }),
      ...(prepared.resources && { resources: prepared.resources }),
      ...(mount && { mount }),
      ...(swap && { swap }),
      mounts,
      wantedMounts,
    })
    return tidy(all, around.canonical)
  }
  const isPlain =
    isEmpty(around.pulls) &&
    !prepared.resources?.slice &&
    type !== 'slice' &&
    type !== 'automount' &&
    !service?.busName &&
    !service?.sockets.length &&
    !socket &&
    !timer &&
    !path &&
    !mount &&
    !swap &&
    mounts.length === 0 &&
    wantedMounts.length === 0
  const rule = `${type} ${unit.defaultDependencies} `
  const dependencies = withoutSelf(
    id,
    isPlain && id !== SHUTDOWN
      ? around.sharing.dependencies(prepared.dependencies, rule, make)
      : make(),
  )
  const error = problems.find(({ severity }) => severity === 'error')
  return {
    id,
    names: around.names,
    type,
    loadState: error ? 'bad-setting' : 'loaded',
    loadError: error ? describeProblem(error) : null,
    fragmentPath: prepared.fragmentPath,
    dropInPaths: around.dropInPaths,
    unitFileState: around.unitFileState,
    problems,
    unit,
    dependencies,
    install: prepared.install,
    hearth: prepared.hearth,
    ...(prepared.resources && { resources: prepared.resources }),
    ...(prepared.demands && { demands: prepared.demands }),
    ...(service && { service }),
    ...(socket && { socket }),
    ...(kill && exec && { kill, exec }),
    ...(sandbox && { sandbox }),
    ...(timer && { timer }),
    ...(path && { path }),
    ...(mount && { mount }),
    ...(swap && { swap }),
  }
}

/** Each name once, by the unit it means. */
function tidy(dependencies: Dependencies, canonical: Surroundings['canonical']): Dependencies {
  for (const kind of Object.keys(dependencies) as DependencyKind[])
    dependencies[kind] = [...new Set((dependencies[kind] ?? NONE).map(canonical))]
  return dependencies
}

/** No unit depends on itself: such a dependency has no meaning and is left out, as systemd does. */
function withoutSelf(id: UnitName, dependencies: Dependencies): Dependencies {
  let own = dependencies
  for (const kind in dependencies) {
    const names: readonly UnitName[] = dependencies[kind as DependencyKind] ?? NONE
    if (!names.includes(id)) continue
    if (own === dependencies) own = { ...dependencies }
    const others = names.filter(name => name !== id)
    if (others.length > 0) own[kind as DependencyKind] = others
    else delete own[kind as DependencyKind]
  }
  return own
}
