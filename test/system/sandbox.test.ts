// Sandboxes over the life of a unit: what its commands share, what a new start finds, what is left at the end.
import test from 'ava'
import { boot, isRoot, type Pid1 } from './pid1.ts'

const asRoot = isRoot ? test : test.skip

/** The private directories that there are, of the daemon's /tmp and /var/tmp. */
const left = async (hearth: Pid1) =>
  (await hearth.inside(['sh', '-c', 'ls -d /tmp/hearth-private-* /var/tmp/hearth-private-*'])).out

asRoot(
  'a run keeps its /tmp and its network over a re-execution, a new run gets new ones, none are left',
  async t => {
    const hearth = await boot(t, {
      sandbox: ':',
      units: {
        'web.service': `[Service]
Restart=always
RestartSec=0
User=daemon
PrivateTmp=yes
PrivateNetwork=yes
PrivateIPC=yes
PrivateUsers=yes
ProtectSystem=strict
ExecStartPre=:/bin/sh -ec 'test -z "$(ls -A /tmp)"; readlink /proc/self/ns/net /proc/self/ns/ipc >/tmp/namespaces'
ExecStart=/bin/sleep infinity
ExecReload=:/bin/sh -ec 'readlink /proc/self/ns/net /proc/self/ns/ipc | cmp - /tmp/namespaces'
`,
      },
    })
    await hearth.ok('start', 'web')
    await hearth.ok('reload', 'web')
    const first = await left(hearth)
    t.is(first.trim().split('\n').length, 2)

    await hearth.ok('daemon-reexec')
    await hearth.ok('reload', 'web')
    t.is(await left(hearth), first)

    const pid = await hearth.show('web', 'MainPID')
    await hearth.inside(['kill', '-9', pid])
    await hearth.restarted('web.service', pid)
    await hearth.ok('reload', 'web')
    const second = await left(hearth)
    t.is(second.trim().split('\n').length, 2)
    t.not(second, first)

    await hearth.ok('stop', 'web')
    await hearth.inside(['sh', '-c', 'while ls -d /tmp/hearth-private-*; do sleep 0.05; done'])
    t.is(await left(hearth), '')
  },
)
