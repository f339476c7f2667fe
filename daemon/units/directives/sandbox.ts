// The sandbox by namespaces: what a unit's processes see of files, network and each other (systemd.exec(5), SANDBOXING).
import { SANDBOX_DEFAULTS } from '../defaults.ts'
import { spaced, yesNo } from '../print.ts'
import { showsOtherFiles } from '../sandbox.ts'
import type { BindMount, PathRule, SandboxSettings, TemporaryFileSystem } from '../unit.ts'
import { boolean, booleanOr } from '../values/boolean.ts'
import { bindMounts, pathRules, temporaryFileSystems } from '../values/mount.ts'
import { oneOf, type Parse } from '../values/parse.ts'
import { absolutePath } from '../values/path.ts'
import { custom, type Directive, type DirectiveOptions, list, setting, take } from './directive.ts'
import type { Need } from './need.ts'

type Field<T> = {
  [K in keyof SandboxSettings]: SandboxSettings[K] extends T ? K : never
}[keyof SandboxSettings]

/** What a protection takes of the machine, where it is set at all. */
const protects = (field: keyof SandboxSettings, needs: readonly Need[]): DirectiveOptions => ({
  needs: ({ sandbox }) => (sandbox && sandbox[field] !== SANDBOX_DEFAULTS[field] ? needs : NOTHING),
  security: true,
})
const NOTHING: readonly Need[] = []
const MOUNTS: readonly Need[] = ['mount-namespace']

const flag = (
  name: string,
  field: Field<boolean>,
  needs = MOUNTS,
  options: DirectiveOptions = {},
): Directive =>
  setting('sandbox', name, field, boolean, {
    print: yesNo,
    ...protects(field, needs),
    ...options,
  })

const word = <K extends Field<string | null>>(
  name: string,
  field: K,
  parse: Parse<SandboxSettings[K]>,
  needs = MOUNTS,
  options: DirectiveOptions = {},
): Directive =>
  setting('sandbox', name, field, parse, {
    print: value => value ?? '',
    ...protects(field, needs),
    ...options,
  })

const rules = (name: string, field: Field<readonly PathRule[]>, old?: string): Directive =>
  list('sandbox', name, field, pathRules, {
    print: all => spaced(all.map(printRule)),
    aliases: old === undefined ? [] : [old],
    ...protects(field, MOUNTS),
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
      ...FILES,
    },
  )

/** Without them the unit would find other files than it is to find, and does not start. */
const FILES: DirectiveOptions = {
  needs: ({ sandbox }) => (sandbox && showsOtherFiles(sandbox) ? MOUNTS : NOTHING),
  fallback: 'fails',
}

const printRule = ({ path, missingOk, inRoot }: PathRule) =>
  `${missingOk ? '-' : ''}${inRoot ? '+' : ''}${path}`
const printBind = ({ source, destination, recursive, missingOk }: BindMount) =>
  `${missingOk ? '-' : ''}${source}:${destination}:${recursive ? 'rbind' : 'norbind'}`
const printTmpfs = ({ path, options }: TemporaryFileSystem) =>
  options === '' ? path : `${path}:${options}`

/** What the system calls for it are kept from the unit by. */
const KERNEL: readonly Need[] = ['capabilities', 'seccomp']

export const sandboxDirectives = (): Directive[] => [
  word('ProtectSystem', 'protectSystem', booleanOr('full', 'strict')),
  word('ProtectHome', 'protectHome', booleanOr('read-only', 'tmpfs')),
  word('PrivateTmp', 'privateTmp', booleanOr('disconnected')),
  flag('PrivateDevices', 'privateDevices', ['mount-namespace', ...KERNEL]),
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
    ...FILES,
  }),
  flag('ProtectKernelTunables', 'protectKernelTunables'),
  flag('ProtectKernelModules', 'protectKernelModules', ['mount-namespace', ...KERNEL]),
  flag('ProtectKernelLogs', 'protectKernelLogs', ['mount-namespace', ...KERNEL]),
  // A clock device is set by who has CAP_SYS_TIME alone: no device is hidden.
  flag('ProtectClock', 'protectClock', KERNEL),
  flag('ProtectControlGroups', 'protectControlGroups'),
  flag('ProtectHostname', 'protectHostname', ['uts-namespace', 'seccomp']),
  word('ProtectProc', 'protectProc', oneOf('default', 'noaccess', 'invisible', 'ptraceable')),
  word('ProcSubset', 'procSubset', oneOf('all', 'pid')),
  word('MountFlags', 'mountFlags', oneOf('shared', 'slave', 'private')),
  setting('sandbox', 'MountAPIVFS', 'mountApiVfs', boolean, {
    print: value => yesNo(value ?? false),
    ...protects('mountApiVfs', MOUNTS),
  }),
  flag('PrivateNetwork', 'privateNetwork', ['network-namespace']),
  word('NetworkNamespacePath', 'networkNamespacePath', absolutePath, ['network-namespace'], {
    fallback: 'fails',
  }),
  flag('PrivateIPC', 'privateIpc', ['ipc-namespace']),
  flag('PrivatePIDs', 'privatePids', ['pid-namespace', 'mount-namespace']),
  word('IPCNamespacePath', 'ipcNamespacePath', absolutePath, ['ipc-namespace'], {
    fallback: 'fails',
  }),
  word('PrivateUsers', 'privateUsers', booleanOr('self', 'identity'), ['user-namespace']),
]
