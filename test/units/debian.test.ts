// Units of Debian's packages: those that are on the machine, and the shapes of some that may not be.
import test from 'ava'
import { describeProblem } from '../../daemon/units/errors.ts'
import { createUnits } from '../../daemon/units/load.ts'
import { nameKind, unitType } from '../../daemon/units/values/unit-name.ts'
import { host, machineReader, unitsOf } from './_files.ts'

test('every unit file of the packages on this machine loads without an error or a warning', t => {
  const units = createUnits({
    services: [],
    vendorUnits: ['/etc/systemd/system', '/lib/systemd/system'],
    reader: machineReader,
    host,
  })
  const files = units.unitFiles()
  t.log(`${files.length} unit files`)
  for (const { name } of files) {
    const unit = units.get(nameKind(name) === 'template' ? name.replace('@.', '@one.') : name)
    if (unit.loadState === 'masked') continue
    t.is(unit.loadState, 'loaded', `${name}: ${unit.loadError}`)
    if (unitType(name) === 'service') t.deepEqual(unit.problems.map(describeProblem), [], name)
  }
})

const SHAPES: Record<string, string> = {
  'redis-server.service': `[Unit]
Description=Advanced key-value store
After=network.target
Documentation=http://redis.io/documentation, man:redis-server(1)

[Service]
Type=notify
ExecStart=/usr/bin/redis-server /etc/redis/redis.conf --supervised systemd --daemonize no
PIDFile=/run/redis/redis-server.pid
TimeoutStopSec=0
Restart=always
User=redis
Group=redis
RuntimeDirectory=redis
RuntimeDirectoryMode=2755

UMask=007
PrivateTmp=true
LimitNOFILE=65535
ReadWritePaths=-/var/lib/redis
CapabilityBoundingSet=
SystemCallFilter=~ @privileged @resources

[Install]
WantedBy=multi-user.target
Alias=redis.service
`,
  'postgresql@.service': `[Unit]
Description=PostgreSQL Cluster %i
AssertPathExists=/etc/postgresql/%I/postgresql.conf
RequiresMountsFor=/etc/postgresql/%I /var/lib/postgresql/%I
PartOf=postgresql.service
ReloadPropagatedFrom=postgresql.service
Before=postgresql.service
After=network.target

[Service]
Type=forking
# -: ignore startup failure (recovery might take arbitrarily long)
ExecStart=-/usr/bin/pg_ctlcluster --skip-systemctl-redirect %i start
# 0 is the same as infinity, but "infinity" needs systemd 229
TimeoutStartSec=0
ExecStop=/usr/bin/pg_ctlcluster --skip-systemctl-redirect -m fast %i stop
TimeoutStopSec=1h
ExecReload=/usr/bin/pg_ctlcluster --skip-systemctl-redirect %i reload
PIDFile=/run/postgresql/%i.pid
SyslogIdentifier=postgresql@%i
OOMScoreAdjust=-900

[Install]
WantedBy=multi-user.target
`,
  'haproxy.service': `[Unit]
Description=HAProxy Load Balancer
After=network-online.target rsyslog.service
Wants=network-online.target

[Service]
EnvironmentFile=-/etc/default/haproxy
EnvironmentFile=-/etc/sysconfig/haproxy
BindReadOnlyPaths=/dev/log:/var/lib/haproxy/dev/log
Environment="CONFIG=/etc/haproxy/haproxy.cfg" "PIDFILE=/run/haproxy.pid" "EXTRAOPTS=-S /run/haproxy-master.sock"
ExecStart=/usr/sbin/haproxy -Ws -f $CONFIG -p $PIDFILE $EXTRAOPTS
ExecReload=/usr/sbin/haproxy -Ws -f $CONFIG -c -q $EXTRAOPTS
ExecReload=/bin/kill -USR2 $MAINPID
KillMode=mixed
Restart=always
SuccessExitStatus=143
Type=notify

[Install]
WantedBy=multi-user.target
`,
  'nginx.service': `[Unit]
Description=A high performance web server and a reverse proxy server
After=network-online.target remote-fs.target nss-lookup.target
Wants=network-online.target
ConditionFileIsExecutable=/usr/sbin/nginx

[Service]
Type=forking
PIDFile=/run/nginx.pid
ExecStartPre=/usr/sbin/nginx -t -q -g 'daemon on; master_process on;'
ExecStart=/usr/sbin/nginx -g 'daemon on; master_process on;'
ExecReload=/usr/sbin/nginx -g 'daemon on; master_process on;' -s reload
ExecStop=-/sbin/start-stop-daemon --quiet --stop --retry QUIT/5 --pidfile /run/nginx.pid
TimeoutStopSec=5
KillMode=mixed

[Install]
WantedBy=multi-user.target
`,
}
const shapes = unitsOf(
  Object.fromEntries(Object.entries(SHAPES).map(([name, text]) => [`/etc/units/${name}`, text])),
)

