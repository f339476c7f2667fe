// What a unit may take and reach by its cgroup: systemd.resource-control(5), as far as this machine lets it.
import { accessSync, constants, readFileSync } from 'node:fs'
import { type Case, conformance } from './conformance.ts'

/** Why there are no cgroups to be had here; null: there are. */
function whyNot(): string | null {
  const mount = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map(line => line.split(' '))
    .find(fields => fields[2] === 'cgroup2')?.[1]
  try {
    accessSync(mount ?? '/nowhere', constants.W_OK)
    return null
  } catch {
    return 'no writable cgroup v2'
  }
}
const skip = whyNot()

/** Whether a datagram may go out: the kernel answers EPERM where a program refuses it. */
const sends = (address: string) => `bash -c 'echo x >/dev/udp/${address}/9'`

const binds = (address: string, protocol: 'tcp' | 'udp', port: number) =>
  `python3 -c 'from socket import *; socket(${address.includes(':') ? 'AF_INET6' : 'AF_INET'}, ${protocol === 'tcp' ? 'SOCK_STREAM' : 'SOCK_DGRAM'}).bind(("${address}", ${port}))'`

const cases: Case[] = [
  {
    title: 'DevicePolicy=closed leaves the pseudo devices and terminals, and nothing else',
    directives: ['DevicePolicy'],
    settings: 'DevicePolicy=closed',
    check: `head -c1 /dev/zero >/dev/null\nhead -c1 /dev/urandom >/dev/null\n! sh -c 'echo >/dev/full'
      mknod /tmp/null c 1 3\nmknod /tmp/kmsg c 1 11 && exit 1\ntrue`,
    expect: { Result: 'success', DevicePolicy: 'closed' },
  },
  {
    title: 'DevicePolicy=strict leaves what DeviceAllow= names, and no more than it says',
    directives: ['DevicePolicy', 'DeviceAllow'],
    settings: 'DevicePolicy=strict\nDeviceAllow=/dev/null rw\nDeviceAllow=/dev/zero r',
    check: `! mknod /tmp/null-2 c 1 3\n! mknod /tmp/zero c 1 5\necho >/dev/null\nhead -c1 /dev/zero >/dev/null
      ! sh -c 'echo >/dev/zero'\n! head -c1 /dev/urandom`,
    expect: { Result: 'success', DeviceAllow: '/dev/null rw\n/dev/zero r' },
  },
  {
    title:
      'DeviceAllow= closes all others by itself, knows drivers by name and pattern, and what is not there is left out',
    directives: ['DeviceAllow'],
    settings: 'DeviceAllow=/dev/nowhere\nDeviceAllow=char-me? rm\nDeviceAllow=block-* m',
    check: `mknod /tmp/mem c 1 1\nmknod /tmp/disk b 8 0\n! head -c1 /tmp/disk\n! mknod /tmp/fuse c 10 229
      head -c1 /dev/zero >/dev/null`,
  },
  {
    title: 'an empty DeviceAllow= takes back what was said, and DevicePolicy=auto then leaves all',
    directives: ['DeviceAllow', 'DevicePolicy'],
    settings: 'DeviceAllow=/dev/zero\nDeviceAllow=\nDevicePolicy=auto',
    check: 'mknod /tmp/fuse-2 c 10 229',
  },
  {
    title: 'PrivateDevices= closes the devices to nodes that are made elsewhere too',
    directives: ['PrivateDevices', 'DevicePolicy'],
    settings: 'PrivateDevices=yes',
    check: '! head -c1 /tmp-made/kmsg\necho >/dev/null',
    expect: { Result: 'success', DevicePolicy: 'closed' },
  },
  {
    title: 'ProtectClock= lets clocks be read',
    directives: ['ProtectClock', 'DeviceAllow'],
    settings: 'ProtectClock=yes',
    check: 'echo >/dev/null\n! head -c1 /tmp-made/kmsg',
    expect: { Result: 'success', DeviceAllow: 'char-rtc r' },
  },
  {
    title: 'IPAddressDeny= keeps packets from addresses, those of both versions',
    directives: ['IPAddressDeny'],
    settings: 'IPAddressDeny=any',
    check: `! ${sends('127.0.0.1')}\n! ${sends('::1')}`,
    expect: { Result: 'success', IPAddressDeny: '0.0.0.0/0 ::/0' },
  },
  {
    title: 'IPAddressAllow= goes before IPAddressDeny=',
    directives: ['IPAddressAllow', 'IPAddressDeny'],
    settings: 'IPAddressDeny=any\nIPAddressAllow=127.0.0.2/31 ::1',
    check: `${sends('127.0.0.2')}\n${sends('127.0.0.3')}\n${sends('::1')}\n! ${sends('127.0.0.4')}\n! ${sends('127.0.0.1')}`,
    expect: { Result: 'success', IPAddressAllow: '127.0.0.2/31 ::1/128' },
  },
  {
    title: 'what IPAddressDeny= does not name goes out',
    directives: ['IPAddressDeny'],
    settings: 'IPAddressDeny=127.0.1.0/24 link-local multicast',
    check: `${sends('127.0.0.1')}\n${sends('::1')}\n! ${sends('127.0.1.9')}\n${sends('127.0.2.1')}`,
  },
  {
    title: 'SocketBindAllow= goes before SocketBindDeny=, by family, protocol and port',
    directives: ['SocketBindAllow', 'SocketBindDeny'],
    settings:
      'SocketBindDeny=any\nSocketBindAllow=ipv4:tcp:8100-8101\nSocketBindAllow=ipv6\nSocketBindAllow=udp:53',
    check: `${binds('127.0.0.1', 'tcp', 8100)}\n${binds('127.0.0.1', 'tcp', 8101)}
      ! ${binds('127.0.0.1', 'tcp', 8102)}\n! ${binds('127.0.0.1', 'tcp', 8099)}\n! ${binds('127.0.0.1', 'udp', 8100)}
      ${binds('127.0.0.1', 'udp', 53)}\n${binds('::1', 'tcp', 8103)}\n! ${binds('127.0.0.1', 'tcp', 0)}`,
    expect: {
      Result: 'success',
      SocketBindDeny: 'any',
      SocketBindAllow: 'ipv4:tcp:8100-8101\nipv6\nudp:53',
    },
  },
  {
    title: 'SocketBindDeny= of some ports leaves the others',
    directives: ['SocketBindDeny'],
    settings: 'SocketBindDeny=tcp:8110\nSocketBindDeny=ipv6:udp',
    check: `! ${binds('127.0.0.1', 'tcp', 8110)}\n! ${binds('::1', 'tcp', 8110)}\n${binds('127.0.0.1', 'tcp', 8111)}
      ${binds('127.0.0.1', 'udp', 8110)}\n! ${binds('::1', 'udp', 8112)}`,
  },
  {
    title: 'RestrictNetworkInterfaces= leaves those named, or with ~ the others',
    directives: ['RestrictNetworkInterfaces'],
    settings: 'RestrictNetworkInterfaces=lo',
    check: `${sends('127.0.0.1')}\n! ${sends('10.77.0.2')}`,
  },
  {
    title: 'RestrictNetworkInterfaces=~ keeps those named from the unit, beside IPAddressDeny=',
    directives: ['RestrictNetworkInterfaces', 'IPAddressDeny'],
    settings: 'RestrictNetworkInterfaces=~lo nowhere0\nIPAddressDeny=10.77.0.3',
    check: `! ${sends('127.0.0.1')}\n${sends('10.77.0.2')}\n! ${sends('10.77.0.3')}`,
    expect: { Result: 'success', RestrictNetworkInterfaces: '~lo nowhere0' },
    said: /RestrictNetworkInterfaces= leaves out nowhere0: there is none yet/,
  },
  {
    title: 'a prefix ends at any bit of an IPv6 address',
    directives: ['IPAddressAllow', 'IPAddressDeny'],
    settings: 'IPAddressDeny=::/126\nIPAddressAllow=::2/127 0:0:0:1::/64',
    check: `! ${sends('::1')}\n${sends('127.0.0.1')}`,
  },
  {
    title:
      'what a reload changes of devices holds at once, for what another image of the daemon has attached too',
    directives: ['DeviceAllow'],
    settings:
      'Type=exec\nExecStart=/bin/sleep infinity\nExecReload=/bin/head -c1 /dev/zero\nDevicePolicy=strict\nDeviceAllow=/dev/null',
    expect: { Result: 'success' },
    async afterwards(t, hearth, unit) {
      const file = `${unit}.d/zero.conf`
      t.is((await hearth.ctl('reload', unit)).code, 1)
      hearth.write(file, '[Service]\nDeviceAllow=/dev/zero r\n')
      await hearth.ok('daemon-reload')
      await hearth.ok('reload', unit)
      await hearth.ok('daemon-reexec')
      await hearth.ok('reload', unit)
      hearth.write(file, '')
      await hearth.ok('daemon-reload')
      t.is((await hearth.ctl('reload', unit)).code, 1)
      hearth.write(file, '[Service]\nDevicePolicy=\nDeviceAllow=\n')
      await hearth.ok('daemon-reload')
      await hearth.ok('reload', unit)
      const { out } = await hearth.ctl('fidelity', '--all', 'case-1.service', 'case-7.service')
      t.regex(out, /^DevicePolicy= +closed +enforced/m)
      t.regex(out, /^IPAddressDeny= +any +enforced/m)
    },
  },
  {
    title: 'a unit may allow what its slice denies',
    directives: ['IPAddressAllow', 'IPAddressDeny', 'Slice'],
    settings: 'Slice=closed.slice\nIPAddressAllow=127.0.0.1',
    more: { 'closed.slice': '[Slice]\nIPAddressDeny=localhost\nDevicePolicy=closed\n' },
    check: `${sends('127.0.0.1')}\n! ${sends('127.0.0.2')}\n! head -c1 /tmp-made/kmsg`,
  },
  {
    title: 'an address that is none is told',
    directives: ['IPAddressDeny'],
    settings: 'IPAddressDeny=localhorst\nDeviceAllow=null',
    check: 'true',
    expect: { LoadState: 'bad-setting' },
    verified: /localhorst is no address; expected such as[\s\S]*expected the path of a device/,
  },
]

conformance(
  cases.map(one => ({ ...one, skip })),
  {
    prepare:
      'mount -t cgroup2 none /sys/fs/cgroup; mkdir /tmp-made; ip link add veth0 type veth peer name veth1 && ip addr add 10.77.0.1/24 dev veth0 && ip link set veth0 up && ip link set veth1 up; mknod /tmp-made/kmsg c 1 11; ip link set lo up 2>/dev/null || true',
    args: ['--cgroups', 'yes'],
  },
)
