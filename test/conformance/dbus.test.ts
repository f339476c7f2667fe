// Type=dbus against Debian's dbus-daemon: systemd.service(5), Type= and BusName=.
import { existsSync, readFileSync } from 'node:fs'
import { root } from '../system/pid1.ts'
import { type Case, conformance } from './conformance.ts'

const skip = existsSync('/usr/bin/dbus-daemon') ? null : 'it takes the package dbus'

const own = (name: string) =>
  `${process.execPath} ${root}test/conformance/own-name.ts org.hearth.${name}`
const hasOwner = (name: string, answer: boolean) =>
  `dbus-send --system --print-reply=literal --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner string:org.hearth.${name} | grep -q ${answer}`

/** A package's own unit file, as it is. */
const packaged = (name: string) =>
  existsSync(`/lib/systemd/system/${name}`)
    ? { [name]: readFileSync(`/lib/systemd/system/${name}`, 'utf8') }
    : {}

const cases: Case[] = [
  {
    title:
      'systemd-hostnamed runs from its own unit file, with all its sandbox, and answers on the bus',
    directives: ['BusName', 'IPAddressDeny', 'PrivateNetwork', 'SystemCallFilter'],
    unit: 'asks.service',
    more: packaged('systemd-hostnamed.service'),
    settings: `TimeoutStartSec=20s\n[Unit]\nRequires=systemd-hostnamed.service\nAfter=systemd-hostnamed.service`,
    check:
      'dbus-send --system --print-reply=literal --dest=org.freedesktop.hostname1 /org/freedesktop/hostname1 org.freedesktop.DBus.Properties.Get string:org.freedesktop.hostname1 string:KernelName | grep -q Linux',
    skip: existsSync('/lib/systemd/systemd-hostnamed') ? null : 'it takes the package systemd',
    async afterwards(t, hearth) {
      t.is(await hearth.show('systemd-hostnamed.service', 'Type'), 'dbus')
    },
  },
  {
    title:
      'a service of Type=dbus is up when its BusName= has an owner, and what follows it finds it there',
    directives: ['Type', 'BusName'],
    unit: 'named.service',
    settings: `Type=dbus\nBusName=org.hearth.Named\nExecStart=${own('Named')}`,
    more: {
      'follower.service': `[Unit]\nRequires=named.service\nAfter=named.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c '${hasOwner('Named', true)}'\n`,
    },
    start: 'follower.service',
    expect: { Result: 'success', ActiveState: 'active', Type: 'dbus', BusName: 'org.hearth.Named' },
    async afterwards(t, hearth, unit) {
      t.is(await hearth.show('follower.service', 'Result'), 'success')
      const { out } = await hearth.ctl('fidelity', '--all', unit)
      t.regex(out, /^BusName= +org.hearth.Named +enforced/m)
      const pid = await hearth.show(unit, 'MainPID')
      await hearth.ok('daemon-reexec')
      t.is(await hearth.show(unit, 'MainPID'), pid)
      await hearth.ok('kill', '--signal=USR1', '--kill-whom=main', unit)
      await hearth.until(unit, 'ActiveState', 'inactive')
      t.is(await hearth.show(unit, 'Result'), 'success')
    },
  },
  {
    title: 'BusName= alone means Type=dbus, and one that is not taken in time fails the start',
    directives: ['BusName', 'Type', 'TimeoutStartSec'],
    settings:
      'Type=\nBusName=org.hearth.Nobody\nTimeoutStartSec=300ms\nExecStart=/bin/sleep infinity',
    expect: { Result: 'timeout', Type: 'dbus' },
  },
  {
    title: 'a service whose name another one has is not up by that other',
    directives: ['BusName'],
    settings: `Type=dbus\nBusName=org.hearth.Other\nTimeoutStartSec=2s\nExecStart=${own('Named')}-not`,
    expect: { Result: 'timeout' },
  },
  {
    title: 'a BusName= that is none is told',
    directives: ['BusName'],
    settings: `Type=exec\nBusName=it's\nExecStart=/bin/true`,
    expect: { LoadState: 'bad-setting' },
    verified:
      /cannot read BusName=it's: expected a well-known name of a bus, such as org\.example\.Web/,
  },
]

// Started with the daemon, as it would be in an image.
const units = {
  ...packaged('dbus.socket'),
  ...packaged('dbus.service'),
  'dbus.socket.d/started.conf': '[Install]\nWantedBy=multi-user.target\n',
}
const policy =
  '<busconfig><policy user="root"><allow own_prefix="org.hearth"/><allow send_destination="*"/></policy></busconfig>'

conformance(
  cases.map((one, i) => ({
    ...one,
    skip: skip ?? one.skip ?? null,
    ...(i === 0 && { more: { ...units, ...one.more } }),
  })),
  { prepare: `echo '${policy}' >/etc/dbus-1/system.d/hearth.conf; mkdir -p /run/dbus` },
)
