// systemd.exec(5): standard input and output, terminals, what is logged; IPC objects that stay behind.
import { readFileSync } from 'node:fs'
import { type Afterwards, conformance, shell } from './conformance.ts'

/** Makes a terminal whose other end it holds, with a name in the file system, and says what it hears, and
 * whether what was open of it before has been hung up. */
const TERMINAL = `import os, pty, sys, termios
master, slave = pty.openpty()
os.symlink(os.ttyname(slave), sys.argv[1])
os.close(os.open(os.ttyname(slave), os.O_RDWR | os.O_NOCTTY))
os.system("systemd-notify --ready")
while True:
    os.write(1, os.read(master, 1000))
    try: slave is None or termios.tcgetattr(slave)
    except termios.error: slave = os.write(1, b"[hung up]") and None
`
const terminal = (path: string) =>
  `[Service]\nType=notify\nNotifyAccess=all\nExecStart=/usr/bin/python3 /etc/test/terminal.py ${path}\n`
const on = (name: string) => `[Unit]\nRequires=${name}.service\nAfter=${name}.service\n`

/** The unit's log holds these lines, with these priorities. */
const saysAt =
  (...expected: [priority: number, text: string][]): Afterwards =>
  async (t, hearth, unit) => {
    const log = await hearth.ok('logs', '--json', unit)
    const lines = log.split('\n').map(text => JSON.parse(text))
    for (const [priority, text] of expected)
      t.is(lines.find(({ message }) => message === text)?.priority, priority, text)
  }

