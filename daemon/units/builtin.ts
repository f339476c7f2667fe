// Units that are there without a file: the special targets that other units order themselves by (systemd.special(7)).
// A container's network, file systems and clock are up before hearth is, so most of them are simply reached.

/** Description and the lines of [Unit], as systemd's own files have them where they fit. */
const TARGETS: Readonly<Record<string, readonly [description: string, ...lines: string[]]>> = {
  'default.target': [
    'Default Target',
    'Requires=multi-user.target',
    'Wants=graphical.target',
    'After=multi-user.target graphical.target',
    'AllowIsolate=yes',
  ],
  'graphical.target': [
    'Graphical Interface',
    'Requires=multi-user.target',
    'After=multi-user.target rescue.target',
    'Conflicts=rescue.target',
    'AllowIsolate=yes',
  ],
  'multi-user.target': [
    'Multi-User System',
    'Requires=basic.target',
    'After=basic.target rescue.target',
    'Conflicts=rescue.target',
    'AllowIsolate=yes',
  ],
  'basic.target': [
    'Basic System',
    'Requires=sysinit.target',
    'Wants=sockets.target timers.target paths.target slices.target',
    'After=sysinit.target sockets.target paths.target slices.target',
  ],
  'sysinit.target': [
    'System Initialization',
    'Wants=local-fs.target swap.target',
    'After=local-fs.target swap.target',
    'Conflicts=emergency.target',
    'Before=emergency.target',
  ],
  'rescue.target': [
    'Rescue Mode',
    'Requires=sysinit.target',
    'After=sysinit.target',
    'AllowIsolate=yes',
  ],
  'emergency.target': ['Emergency Mode', 'AllowIsolate=yes', 'DefaultDependencies=no'],
  'sockets.target': ['Socket Units'],
  'timers.target': ['Timer Units', 'DefaultDependencies=no', 'Conflicts=shutdown.target'],
  'paths.target': ['Path Units'],
  'slices.target': ['Slice Units', 'Wants=-.slice system.slice', 'After=-.slice system.slice'],
  'swap.target': ['Swaps'],
  'local-fs-pre.target': ['Preparation for Local File Systems', 'RefuseManualStart=yes'],
  'local-fs.target': [
    'Local File Systems',
    'DefaultDependencies=no',
    'Conflicts=shutdown.target',
    'After=local-fs-pre.target',
  ],
  'remote-fs-pre.target': ['Preparation for Remote File Systems', 'RefuseManualStart=yes'],
  'remote-fs.target': [
    'Remote File Systems',
    'DefaultDependencies=no',
    'Conflicts=shutdown.target',
    'After=remote-fs-pre.target',
  ],
  'network-pre.target': ['Preparation for Network', 'RefuseManualStart=yes'],
  'network.target': ['Network', 'After=network-pre.target', 'RefuseManualStart=yes'],
  'network-online.target': ['Network is Online', 'After=network.target'],
  'nss-lookup.target': ['Host and Network Name Lookups', 'RefuseManualStart=yes'],
  'nss-user-lookup.target': ['User and Group Name Lookups', 'RefuseManualStart=yes'],
  'rpcbind.target': ['RPC Port Mapper', 'RefuseManualStart=yes'],
  'time-set.target': ['System Time Set', 'RefuseManualStart=yes'],
  'time-sync.target': [
    'System Time Synchronized',
    'RefuseManualStart=yes',
    'Wants=time-set.target',
    'After=time-set.target',
  ],
  'getty-pre.target': ['Preparation for Logins', 'RefuseManualStart=yes'],
  'getty.target': ['Login Prompts'],
  'cryptsetup-pre.target': ['Local Encrypted Volumes (Pre)', 'RefuseManualStart=yes'],
  'cryptsetup.target': ['Local Encrypted Volumes'],
  'remote-cryptsetup.target': ['Remote Encrypted Volumes', 'DefaultDependencies=no'],
  'integritysetup-pre.target': ['Local Integrity Protected Volumes (Pre)', 'RefuseManualStart=yes'],
  'integritysetup.target': ['Local Integrity Protected Volumes'],
  'veritysetup-pre.target': ['Local Verity Protected Volumes (Pre)', 'RefuseManualStart=yes'],
  'veritysetup.target': ['Local Verity Protected Volumes'],
  'remote-veritysetup.target': ['Remote Verity Protected Volumes', 'DefaultDependencies=no'],
  'first-boot-complete.target': ['First Boot Complete', 'RefuseManualStart=yes'],
  'boot-complete.target': [
    'Boot Completion Check',
    'Requires=sysinit.target',
    'After=sysinit.target',
  ],
  'machines.target': ['Containers'],
  'printer.target': ['Printer Support', 'StopWhenUnneeded=yes'],
  'sound.target': ['Sound Card', 'StopWhenUnneeded=yes'],
  'bluetooth.target': ['Bluetooth Support', 'StopWhenUnneeded=yes'],
  'smartcard.target': ['Smart Card', 'StopWhenUnneeded=yes'],
  'usb-gadget.target': ['Hardware activated USB gadget'],
  'sigpwr.target': ['Power Failure'],
  'sleep.target': ['Sleep', 'DefaultDependencies=no', 'RefuseManualStart=yes'],
  'suspend.target': ['Suspend', 'DefaultDependencies=no', 'RefuseManualStart=yes'],
  'hibernate.target': ['System Hibernation', 'DefaultDependencies=no', 'RefuseManualStart=yes'],
  'hybrid-sleep.target': [
    'Hybrid Suspend+Hibernate',
    'DefaultDependencies=no',
    'RefuseManualStart=yes',
  ],
  'shutdown.target': ['System Shutdown', 'DefaultDependencies=no', 'RefuseManualStart=yes'],
  'umount.target': ['Unmount All Filesystems', 'DefaultDependencies=no', 'RefuseManualStart=yes'],
  'final.target': [
    'Late Shutdown Services',
    'DefaultDependencies=no',
    'RefuseManualStart=yes',
    'After=shutdown.target umount.target',
  ],
  // Shutting down is asked for by `ctl poweroff` and the like; these are here to be ordered by.
  'exit.target': ['Exit the Container', 'DefaultDependencies=no', 'RefuseManualStart=yes'],
  'halt.target': ['System Halt', 'DefaultDependencies=no', 'RefuseManualStart=yes'],
  'poweroff.target': ['System Power Off', 'DefaultDependencies=no', 'RefuseManualStart=yes'],
  'reboot.target': ['System Reboot', 'DefaultDependencies=no', 'RefuseManualStart=yes'],
  'kexec.target': ['Reboot via kexec', 'DefaultDependencies=no', 'RefuseManualStart=yes'],
}

