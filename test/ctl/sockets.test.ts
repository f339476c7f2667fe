// ctl list-sockets, and ctl status of a socket.
import test from 'ava'
import { createPaint } from '../../ctl/format/paint.ts'
import { formatSockets } from '../../ctl/format/sockets.ts'
import { formatStatus } from '../../ctl/format/status.ts'
import { unitStatus } from './specimens.ts'

const look = { paint: createPaint(false), legend: true, plain: false, width: null }
const sockets = [
  {
    address: '/run/web.sock',
    type: 'Stream',
    unit: 'web.socket',
    active: 'active',
    activates: ['web.service'],
  },
  { address: '[::]:22', type: 'Stream', unit: 'ssh.socket', active: 'active', activates: [] },
]

test('list-sockets has the columns of systemctl, with --show-types the types too', t => {
  t.deepEqual(formatSockets(sockets, { ...look, all: false, showTypes: false }), [
    'LISTEN        UNIT       ACTIVATES',
    '/run/web.sock web.socket web.service',
    '[::]:22       ssh.socket',
    '',
    '2 sockets listed.',
    'Pass --all to see loaded but inactive sockets, too.',
  ])
  t.deepEqual(
    formatSockets(sockets, { ...look, all: true, showTypes: true, legend: false })[0],
    ['/run/web.sock Stream web.socket web.service'][0],
  )
})

test('the status of a socket tells where it listens and how many are connected', t => {
  const status = unitStatus({
    unit: 'ssh.socket',
    main: null,
    listen: [
      { address: '[::]:22', type: 'Stream' },
      { address: '/run/ssh', type: 'Stream' },
    ],
    connections: { accepted: 3, connected: 1, refused: 0 },
  })
  const style = { paint: createPaint(false), host: 'box', terminal: false, width: null }
  const lines = formatStatus(status, style).split('\n')
  t.deepEqual(
    lines.filter(line => /Listen|Accepted/.test(line)),
    [
      '     Listen: [::]:22 (Stream)',
      '     Listen: /run/ssh (Stream)',
      '   Accepted: 3; Connected: 1',
    ],
  )
  const refused = { ...status, connections: { accepted: 3, connected: 1, refused: 2 } }
  t.regex(formatStatus(refused, style), /Accepted: 3; Connected: 1; Refused: 2$/m)
})
