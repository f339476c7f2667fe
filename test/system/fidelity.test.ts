// The fidelity report and --strict, of a real PID 1 with all its capabilities and of one without some.
import test from 'ava'
import { boot, isRoot } from './pid1.ts'

const privileged = isRoot ? test : test.skip
const enabled = '\n[Install]\nWantedBy=multi-user.target\n'
const units = {
  // The kernel needs CAP_SETPCAP for it.
  'confined.service': `[Service]\nExecStart=/bin/sleep infinity\nCapabilityBoundingSet=CAP_CHOWN\nRestart=always\n${enabled}`,
  'lax.service': `[Service]\nExecStart=/bin/sleep infinity\nCapabilityBoundingSet=CAP_CHOWN\n[X-Hearth]\nStrict=no\n${enabled}`,
  'plain.service': `[Service]\nExecStart=/bin/sleep infinity\n${enabled}`,
  'held.service':
    '[Service]\nExecStart=/bin/sleep infinity\nCapabilityBoundingSet=CAP_CHOWN\n[X-Hearth]\nStrict=yes\n',
}

privileged('where everything is allowed the report says so, and --strict starts all', async t => {
  const hearth = await boot(t, { units, args: ['--strict'] })
  await hearth.ok('start', 'held', 'confined')
  const report = await hearth.ctl('fidelity', 'confined')
  t.is(report.code, 0, report.out)
  t.regex(report.out, /^confined\.service \(strict\)$/m)
  t.regex(report.out, /^CapabilityBoundingSet= CAP_CHOWN enforced +\/\S*confined\.service:3$/m)
  t.notRegex(report.out, /ExecStart/)
  t.regex((await hearth.ctl('fidelity', '--all', 'confined')).out, /^ExecStart= .* enforced/m)
  t.notRegex(hearth.err(), /Starts without/)
})

privileged(
  'without a capability the report names it, a unit starts with a warning, and a strict one does not',
  async t => {
    const hearth = await boot(t, {
      units,
      prefix: ['setpriv', '--bounding-set=-setpcap,-sys_admin'],
    })
    const report = await hearth.ctl('fidelity')
    t.is(report.code, 1)
    t.regex(
      report.out,
      /^CapabilityBoundingSet= CAP_CHOWN ignored \(weakens security\) no CAP_SETPCAP /m,
    )
    t.regex(report.out, /less confined than they say: .*confined\.service/)
    const [unit] = JSON.parse((await hearth.ctl('--json', 'fidelity', 'confined')).out)
    t.like(
      unit.directives.find(({ directive }: { directive: string }) =>
        directive.includes('Bounding'),
      ),
      { verdict: 'weakened', reason: 'no CAP_SETPCAP', line: 3 },
    )
    t.is((await hearth.ctl('fidelity', 'plain')).code, 0)

    await hearth.ok('restart', 'confined')
    const said = hearth.err().match(/Starts without CapabilityBoundingSet= \(no CAP_SETPCAP\)/g)
    t.is(said?.length, 2, 'once for confined.service and once for lax.service')

    const held = await hearth.ctl('start', 'held')
    t.is(held.code, 1)
    t.regex(
      held.err,
      /cannot start held\.service: cannot confine it as its file says, and Strict= is on: CapabilityBoundingSet= \(no CAP_SETPCAP\)/,
    )
    t.is(await hearth.show('held', 'ActiveState'), 'failed')
    t.is(await hearth.show('held', 'Result'), 'resources')
    t.regex((await hearth.ctl('status', 'held')).out, /Error: cannot confine it as its file says/)
  },
)

privileged(
  'with --strict a unit that is refused is not tried again, and Strict=no lets one start',
  async t => {
    const hearth = await boot(t, {
      units,
      args: ['--strict'],
      prefix: ['setpriv', '--bounding-set=-setpcap'],
    })
    t.is(await hearth.show('confined', 'ActiveState'), 'failed')
    t.is(await hearth.show('confined', 'NRestarts'), '0')
    t.is(await hearth.show('lax', 'ActiveState'), 'active')
    t.is(await hearth.show('plain', 'ActiveState'), 'active')
  },
)