/** Units of types that belong to whoever runs the container: taken as given. */
const GIVEN: Readonly<Record<string, readonly [description: string, ...lines: string[]]>> = {
  '-.slice': ['Root Slice', 'DefaultDependencies=no'],
  'system.slice': ['System Slice', 'DefaultDependencies=no'],
  'user.slice': ['User and Session Slice', 'DefaultDependencies=no'],
  'machine.slice': ['Virtual Machine and Container Slice', 'DefaultDependencies=no'],
  '-.mount': ['Root Mount', 'DefaultDependencies=no'],
  'init.scope': ['System and Service Manager', 'DefaultDependencies=no'],
}

const sliceText = (name: string): readonly [string, ...string[]] | undefined =>
  name.endsWith('.slice') && !name.includes('@')
    ? [`Slice /${name.slice(0, -'.slice'.length).replaceAll('-', '/')}`, ...SLICE_LINES]
    : undefined
const SLICE_LINES = [
  'DefaultDependencies=no',
  'Conflicts=shutdown.target',
  'Before=shutdown.target',
]

/** Names that systemd keeps from SysV, and what they stand for. */
const ALIASES: Readonly<Record<string, string>> = {
  'runlevel0.target': 'poweroff.target',
  'runlevel1.target': 'rescue.target',
  'runlevel2.target': 'multi-user.target',
  'runlevel3.target': 'multi-user.target',
  'runlevel4.target': 'multi-user.target',
  'runlevel5.target': 'graphical.target',
  'runlevel6.target': 'reboot.target',
  'ctrl-alt-del.target': 'reboot.target',
}

// Maps, not objects: looking up a property makes an engine intern every unit's name.
const ALL = new Map(Object.entries({ ...TARGETS, ...GIVEN }))
const ALIAS_OF = new Map(Object.entries(ALIASES))

/** The unit that a name kept from SysV stands for, or null. */
export const builtInAlias = (name: string): string | null => ALIAS_OF.get(name) ?? null
/** The names kept from SysV that stand for a unit. */
export const builtInAliasesOf = (name: string): string[] =>
  ALL.has(name) ? [...ALIAS_OF].flatMap(([alias, meant]) => (meant === name ? [alias] : [])) : []

export const isBuiltIn = (name: string) => ALL.has(name)
export const builtInNames = (): string[] => [...ALL.keys()]

/** The unit file that a built-in unit would have, or null. Any slice may be named without a file (systemd.slice(5)). */
export function builtInText(name: string): string | null {
  const known = ALL.get(name) ?? sliceText(name)
  if (known === undefined) return null
  const [description, ...lines] = known
  return ['[Unit]', `Description=${description}`, ...lines, ''].join('\n')
}
