// The directives of [Unit] (systemd.unit(5)).
import { err, ok } from 'neverthrow'
import { plain, quotedList, spaced, usec, yesNo } from '../print.ts'
import type { Condition, DependencyKind, JobMode, UnitAction } from '../unit.ts'
import { boolean } from '../values/boolean.ts'
import { integer } from '../values/number.ts'
import { expanded, oneOf, type Parse } from '../values/parse.ts'
import { absolutePath, absolutePaths } from '../values/path.ts'
import { timespan } from '../values/timespan.ts'
import { isUnitName, nameKind } from '../values/unit-name.ts'
import { words } from '../values/words.ts'
import { custom, type Directive, ignored, list, setting, take } from './directive.ts'
import type { LazyRows } from './known.ts'

const jobMode: Parse<JobMode> = oneOf(
  'replace',
  'fail',
  'replace-irreversibly',
  'isolate',
  'flush',
  'ignore-dependencies',
  'ignore-requirements',
  'restart-dependencies',
)
const unitAction: Parse<UnitAction> = oneOf(
  'none',
  'exit',
  'exit-force',
  'reboot',
  'reboot-force',
  'reboot-immediate',
  'poweroff',
  'poweroff-force',
  'poweroff-immediate',
)

/** Unit names, divided by white space; specifiers are expanded, backslashes belong to the names. What is none is passed over with
 * a warning, as systemd does it: a unit does without one of its dependencies rather than not at all. */
export const unitNames: Parse<string[]> = (text, context) =>
  // One plain name, which is the common case, needs no splitting.
  isUnitName(text) && !text.includes('\\') ? ok([text]) : severalNames(text, context)

const severalNames: Parse<string[]> = (text, context) =>
  words(text, { unquote: true, keepBackslashes: true }).andThen(found => {
    const names: string[] = []
    for (const word of found) {
      const name = context.expand(word)
      if (name.isErr()) return err(name.error)
      if (isUnitName(name.value)) names.push(name.value)
      else
        context.warn(
          `${name.value} is no unit name, and passed over; expected one such as web.service`,
        )
    }
    return ok(names)
  })

const dependency = (
  name: string,
  kind: DependencyKind,
  aliases: readonly string[] = [],
): Directive =>
  custom(
    name,
    (draft, text, context) => {
      if (text === '') {
        delete draft.dependencies[kind]
        return ok()
      }
      return unitNames(text, context).andThen(names => {
        const templates = names.filter(name => nameKind(name) === 'template')
        for (const template of templates)
          context.warn(
            `${template} is a template, and passed over; expected an instance, such as ${template.replace('@', '@1')}`,
          )
        const instances =
          templates.length === 0 ? names : names.filter(name => !templates.includes(name))
        const known = draft.dependencies[kind]
        if (instances.length === 0) return ok()
        if (known) known.push(...instances)
        else draft.dependencies[kind] = instances
        return ok()
      })
    },
    [],
    { aliases, properties: [{ name, print: unit => spaced(unit.dependencies[kind] ?? []) }] },
  )

const CONDITIONS =
  'PathExists PathExistsGlob PathIsDirectory PathIsSymbolicLink PathIsMountPoint PathIsReadWrite PathIsEncrypted DirectoryNotEmpty FileNotEmpty FileIsExecutable NeedsUpdate FirstBoot Architecture Firmware Virtualization Host KernelCommandLine KernelVersion Version Credential Security Capability ACPower Memory CPUFeature CPUs Environment User Group ControlGroupController OSRelease MemoryPressure CPUPressure IOPressure KernelModuleLoaded'.split(
    ' ',
  )

const readCondition =
  (kind: string): Parse<Condition[]> =>
  (text, context) => {
    let rest = text
    const trigger = rest.startsWith('|')
    if (trigger) rest = rest.slice(1).trimStart()
    const negated = rest.startsWith('!')
    if (negated) rest = rest.slice(1).trimStart()
    return context.expand(rest).andThen(value => {
      if (kind.startsWith('Path') || kind.startsWith('Directory') || kind.startsWith('File'))
        if (!value.startsWith('/')) return err('expected an absolute path')
      return ok([{ kind, value, negated, trigger }])
    })
  }

/** Condition…= and Assert…=, made when they are asked for. */
export const conditionDirectives = (): LazyRows => ({
  names: () => CONDITIONS.flatMap(kind => [`Condition${kind}`, `Assert${kind}`]),
  row: name => {
    const what = name.startsWith('Condition')
      ? 'Condition'
      : name.startsWith('Assert')
        ? 'Assert'
        : null
    const kind = name.slice(what?.length ?? 0)
    if (what === null || !CONDITIONS.includes(kind)) return null
    const field = what === 'Condition' ? 'conditions' : 'asserts'
    const read = readCondition(kind)
    return custom(
      name,
      (draft, text, context) => {
        // systemd.unit(5): an empty one takes back all conditions, of whatever kind.
        if (text === '') {
          delete draft.unit[field]
          return ok()
        }
        return take(read(text, context), found => {
          draft.unit[field] = [...(draft.unit[field] ?? []), ...found]
        })
      },
      [],
    )
  },
})

const startLimit = {
  interval: () =>
    setting('unit', 'StartLimitIntervalSec', 'startLimitIntervalUsec', timespan, {
      aliases: ['StartLimitInterval'],
      print: usec,
      property: 'StartLimitIntervalUSec',
    }),
  burst: () =>
    setting('unit', 'StartLimitBurst', 'startLimitBurst', integer(0, 0xffffffff), { print: plain }),
  action: () =>
    setting('unit', 'StartLimitAction', 'startLimitAction', unitAction, { print: plain }),
  failure: () => setting('unit', 'FailureAction', 'failureAction', unitAction, { print: plain }),
}

