// systemd.service(5): OpenFile= (since systemd 253).
import { conformance } from './conformance.ts'

conformance(
  [
    {
      title:
        'OpenFile= opens files that the service itself may not, by the names given or their own',
      directives: ['OpenFile'],
      settings:
        'User=nobody\nOpenFile=/srv/secret::read-only\nOpenFile=/srv/book:ledger:append\nOpenFile=/srv/none:x:graceful',
      check: [
        '[ "$LISTEN_FDS" = 2 ]',
        '[ "$LISTEN_FDNAMES" = secret:ledger ]',
        '[ "$LISTEN_PID" = $$ ]',
        '[ "$(cat <&3)" = treasure ]',
        'echo more >&4',
        '! cat /srv/secret 2>/dev/null',
      ].join('\n'),
      afterwards: async (t, hearth) => {
        const { out } = await hearth.inside(['cat', '/srv/book'])
        t.is(out, 'first\nmore\n')
      },
    },
    {
      title:
        'a file of OpenFile= that is not there is a failure with 202/FDS, and the message names it',
      directives: ['OpenFile'],
      settings: 'ExecStart=/bin/true\nOpenFile=/srv/none',
      expect: { Result: 'exit-code', ExecMainStatus: '202' },
      said: /OpenFile=\/srv\/none: no such file/,
    },
    {
      title: 'OpenFile= with truncate empties the file',
      directives: ['OpenFile'],
      settings: 'OpenFile=/srv/old::truncate',
      check: 'echo new >&3\n[ "$(cat /srv/old)" = new ]',
    },
  ],
  {
    prepare:
      'echo treasure > /srv/secret; chmod 600 /srv/secret; echo first > /srv/book; echo old > /srv/old',
  },
)