test('redis: TimeoutStopSec=0 is no limit, an empty list and a setgid mode are read, Alias= is a name', t => {
  const unit = shapes.get('redis.service')
  t.is(unit.id, 'redis-server.service')
  t.is(unit.service?.timeoutStopUsec, Number.POSITIVE_INFINITY)
  t.is(unit.exec?.umask, 0o007)
  t.deepEqual(unit.exec?.directories.runtime, {
    paths: [{ path: 'redis', symlinks: [] }],
    mode: 0o2755,
  })
  t.deepEqual(unit.exec?.limits.nofile, { soft: 65535, hard: 65535 })
  t.deepEqual(unit.problems, [])
})

test('postgresql: an instance of a template, its name escaped in %i and not in %I', t => {
  const unit = shapes.get('postgresql@15-main.service')
  t.is(unit.loadState, 'loaded')
  t.is(unit.service?.pidFile, '/run/postgresql/15-main.pid')
  t.is(unit.service?.timeoutStartUsec, Number.POSITIVE_INFINITY)
  t.is(unit.service?.timeoutStopUsec, 3_600_000_000)
  t.like(unit.service?.execStart[0], { path: '/usr/bin/pg_ctlcluster', ignoreFailure: true })
  t.deepEqual(unit.unit.asserts, [
    {
      kind: 'PathExists',
      value: '/etc/postgresql/15/main/postgresql.conf',
      negated: false,
      trigger: false,
    },
  ])
  t.deepEqual(unit.unit.requiresMountsFor, [
    '/etc/postgresql/15/main',
    '/var/lib/postgresql/15/main',
  ])
  t.is(
    shapes
      .get('multi-user.target')
      .dependencies.wants?.some(name => name.startsWith('postgresql@')),
    false,
  )
})

test('haproxy: three quoted pairs on one line, several commands to reload', t => {
  const unit = shapes.get('haproxy.service')
  t.deepEqual(unit.exec?.environment, [
    'CONFIG=/etc/haproxy/haproxy.cfg',
    'PIDFILE=/run/haproxy.pid',
    'EXTRAOPTS=-S /run/haproxy-master.sock',
  ])
  t.is(unit.service?.execReload.length, 2)
  t.deepEqual(unit.service?.successExitStatus, { statuses: [143], signals: [] })
  t.like(unit.sandbox?.binds[0], { source: '/dev/log', destination: '/var/lib/haproxy/dev/log' })
})

test('nginx: a quoted argument with ; in it stays one argument', t => {
  const unit = shapes.get('nginx.service')
  t.deepEqual(unit.service?.execStart[0]?.argv, [
    '/usr/sbin/nginx',
    '-g',
    'daemon on; master_process on;',
  ])
  t.true(unit.service?.execStop[0]?.ignoreFailure)
  t.is(unit.unit.conditions[0]?.kind, 'FileIsExecutable')
})