/** What systemd moved from [Service] to [Unit] and still reads there. */
export const movedToUnit = (): Directive[] => [
  { ...startLimit.interval(), name: 'StartLimitInterval', aliases: ['StartLimitIntervalSec'] },
  startLimit.burst(),
  startLimit.action(),
  startLimit.failure(),
]

const exitStatus = integer(0, 255)

const MOUNTS_NOTE = 'of mount units that have a file; whoever runs the container mounts the others'

export const unitDirectives = (): Directive[] => [
  setting('unit', 'Description', 'description', expanded, { print: plain }),
  list('unit', 'Documentation', 'documentation', textWords, { print: quotedList }),
  setting('unit', 'SourcePath', 'sourcePath', absolutePath, { print: plain }),
  dependency('Requires', 'requires', ['RequiresOverridable']),
  dependency('Requisite', 'requisite', ['RequisiteOverridable']),
  dependency('Wants', 'wants'),
  dependency('BindsTo', 'bindsTo', ['BindTo']),
  dependency('PartOf', 'partOf'),
  dependency('Upholds', 'upholds'),
  dependency('Conflicts', 'conflicts'),
  dependency('Before', 'before'),
  dependency('After', 'after'),
  dependency('OnFailure', 'onFailure'),
  dependency('OnSuccess', 'onSuccess'),
  dependency('PropagatesReloadTo', 'propagatesReloadTo', ['PropagateReloadTo']),
  dependency('ReloadPropagatedFrom', 'reloadPropagatedFrom', ['PropagateReloadFrom']),
  dependency('PropagatesStopTo', 'propagatesStopTo'),
  dependency('StopPropagatedFrom', 'stopPropagatedFrom'),
  dependency('JoinsNamespaceOf', 'joinsNamespaceOf'),
  list('unit', 'RequiresMountsFor', 'requiresMountsFor', absolutePaths, {
    print: quotedList,
    note: MOUNTS_NOTE,
  }),
  list('unit', 'WantsMountsFor', 'wantsMountsFor', absolutePaths, {
    print: quotedList,
    note: MOUNTS_NOTE,
  }),
  setting('unit', 'DefaultDependencies', 'defaultDependencies', boolean, { print: yesNo }),
  setting('unit', 'StopWhenUnneeded', 'stopWhenUnneeded', boolean, { print: yesNo }),
  setting('unit', 'RefuseManualStart', 'refuseManualStart', boolean, { print: yesNo }),
  setting('unit', 'RefuseManualStop', 'refuseManualStop', boolean, { print: yesNo }),
  setting('unit', 'AllowIsolate', 'allowIsolate', boolean, { print: yesNo }),
  setting('unit', 'IgnoreOnIsolate', 'ignoreOnIsolate', boolean, { print: yesNo }),
  setting('unit', 'OnFailureJobMode', 'onFailureJobMode', jobMode, { print: plain }),
  setting('unit', 'OnSuccessJobMode', 'onSuccessJobMode', jobMode, { print: plain }),
  custom(
    'OnFailureIsolate',
    (draft, text, context) =>
      take(boolean(text, context), isolate => {
        draft.unit.onFailureJobMode = isolate ? 'isolate' : 'replace'
      }),
    false,
    { note: 'the old form of OnFailureJobMode=isolate' },
  ),
  setting('unit', 'CollectMode', 'collectMode', oneOf('inactive', 'inactive-or-failed'), {
    print: plain,
    status: 'inert',
    note: 'a unit stays loaded until its files are read anew',
  }),
  startLimit.interval(),
  startLimit.burst(),
  startLimit.action(),
  startLimit.failure(),
  setting('unit', 'SuccessAction', 'successAction', unitAction, { print: plain }),
  setting('unit', 'FailureActionExitStatus', 'failureActionExitStatus', exitStatus, {
    print: value => String(value ?? -1),
  }),
  setting('unit', 'SuccessActionExitStatus', 'successActionExitStatus', exitStatus, {
    print: value => String(value ?? -1),
  }),
  custom(
    'JobTimeoutSec',
    (draft, text, context) => {
      if (text === '') {
        delete draft.unit.jobTimeoutUsec
        return ok()
      }
      return take(timespan(text, context), value => {
        draft.unit.jobTimeoutUsec = value
        // systemd.unit(5): it sets JobRunningTimeoutSec= too, unless that is set on its own.
        draft.unit.jobRunningTimeoutUsec ??= value
      })
    },
    Number.POSITIVE_INFINITY,
    { properties: [{ name: 'JobTimeoutUSec', print: unit => usec(unit.unit.jobTimeoutUsec) }] },
  ),
  setting('unit', 'JobRunningTimeoutSec', 'jobRunningTimeoutUsec', timespan, {
    print: usec,
    property: 'JobRunningTimeoutUSec',
  }),
  setting('unit', 'JobTimeoutAction', 'jobTimeoutAction', unitAction, { print: plain }),
  ignored('JobTimeoutRebootArgument', 'not-enforced', 'a reboot takes no argument'),
  ignored('RebootArgument', 'not-enforced', 'a reboot takes no argument'),
]

function textWords(...args: Parameters<Parse<string[]>>): ReturnType<Parse<string[]>> {
  const [text, context] = args
  return words(text).andThen(found => {
    const all: string[] = []
    for (const word of found) {
      const value = context.expand(word)
      if (value.isErr()) return err(value.error)
      all.push(value.value)
    }
    return ok(all)
  })
}
