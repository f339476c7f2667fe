// Debian's own packages from their own, unmodified unit files under a real PID 1 without cgroups: start, answer a real
// client, come back after SIGKILL where Restart= says so, reload, stop, and leave nothing behind.
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { boot, isRoot, type Pid1 } from './pid1.ts'

type Daemon = {
  name: string
  /** Unit files of the package; the first is the one to start. */
  units: readonly string[]
  /** Links in the unit directory, as `systemctl enable` or the package's generator makes them: name -> target. */
  links?: Readonly<Record<string, string>>
  /** The unit with the main process, when it is another one. */
  main?: string
  prepare?: string
  /** Shell text that exits 0 when the daemon answers. */
  check: string
  /** Restart= covers SIGKILL. */
  killed?: boolean
  /** It does its work and ends; the timer that triggers it. */
  timer?: string
  reload?: boolean
}

const daemons: readonly Daemon[] = [
  {
    name: 'nginx',
    units: ['nginx.service'],
    prepare:
      'rm -f /etc/nginx/sites-enabled/default; echo "server { listen 80; location / { return 200 hearth-nginx; } }" > /etc/nginx/sites-enabled/test',
    check: 'curl -sf -m 3 http://127.0.0.1/ | grep -q hearth-nginx',
    reload: true,
  },
  {
    name: 'redis',
    units: ['redis-server.service'],
    links: { 'redis.service': 'redis-server.service' },
    check:
      'timeout 3 redis-cli set key 7 | grep -qx OK && timeout 3 redis-cli get key | grep -qx 7',
    killed: true,
  },
  {
    name: 'postgresql',
    units: ['postgresql.service', 'postgresql@.service'],
    links: { 'postgresql.service.wants/postgresql@15-main.service': '../postgresql@.service' },
    main: 'postgresql@15-main.service',
    check: "cd / && runuser -u postgres -- psql -Atc 'select 40+2' | grep -qx 42",
    reload: true,
  },
  {
    name: 'memcached',
    units: ['memcached.service'],
    check: "printf 'stats\\r\\nquit\\r\\n' | nc -w 3 127.0.0.1 11211 | grep -q '^STAT pid'",
    killed: true,
  },
  {
    name: 'ssh',
    units: ['ssh.service'],
    links: { 'sshd.service': 'ssh.service' },
    check: 'ssh-keyscan -T 3 -t ed25519 127.0.0.1 2>/dev/null | grep -q ssh-ed25519',
    killed: true,
    reload: true,
  },
  {
    name: 'haproxy',
    units: ['haproxy.service'],
    prepare:
      'printf "frontend test\\n  bind 127.0.0.1:8404\\n  mode http\\n  http-request return status 200 content-type text/plain string hearth-haproxy\\n" >> /etc/haproxy/haproxy.cfg',
    check: 'curl -sf -m 3 http://127.0.0.1:8404/ | grep -q hearth-haproxy',
    killed: true,
    reload: true,
  },
  {
    name: 'mosquitto',
    units: ['mosquitto.service'],
    check:
      'timeout 5 mosquitto_pub -h 127.0.0.1 -r -t a/b -m here && timeout 5 mosquitto_sub -h 127.0.0.1 -t a/b -C 1 -W 3 | grep -qx here',
    killed: true,
    reload: true,
  },
  {
    name: 'dnsmasq',
    units: ['dnsmasq.service'],
    prepare: 'echo "address=/hearth.test/10.9.8.7" > /etc/dnsmasq.d/test',
    check: 'dig +short +time=2 +tries=1 @127.0.0.1 hearth.test A | grep -qx 10.9.8.7',
    reload: true,
  },
  {
    name: 'php-fpm',
    units: ['php8.2-fpm.service'],
    prepare: 'mkdir -p /var/www/html; echo "<?php echo \'php-\', 6*7;" > /var/www/html/test.php',
    check:
      'SCRIPT_FILENAME=/var/www/html/test.php SCRIPT_NAME=/test.php REQUEST_METHOD=GET timeout 5 cgi-fcgi -bind -connect /run/php/php8.2-fpm.sock | grep -q php-42',
    reload: true,
  },
  {
    name: 'prometheus-node-exporter',
    units: ['prometheus-node-exporter.service'],
    check: "curl -sf -m 3 http://127.0.0.1:9100/metrics | grep -q '^node_exporter_build_info'",
    killed: true,
  },
  {
    name: 'rsyslog',
    units: ['rsyslog.service', 'syslog.socket'],
    links: { 'syslog.service': 'rsyslog.service' },
    // It is handed the socket that it requires, and reads it where systemd is; elsewhere it has /dev/log to itself.
    check:
      'id=test-$(date +%N); timeout 3 logger -d -u /dev/log "$id"; sleep 0.2; grep -qs "$id" /var/log/syslog && tr "\\0" "\\n" < /proc/$(pidof rsyslogd)/environ | grep -qx LISTEN_FDNAMES=syslog.socket',
    killed: true,
  },
  {
    name: 'logrotate',
    units: ['logrotate.service', 'logrotate.timer'],
    prepare:
      'echo line > /var/log/hearth-test.log; printf "/var/log/hearth-test.log {\\n rotate 3\\n size 1\\n nocompress\\n}\\n" > /etc/logrotate.d/hearth-test; chmod 644 /etc/logrotate.d/hearth-test; rm -f /var/lib/logrotate/status',
    check: 'test -s /var/log/hearth-test.log.1 && test -s /var/lib/logrotate/status',
    timer: 'logrotate.timer',
  },
]

