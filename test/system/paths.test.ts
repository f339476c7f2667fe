// Path units under a real PID 1: they react to real files, and stop when it becomes too much.
import { appendFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { boot } from './pid1.ts'

const path = (lines: string) => `[Path]\n${lines}\n[Install]\nWantedBy=paths.target\n`
const lines = (text: string) => text.split('\n').length - 1

test('path units start what they watch for, and watch on when that is done', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      // A queue that its worker empties.
      'queue.path': path(
        `DirectoryNotEmpty=${directory}/spool/queue\nMakeDirectory=yes\nDirectoryMode=0700`,
      ),
      'queue.service': `[Service]\nType=oneshot\nExecStart=/bin/sh -c 'for job in ${directory}/spool/queue/*; do cat "$job" >> ${directory}/done; rm "$job"; done'\n`,
      // A configuration that is read anew.
      'config.path': path(`PathChanged=${directory}/etc/web.conf\nUnit=reread.service`),
      'reread.service': `[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo "$TRIGGER_UNIT $TRIGGER_PATH" >> ${directory}/reread'\n`,
      // What is never taken away.
      'flood.path': path(`PathExistsGlob=${directory}/flood.*`),
      'flood.service': '[Service]\nType=oneshot\nExecStart=/bin/true\n',
    }),
  })
  const { directory } = hearth
  t.true(existsSync(`${directory}/spool/queue`))
  for (const job of ['one', 'two', 'three']) {
    writeFileSync(`${directory}/${job}`, `${job}\n`)
    renameSync(`${directory}/${job}`, `${directory}/spool/queue/${job}`)
    await hearth.file(`${directory}/done`, text => text.endsWith(`${job}\n`))
  }
  mkdirSync(`${directory}/etc`)
  writeFileSync(`${directory}/etc/web.conf`, 'a')
  const first = await hearth.file(`${directory}/reread`, text => lines(text) === 1)
  t.is(first, `config.path ${directory}/etc/web.conf\n`)
  // The path unit watches again as soon as its unit is down.
  await hearth.until('config.path', 'SubState', 'waiting')
  appendFileSync(`${directory}/etc/web.conf`, 'b')
  await hearth.file(`${directory}/reread`, text => lines(text) === 2)

  const list = await hearth.ok('list-paths')
  t.regex(list, /^PATH +CONDITION +UNIT +ACTIVATES$/m)
  t.regex(list, /\/spool\/queue +DirectoryNotEmpty +queue\.path +queue\.service$/m)
  t.regex(list, /^3 paths listed\.$/m)
  t.like(JSON.parse(await hearth.ok('list-paths', '--json', 'config.path'))[0], {
    path: `${directory}/etc/web.conf`,
    condition: 'PathChanged',
    unit: 'config.path',
    activates: 'reread.service',
  })
  t.is(await hearth.show('config.path', 'Paths'), `${directory}/etc/web.conf (PathChanged)`)
  t.regex(await hearth.ok('status', 'queue.path'), /Triggers: .* queue\.service/)

  writeFileSync(`${directory}/flood.1`, '')
  await hearth.said(/Start request repeated too quickly/)
  await hearth.until('flood.path', 'ActiveState', state => state !== 'active')
  t.is(await hearth.show('flood.path', 'Result'), 'unit-start-limit-hit')

  await hearth.ok('stop', 'config.path')
  rmSync(`${directory}/etc/web.conf`)
  await hearth.ok('start', 'config.path')
  t.is(lines(await hearth.file(`${directory}/reread`)), 2, 'nobody watched')
  hearth.signal('SIGTERM')
  t.deepEqual(await hearth.ended, { code: 0, signal: null })
})
