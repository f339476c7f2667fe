// The directives of the execution environment that hearth carries out (systemd.exec(5)); the others are in known.ts.
import { err, ok } from 'neverthrow'
import { octal, plain, quotedList, spaced, streamProperties, usec, yesNo } from '../print.ts'
import type { DirectoryKind, DirectorySettings, ExecSettings } from '../unit.ts'
import { boolean, readBoolean } from '../values/boolean.ts'
import { assignments, namesOrAssignments, variableNames } from '../values/environment.ts'
import { LIMITS, type LimitName, limit } from '../values/limit.ts'
import { mode } from '../values/number.ts'
import type { Parse } from '../values/parse.ts'
import {
  absolutePath,
  managedDirectories,
  optionalPath,
  principal,
  principals,
  workingDirectory,
} from '../values/path.ts'
import { standardInput, standardOutput } from '../values/stream.ts'
import { timeout } from '../values/timespan.ts'
import { unescapeText } from '../values/unescape.ts'
import { capabilityDirectives } from './capabilities.ts'
import { credentialDirectives } from './credentials.ts'
import { custom, type Directive, list, setting, take } from './directive.ts'
import { loggingDirectives } from './logging.ts'
import { processDirectives } from './process.ts'
import { schedulingDirectives } from './scheduling.ts'
import { seccompDirectives } from './seccomp.ts'
import { terminalDirectives } from './terminal.ts'

/** Environment=: a variable that is set again loses its first place, as in systemd. */
const environment = custom(
  'Environment',
  (draft, text, context) => {
    if (text === '') {
      delete draft.exec.environment
      return ok()
    }
    return take(assignments(text, context), added => {
      const all = new Map((draft.exec.environment ?? []).map(item => [variableOf(item), item]))
      for (const item of added) all.set(variableOf(item), item)
      draft.exec.environment = [...all.values()]
    })
  },
  [],
  {
    properties: [{ name: 'Environment', print: unit => quotedList(unit.exec?.environment ?? []) }],
  },
)
const variableOf = (assignment: string) => assignment.slice(0, assignment.indexOf('='))

const preserve: Parse<ExecSettings['runtimeDirectoryPreserve']> = text => {
  if (text === 'restart') return ok('restart')
  const value = readBoolean(text)
  return value === null ? err('expected yes, no or restart') : ok(value ? 'yes' : 'no')
}

const KINDS: readonly (readonly [name: string, kind: DirectoryKind])[] = [
  ['RuntimeDirectory', 'runtime'],
  ['StateDirectory', 'state'],
  ['CacheDirectory', 'cache'],
  ['LogsDirectory', 'logs'],
  ['ConfigurationDirectory', 'configuration'],
]
const NO_DIRECTORY: DirectorySettings = { paths: [], mode: 0o755 }

const directories = (): Directive[] =>
  KINDS.flatMap(([name, kind]) => [
    custom(
      name,
      (draft, text, context) => {
        const known = draft.exec.directories?.[kind] ?? NO_DIRECTORY
        if (text === '') {
          draft.exec.directories = { ...draft.exec.directories, [kind]: { ...known, paths: [] } }
          return ok()
        }
        return take(managedDirectories(text, context), added => {
          draft.exec.directories = {
            ...draft.exec.directories,
            [kind]: { ...known, paths: [...known.paths, ...added] },
          }
        })
      },
      [],
      {
        properties: [
          {
            name,
            print: unit =>
              spaced((unit.exec?.directories[kind]?.paths ?? []).map(({ path }) => path)),
          },
        ],
      },
    ),
    custom(
      `${name}Mode`,
      (draft, text, context) =>
        take(mode(text === '' ? '0755' : text, context), value => {
          draft.exec.directories = {
            ...draft.exec.directories,
            [kind]: { ...(draft.exec.directories?.[kind] ?? NO_DIRECTORY), mode: value },
          }
        }),
      0o755,
      {
        properties: [
          {
            name: `${name}Mode`,
            print: unit => octal(unit.exec?.directories[kind]?.mode ?? 0o755),
          },
        ],
      },
    ),
  ])

const limitText = (value: number | undefined) =>
  value === undefined ? [] : value === Number.POSITIVE_INFINITY ? 'infinity' : String(value)

const limits = (): Directive[] =>
  (Object.keys(LIMITS) as LimitName[]).map(key => {
    const name = `Limit${key.toUpperCase()}`
    const read = limit(LIMITS[key])
    return custom(
      name,
      (draft, text, context) => {
        if (text === '') {
          const { [key]: _, ...others } = draft.exec.limits ?? {}
          draft.exec.limits = others
          return ok()
        }
        return take(read(text, context), value => {
          draft.exec.limits = { ...draft.exec.limits, [key]: value }
        })
      },
      null,
      {
        properties: [
          { name, print: unit => limitText(unit.exec?.limits[key]?.hard) },
          { name: `${name}Soft`, print: unit => limitText(unit.exec?.limits[key]?.soft) },
        ],
      },
    )
  })