conformance(
  [
    {
      title: 'standard input is /dev/null, standard output and error are the unit’s log',
      directives: ['StandardInput', 'StandardOutput', 'StandardError'],
      settings: '',
      check:
        '[ "$(readlink /proc/$$/fd/0)" = /dev/null ]\ncase $(readlink /proc/$$/fd/1) in pipe:*) ;; *) false ;; esac\necho to stdout\necho to stderr >&2',
      afterwards: async (t, hearth, unit) => {
        const log = await hearth.ok('logs', unit)
        t.regex(log, /sh\[\d+\]: to stdout/)
        t.regex(log, /sh\[\d+\]: to stderr/)
      },
    },
    {
      title: 'StandardInput=file: reads the file',
      directives: ['StandardInput'],
      settings: 'StandardInput=file:/etc/test/input',
      check: 'read line\n[ "$line" = "a line" ]',
    },
    {
      title: 'StandardInput= of a file that is not there ends with 208/STDIN',
      directives: ['StandardInput'],
      settings: 'StandardInput=file:/etc/test/none',
      check: 'true',
      expect: { Result: 'exit-code', ExecMainStatus: '208' },
      said: /cannot set up StandardInput=file:\/etc\/test\/none: no such file or directory/,
    },
    {
      title: 'StandardInputText= and StandardInputData= are what the process reads',
      directives: ['StandardInputText', 'StandardInputData'],
      settings:
        'StandardInputText=first \\x41\\tB %%\nStandardInputData=c2Vjb25k \\\n  Cg==\nStandardInputText=third',
      check: '[ "$(cat)" = "$(printf \'first A\\tB %%\\nsecond\\nthird\')" ]',
    },
    {
      title:
        'StandardOutput=file: overwrites from the beginning, append: adds, truncate: empties first',
      directives: ['StandardOutput', 'StandardError'],
      settings: `StandardOutput=file:/run/file\nStandardError=append:/run/append\nExecStartPost=${shell('[ "$(tr -d "\\n" < /run/file)" = newcontent ]\n[ "$(head -1 /run/append)" = old ]\ngrep -qx errors /run/append')}`,
      check: 'echo new\necho errors >&2',
      expect: { StandardOutput: 'file', StandardError: 'append', WatchdogUSec: 'infinity' },
    },
    {
      title: 'StandardOutput=truncate: empties first, and StandardError=inherit goes there too',
      directives: ['StandardOutput', 'StandardError'],
      settings: `UMask=0077\nStandardOutput=truncate:/run/truncate\nStandardError=inherit\nExecStartPost=${shell('grep -c . /run/truncate')}`,
      check: '[ -s /run/truncate ]\n[ "$(readlink /proc/$$/fd/2)" = /run/truncate ]\necho x',
      afterwards: async (t, { pid }) => {
        const text = readFileSync(`/proc/${pid}/root/run/truncate`, 'utf8')
        t.notRegex(text, /was here before/)
      },
    },
    {
      title:
        'StandardOutput= in a directory that is not there ends with 209/STDOUT, and the message says so',
      directives: ['StandardOutput'],
      settings: 'StandardOutput=append:/no/where',
      check: 'true',
      expect: { Result: 'exit-code', ExecMainStatus: '209' },
      said: /cannot set up StandardOutput=append:\/no\/where: no such file or directory/,
    },
    {
      title: 'StandardOutput=kmsg without a kernel log goes to the unit’s log, and that is said',
      directives: ['StandardOutput'],
      settings: 'StandardOutput=kmsg',
      check: 'echo to the kernel',
      said: /StandardOutput=kmsg goes to the unit's log: cannot open \/dev\/kmsg/,
      afterwards: async (t, hearth, unit) =>
        t.regex(await hearth.ok('logs', unit), /to the kernel/),
    },
    {
      title: 'SyslogIdentifier= is the name in the log',
      directives: ['SyslogIdentifier'],
      settings: 'SyslogIdentifier=wren',
      check: 'echo sung',
      afterwards: async (t, hearth, unit) =>
        t.regex(await hearth.ok('logs', unit), /wren\[\d+\]: sung/),
    },
    {
      title: 'SyslogLevel= is the priority of lines, which may begin with one of their own',
      directives: ['SyslogLevel', 'SyslogLevelPrefix'],
      settings: 'SyslogLevel=err',
      check: 'echo plain\necho "<4>prefixed"',
      afterwards: saysAt([3, 'plain'], [4, 'prefixed']),
    },
    {
      title: 'SyslogLevelPrefix=no leaves the lines as they are',
      directives: ['SyslogLevelPrefix'],
      settings: 'SyslogLevel=debug\nSyslogLevelPrefix=no',
      check: 'echo "<4>kept"',
      afterwards: saysAt([7, '<4>kept']),
    },
    {
      title: 'LogLevelMax=, LogRateLimitBurst= and LogFilterPatterns= keep lines out of the log',
      directives: [
        ...['LogLevelMax', 'LogRateLimitIntervalSec', 'LogRateLimitBurst', 'LogFilterPatterns'],
        'LogExtraFields',
      ],
      settings:
        'LogLevelMax=info\nLogRateLimitIntervalSec=1h\nLogRateLimitBurst=2\nLogFilterPatterns=~secret\nLogExtraFields=TEAM=birds',
      check: 'echo "<7>whisper"\necho secret\nseq 5',
      afterwards: async (t, hearth, unit) => {
        const log = await hearth.ok('logs', '--json', unit)
        t.deepEqual(
          log
            .trim()
            .split('\n')
            .map(text => JSON.parse(text))
            .map(({ message, fields }) => [message, fields.TEAM])
            .filter(([message]) => message.length < 10),
          [
            ['1', 'birds'],
            ['2', 'birds'],
          ],
        )
      },
    },
    {
      title:
        'StandardInput=tty is the controlling terminal, of the unit’s user, reset and with its size',
      directives: [
        ...['StandardInput', 'TTYPath', 'TTYReset', 'TTYVHangup', 'TTYVTDisallocate'],
        ...['TTYRows', 'TTYColumns'],
      ],
      settings: `User=ada\nStandardInput=tty\nTTYPath=/run/tty-one\nTTYReset=yes\nTTYVHangup=yes\nTTYVTDisallocate=yes\nTTYRows=40\nTTYColumns=132\n${on('one')}`,
      check:
        '[ "$(tty)" = "$(readlink /run/tty-one)" ]\n: > /dev/tty\n[ -t 1 ]\n[ -t 2 ]\n[ "$(stty size)" = "40 132" ]\nstty | grep -q ixon && false\n[ "$(stat -Lc %U /run/tty-one)" = ada ]\n[ "$TERM" = vt220 ]',
      more: { 'one.service': terminal('/run/tty-one') },
      afterwards: async (t, hearth) => {
        const shown = async () => {
          const log = await hearth.ok('logs', '--json', 'one')
          return log
            .split('\n')
            .map(line => JSON.parse(line).message)
            .join('\n')
        }
        // Whoever holds the other end is told of it by the kernel, in his own time.
        let text = await shown()
        for (let i = 0; i < 200 && !text.includes('[hung up]'); i++) text = await shown()
        t.true(text.includes('\u001b[H\u001b[2J'), 'the screen is cleared')
        t.true(text.includes('[hung up]'))
      },
    },
    {
      title: 'StandardOutput=tty writes to a terminal without owning it',
      directives: ['StandardOutput', 'TTYPath'],
      settings: `StandardOutput=tty\nTTYPath=/run/tty-two\n${on('two')}`,
      check:
        '[ "$(readlink /proc/$$/fd/1)" = "$(readlink /run/tty-two)" ]\n! (exec 9> /dev/tty)\necho hello there',
      more: { 'two.service': terminal('/run/tty-two') },
      afterwards: async (t, hearth) => {
        const log = await hearth.ok('logs', 'two')
        t.regex(log, /hello there/)
        t.notRegex(log, /hung up/)
      },
    },
    {
      title: 'StandardInput=tty-fail ends with 208/STDIN when another session has the terminal',
      directives: ['StandardInput'],
      settings: `StandardInput=tty-fail\nTTYPath=/run/tty-three\n${on('holder')}`,
      check: 'true',
      expect: { Result: 'exit-code', ExecMainStatus: '208' },
      said: /the terminal belongs to another session/,
      more: {
        'three.service': terminal('/run/tty-three'),
        'holder.service': `[Unit]\nRequires=three.service\nAfter=three.service\n[Service]\nExecStart=/bin/sleep infinity\nType=exec\nStandardInput=tty\nTTYPath=/run/tty-three\n`,
      },
    },
    {
      title: 'RemoveIPC= removes what the user has left of System V and POSIX IPC',
      directives: ['RemoveIPC'],
      settings: 'User=ivy\nRemoveIPC=yes',
      check:
        'ipcmk -M 100\nipcmk -S 1\nipcmk -Q\ntouch /dev/shm/ivys\n[ "$(ipcs -m | grep -c ivy)" = 1 ]',
      afterwards: async (t, hearth) => {
        const { out } = await hearth.inside(['sh', '-c', 'ipcs; ls /dev/shm'])
        t.notRegex(out, /ivy/)
      },
    },
    {
      title:
        'a bad value is told with its file, its line and what was expected, and stops nothing else',
      directives: ['OOMScoreAdjust'],
      unit: 'bad.service',
      settings: 'OOMScoreAdjust=much',
      check: 'true',
      expect: { Result: 'success', LoadState: 'bad-setting' },
      verified:
        /bad.service:4: .*cannot read OOMScoreAdjust=much: expected a whole number from -1000 to 1000/,
    },
  ],
  {
    prepare: `useradd -m -s /bin/sh ada; useradd ivy
mkdir -p /etc/test; echo 'a line' > /etc/test/input
printf 'old content' > /run/file; echo old > /run/append; echo was here before > /run/truncate
cat > /etc/test/terminal.py <<'END'
${TERMINAL}END`,
  },
)
