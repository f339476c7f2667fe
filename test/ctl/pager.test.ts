// The pager: what is more than a screen of a terminal goes through it.
import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { pagerPrograms } from '../../ctl/pager.ts'

const ctl = fileURLToPath(new URL('../../dist/ctl', import.meta.url))
const hasTerminal = spawnSync('script', ['--version']).error === undefined

/** What the terminal of so many rows shows of a shell's line, and the status at its end. */
const onTerminal = (line: string, environment: Record<string, string>, rows = 10) =>
  new Promise<{ out: string[]; status: string }>((resolve, reject) => {
    const shell = `stty rows ${rows} cols 80; ${line}; echo "status $?"`
    const env = { ...process.env, TERM: 'xterm', SYSTEMD_PAGERSECURE: '0', ...environment }
    const child = execFile('script', ['-qec', shell, '/dev/null'], { env }, (error, stdout) => {
      if (error) return reject(error)
      const out = stdout.split(/\r?\n/).filter(text => text !== '')
      resolve({ out, status: out.pop() ?? '' })
    })
    child.stdin?.end()
  })
const isPaged = (lines: readonly string[]) => lines.every(line => line.startsWith('paged:'))
/** Its words are split at spaces. */
const MARKING = { SYSTEMD_PAGER: 'sed s/^/paged:/' }

const withTerminal = (title: string, run: (t: ExecutionContext) => Promise<void>) =>
  test(title, async t => {
    if (hasTerminal) return run(t)
    t.log('skipped: there is no script(1) to make a terminal with')
    t.pass()
  })

withTerminal('more than a screen goes through the pager, and the status is the verb’s', async t => {
  const { out, status } = await onTerminal(`${ctl} help`, MARKING)
  t.true(out.length > 20)
  t.true(isPaged(out), out[0])
  t.is(status, 'status 0')
  const refused = await onTerminal(`${ctl} help no-such-verb`, MARKING)
  t.is(refused.status, 'status 1')
})

withTerminal(
  'what fits on the screen, or is not for a terminal, or is not to be paged, is printed as it is',
  async t => {
    for (const [line, rows] of [
      [`${ctl} help list-jobs`, 100],
      [`${ctl} help --no-pager`, 10],
      [`${ctl} help | cat`, 10],
    ] as const) {
      const { out, status } = await onTerminal(line, MARKING, rows)
      t.true(out.length > 5, line)
      t.false(
        out.some(text => text.startsWith('paged:')),
        line,
      )
      t.is(status, 'status 0')
    }
  },
)

withTerminal('a reader that leaves the pager early ends ctl, too', async t => {
  const { out, status } = await onTerminal(`${ctl} help`, { SYSTEMD_PAGER: 'head -n 1' })
  t.is(out.length, 1)
  t.is(status, 'status 0')
})

const names = (environment: Record<string, string>, isElevated = false) =>
  pagerPrograms({ TERM: 'xterm', ...environment }, false, isElevated).map(({ argv }) =>
    argv.join(' '),
  )

test('the pager is the one that systemd’s tools would take', t => {
  t.deepEqual(names({}), ['pager', 'less', 'more'])
  t.deepEqual(names({ PAGER: 'cat' }), [])
  t.deepEqual(names({ PAGER: 'most', SYSTEMD_PAGER: '' }), [])
  t.deepEqual(names({ TERM: 'dumb' }), [])
  t.deepEqual(names({ PAGER: 'most' }), ['pager', 'less', 'more'], 'it may run anything')
  t.deepEqual(names({ PAGER: 'most -s', SYSTEMD_PAGERSECURE: '0' })[0], 'most -s')
  t.deepEqual(names({}, true), ['less'])
})

test('less is told to leave when it fits, to be careful when its user has risen, and where to begin', t => {
  const less = (environment: Record<string, string>, atEnd = false, isElevated = false) =>
    pagerPrograms({ TERM: 'xterm', ...environment }, atEnd, isElevated)[0]?.environment
  t.is(less({})?.LESS, 'FRSXMK')
  t.is(less({}, true)?.LESS, 'FRSXMK +G')
  t.is(less({ SYSTEMD_LESS: 'RS' })?.LESS, 'RS')
  t.is(less({})?.LESSSECURE, undefined)
  t.is(less({}, false, true)?.LESSSECURE, '1')
  t.is(less({ SYSTEMD_PAGERSECURE: 'yes' })?.LESSSECURE, '1')
  t.is(less({ SYSTEMD_PAGERSECURE: 'no' }, false, true)?.LESSSECURE, undefined)
})
