// ctl logs without a daemon: what its files hold.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import test from 'ava'
import { appendEnd } from '../../daemon/logs/history.ts'
import { formatLine } from '../../daemon/logs/line.ts'
import { createStore } from '../../daemon/logs/store.ts'
import { runCtl } from './fake-daemon.ts'
import { logLine } from './specimens.ts'

const END = {
  invocationId: '1'.repeat(32),
  startedUsec: 0,
  endedUsec: 2,
  startedBy: 'root (process 7)',
  result: 'exit-code',
  outcome: 'code=exited, status=1/FAILURE',
  mainPid: 42,
  error: null,
  restarting: false,
  cpuUsec: null,
  memoryPeakBytes: null,
}

test('without a daemon the ends of runs and the lines come from its files, of several units in the order of time', async t => {
  const directory = mkdtempSync(`${tmpdir()}/hearth-files-`)
  t.teardown(() => rmSync(directory, { recursive: true }))
  const store = createStore({
    directory,
    rotateBytes: 200,
    keep: 100,
    warn: message => t.fail(message),
    nowUsec: () => 0,
  })
  for (let i = 0; i < 6; i++) {
    const unit = i % 2 === 0 ? 'web.service' : 'db@1.service'
    const line = logLine(`line ${i}`, { unit, priority: i, stream: i < 3 ? 'out' : 'err' })
    store.append(unit, formatLine({ ...line, timeUsec: line.timeUsec + i }))
  }
  store.close()

  appendEnd(directory, 'web.service', { ...END, lines: ['gone'] })
  const history = (...args: string[]) =>
    runCtl(['history', ...args], {
      HEARTH_RUNTIME: `${directory}/nobody`,
      HEARTH_LOGS: directory,
    })
  t.regex((await history('web')).out, /web\.service run .*\n.*started by root \(process 7\)\n/)
  t.regex((await history('web')).err, /^hearth is not running: these are the files in /)
  t.like(JSON.parse((await history('--json', '-D', directory, 'w*')).out), [
    { unit: 'web.service', runs: [{ lines: ['gone'] }] },
  ])
  t.like(await history('none'), { code: 1, out: '' })

  const logs = async (...args: string[]) => {
    const { code, out, err } = await runCtl(['logs', '-o', 'cat', ...args], {
      HEARTH_RUNTIME: `${directory}/nobody`,
      HEARTH_LOGS: directory,
    })
    return { code, err, lines: out.replaceAll('line ', '').trim().split('\n').join('') }
  }
  const down = await logs()
  t.like(down, { code: 0, lines: '012345' })
  t.is(down.err, `hearth is not running: these are the files in ${directory}\n`)
  const there = (...args: string[]) => logs('-D', directory, ...args)
  t.deepEqual(await there('web'), { code: 0, err: '', lines: '024' })
  t.is((await there('-u', 'db@*', '-r', '-n', '2')).lines, '53')
  t.is((await there('-p', '3', '--stream=err')).lines, '3')
  t.like(await there('none'), { code: 1, lines: '' })
  t.regex((await there('none')).err, /^cannot find a log of none\.service/)
  t.regex((await there('-f')).err, /^cannot follow the files of a directory/)
  t.regex((await there('-b')).err, /^cannot tell from the files when hearth was started/)
  t.regex((await logs('-D', `${directory}/no`)).err, /^cannot read the logs in .*no such file/)
})
