// LogPipe=: what a unit prints goes to a process of its own, over the restarts of both and of the daemon.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { boot, isRoot, type Pid1 } from './pid1.ts'

const numbers = (text: string) => text.trim().split('\n').map(Number)
const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1)

/** Prints the numbers on from where the run before it ended, and ends after a while. */
const counter = (directory: string, most: number) =>
  `/bin/sh -c 'n=$(cat ${directory}/n 2>/dev/null || echo 0); to=$((n + 300)); while [ $n -lt ${most} ] && [ $n -lt $to ]; do n=$((n + 1)); echo $n; done; echo $n > ${directory}/n; [ $n -lt ${most} ] || { : > ${directory}/done; exec sleep infinity; }'`
/** Writes what it reads to a file, and dies after so many lines. */
const taker = (directory: string, lines: number) =>
  `/bin/sh -c 'echo $$$$ >> ${directory}/pids; n=0; while read -r line; do echo "$line" >> ${directory}/out; n=$((n + 1)); [ $n -lt ${lines} ] || exit 1; done; echo end >> ${directory}/out'`

const crash = async (hearth: Pid1) => {
  if (isRoot) await hearth.inside(['kill', '-SEGV', '1'])
  else hearth.signal('SIGSEGV')
}

test('a logger is given all that its unit prints, whoever dies meanwhile, and ends when it has read the rest', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'web.service': `[Service]\nExecStart=${counter(directory, 1500)}\nRestart=always\nRestartSec=0\nStartLimitIntervalSec=0\n[X-Hearth]\nLogPipe=${taker(directory, 400)}\n`,
    }),
  })
  const { directory } = hearth
  await hearth.ok('start', 'web')
  await hearth.file(`${directory}/out`, text => numbers(text).length > 200)
  await crash(hearth)
  await hearth.file(`${directory}/out`, text => numbers(text).length > 700)
  await hearth.ok('daemon-reexec')
  await hearth.file(`${directory}/done`)
  hearth.signal('SIGTERM')
  await hearth.ended
  const text = readFileSync(`${directory}/out`, 'utf8')
  t.true(text.endsWith('end\n'), 'before the daemon has ended')
  t.deepEqual(numbers(text.replace('end\n', '')), upTo(1500))
  t.true(readFileSync(`${directory}/pids`, 'utf8').trim().split('\n').length > 3)
  t.regex(
    hearth.err(),
    /its LogPipe= has ended: it is started again in 1 s; output waits meanwhile/,
  )
  t.is((await hearth.ctl('logs', '-o', 'cat', 'web')).out, '')
})

test('what a logger prints is in the log of its unit, and one that cannot be started fails the start', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'web.service': `[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo one; echo two >&2'\n[X-Hearth]\nLogPipe=/bin/sed -u "s/^/sed: /"\n`,
      'wrong.service': `[Service]\nExecStart=/bin/sleep infinity\n[X-Hearth]\nLogPipe=${directory}/missing\n`,
    }),
  })
  await hearth.ok('start', 'web')
  const told = await hearth.run([
    'timeout',
    '10',
    'sh',
    '-c',
    `until [ "$(${'$'}CTL logs -o cat web | wc -l)" = 2 ]; do sleep 0.05; done; $CTL logs -o cat web`.replaceAll(
      '$CTL',
      `${new URL('../../dist/ctl', import.meta.url).pathname}`,
    ),
  ])
  t.is(told.out, 'sed: one\nsed: two\n')
  t.is((await hearth.ctl('start', 'wrong')).code, 1)
  t.regex(await hearth.ok('show', '-p', 'ExecMainStatus,Result', 'wrong'), /Result=exit-code/)
  t.regex(hearth.err(), /missing: no such file/i)
})

const s6 = existsSync('/usr/bin/s6-log') ? test : test.skip
s6('s6-log keeps every line while services, it and the daemon come and go', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'web.service': `[Service]\nExecStart=${counter(directory, 3000)}\nRestart=always\nRestartSec=0\nStartLimitIntervalSec=0\n[X-Hearth]\nLogPipe=/bin/sh -c 'echo $$$$ >> ${directory}/pids; exec s6-log n20 s4096 ${directory}/s6'\n`,
    }),
  })
  const { directory } = hearth
  mkdirSync(`${directory}/s6`)
  await hearth.ok('start', 'web')
  const pid = (await hearth.file(`${directory}/pids`, text => text.endsWith('\n'))).trim()
  // It ends when it has written what it has read.
  await hearth.inside(['kill', '-TERM', pid])
  await crash(hearth)
  await hearth.file(`${directory}/done`)
  await hearth.ok('stop', 'web')
  const again = (await hearth.file(`${directory}/pids`, text => text.trim().split('\n').length > 1))
    .trim()
    .split('\n')
    .at(-1)
  await hearth.inside(['timeout', '20', 'sh', '-c', `while kill -0 ${again}; do sleep 0.02; done`])
  const files = readdirSync(`${directory}/s6`)
    .filter(name => name.startsWith('@'))
    .sort()
  const text = [...files, 'current'].map(name => readFileSync(`${directory}/s6/${name}`, 'utf8'))
  t.deepEqual(numbers(text.join('')), upTo(3000))
})
