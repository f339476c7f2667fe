// npm run test:packages: the unit files of Debian's server packages load, whatever this machine has installed. The packages
// are fetched by apt and kept outside of the tree: HEARTH_PACKAGES, or a directory in the user's cache.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { unitReader } from '../../daemon/runtime/unit-reader.ts'
import { describeProblem } from '../../daemon/units/errors.ts'
import { createUnits } from '../../daemon/units/load.ts'
import { nameKind } from '../../daemon/units/values/unit-name.ts'
import { host } from '../units/_files.ts'

/** Small ones, of many kinds of service. */
const PACKAGES =
  `anacron apache2 apcupsd at atop auditd avahi-daemon bacula-fd beanstalkd bird2 bluez chrony collectd-core
conntrackd coturn cron cups-daemon dbus dnsdist dnsmasq dovecot-core etckeeper exim4-base fail2ban freeradius frr gpsd
haproxy icecast2 irqbalance isc-dhcp-server iptables-persistent keepalived knockd knot krb5-kdc lighttpd lldpd mdadm memcached
minidlna monit mosquitto munin-node ngircd nfs-kernel-server nftables nginx-common nsd ntpsec nut-server open-iscsi opendkim
opendmarc openssh-server openvpn opensmtpd pdns-recursor pdns-server php8.2-fpm policykit-1 postfix postgresql-common
powertop proftpd-core prometheus-node-exporter qemu-guest-agent quota radvd redis-server rpcbind rsync rsyslog slapd
smartmontools snmpd squid sshguard stunnel4 supervisor sysstat tinc tor transmission-daemon udisks2 ulogd2
unattended-upgrades unbound upower uptimed varnish vsftpd watchdog wireguard-tools wpasupplicant xinetd znc`.split(
    /\s+/,
  )
/** As many at least must have been had: a mirror may lack one or the other. */
const ENOUGH = 60

const cache = process.env.HEARTH_PACKAGES ?? join(homedir(), '.cache/hearth-packages')
const root = join(cache, 'root')

/** As root, without its own user, who may not write there. */
const QUIET = ['download', '-qq', '-o', 'APT::Sandbox::User=root']

function run(command: string, args: readonly string[]): boolean {
  const { status } = spawnSync(command, args, {
    cwd: cache,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return status === 0
}

/** All at once, or one by one where one of them is missing. */
function fetch(): number {
  mkdirSync(root, { recursive: true })
  const isThere = (name: string) => readdirSync(cache).some(file => file.startsWith(`${name}_`))
  const missing = PACKAGES.filter(name => !isThere(name))
  if (missing.length > 0 && !run('apt-get', [...QUIET, ...missing]))
    for (const name of missing) if (!isThere(name)) run('apt-get', [...QUIET, name])
  const files = readdirSync(cache).filter(file => file.endsWith('.deb'))
  // Only what is asked for: their units.
  for (const file of files)
    if (!run('dpkg-deb', ['-x', file, root])) console.error(`cannot unpack ${file}`)
  return files.length
}

const packages = fetch()
const units = createUnits({
  services: [],
  vendorUnits: ['lib/systemd/system', 'usr/lib/systemd/system']
    .map(path => join(root, path))
    .filter(path => existsSync(path)),
  reader: unitReader,
  host,
})
const files = units.unitFiles()
let errors = 0
let warnings = 0
for (const { name, state } of files) {
  if (state.startsWith('masked') || state === 'alias') continue
  const unit = units.get(nameKind(name) === 'template' ? name.replace('@.', '@one.') : name)
  // A link to a unit of another package, which is not among these, or a mask.
  if (unit.loadState === 'masked') continue
  for (const problem of unit.problems)
    console.log(`${problem.severity}: ${describeProblem(problem)}`)
  warnings += unit.problems.filter(({ severity }) => severity === 'warning').length
  if (unit.loadState === 'loaded') continue
  errors++
  console.log(`error: ${name} is not loaded: ${unit.loadError ?? unit.loadState}`)
}
console.log(
  `${packages} packages, ${files.length} unit files: ${errors} errors, ${warnings} warnings`,
)
if (packages < ENOUGH) console.error(`cannot tell enough: expected ${ENOUGH} packages at least`)
process.exitCode = errors === 0 && packages >= ENOUGH ? 0 : 1
