// The sandbox of an ordinary user's daemon: inside a user namespace, where the kernel allows that.
import { readdirSync } from 'node:fs'
import test from 'ava'
import { boot, isRoot, run } from '../system/pid1.ts'
import { shell } from './conformance.ts'

test('an ordinary user’s services have files, network and /tmp of their own', async t => {
  const allowed = isRoot
    ? await run([
        'setpriv',
        '--reuid=nobody',
        '--regid=nogroup',
        '--clear-groups',
        'unshare',
        '-Umn',
        'true',
      ])
    : { code: 1 }
  if (allowed.code !== 0) {
    t.log('skipped: it takes root, and user namespaces for everybody')
    t.pass()
    return
  }
  const check = `test "$(id -u)" = 65534
touch /tmp/mine
if touch /var/tmp/hearth-in-strict 2>/dev/null; then :; else exit 8; fi
if touch /srv/x 2>/dev/null; then exit 9; fi
test -z "$(ls -A /root)"
test "$(ip -o link | wc -l)" = 1
test -c /dev/null
if test -e /dev/vda; then exit 9; fi`
  const hearth = await boot(t, {
    user: 'nobody',
    units: {
      'web.service': `[Service]
Type=oneshot
RemainAfterExit=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateNetwork=yes
ProtectHostname=yes
ExecStart=${shell(check)}
`,
    },
  })
  const started = await hearth.ctl('start', 'web')
  t.is(started.code, 0, `${started.err}${hearth.err()}${(await hearth.ctl('logs', 'web')).out}`)
  const ours = () =>
    readdirSync('/tmp').filter(name => /^hearth-private-.*-web\.service$/.test(name))
  t.is(ours().length, 1)
  await hearth.ok('stop', 'web')
  hearth.signal('SIGTERM')
  await hearth.ended
  t.deepEqual(ours(), [])
})
