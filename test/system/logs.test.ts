// The services' lines: each is numbered, and counted afterwards, whatever happened to the service, the daemon or the disk.
import { appendFileSync, existsSync, readdirSync } from 'node:fs'
import test from 'ava'
import { boot, isRoot, type Pid1, root } from './pid1.ts'

const service = (exec: string, more = '') =>
  `[Service]\nExecStart=${exec}\n${more}\n[Install]\nWantedBy=multi-user.target\n`

/** Numbers its lines, five hundred at a time. */
const FLOOD = service(
  `/bin/sh -c 'i=1; while :; do seq $i $((i + 499)); i=$((i + 500)); sleep 0.05; done'`,
)

/** The first line that is not the next number; the last one may have been cut short by the end of the service. */
const gap = (lines: readonly string[]) =>
  lines.slice(0, -1).findIndex((line, i) => line !== String(i + 1))

const rows = (text: string) => text.split('\n').filter(line => line !== '')
const told = async (hearth: Pid1, unit: string) =>
  rows(await hearth.ok('logs', '-o', 'cat', unit, '--stream=out'))

test('no line is lost or told twice when the daemon dies and is executed anew amid files that become full, nor by SIGKILL', async t => {
  const hearth = await boot(t, {
    units: { 'a.service': FLOOD, 'b.service': FLOOD },
    args: ['--no-console', '--log-rotate-bytes', '50000', '--log-keep', '100000'],
  })
  const files = (unit: string) => {
    const path = `${hearth.directory}/log/${unit}`
    return existsSync(path) ? readdirSync(path).sort() : []
  }
  const more = async (count: number) => {
    const before = files('a.service').length
    while (files('a.service').length < before + count) await hearth.show('a', 'MainPID')
  }
  for (let deaths = 1; deaths <= 3; deaths++) {
    await more(3)
    hearth.signal('SIGSEGV')
    await hearth.said(/taking over/, deaths)
    await hearth.ok('list-units')
    if (deaths === 2) await hearth.ok('daemon-reexec')
  }
  await more(3)
  await hearth.ok('kill', '-s', 'KILL', 'a', 'b')
  for (const unit of ['a.service', 'b.service']) {
    await hearth.until(unit, 'ActiveState', 'failed')
    const lines = await told(hearth, unit)
    t.true(lines.length > 1000)
    t.is(gap(lines), -1)
    // And so it is on the disk, for those who read the files.
    const paths = files(unit).map(name => `${hearth.directory}/log/${unit}/${name}`)
    const { out } = await hearth.run(['zcat', '-f', ...paths.filter(path => !/runs$/.test(path))])
    t.deepEqual(
      rows(out).map(row => row.replace(/^\S+ \S+ out 6 sh\[\d+\]: /, '')),
      lines,
    )
  }
})

test('lines outlive a disk that is read-only, and one that is full, with one warning each, and are in the file afterwards', async t => {
  if (!isRoot) {
    t.log('skipped: needs root')
    return t.pass()
  }
  const mount = (how: string) => `mount -t tmpfs -o ${how} tmpfs "$HEARTH_LOGS"`
  const hearth = await boot(t, {
    units: directory => ({
      'web.service': service(
        `/bin/sh -c 'i=0; while read -r n; do while [ $n -gt 0 ]; do i=$((i + 1)); echo $i; n=$((n - 1)); done; done <> ${directory}/orders'`,
      ),
    }),
    before: `mkdir -p "$HEARTH_LOGS"; ${mount('size=200k,ro')}; mkfifo "\${HEARTH_LOGS%/*}/orders"`,
    args: ['--no-console'],
  })
  const log = `${hearth.directory}/log`
  const warnings = () => [
    ...hearth.err().matchAll(/cannot write the log|the logs can be written again/g),
  ]
  const orders = (count: number) => appendFileSync(`${hearth.directory}/orders`, `${count}\n`)
  const inFile = async () => {
    const { out } = await hearth.inside(['cat', `${log}/web.service/current`])
    return rows(out).map(row => row.split(': ')[1] ?? '')
  }
  orders(500)
  await hearth.said(/cannot write the log/)
  while ((await told(hearth, 'web')).length < 500);
  await hearth.inside(['mount', '-o', 'remount,rw', log])
  await hearth.said(/the logs can be written again/)
  t.is((await inFile()).length, 500)

  await hearth.inside(['sh', '-c', `head -c 1M /dev/zero > ${log}/ballast`])
  orders(700)
  await hearth.said(/cannot write the log/, 2)
  while ((await told(hearth, 'web')).length < 1200);
  t.is(warnings().length, 3)
  await hearth.inside(['rm', `${log}/ballast`])
  await hearth.said(/the logs can be written again/, 2)
  t.is(warnings().length, 4)
  const lines = await inFile()
  t.is(lines.length, 1200)
  t.is(gap(lines), -1)
  t.deepEqual(await told(hearth, 'web'), lines)
})

test('readers of standard output and error that take nothing stop neither the services nor the daemon', async t => {
  if (!isRoot) {
    t.log('skipped: needs root')
    return t.pass()
  }
  const hearth = await boot(t, {
    units: {
      'loud.service': service(`/bin/sh -c 'seq -f %%0100.f 1 20000; exec sleep infinity'`),
      'fails.service': `[Unit]\nStartLimitIntervalSec=0\n${service('/bin/false', 'Restart=always\nRestartSec=1ms')}`,
    },
    // Opened for both, the FIFOs need no reader, and have none.
    before: 'cd "${HEARTH_LOGS%/*}"; mkfifo out err; exec 8<>out 9<>err; exec >out 2>err 8>&- 9>&-',
    args: ['--console', '--console-wait', '1', '--log-level', 'debug'],
  })
  while ((await told(hearth, 'loud')).length < 20_000);
  const restarts = async () => Number(await hearth.show('fails', 'NRestarts'))
  // A restart is told in more than 400 bytes, and a pipe holds 64 KiB.
  while ((await restarts()) < 200);
  t.is(await hearth.show('loud', 'ActiveState'), 'active')
  t.is((await hearth.run([`${root}dist/ctl`, 'stop', 'fails', 'loud'])).code, 0)
})