const unitFile = (unit: string) =>
  ['/usr/lib/systemd/system', '/lib/systemd/system']
    .map(directory => `${directory}/${unit}`)
    .find(path => existsSync(path))

/** Processes of the namespace, kernel threads and our own helpers not among them, PID 1 left out. */
function processesOf(hearth: Pid1): string[] {
  const namespace = (pid: string | number) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/pid`)
    } catch {
      return ''
    }
  }
  const own = namespace(hearth.pid)
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== hearth.pid && namespace(name) === own)
    .map(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      } catch {
        return ''
      }
    })
    .filter(line => line !== '')
}

async function supervise(t: ExecutionContext, daemon: Daemon) {
  const files = daemon.units.map(unitFile)
  if (!isRoot || files.some(file => file === undefined)) {
    t.log(isRoot ? `skipped: ${daemon.name} is not installed` : 'skipped: namespaces take root')
    return t.pass()
  }
  const start = daemon.units[0] ?? ''
  const main = daemon.main ?? start
  const hearth = await boot(t, {
    units: Object.fromEntries(
      daemon.units.map((unit, index) => [unit, readFileSync(files[index] ?? '', 'utf8')]),
    ),
    links: daemon.links ?? {},
    sandbox: daemon.prepare ?? ':',
    // Nothing is started by being there: the test starts it.
    args: ['--target', 'basic.target'],
  })
  const answers = async () =>
    (await hearth.inside(['timeout', '10', 'bash', '-c', daemon.check])).code === 0
  /** The daemon has no way to say that its port is open, other than to answer. */
  const answered = async () => {
    for (let tries = 0; tries < 60; tries++) {
      if (await answers()) return true
      await hearth.inside(['sleep', '0.2'])
    }
    return false
  }
  t.false(await answers(), 'nothing answers before the start')
  await hearth.ok('start', start)
  if (daemon.timer) {
    t.true(await answers(), 'its work is done')
    t.is(await hearth.show(main, 'ActiveState'), 'inactive')
    await hearth.ok('start', daemon.timer)
    t.is(await hearth.show(daemon.timer, 'SubState'), 'waiting')
    t.regex(
      await hearth.ok('list-timers', '--no-legend'),
      /left +n\/a +n\/a +logrotate\.timer logrotate\.service$/,
    )
    await hearth.ok('stop', daemon.timer)
    t.deepEqual(processesOf(hearth), [], 'no process is left')
    return
  }
  for (const unit of [start, main]) t.is(await hearth.ok('is-active', unit), 'active')
  t.true(await answered(), 'it answers its client')
  let pid = await hearth.show(main, 'MainPID')
  t.is((await hearth.inside(['kill', '-0', pid])).code, 0)

  if (daemon.reload) {
    await hearth.ok('reload', start)
    t.true(await answered(), 'it answers after a reload')
    t.is(await hearth.show(main, 'MainPID'), pid, 'a reload keeps the main process')
  }
  if (daemon.killed) {
    const before = pid
    await hearth.inside(['kill', '-KILL', pid])
    await hearth.restarted(main, before)
    t.true(await answered(), 'it answers again after SIGKILL')
    pid = await hearth.show(main, 'MainPID')
    t.not(pid, before)
  }
  await hearth.ok('stop', start)
  t.is(await hearth.show(main, 'ActiveState'), 'inactive')
  t.false(await answers(), 'nothing answers after the stop')
  t.deepEqual(processesOf(hearth), [], 'no process is left')
  hearth.signal('SIGTERM')
  t.deepEqual(await hearth.ended, { code: 0, signal: null })
}

for (const daemon of daemons) {
  test.serial(`${daemon.name} runs from its package's own unit file`, supervise, daemon)
}
