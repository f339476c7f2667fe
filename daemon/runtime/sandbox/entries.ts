// From the settings of a sandbox to what is asked for at which path (systemd.exec(5), SANDBOXING and PATHS).
import { mountsApi } from '../../units/sandbox.ts'
import type { PathRule, SandboxSettings } from '../../units/unit.ts'
import { type Directory, PRIVATE, settingOf } from '../directories.ts'
import { below, type Content, type Entry, isContent, isWithin, type Rule } from './entry.ts'
import { MS, mountOptions } from './flags.ts'

export type EntrySources = {
  sandbox: SandboxSettings
  /** RootDirectory=, a path of the host; null: the host's own root. */
  root: string | null
  /** False with `+`: only what changes the place of files holds, not what protects them. */
  isConfined: boolean
  /** PrivatePIDs=, where it can be had. */
  privatePids: boolean
  /** What RuntimeDirectory= and its like have made. */
  directories: readonly Directory[]
  /** Directories of the host that stand in for /tmp and /var/tmp. */
  privateTmp: { tmp: string; varTmp: string } | null
  /** Where the credentials of all units are, and those of this one; null: it has none. */
  credentialsRoot: string
  credentials: string | null
  /** The notify socket that the unit's processes may write to. */
  notifySocket: string | null
}

// An empty directory to look at takes next to no memory; the kernel's own default would be half of all.
const NEARLY_EMPTY = 'size=4m,nr_inodes=1k'
const TMP_LIMITS = 'mode=1777,size=10%,nr_inodes=1m'

const EMPTY: Content = {
  kind: 'tmpfs',
  flags: MS.NODEV | MS.NOSUID | MS.NOEXEC | MS.STRICTATIME,
  data: `mode=0755,${NEARLY_EMPTY}`,
  readOnly: true,
}

const TUNABLES: readonly (readonly [path: string, rule: Rule])[] = [
  ...[
    ...['acpi', 'apm', 'asound', 'bus', 'fs', 'irq', 'latency_stats', 'mtrr', 'scsi', 'sys'],
    ...['sysrq-trigger', 'timer_stats'],
  ].map(name => [`/proc/${name}`, 'read-only'] as const),
  ['/proc/kallsyms', 'inaccessible'],
  ['/proc/kcore', 'inaccessible'],
  ['/sys', 'read-only'],
  // ProtectControlGroups= decides on this one.
  ['/sys/fs/cgroup', 'read-write'],
  ['/sys/fs/selinux', 'read-write'],
]
const SYSTEM = ['/usr', '/boot', '/efi', '/lib', '/lib32', '/lib64', '/libx32', '/bin', '/sbin']
const HOMES = ['/home', '/root', '/run/user']
/** What ProtectSystem=strict leaves to other settings. */
const NOT_THE_SYSTEM = ['/proc', '/sys', '/dev', ...HOMES]

/** What is asked for, in no order. A path that no setting names may be missing: there is nothing to protect then. */
export function sandboxEntries(sources: EntrySources): Entry[] {
  const { sandbox, root, isConfined } = sources
  const entries: Entry[] = []
  const add = (path: string, what: Rule | Content, directive: string, more?: Partial<Entry>) =>
    entries.push({ path, what, missingOk: !isContent(what), directive, ...more })

  // Of several that are to lie at one path the first one does: the later setting, then what it implies.
  for (const one of sandbox.binds.toReversed()) {
    const { source, destination, recursive, missingOk, readOnly } = one
    const name = readOnly ? 'BindReadOnlyPaths' : 'BindPaths'
    const to = destination === source ? '' : `:${destination}`
    const what: Content = { kind: 'bind', source, recursive, readOnly, missingOk }
    add(destination, what, `${name}=${source}${to}`)
  }
  for (const directory of sources.directories) {
    const { path, root: all, full, isPrivate } = directory
    const directive = settingOf(directory)
    // In a root of its own there is nobody to hide it from; in the host's the others' are not shown.
    add(root === null ? full : `${all}/${path}`, bind(full), directive)
    if (isPrivate && root === null) add(`${all}/${PRIVATE}`, EMPTY, directive)
  }
  if (isConfined) addProtection(sources, add)
  for (const { path, options } of sandbox.temporaryFileSystems.toReversed()) {
    const { flags, data } = mountOptions(`mode=0755,${options}`, MS.NODEV | MS.STRICTATIME)
    const readOnly = (flags & MS.RDONLY) !== 0
    const what: Content = { kind: 'tmpfs', flags: flags & ~MS.RDONLY, data, readOnly }
    add(path, what, `TemporaryFileSystem=${path}`)
  }
  const procData = procOptions(sandbox)
  const { privatePids } = sources
  if (isConfined && (procData !== '' || privatePids)) {
    const { protectProc } = sandbox
    const name = protectProc === 'default' ? 'ProcSubset=pid' : `ProtectProc=${protectProc}`
    const proc = { kind: 'proc', data: procData, isNeeded: privatePids } as const
    add('/proc', proc, privatePids ? 'PrivatePIDs=' : name)
  }
  if (root !== null && mountsApi(sandbox)) addApi(add)
  addCredentials(sources, add)
  const socket = sources.notifySocket
  if (socket !== null && (root !== null || hides(entries, socket)))
    add(socket, bind(socket), 'NotifyAccess=')
  return entries
}

/** No mount point is made for it. */
const IF_THERE = { missingOk: true }

type Add = (path: string, what: Rule | Content, directive: string, more?: Partial<Entry>) => void

