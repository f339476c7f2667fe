// The sandbox by namespaces: systemd.exec(5), SANDBOXING and PATHS.
import { existsSync } from 'node:fs'
import { type Case, conformance } from './conformance.ts'

const NAMESPACE = { Result: 'exit-code', ExecMainStatus: '226' }

const cases: Case[] = [
  {
    title: 'ProtectSystem=yes makes /usr and /boot read-only, and leaves /etc and the rest',
    directives: ['ProtectSystem'],
    settings: 'ProtectSystem=yes',
    check: `! touch /usr/new 2>&1\n! touch /bin/new 2>&1\n! touch /boot/new\ntouch /etc/new /var/new`,
  },
  {
    title: 'ProtectSystem=full makes /etc read-only too',
    directives: ['ProtectSystem'],
    settings: 'ProtectSystem=full',
    check: `! touch /usr/new\n! touch /etc/new\ntouch /var/new`,
  },
  {
    title:
      'ProtectSystem=strict makes all read-only but /dev, /proc, /sys, the homes and what other settings name',
    directives: ['ProtectSystem', 'ReadWritePaths', 'StateDirectory', 'RuntimeDirectory'],
    settings:
      'ProtectSystem=strict\nReadWritePaths=/srv/rw -/nowhere\nStateDirectory=strict\nRuntimeDirectory=strict/a\nLogsDirectory=strict',
    check: `! touch /new\n! touch /srv/new\n! touch /var/lib/new\n! touch /run/new\n! touch /tmp/new
        touch /srv/rw/new /var/lib/strict/new /run/strict/a/new /var/log/strict/new /home/new /dev/shm/new
        echo x >/dev/null
        test -w /proc/sys/kernel/hostname
        test "$STATE_DIRECTORY" = /var/lib/strict`,
  },
  {
    title:
      'ProtectHome=yes makes the homes empty and closed, read-only keeps them, tmpfs empties them',
    directives: ['ProtectHome'],
    settings: 'ProtectHome=yes',
    check: `test -z "$(ls -A /home)"\ntest -z "$(ls -A /root)"\ntest "$(stat -c %a /home)" = 0\n! touch /home/new`,
  },
  {
    title: 'ProtectHome=read-only leaves the homes to be read',
    directives: ['ProtectHome'],
    settings: 'ProtectHome=read-only',
    check: `test "$(cat /home/me/secret)" = secret\n! touch /home/me/new\n! touch /root/new`,
  },
  {
    title: 'ProtectHome=tmpfs gives empty homes, with what BindPaths= puts there',
    directives: ['ProtectHome', 'BindPaths'],
    settings: 'ProtectHome=tmpfs\nBindPaths=/home/me/shared',
    check: `test "$(ls -A /home)" = me\ntest "$(ls -A /home/me)" = shared
        touch /home/me/shared/new\n! touch /home/new\n! touch /root/new
        test "$(stat -f -c %T /home)" = tmpfs`,
  },
  {
    title:
      'PrivateTmp= gives a /tmp and a /var/tmp that nobody else sees, the same for all commands of a run',
    directives: ['PrivateTmp'],
    settings: `PrivateTmp=yes
ExecStartPre=:/bin/sh -ec 'test -z "$(ls -A /tmp | grep -v ^hearth-test)"; touch /tmp/of-the-unit /var/tmp/of-the-unit'
ExecStartPre=+/usr/bin/test -e /tmp/theirs -a ! -e /tmp/of-the-unit`,
    check: `test -e /tmp/of-the-unit\ntest -e /var/tmp/of-the-unit\n! test -e /tmp/theirs
        test "$(stat -c %a /tmp)" = 1777\ntest "$(stat -c %a /var/tmp)" = 1777`,
    async afterwards(t, hearth) {
      const left = await hearth.inside([
        'sh',
        '-c',
        'ls -d /tmp/hearth-private-* /var/tmp/hearth-private-*',
      ])
      t.notRegex(left.out, /case-7/, 'nothing is left behind')
    },
  },
  {
    title: 'PrivateTmp=disconnected is a memory of its own',
    directives: ['PrivateTmp'],
    settings: 'PrivateTmp=disconnected',
    check: `test "$(stat -f -c %T /tmp)" = tmpfs\n! test -e /tmp/theirs\ntouch /tmp/x /var/tmp/x`,
  },
  {
    title: 'PrivateDevices= gives a read-only /dev of pseudo devices, without mknod',
    directives: ['PrivateDevices'],
    settings: 'PrivateDevices=yes',
    check: `echo x >/dev/null\nhead -c1 /dev/zero >/dev/null\nhead -c1 /dev/urandom >/dev/null
        test -c /dev/tty\ntest -c /dev/full\n! test -e /dev/special
        test -d /dev/pts\ntouch /dev/shm/private\ntest -L /dev/stdin\ntest -L /dev/log
        ! mknod /tmp/node c 1 3\n! touch /dev/new
        grep -q ' /dev tmpfs [^ ]*noexec' /proc/self/mounts`,
  },
  {
    title: 'ReadOnlyPaths= may be nested with ReadWritePaths=, files among them',
    directives: ['ReadOnlyPaths', 'ReadWritePaths'],
    settings: 'ReadOnlyPaths=/srv /etc/hostname\nReadWritePaths=/srv/rw\nReadOnlyPaths=/srv/rw/ro',
    check: `! touch /srv/new\n! touch /srv/rw/ro/new\n! sh -c "echo x >>/etc/hostname"\ntouch /srv/rw/new /etc/new`,
  },
  {
    title: 'paths are followed through links, and a mount below is protected too',
    directives: ['ReadOnlyPaths'],
    settings: 'ReadOnlyPaths=/link /srv',
    check: `! touch /srv/rw/new\n! touch /srv/mounted/new\n! touch /link/new\n! touch /opt/target/new\ntouch /opt/new`,
  },
  {
    title: 'InaccessiblePaths= hides directories and files, with all below, from root as well',
    directives: ['InaccessiblePaths'],
    settings: 'InaccessiblePaths=/srv /etc/shadow -/nowhere\nReadWritePaths=/srv/rw',
    check: `test -z "$(ls -A /srv)"\ntest -z "$(cat /etc/shadow)"\ntest "$(stat -c %a /srv)" = 0\n! touch /srv/rw/new`,
  },
  {
    title: 'a path that is missing fails the start with 226, and is named',
    directives: ['ReadOnlyPaths'],
    settings: 'ReadOnlyPaths=/nowhere',
    check: 'true',
    expect: NAMESPACE,
    said: /cannot set up ReadOnlyPaths=\/nowhere: no such file or directory; make it, or write - before/,
  },
  {
    title: 'a source that is missing fails the start with 226, unless - is before it',
    directives: ['BindPaths'],
    settings: 'BindPaths=-/nowhere:/srv/x /missing:/srv/y',
    check: 'true',
    expect: NAMESPACE,
    said: /cannot set up BindPaths=\/missing:\/srv\/y \(\/missing\): no such file/,
  },
  {
    title:
      'BindPaths= and BindReadOnlyPaths= put files and directories elsewhere, and make the mount point',
    directives: ['BindPaths', 'BindReadOnlyPaths'],
    settings:
      'BindPaths=/srv/rw:/opt/a/b -/nowhere\nBindReadOnlyPaths=/srv:/opt/c:rbind /etc/hostname:/opt/name /srv:/opt/d:norbind',
    check: `touch /opt/a/b/new\ntest -e /srv/rw/new\n! touch /opt/c/new\n! touch /opt/c/mounted/new
        test -e /opt/c/mounted/inside\n! test -e /opt/d/mounted/inside
        cmp /etc/hostname /opt/name\n! sh -c 'echo x >/opt/name'`,
  },
  {
    title:
      'TemporaryFileSystem= covers what is there, with options, and shows what is bound into it',
    directives: ['TemporaryFileSystem', 'BindReadOnlyPaths'],
    settings: 'TemporaryFileSystem=/srv:ro,size=1m /opt\nBindReadOnlyPaths=/srv/rw/ro',
    check: `test "$(ls -A /srv)" = rw\ntest -e /srv/rw/ro/inside\n! touch /srv/new\n! touch /srv/rw/ro/new
        touch /opt/new\ntest "$(stat -f -c %T /opt)" = tmpfs\ngrep ' /srv ' /proc/self/mounts | grep -q 'size=1024k'`,
  },
  {
    title: 'TemporaryFileSystem=/ is a root of nothing but what is bound into it',
    directives: ['TemporaryFileSystem'],
    settings: 'TemporaryFileSystem=/:ro\nBindReadOnlyPaths=/usr /bin /lib /lib64 /proc',
    check: `test "$(echo /*)" = '/bin /lib /lib64 /proc /usr'\n! touch /new`,
  },
  {
    title: 'NoExecPaths= and ExecPaths= say where from programs may be run',
    directives: ['NoExecPaths', 'ExecPaths'],
    settings: 'NoExecPaths=/\nExecPaths=/usr /bin /lib /lib64 -/nowhere\nReadOnlyPaths=/usr',
    check: `! /srv/program\n/srv/rw/../../usr/bin/true\n! touch /usr/new`,
  },
  {
    title: 'ProtectKernelTunables= makes /proc/sys and /sys read-only and hides kernel addresses',
    directives: ['ProtectKernelTunables'],
    settings: 'ProtectKernelTunables=yes',
    check: `! sh -c 'echo x >/proc/sys/kernel/domainname'\n! sh -c 'echo 1 >/proc/sysrq-trigger'
        test -z "$(cat /proc/kallsyms)"\ngrep ' /sys [^ ]* ro' /proc/self/mounts\necho x >/dev/null`,
  },
  {
    title:
      'ProtectKernelModules= hides the modules, ProtectKernelLogs= the log, and both take capabilities',
    directives: ['ProtectKernelModules', 'ProtectKernelLogs'],
    settings: 'ProtectKernelModules=yes\nProtectKernelLogs=yes',
    check: `test -z "$(ls -A /usr/lib/modules)"\ntest -z "$(cat /proc/kmsg)"
        bnd=$(sed -n 's/^CapBnd:.//p' /proc/self/status)
        test $((0x$bnd >> 16 & 1)) = 0\ntest $((0x$bnd >> 34 & 1)) = 0\ntest $((0x$bnd & 1)) = 1`,
  },
  {
    title:
      'ProtectControlGroups= makes the cgroups read-only; ProtectClock= takes the right to set the clock',
    directives: ['ProtectControlGroups', 'ProtectClock'],
    settings: 'ProtectControlGroups=yes\nProtectClock=yes',
    check: `! mkdir /sys/fs/cgroup/new
        test $((0x$(sed -n 's/^CapBnd:.//p' /proc/self/status) >> 25 & 1)) = 0`,
  },
  {
    title:
      'ProtectProc=invisible hides other users’ processes, and ProcSubset=pid all else of /proc',
    directives: ['ProtectProc', 'ProcSubset'],
    settings: 'User=nobody\nProtectProc=invisible\nProcSubset=pid',
    check: `! test -d /proc/1\ntest -d /proc/self\n! test -e /proc/meminfo`,
  },
  {
    title:
      'what protects parts of /proc has nothing to protect where ProcSubset=pid leaves them out',
    directives: ['ProcSubset', 'ProtectKernelTunables', 'ProtectKernelLogs'],
    settings: 'ProcSubset=pid\nProtectKernelTunables=yes\nProtectKernelLogs=yes',
    check: `! test -e /proc/sys\n! test -e /proc/kmsg\ngrep ' /sys [^ ]* ro' /proc/self/mounts`,
  },
  {
    title: 'without ProtectProc= other processes are seen',
    directives: ['ProtectProc'],
    settings: 'User=nobody\nProtectProc=default',
    check: 'test -d /proc/1\ntest -e /proc/meminfo',
  },
  {
    title: 'ProtectHostname= gives a host name of its own to change',
    directives: ['ProtectHostname'],
    settings: 'ProtectHostname=yes\nExecStartPost=:/bin/sh -c \'test "$(uname -n)" != another\'',
    check: 'old=$(uname -n)\nhostname another || true\ntest -n "$old"',
    async afterwards(t, hearth) {
      t.notRegex((await hearth.inside(['uname', '-n'])).out, /another/)
    },
  },
  {
    title:
      'PrivateNetwork= leaves a loopback that is up, and nothing else, the same for all commands of a run, with + too',
    directives: ['PrivateNetwork'],
    settings: `PrivateNetwork=yes
ExecStartPre=:/bin/sh -ec 'readlink /proc/self/ns/net >/tmp/net-of-pre'
ExecStartPost=+:/bin/sh -ec 'test "$(readlink /proc/self/ns/net)" = "$(cat /tmp/net-of-pre)"'`,
    check: `test "$(ip -o link | wc -l)" = 1\nip -o link show lo | grep -q ',UP'\nping -c1 -W1 127.0.0.1 || ip addr show lo | grep 127.0.0.1
        test "$(readlink /proc/self/ns/net)" = "$(cat /tmp/net-of-pre)"`,
  },
  {
    title: 'NetworkNamespacePath= enters a namespace that is there',
    directives: ['NetworkNamespacePath'],
    settings: 'NetworkNamespacePath=/run/netns/other',
    check: 'ip -o link show dev marker',
  },
  {
    title: 'NetworkNamespacePath= that is none fails with 225',
    directives: ['NetworkNamespacePath'],
    settings: 'NetworkNamespacePath=/run/netns/none',
    check: 'true',
    expect: { Result: 'exit-code', ExecMainStatus: '225' },
    said: /cannot set up NetworkNamespacePath=\/run\/netns\/none: no such file/,
  },
  {
    title: 'PrivateIPC= gives message queues of its own',
    directives: ['PrivateIPC'],
    settings: `PrivateIPC=yes\nExecStartPre=/usr/bin/ipcmk -Q`,
    check: `test "$(ipcs -q | grep -c 0x)" = 1`,
    async afterwards(t, hearth) {
      t.notRegex((await hearth.inside(['ipcs', '-q'])).out, /0x/)
    },
  },
  {
    title: 'PrivatePIDs= makes each process the first of its own, in a /proc that shows no others',
    directives: ['PrivatePIDs'],
    settings: `PrivatePIDs=yes
Type=notify
NotifyAccess=all
ExecStartPre=:/bin/sh -exc 'test $$ = 1; test "$(ls -d /proc/[0-9]* | wc -l)" -le 5'
ExecStart=
ExecStart=:/bin/sh -exc 'test $$ = 1; test "$SYSTEMD_EXEC_PID" = 1; test ! -e /proc/2000; (setsid sleep 1000 &); systemd-notify --ready; trap "exit 0" TERM; while :; do sleep 0.05; done'`,
    expect: { ActiveState: 'active' },
    async afterwards(t, hearth, unit) {
      const pid = await hearth.show(unit, 'MainPID')
      t.true(Number(pid) > 1)
      t.regex((await hearth.inside(['cat', `/proc/${pid}/status`])).out, /^NSpid:\t\d+\t1$/m)
      await hearth.ok('daemon-reexec')
      t.is(await hearth.show(unit, 'MainPID'), pid)
      await hearth.ok('stop', unit)
      t.is(await hearth.show(unit, 'Result'), 'success')
      t.is((await hearth.inside(['pgrep', '-f', '^sleep 1000$'])).code, 1)
    },
  },
  {
    title: 'PrivatePIDs= does not go with Type=forking',
    directives: ['PrivatePIDs'],
    settings: 'PrivatePIDs=yes\nType=forking',
    check: 'true',
    expect: { LoadState: 'bad-setting' },
    verified: /cannot run Type=forking with PrivatePIDs=/,
  },
  {
    title: 'where AppArmor is not in force, AppArmorProfile= has no effect, and is told',
    directives: ['AppArmorProfile'],
    settings: 'AppArmorProfile=web',
    skip: existsSync('/proc/self/attr/apparmor/exec') ? 'AppArmor may be in force' : null,
    check: 'true',
    said: /Starts without AppArmorProfile= \(AppArmor is not in force here\)/,
  },
  {
    title: 'IPCNamespacePath= enters the message queues of a namespace that is there',
    directives: ['IPCNamespacePath'],
    settings: 'IPCNamespacePath=/run/ipcns',
    check: `test "$(ipcs -q | grep -c 0x)" = 1`,
  },
  {
    title: 'a unit whose /tmp and network others are to join starts as any other',
    directives: ['JoinsNamespaceOf'],
    unit: 'joined-first.service',
    settings: `PrivateTmp=yes
PrivateNetwork=yes
RemainAfterExit=yes`,
    check: 'readlink /proc/self/ns/net >/tmp/shared',
  },
  {
    title: 'JoinsNamespaceOf= shares /tmp and network with a unit that is up',
    directives: ['JoinsNamespaceOf'],
    unit: 'joined-second.service',
    settings:
      'PrivateTmp=yes\nPrivateNetwork=yes\n[Unit]\nAfter=joined-first.service\nJoinsNamespaceOf=joined-first.service',
    check: 'test "$(readlink /proc/self/ns/net)" = "$(cat /tmp/shared)"',
  },
  {
    title:
      'PrivateNetwork= of a socket unit puts its sockets into a network of its own, which its service may join',
    directives: ['PrivateNetwork', 'JoinsNamespaceOf'],
    unit: 'private-net.service',
    settings:
      'PrivateNetwork=yes\n[Unit]\nRequires=private-net.socket\nAfter=private-net.socket\nJoinsNamespaceOf=private-net.socket',
    more: {
      'private-net.socket':
        '[Socket]\nListenStream=127.0.0.1:7999\nListenStream=/run/private-net\nPrivateNetwork=yes\n',
    },
    check: `test "$LISTEN_FDS" = 2\nss -Hltn 'sport = 7999' | grep -q LISTEN`,
    async afterwards(t, hearth) {
      const listening = () => hearth.inside(['ss', '-Hltn', 'sport = 7999'])
      t.is((await listening()).out, '')
      // Its network is there as long as the socket unit is up.
      await hearth.ok('restart', 'private-net.service')
      t.is(await hearth.show('private-net.service', 'Result'), 'success')
    },
  },
  {
    title: 'NetworkNamespacePath= of a socket unit that is not there is told',
    directives: ['NetworkNamespacePath'],
    settings: 'RemainAfterExit=yes',
    more: {
      'no-net.socket':
        '[Socket]\nListenStream=127.0.0.1:7998\nNetworkNamespacePath=/run/nowhere\nService=case.service\n',
      'case.service': '[Service]\nExecStart=/bin/true\n',
    },
    check: 'true',
    async afterwards(t, hearth) {
      const { code, err } = await hearth.ctl('start', 'no-net.socket')
      t.is(code, 1)
      t.regex(err, /cannot set up NetworkNamespacePath=\/run\/nowhere: no such file or directory/i)
    },
  },
  {
    title: 'MountFlags=slave and PrivateMounts= keep the unit’s mounts to itself',
    directives: ['MountFlags', 'PrivateMounts'],
    settings: 'MountFlags=slave\nPrivateMounts=yes',
    check: 'mount -t tmpfs tmpfs /opt\ngrep -q " /opt tmpfs" /proc/self/mounts',
    async afterwards(t, hearth) {
      t.notRegex((await hearth.inside(['cat', '/proc/self/mounts'])).out, / \/opt tmpfs/)
    },
  },
  {
    title:
      'RootDirectory= with MountAPIVFS= and BindPaths= is a root of its own, with the API file systems',
    directives: ['RootDirectory', 'MountAPIVFS', 'BindReadOnlyPaths', 'StateDirectory'],
    settings: `RootDirectory=/srv/root
MountAPIVFS=yes
BindReadOnlyPaths=/usr /bin /lib /lib64
StateDirectory=rooted
ExecStartPre=true
ReadOnlyPaths=+/etc /srv/root/opt /var`,
    check: `test -e /in-the-root\ntest -d /proc/self\ntest -d /sys/kernel\ntest -c /dev/null
        test "$(stat -f -c %T /run)" = tmpfs\ntouch /run/new /var/lib/rooted/new
        ! touch /usr/new\n! touch /etc/new\n! touch /opt/new\ntouch /var/new`,
    async afterwards(t, hearth) {
      t.is((await hearth.inside(['test', '-e', '/var/lib/rooted/new'])).code, 0)
    },
  },
  {
    title:
      'a service in a root of its own, or with a /tmp of its own, still reaches the notify socket',
    directives: ['RootDirectory', 'PrivateTmp', 'NotifyAccess'],
    unit: 'notifies.service',
    settings: `Type=notify
NotifyAccess=all
RemainAfterExit=yes
PrivateTmp=yes
ExecStart=/usr/bin/systemd-notify --ready`,
  },
  {
    title: 'PrivateUsers= shows root and the unit’s user, and everybody else as nobody',
    directives: ['PrivateUsers'],
    settings: 'User=daemon\nSupplementaryGroups=adm\nPrivateUsers=yes',
    check: `test "$(id -u)" = 1\ntest "$(stat -c %u /etc)" = 0\ntest "$(stat -c %U /home/me)" = nobody
        test "$(grep -c . /proc/self/uid_map)" = 2`,
  },
  {
    title: 'PrivateUsers= takes root’s rights over the rest of the machine',
    directives: ['PrivateUsers'],
    settings: 'PrivateUsers=yes\nPrivateTmp=yes',
    check: `test "$(id -u)" = 0\n! hostname another\ntest "$(awk '{print $3}' /proc/self/uid_map)" = 1\ntouch /tmp/x`,
  },
  {
    title: 'a source that is systemd’s own journal is passed over with a warning',
    directives: ['BindReadOnlyPaths'],
    settings: 'BindReadOnlyPaths=/dev/log:/srv/rw/log',
    check: '! test -e /srv/rw/log',
    said: /passes over BindReadOnlyPaths=\/dev\/log:\/srv\/rw\/log: nobody listens at \/dev\/log here/,
  },
  {
    title: 'DynamicUser= implies ProtectSystem=strict, ProtectHome=read-only and PrivateTmp=',
    directives: ['DynamicUser'],
    settings: 'DynamicUser=yes\nStateDirectory=dynamic',
    check: `! test -e /tmp/theirs\ntouch /tmp/mine /var/lib/dynamic/new\ngrep ' / [^ ]* ro' /proc/self/mounts`,
  },
]

conformance(cases, {
  prepare: `mkdir -p /srv/rw/ro /srv/mounted /opt/target /home/me/shared /srv/root/etc /srv/root/opt /srv/root/var /usr/lib/modules
      mount -t tmpfs tmpfs /srv/mounted; touch /srv/mounted/inside /srv/rw/ro/inside /srv/root/in-the-root /tmp/theirs
      chmod 777 /srv/rw; chown -R 1234 /home/me; ln -s /opt/target /link; echo secret >/home/me/secret
      cp /bin/true /srv/program; mknod /dev/special c 1 3; mkdir -p /run/netns; ip netns add other; touch /run/ipcns; unshare --ipc=/run/ipcns ipcmk -Q
      ip -n other link add marker type dummy 2>/dev/null || ip -n other link add name marker type bridge`,
})
