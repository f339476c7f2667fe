// What settings of the sandbox mean for other settings.
import { SANDBOX_DEFAULTS } from './defaults.ts'
import type { Draft } from './directives.ts'
import type { ExecSettings, SandboxSettings } from './unit.ts'
import { CAPABILITIES } from './values/capability.ts'

/**
 * Fills in what follows from other settings (systemd.exec(5)): DynamicUser= takes a sandbox with it, since a user that is
 * gone tomorrow may leave nothing behind; and what protects the kernel takes capabilities away.
 */
export function completeSandbox({ exec, sandbox }: Draft): void {
  if (exec.dynamicUser) {
    if ((sandbox.protectSystem ?? 'no') === 'no') sandbox.protectSystem = 'strict'
    if ((sandbox.protectHome ?? 'no') === 'no') sandbox.protectHome = 'read-only'
    if ((sandbox.privateTmp ?? 'no') === 'no') sandbox.privateTmp = 'yes'
  }
  const dropped = droppedCapabilities(sandbox)
  if (dropped.length === 0) return
  const bounding = exec.capabilityBoundingSet ?? CAPABILITIES.keys().toArray()
  exec.capabilityBoundingSet = bounding.filter(
    number => !dropped.includes(CAPABILITIES[number] ?? ''),
  )
}

/** The capabilities that go from the bounding set with settings of the sandbox (systemd.exec(5)), by their names. */
export function droppedCapabilities(sandbox: Partial<SandboxSettings>): string[] {
  return [
    ...(sandbox.privateDevices ? ['CAP_MKNOD', 'CAP_SYS_RAWIO'] : []),
    ...(sandbox.protectKernelModules ? ['CAP_SYS_MODULE'] : []),
    ...(sandbox.protectKernelLogs ? ['CAP_SYSLOG'] : []),
    ...(sandbox.protectClock ? ['CAP_SYS_TIME', 'CAP_WAKE_ALARM'] : []),
  ]
}

/**
 * Where systemd's own daemons listen. A unit that names one of these with BindPaths= counts on systemd being there, not on
 * the file: to refuse to start it in a container, where nobody listens, as systemd would, helps nobody. It finds nobody to
 * log to, like every other process in there, and is told so by a warning.
 */
export const isOfSystemd = (path: string): boolean =>
  path === '/dev/log' || path === '/run/systemd/notify' || path.startsWith('/run/systemd/journal/')

/** Whether the unit finds other files than there are: such a setting is not left out, as systemd has it. */
export const showsOtherFiles = ({ binds, temporaryFileSystems }: SandboxSettings): boolean =>
  temporaryFileSystems.length > 0 ||
  binds.some(({ source, destination }) => source !== destination && !isOfSystemd(source))

/** Whether the root directory gets /proc, /sys, /dev and /run of its own (systemd.exec(5), MountAPIVFS=). */
export const mountsApi = (sandbox: SandboxSettings): boolean =>
  sandbox.mountApiVfs === true ||
  sandbox.protectControlGroups ||
  sandbox.protectKernelTunables ||
  sandbox.privatePids ||
  sandbox.protectProc !== 'default' ||
  sandbox.procSubset !== 'all'

/** Whether the unit's processes need a mount namespace of their own; `exec` is theirs. */
export function needsMountNamespace(sandbox: SandboxSettings, exec: ExecSettings): boolean {
  const hasRoot = exec.rootDirectory !== null && exec.rootDirectory !== '/'
  if (hasRoot && (mountsApi(sandbox) || Object.keys(exec.directories).length > 0)) return true
  if (sandbox === SANDBOX_DEFAULTS) return false
  return (
    sandbox.protectSystem !== 'no' ||
    sandbox.protectHome !== 'no' ||
    sandbox.privateTmp !== 'no' ||
    sandbox.privateDevices ||
    sandbox.privateMounts ||
    sandbox.readWritePaths.length > 0 ||
    sandbox.readOnlyPaths.length > 0 ||
    sandbox.inaccessiblePaths.length > 0 ||
    sandbox.execPaths.length > 0 ||
    sandbox.noExecPaths.length > 0 ||
    sandbox.binds.length > 0 ||
    sandbox.temporaryFileSystems.length > 0 ||
    sandbox.protectKernelTunables ||
    sandbox.protectKernelModules ||
    sandbox.protectKernelLogs ||
    sandbox.protectControlGroups ||
    sandbox.protectProc !== 'default' ||
    sandbox.procSubset !== 'all' ||
    sandbox.privateIpc ||
    sandbox.privatePids ||
    sandbox.ipcNamespacePath !== null ||
    (sandbox.mountFlags !== null && sandbox.mountFlags !== 'shared')
  )
}
