// The sandbox by namespaces: what a unit's processes see of files, network and each other (systemd.exec(5), SANDBOXING).
import { spaced, yesNo } from '../print.ts'
import type { BindMount, PathRule, SandboxSettings, TemporaryFileSystem } from '../unit.ts'
import { boolean, booleanOr } from '../values/boolean.ts'
import { bindMounts, pathRules, temporaryFileSystems } from '../values/mount.ts'
import { oneOf, type Parse } from '../values/parse.ts'
import { absolutePath } from '../values/path.ts'
import { custom, type Directive, list, setting, take } from './directive.ts'

type Field<T> = {
  [K in keyof SandboxSettings]: SandboxSettings[K] extends T ? K : never
}[keyof SandboxSettings]

const flag = (name: string, field: Field<boolean>): Directive =>
  setting('sandbox', name, field, boolean, { print: yesNo })

const word = <K extends Field<string | null>>(
  name: string,
  field: K,
  parse: Parse<SandboxSettings[K]>,
): Directive => setting('sandbox', name, field, parse, { print: value => value ?? '' })

const rules = (name: string, field: Field<readonly PathRule[]>, old?: string): Directive =>
  list('sandbox', name, field, pathRules, {
    print: all => spaced(all.map(printRule)),
    aliases: old === undefined ? [] : [old],
  })

/** BindPaths= and BindReadOnlyPaths= fill one list; an empty assignment of either clears it, as in systemd. */
const binds = (name: string, readOnly: boolean): Directive =>
  custom(
    name,
    (draft, text, context) =>
      take(bindMounts(readOnly)(text, context), added => {
        draft.sandbox.binds = text === '' ? [] : [...(draft.sandbox.binds ?? []), ...added]
      }),
    [],
    {
      properties: [
        {
          name,
          print: ({ sandbox }) =>
            spaced(
              (sandbox?.binds ?? []).filter(bind => bind.readOnly === readOnly).map(printBind),
            ),
        },
      ],
    },
  )

const printRule = ({ path, missingOk, inRoot }: PathRule) =>
  `${missingOk ? '-' : ''}${inRoot ? '+' : ''}${path}`
const printBind = ({ source, destination, recursive, missingOk }: BindMount) =>
  `${missingOk ? '-' : ''}${source}:${destination}:${recursive ? 'rbind' : 'norbind'}`
const printTmpfs = ({ path, options }: TemporaryFileSystem) =>
  options === '' ? path : `${path}:${options}`

/** Read and kept; what carries them out is told by their status. */
export const sandboxDirectives = (): Directive[] =>
  rows().map(row => ({ ...row, status: 'not-enforced' }))

const rows = (): Directive[] => [
  word('ProtectSystem', 'protectSystem', booleanOr('full', 'strict')),
  word('ProtectHome', 'protectHome', booleanOr('read-only', 'tmpfs')),
  word('PrivateTmp', 'privateTmp', booleanOr('disconnected')),
  flag('PrivateDevices', 'privateDevices'),
  flag('PrivateMounts', 'privateMounts'),
  rules('ReadWritePaths', 'readWritePaths', 'ReadWriteDirectories'),
  rules('ReadOnlyPaths', 'readOnlyPaths', 'ReadOnlyDirectories'),
  rules('InaccessiblePaths', 'inaccessiblePaths', 'InaccessibleDirectories'),
  rules('ExecPaths', 'execPaths'),
  rules('NoExecPaths', 'noExecPaths'),
  binds('BindPaths', false),
  binds('BindReadOnlyPaths', true),
  list('sandbox', 'TemporaryFileSystem', 'temporaryFileSystems', temporaryFileSystems, {
    print: all => spaced(all.map(printTmpfs)),
  }),
  flag('ProtectKernelTunables', 'protectKernelTunables'),
  flag('ProtectKernelModules', 'protectKernelModules'),
  flag('ProtectKernelLogs', 'protectKernelLogs'),
  flag('ProtectClock', 'protectClock'),
  flag('ProtectControlGroups', 'protectControlGroups'),
  flag('ProtectHostname', 'protectHostname'),
  word('ProtectProc', 'protectProc', oneOf('default', 'noaccess', 'invisible', 'ptraceable')),
  word('ProcSubset', 'procSubset', oneOf('all', 'pid')),
  word('MountFlags', 'mountFlags', oneOf('shared', 'slave', 'private')),
  setting('sandbox', 'MountAPIVFS', 'mountApiVfs', boolean, {
    print: value => yesNo(value ?? false),
  }),
  flag('PrivateNetwork', 'privateNetwork'),
  word('NetworkNamespacePath', 'networkNamespacePath', absolutePath),
  flag('PrivateIPC', 'privateIpc'),
  word('IPCNamespacePath', 'ipcNamespacePath', absolutePath),
  word('PrivateUsers', 'privateUsers', booleanOr('self', 'identity')),
]