const bind = (source: string): Extract<Content, { kind: 'bind' }> => ({
  kind: 'bind',
  source,
  recursive: true,
  readOnly: false,
  missingOk: false,
})

function addProtection({ sandbox, root, privateTmp }: EntrySources, add: Add): void {
  const rules = (name: string, all: readonly PathRule[], rule: Rule) => {
    for (const { path, missingOk, inRoot } of all) {
      // A path of the host that the unit's root does not hold is out of its reach anyway.
      const inside =
        root === null || inRoot ? path : isWithin(path, root) ? below(path, root) || '/' : null
      if (inside !== null) add(inside, rule, `${name}=${path}`, { missingOk })
    }
  }
  rules('ReadWritePaths', sandbox.readWritePaths, 'read-write')
  rules('ReadOnlyPaths', sandbox.readOnlyPaths, 'read-only')
  rules('InaccessiblePaths', sandbox.inaccessiblePaths, 'inaccessible')
  rules('ExecPaths', sandbox.execPaths, 'exec')
  rules('NoExecPaths', sandbox.noExecPaths, 'no-exec')

  const fixed = (paths: readonly string[], rule: Rule, directive: string) => {
    for (const path of paths) add(path, rule, directive)
  }
  const { protectSystem, protectHome } = sandbox
  if (protectSystem === 'strict') {
    fixed(['/'], 'read-only', 'ProtectSystem=strict')
    fixed(NOT_THE_SYSTEM, 'read-write', 'ProtectSystem=strict')
  } else if (protectSystem !== 'no') {
    fixed(SYSTEM, 'read-only', `ProtectSystem=${protectSystem}`)
    if (protectSystem === 'full') fixed(['/etc'], 'read-only', 'ProtectSystem=full')
  }
  if (protectHome === 'tmpfs') {
    for (const path of HOMES) {
      const data = `mode=${path === '/root' ? '0700' : '0755'},${NEARLY_EMPTY}`
      const flags = MS.NODEV | MS.STRICTATIME
      add(path, { kind: 'tmpfs', flags, data, readOnly: true }, 'ProtectHome=tmpfs', IF_THERE)
    }
  } else if (protectHome !== 'no') {
    fixed(HOMES, protectHome === 'yes' ? 'inaccessible' : 'read-only', `ProtectHome=${protectHome}`)
  }
  if (privateTmp) {
    add('/tmp', bind(privateTmp.tmp), 'PrivateTmp=', IF_THERE)
    add('/var/tmp', bind(privateTmp.varTmp), 'PrivateTmp=', IF_THERE)
  } else if (sandbox.privateTmp === 'disconnected') {
    for (const path of ['/tmp', '/var/tmp']) {
      const flags = MS.NODEV | MS.NOSUID | MS.STRICTATIME
      add(
        path,
        { kind: 'tmpfs', flags, data: TMP_LIMITS, readOnly: false },
        'PrivateTmp=',
        IF_THERE,
      )
    }
  }
  if (sandbox.privateDevices) add('/dev', { kind: 'devices' }, 'PrivateDevices=')
  if (sandbox.privateIpc || sandbox.ipcNamespacePath !== null)
    add('/dev/mqueue', { kind: 'mqueue' }, 'PrivateIPC=', IF_THERE)
  if (sandbox.protectKernelTunables)
    for (const [path, rule] of TUNABLES) add(path, rule, 'ProtectKernelTunables=')
  if (sandbox.protectKernelModules)
    fixed(['/lib/modules', '/usr/lib/modules'], 'inaccessible', 'ProtectKernelModules=')
  if (sandbox.protectKernelLogs)
    fixed(['/proc/kmsg', '/dev/kmsg'], 'inaccessible', 'ProtectKernelLogs=')
  if (sandbox.protectControlGroups) fixed(['/sys/fs/cgroup'], 'read-only', 'ProtectControlGroups=')
  if (sandbox.protectHostname) {
    fixed(
      ['/proc/sys/kernel/hostname', '/proc/sys/kernel/domainname'],
      'read-only',
      'ProtectHostname=',
    )
  }
}

/** Nobody sees the credentials of others (systemd.exec(5), CREDENTIALS). */
function addCredentials({ credentialsRoot, credentials }: EntrySources, add: Add): void {
  if (credentials === null) {
    add(credentialsRoot, 'inaccessible', 'LoadCredential=')
    return
  }
  add(credentialsRoot, EMPTY, 'LoadCredential=')
  add(credentials, { ...bind(credentials), readOnly: true }, 'LoadCredential=')
}

/** For a root directory of its own: without one the unit has the host's. */
function addApi(add: Add): void {
  const api = (path: string, what: Content) =>
    add(path, what, 'MountAPIVFS=', { unlessMounted: true })
  api('/proc', bind('/proc'))
  api('/sys', bind('/sys'))
  api('/dev', bind('/dev'))
  const flags = MS.NOSUID | MS.NODEV | MS.STRICTATIME
  api('/run', { kind: 'tmpfs', flags, data: 'mode=755,size=20%,nr_inodes=800k', readOnly: false })
}

/** hidepid= as a word is per mount (Linux 5.8); as a number it would change everybody's /proc on older kernels. */
function procOptions({ protectProc, procSubset }: SandboxSettings): string {
  const options: string[] = []
  if (protectProc !== 'default') options.push(`hidepid=${protectProc}`)
  if (procSubset === 'pid') options.push('subset=pid')
  return options.join(',')
}

/** Whether something else comes to be at the path or above it. */
const hides = (entries: readonly Entry[], path: string) =>
  entries.some(({ path: above, what }) => isContent(what) && isWithin(path, above))
