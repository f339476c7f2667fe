// Timers under a real PID 1: they elapse, they make up for what was missed, and nobody polls for them.
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import test from 'ava'
import { boot, isRoot, run } from './pid1.ts'

const timer = (lines: string) => `[Timer]\n${lines}\n[Install]\nWantedBy=timers.target\n`
/** Writes a line about who triggered it. */
const work = (file: string) =>
  `[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo "$TRIGGER_UNIT $TRIGGER_TIMER_REALTIME_USEC" >> ${file}'\n`
const lines = (text: string) => text.split('\n').length - 1

test('timers elapse by spans and by the calendar, again and again, and tell their unit that it was they', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'span.timer': timer('OnActiveSec=100ms\nOnUnitActiveSec=300ms'),
      'span.service': work(`${directory}/span`),
      'wall.timer': timer('OnCalendar=*:*:*'),
      'wall.service': work(`${directory}/wall`),
      'once.timer': timer('OnBootSec=0\nRemainAfterElapse=no\nUnit=other.service'),
      'other.service': work(`${directory}/once`),
      'far.timer': timer('OnCalendar=2150-01-01\nPersistent=yes'),
      'far.service': work(`${directory}/far`),
      'lone.timer': '[Timer]\nOnActiveSec=1\n',
    }),
  })
  const at = (name: string) => `${hearth.directory}/${name}`
  const spans = await hearth.file(at('span'), text => lines(text) >= 3)
  t.regex(spans, /^(span\.timer \d+\n)+$/)
  const walls = await hearth.file(at('wall'), text => lines(text) >= 2)
  for (const line of walls.trim().split('\n')) {
    const late = Number(line.split(' ')[1]) % 1_000_000
    t.true(late < 900_000, `a second begins, and the timer elapses: ${late} us late`)
  }
  t.regex(await hearth.file(at('once'), text => lines(text) === 1), /^once\.timer \d+\n$/)
  t.is(await hearth.show('once.timer', 'SubState'), 'dead')
  const list = await hearth.ok('list-timers')
  t.regex(list, /^NEXT +LEFT +LAST +PASSED +UNIT +ACTIVATES$/m)
  t.regex(list, / ago +wall\.timer +wall\.service$/m)
  t.regex(list, /^Thu 2150-01-01 .* left +n\/a +n\/a +far\.timer +far\.service$/m)
  const json = JSON.parse(await hearth.ok('list-timers', '--json', 'far.timer'))
  t.like(json[0], {
    unit: 'far.timer',
    activates: 'far.service',
    last: null,
    next: 5_680_281_600_000_000,
  })
  t.regex(
    await hearth.ok('status', 'far.timer'),
    /Active: active \(waiting\)(?:.|\n)*Trigger: Thu 2150-01-01/,
  )
  t.is(statSync(`${hearth.directory}/state/timers/stamp-far.timer`).size, 0)

  const lone = await hearth.ctl('start', 'lone.timer')
  t.is(lone.code, 1)
  t.regex(
    lone.err,
    /cannot start lone\.timer: lone\.service, which it triggers, is not loaded: cannot find a file for lone\.service/,
  )
  await hearth.ok('stop', 'span.timer', 'wall.timer')
  const stopped = readFileSync(at('wall'), 'utf8')
  t.is((await hearth.ctl('is-active', 'wall.timer')).out.trim(), 'inactive')
  // An edit counts after daemon-reload, for a timer that is up as well.
  hearth.write('far.timer', timer('OnActiveSec=50ms'))
  await hearth.ok('daemon-reload')
  await hearth.file(at('far'))
  t.is(readFileSync(at('wall'), 'utf8'), stopped)
  hearth.signal('SIGTERM')
  t.deepEqual(await hearth.ended, { code: 0, signal: null })
})

test('Persistent=yes makes up, once, for what was missed while the daemon was not there', async t => {
  const state = mkdtempSync(`${tmpdir()}/hearth-state-`)
  t.teardown(() => rmSync(state, { recursive: true, force: true }))
  const stamp = `${state}/timers/stamp-daily.timer`
  const setting = {
    units: (directory: string) => ({
      'daily.timer': timer('OnCalendar=daily\nPersistent=yes'),
      'daily.service': work(`${directory}/ran`),
    }),
    environment: { HEARTH_STATE: state },
  }
  mkdirSync(`${state}/timers`, { recursive: true })
  writeFileSync(stamp, '')
  const aWeekAgo = Date.now() / 1000 - 7 * 86_400
  utimesSync(stamp, aWeekAgo, aWeekAgo)

  const first = await boot(t, setting)
  await first.file(`${first.directory}/ran`)
  t.true(Date.now() - statSync(stamp).mtimeMs < 60_000, 'the stamp says so')
  t.regex(await first.ok('list-timers', '--no-legend'), /left +[A-Z].* ago +daily\.timer/)
  first.signal('SIGTERM')
  await first.ended

  const second = await boot(t, setting)
  t.not(await second.show('daily.timer', 'LastTriggerUSec'), '')
  t.is((await second.ctl('is-active', 'daily.service')).out.trim(), 'inactive')
  t.is(
    await second.show('daily.service', 'InactiveExitTimestampMonotonic'),
    '0',
    'it is not made up for again',
  )
})

test('a stamp that cannot be kept is told, and the timer goes on without', async t => {
  const state = mkdtempSync(`${tmpdir()}/hearth-state-`)
  t.teardown(() => rmSync(state, { recursive: true, force: true }))
  mkdirSync(state, { recursive: true })
  writeFileSync(`${state}/timers`, 'not a directory')
  const hearth = await boot(t, {
    units: directory => ({
      'a.timer': timer('OnActiveSec=0\nPersistent=yes'),
      'a.service': work(`${directory}/ran`),
    }),
    environment: { HEARTH_STATE: state },
  })
  await hearth.file(`${hearth.directory}/ran`)
  t.regex(hearth.err(), /cannot keep the stamp .*stamp-a\.timer: /)
})

test('OnClockChange= hears of the clock being set', async t => {
  // Set to what it shows, a moment later: not for a machine that is used for anything else.
  if (!isRoot || process.env.HEARTH_TEST_CLOCK !== '1') {
    t.log('skipped: it sets the clock of the machine; HEARTH_TEST_CLOCK=1, as root, runs it')
    return t.pass()
  }
  const hearth = await boot(t, {
    units: directory => ({
      'a.timer': timer('OnClockChange=yes'),
      'a.service': work(`${directory}/ran`),
    }),
  })
  t.is(await hearth.show('a.timer', 'SubState'), 'waiting')
  t.is((await run(['sh', '-c', 'date -s "@$(date +%s.%N)"'])).code, 0)
  t.regex(await hearth.file(`${hearth.directory}/ran`), /^a\.timer \d+\n$/)
})
