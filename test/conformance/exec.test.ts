// systemd.exec(5): users, process properties, environment, streams, directories.
import { conformance } from './conformance.ts'

conformance([
  {
    title: 'LimitNOFILE= sets the soft and the hard limit',
    directives: ['LimitNOFILE'],
    settings: 'LimitNOFILE=100:200',
    check: '[ "$(ulimit -Sn)" = 100 ]\n[ "$(ulimit -Hn)" = 200 ]',
  },
  {
    title: 'a program that is not there ends with 203/EXEC, and the message says so',
    directives: ['ExecStart'],
    settings: 'ExecStart=/nowhere/program',
    expect: { Result: 'exit-code', ExecMainStatus: '203' },
    said: /\/nowhere\/program: no such file or directory/,
  },
])
