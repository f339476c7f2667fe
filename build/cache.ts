// Keeps V8's bytecode of the programs: hearth is run once, with a service or two, and asked by ctl, so that the functions
// that every start needs are in it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

const UNITS = {
  'lasting.service': '[Service]\nExecStart=/bin/sleep 60\n[Install]\nWantedBy=default.target\n',
  'passing.service':
    '[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo done"\n[Install]\nWantedBy=default.target\n',
}
const READY_MS = 20_000
const END_MS = 20_000

/** Ends the run; false if it had to be killed. */
async function end(hearth: ChildProcess): Promise<boolean> {
  const exited = new Promise<boolean>(resolve => hearth.once('exit', () => resolve(true)))
  hearth.kill('SIGTERM')
  const ended =
    hearth.exitCode !== null ||
    (await Promise.race([exited, setTimeout(END_MS, false, { ref: false })]))
  if (!ended) hearth.kill('SIGKILL')
  return ended
}

/** dist/hearth.cache and dist/ctl.cache. False where hearth cannot run: it then works without, some 10 ms slower. */
export async function makeCaches(root: string): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-build-'))
  const env = {
    PATH: '/usr/bin:/bin',
    HEARTH_MAKE_CACHE: '1',
    HEARTH_RUNTIME: directory,
    HEARTH_LOGS: join(directory, 'logs'),
  }
  for (const [name, text] of Object.entries(UNITS)) writeFileSync(join(directory, name), text)
  const hearth = spawn(join(root, 'dist/hearth'), ['--services', directory], {
    env,
    stdio: 'ignore',
  })
  hearth.on('error', () => {})
  const isUp = () => {
    const { status } = spawnSync(join(root, 'dist/ctl'), ['is-active', 'lasting.service'], {
      env,
      stdio: 'ignore',
    })
    return status === 0
  }
  try {
    const until = Date.now() + READY_MS
    let up = isUp()
    while (!up && hearth.exitCode === null && Date.now() < until) {
      await setTimeout(50)
      up = isUp()
    }
    return (await end(hearth)) && up
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