/** What a unit's StandardInputText= and StandardInputData= add up to. */
const append = (known: Uint8Array | null | undefined, added: Uint8Array) => {
  const all = new Uint8Array((known?.length ?? 0) + added.length)
  if (known) all.set(known)
  all.set(added, known?.length ?? 0)
  return all
}

const inputData = (): Directive[] => [
  custom(
    'StandardInputText',
    (draft, text, context) => {
      if (text === '') {
        delete draft.exec.standardInputData
        return ok()
      }
      const value = unescapeText(text).andThen(plain => context.expand(plain))
      return take(value, line => {
        const bytes = new TextEncoder().encode(`${line}\n`)
        draft.exec.standardInputData = append(draft.exec.standardInputData, bytes)
      })
    },
    null,
  ),
  custom(
    'StandardInputData',
    (draft, text) => {
      if (text === '') {
        delete draft.exec.standardInputData
        return ok()
      }
      try {
        const bytes = Uint8Array.from(atob(text.replace(/\s/g, '')), char => char.charCodeAt(0))
        draft.exec.standardInputData = append(draft.exec.standardInputData, bytes)
        return ok()
      } catch {
        return err('expected base64')
      }
    },
    null,
  ),
]

const searchPath: Parse<string[]> = (text, context) =>
  context.expand(text).andThen(paths => {
    const all = paths.split(':').filter(path => path !== '')
    return all.every(path => path.startsWith('/'))
      ? ok(all)
      : err('expected absolute paths, divided by colons')
  })

export const execDirectives = (): Directive[] => [
  setting('exec', 'User', 'user', principal, {
    print: plain,
    needs: ['setuid'],
    fallback: 'fails',
    note: 'hearth as an ordinary user runs units as that user alone',
  }),
  setting('exec', 'Group', 'group', principal, {
    print: plain,
    needs: ['setuid'],
    fallback: 'fails',
  }),
  list('exec', 'SupplementaryGroups', 'supplementaryGroups', principals, {
    print: spaced,
    needs: ['setuid'],
    fallback: 'fails',
  }),
  setting('exec', 'DynamicUser', 'dynamicUser', boolean, {
    print: yesNo,
    needs: ({ exec }) => (exec?.dynamicUser ? ['setuid'] : []),
    fallback: 'fails',
  }),
  setting('exec', 'WorkingDirectory', 'workingDirectory', workingDirectory, {
    print: value => (value === null ? '' : `${value.missingOk ? '!' : ''}${value.path}`),
  }),
  setting('exec', 'RootDirectory', 'rootDirectory', absolutePath, {
    print: plain,
    needs: ['chroot'],
    fallback: 'fails',
  }),
  setting('exec', 'UMask', 'umask', mode, { print: octal }),
  environment,
  list(
    'exec',
    'EnvironmentFile',
    'environmentFiles',
    (text, context) => optionalPath(text, context).map(file => [file]),
    {
      print: files =>
        files.map(({ path, missingOk }) => `${path} (ignore_errors=${yesNo(missingOk)})`),
      property: 'EnvironmentFiles',
    },
  ),
  list('exec', 'PassEnvironment', 'passEnvironment', variableNames, { print: spaced }),
  list('exec', 'UnsetEnvironment', 'unsetEnvironment', namesOrAssignments, { print: quotedList }),
  setting('exec', 'StandardInput', 'standardInput', standardInput, {
    properties: streamProperties('StandardInput', ({ exec }) => exec?.standardInput),
  }),
  setting('exec', 'StandardOutput', 'standardOutput', standardOutput('stdout'), {
    properties: streamProperties('StandardOutput', ({ exec }) => exec?.standardOutput),
  }),
  setting('exec', 'StandardError', 'standardError', standardOutput('stderr'), {
    properties: streamProperties('StandardError', ({ exec }) => exec?.standardError),
  }),
  ...inputData(),
  ...terminalDirectives(),
  ...loggingDirectives(),
  ...limits(),
  ...schedulingDirectives(),
  ...processDirectives(),
  ...capabilityDirectives(),
  ...directories(),
  setting('exec', 'RuntimeDirectoryPreserve', 'runtimeDirectoryPreserve', preserve, {
    print: plain,
  }),
  setting('exec', 'TimeoutCleanSec', 'timeoutCleanUsec', timeout, {
    property: 'TimeoutCleanUSec',
    print: usec,
  }),
  ...credentialDirectives(),
  list('exec', 'ExecSearchPath', 'execSearchPath', searchPath, {
    print: value => value.join(':'),
  }),
  ...seccompDirectives(),
]
