// What the kernel, or whoever runs the container, has to allow before a directive can be carried out.

export const NEEDS = [
  'mount-namespace',
  'network-namespace',
  'ipc-namespace',
  'uts-namespace',
  'user-namespace',
  'pid-namespace',
  /** A filter of system calls. */
  'seccomp',
  /** Taking capabilities away from the bounding set, and passing some on. */
  'capabilities',
  /** Becoming another user. */
  'setuid',
  'chroot',
  /** Scheduling of the real-time classes. */
  'realtime',
  /** A priority above the daemon's own. */
  'nice',
  /** A hard limit above the daemon's own. */
  'raise-limits',
  /** An OOM score below the daemon's own. */
  'oom-score',
  'keyring',
  'inotify',
  /** To take up a profile of AppArmor. */
  'apparmor',
  /** A message bus that answers for names. */
  'bus',
  /** Programs in the kernel: addresses and devices of a cgroup. */
  'bpf',
  /** A cgroup v2 directory for each unit; the others are controllers that its children may have. */
  'cgroup',
  'cgroup-memory',
  'cgroup-cpu',
  'cgroup-cpuset',
  'cgroup-io',
  'cgroup-pids',
] as const
export type Need = (typeof NEEDS)[number]

/** Null: it is allowed here. Else the reason why not, in words that go on after "because of": `no CAP_SYS_ADMIN`. */
export type Abilities = Readonly<Record<Need, string | null>>
