// systemd.exec(5): the environment of the processes, and the directories that are made for them.
import { existsSync } from 'node:fs'
import { conformance, shell } from './conformance.ts'

const inside = (pid: number, path: string) => existsSync(`/proc/${pid}/root${path}`)

conformance(
  [
    {
      title:
        'Environment= takes several assignments, quoted ones, and several lines; the later win',
      directives: ['Environment'],
      settings:
        'Environment="ONE=word1 word2" TWO=word3 "THREE=$word 5 6"\nEnvironment=TWO=again FOUR=\nEnvironment=PERCENT=%%n UNIT=%n',
      check:
        '[ "$ONE" = "word1 word2" ]\n[ "$TWO" = again ]\n[ "$THREE" = "\\$word 5 6" ]\n[ "${FOUR-unset}" = "" ]\n[ "$PERCENT $UNIT" = "%n case-1.service" ]',
    },
    {
      title: 'an empty Environment= takes back what came before',
      directives: ['Environment'],
      settings: 'Environment=A=1\nEnvironment=\nEnvironment=B=2',
      check: '[ "${A-unset}$B" = unset2 ]',
    },
    {
      title:
        'EnvironmentFile= reads quotes, escapes, comments and continued lines, and beats Environment=',
      directives: ['EnvironmentFile'],
      settings: 'Environment=PLAIN=x\nEnvironmentFile=/etc/test/main.env',
      check:
        '[ "$PLAIN" = plain ]\n[ "$SPACED" = "a b" ]\n[ "$SINGLE" = "it is \\$HOME" ]\n[ "$DOUBLE" = "q\\"\\$x" ]\n[ "$LONG" = "one two" ]\n[ "${COMMENTED-unset}" = unset ]\n[ "$TRAILING" = end ]\n[ "$HASH" = "a#b" ]',
    },
    {
      title: 'EnvironmentFile= takes patterns, in order of name, and - for what may be missing',
      directives: ['EnvironmentFile'],
      settings:
        'EnvironmentFile=/etc/test/conf.d/*.conf\nEnvironmentFile=-/etc/test/none.env\nEnvironmentFile=-/etc/test/none/*.env',
      check: '[ "$A $B" = "second first" ]',
    },
    {
      title: 'EnvironmentFile= that is missing stops the start, and the message tells the mend',
      directives: ['EnvironmentFile'],
      settings: 'EnvironmentFile=/etc/test/none.env',
      check: 'true',
      expect: { Result: 'resources' },
      said: /cannot read EnvironmentFile=\/etc\/test\/none.env: no such file or directory; write EnvironmentFile=-\/etc\/test\/none.env if it may be missing \(.*\/case-5.service:4\)/,
    },
    {
      title: 'EnvironmentFile= that is a directory says so',
      directives: ['EnvironmentFile'],
      settings: 'EnvironmentFile=/etc/test/conf.d',
      check: 'true',
      expect: { Result: 'resources' },
      said: /cannot read EnvironmentFile=\/etc\/test\/conf.d: it is a directory/,
    },
    {
      title: 'PassEnvironment= passes on what the daemon was given, and nothing else comes through',
      directives: ['PassEnvironment'],
      settings: 'PassEnvironment=SHARED MISSING',
      check: '[ "$SHARED" = "by the daemon" ]\n! printenv MISSING\n! printenv SECRET',
    },
    {
      title: 'UnsetEnvironment= takes away by name and by assignment, last of all',
      directives: ['UnsetEnvironment'],
      settings:
        'Environment=A=1 B=2 C=3 LANG=x\nUnsetEnvironment=A B=2 C=4\nUnsetEnvironment=LANG INVOCATION_ID',
      check: '[ "${A-}${B-}$C${LANG-}${INVOCATION_ID-}" = 3 ]',
    },
    {
      title: 'a service finds PATH, LANG, its invocation id and the pid it was started as',
      directives: ['Environment'],
      settings: '',
      check:
        '[ "$PATH" = /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ]\n[ "$LANG" = C.UTF-8 ]\n[ ${#INVOCATION_ID} = 32 ]\n[ "$SYSTEMD_EXEC_PID" = $$ ]\n! printenv HOME\n! printenv JOURNAL_STREAM\n! printenv NOTIFY_SOCKET\n! printenv MANAGERPID\n! printenv WATCHDOG_USEC\n! printenv LISTEN_FDS',
    },
    {
      title: 'one that is watched finds WATCHDOG_USEC, WATCHDOG_PID and NOTIFY_SOCKET',
      directives: ['WatchdogSec', 'NotifyAccess'],
      settings: 'Type=notify\nWatchdogSec=1min\nRemainAfterExit=yes',
      expect: { NotifyAccess: 'main', WatchdogUSec: '1min' },
      check:
        '[ "$WATCHDOG_USEC" = 60000000 ]\n[ "$WATCHDOG_PID" = $$ ]\n[ -S "$NOTIFY_SOCKET" ]\nexec systemd-notify --ready',
    },
    {
      title: 'ExecStop= and ExecStopPost= are told how it ended',
      directives: ['ExecStop', 'ExecStopPost', 'PIDFile'],
      settings: `Type=simple\nPIDFile=/run/case.pid\nExecStopPost=${shell('echo "$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS $PIDFILE" > /run/ended')}`,
      check: 'exit 7',
      expect: { Result: 'exit-code' },
      afterwards: async (t, hearth) => {
        const text = await hearth.file(`/proc/${hearth.pid}/root/run/ended`, all => all !== '')
        t.is(text, 'exit-code exited 7 /run/case.pid\n')
      },
    },
    {
      title: 'ExecSearchPath= is where bare names are looked up, and PATH',
      directives: ['ExecSearchPath'],
      settings: 'ExecSearchPath=/opt/test/bin:/usr/bin\nExecStart=greet',
      check: '[ "$PATH" = /opt/test/bin:/usr/bin ]',
    },
    {
      title: 'RuntimeDirectory= and its like are made with owner and mode, and told in variables',
      directives: [
        ...['RuntimeDirectory', 'StateDirectory', 'CacheDirectory', 'LogsDirectory'],
        ...['ConfigurationDirectory', 'RuntimeDirectoryMode', 'StateDirectoryMode'],
      ],
      settings:
        'User=ada\nRuntimeDirectory=one one/two\nRuntimeDirectoryMode=0700\nStateDirectory=three:four\nStateDirectoryMode=0750\nCacheDirectory=three\nLogsDirectory=three\nConfigurationDirectory=three',
      check: `[ "$RUNTIME_DIRECTORY" = /run/one:/run/one/two ]
[ "$STATE_DIRECTORY $CACHE_DIRECTORY" = "/var/lib/three /var/cache/three" ]
[ "$LOGS_DIRECTORY $CONFIGURATION_DIRECTORY" = "/var/log/three /etc/three" ]
[ "$(stat -c '%U %G %a' /run/one/two)" = "ada ada 700" ]
[ "$(stat -c '%U %G %a' /var/lib/three)" = "ada ada 750" ]
[ "$(stat -c '%U %G %a' /var/cache/three)" = "ada ada 755" ]
[ "$(stat -c '%U %G %a' /etc/three)" = "root root 755" ]
[ "$(readlink /var/lib/four)" = three ]
touch /run/one/two/x /var/lib/four/x /var/log/three/x`,
      afterwards: async (t, { pid }) => {
        t.false(inside(pid, '/run/one'), 'the runtime directory goes with the unit')
        t.true(inside(pid, '/var/lib/three/x'))
      },
    },
    {
      title: 'each kind of directory has its mode',
      directives: ['CacheDirectoryMode', 'LogsDirectoryMode', 'ConfigurationDirectoryMode'],
      settings:
        'CacheDirectory=modes\nCacheDirectoryMode=0701\nLogsDirectory=modes\nLogsDirectoryMode=0702\nConfigurationDirectory=modes\nConfigurationDirectoryMode=0704',
      check:
        '[ "$(stat -c %a $CACHE_DIRECTORY $LOGS_DIRECTORY $CONFIGURATION_DIRECTORY | tr "\\n" " ")" = "701 702 704 " ]',
    },
    {
      title: 'StateDirectory= of another owner is given to the unit’s user with all that is in it',
      directives: ['StateDirectory'],
      settings: 'User=ada\nStateDirectory=old',
      check: '[ "$(stat -c %U /var/lib/old /var/lib/old/deep/file | tr "\\n" " ")" = "ada ada " ]',
    },
    {
      title: 'RuntimeDirectoryPreserve=yes keeps it',
      directives: ['RuntimeDirectoryPreserve'],
      settings: 'RuntimeDirectory=keep\nRuntimeDirectoryPreserve=yes',
      check: '[ -d /run/keep ]',
      afterwards: async (t, { pid }) => t.true(inside(pid, '/run/keep')),
    },
    {
      title: 'ctl clean removes the runtime and cache directories, and with --what= the others',
      directives: ['CacheDirectory', 'StateDirectory', 'TimeoutCleanSec'],
      unit: 'tidy.service',
      settings:
        'CacheDirectory=tidy/cache\nStateDirectory=tidy:tidied\nRuntimeDirectory=tidy\nRuntimeDirectoryPreserve=yes\nTimeoutCleanSec=1min\nType=simple',
      check:
        'mkdir -p $STATE_DIRECTORY/deep $CACHE_DIRECTORY/deep\ntouch $STATE_DIRECTORY/deep/file $CACHE_DIRECTORY/deep/file\n: > /run/ready\nread line < /run/wait',
      afterwards: async (t, hearth, unit) => {
        const { pid } = hearth
        await hearth.file(`/proc/${pid}/root/run/ready`)
        const early = await hearth.ctl('clean', unit)
        t.is(early.code, 1)
        t.regex(early.err, /cannot clean tidy.service: it is active/)
        await hearth.ok('stop', unit)
        await hearth.ok('clean', unit)
        t.false(inside(pid, '/var/cache/tidy/cache') || inside(pid, '/run/tidy'))
        t.true(inside(pid, '/var/lib/tidy/deep/file'))
        await hearth.ok('clean', '--what=all', unit)
        t.false(inside(pid, '/var/lib/tidy') || inside(pid, '/var/lib/tidied'))
        t.is((await hearth.ctl('clean', '--what=logs', unit)).code, 1)
        t.is((await hearth.ctl('clean', '--what=dust', unit)).code, 1)
      },
    },
    {
      title: 'a file in place of a directory ends with the status of its kind',
      directives: ['CacheDirectory'],
      settings: 'CacheDirectory=file',
      check: 'true',
      expect: { Result: 'exit-code', ExecMainStatus: '239' },
      said: /cannot make CacheDirectory=file at \/var\/cache\/file: /,
    },
    {
      title: 'DynamicUser= runs as a user of the unit’s name, with directories that are its own',
      directives: ['DynamicUser', 'StateDirectory', 'NoNewPrivileges'],
      unit: 'dynamo.service',
      settings: 'DynamicUser=yes\nStateDirectory=dynamo\nRuntimeDirectory=dynamo',
      check: `[ "$USER $LOGNAME $HOME $SHELL" = "dynamo dynamo / /usr/sbin/nologin" ]
[ "$(id -u)" -ge 61184 ]
[ "$(id -u)" = "$(id -g)" ]
grep -q 'NoNewPrivs:.1' /proc/self/status
touch $STATE_DIRECTORY/file $RUNTIME_DIRECTORY/file /tmp/file
! touch /usr/file /etc/file
[ "$(stat -c %a /var/lib/private)" = 755 ]
[ "$(stat -c %u $STATE_DIRECTORY/file)" = "$(id -u)" ]`,
      afterwards: async (t, hearth) => {
        const { pid } = hearth
        t.true(inside(pid, '/var/lib/private/dynamo/file') && inside(pid, '/var/lib/dynamo/file'))
        t.false(inside(pid, '/run/dynamo') || inside(pid, '/tmp/file'))
        const { out } = await hearth.inside(['stat', '-c', '%U %a', '/var/lib/private'])
        t.is(out, 'root 700\n')
      },
      expect: { RemoveIPC: 'yes', RestrictSUIDSGID: 'yes' },
    },
    {
      title:
        'LoadCredential= and SetCredential= are files for the unit’s user alone, read-only, gone with the unit',
      directives: ['LoadCredential', 'SetCredential', 'ImportCredential'],
      unit: 'creds.service',
      settings:
        'User=ada\nLoadCredential=secret:/etc/test/secret\nLoadCredential=stored\nLoadCredential=tree:/etc/test/conf.d\nLoadCredential=nowhere\nSetCredential=set:a\\nb\\x00%n:c\nSetCredential=secret:not this\nImportCredential=im*\nEnvironment=SPECIFIED=%d',
      check: `[ "$CREDENTIALS_DIRECTORY" = /run/credentials/creds.service ]
[ "$SPECIFIED" = "$CREDENTIALS_DIRECTORY" ]
cd $CREDENTIALS_DIRECTORY
[ "$(ls | tr '\\n' ' ')" = "import secret set stored tree_1.conf tree_2.conf " ]
[ "$(cat secret stored import)" = "$(printf 'hush\\nstored\\nimported')" ]
[ "$(od -An -c set | tr -d ' ')" = 'a\\nb\\0%n:c' ]
[ "$(stat -c '%U %a' . secret | tr '\\n' ' ')" = "ada 500 ada 400 " ]
! chmod u+w secret
! touch new`,
      said: /LoadCredential=nowhere is left out/,
      afterwards: async (t, { pid }) => t.false(inside(pid, '/run/credentials/creds.service')),
    },
    {
      title: 'LoadCredential= of a file that is not there ends with 243/CREDENTIALS',
      directives: ['LoadCredential'],
      settings: 'LoadCredential=secret:/etc/test/none',
      check: 'true',
      expect: { Result: 'exit-code', ExecMainStatus: '243' },
      said: /cannot load LoadCredential=secret:\/etc\/test\/none: no such file or directory/,
    },
    {
      title: 'LoadCredential= of a file that is not there falls back to SetCredential=',
      directives: ['LoadCredential', 'SetCredential'],
      settings: 'LoadCredential=a:/etc/test/none\nSetCredential=a:fallback',
      check: '[ "$(cat $CREDENTIALS_DIRECTORY/a)" = fallback ]',
    },
    {
      title:
        'LoadCredential= of a socket is what whoever listens gives, who is told which unit wants which credential',
      directives: ['LoadCredential'],
      settings:
        'LoadCredential=key:/run/giver\nExecStartPre=/bin/true\n[Unit]\nWants=giver.socket\nAfter=giver.socket',
      unit: 'asker.service',
      more: {
        'giver.socket': '[Socket]\nListenStream=/run/giver\nAccept=yes\n',
        // The daemon serves others while it waits.
        'giver@.service': `[Service]\nStandardOutput=socket\nExecStart=:/usr/bin/python3 -c 'from socket import *; import time; time.sleep(0.2); s = socket(fileno=1); s.sendall(s.getpeername()); s.sendall(b"!" * 300000)'\n`,
      },
      check: `tr -d '\\0!' <"$CREDENTIALS_DIRECTORY/key" | grep -qE '^[0-9a-f]{16}/unit/asker.service/key$'
        [ "$(tr -dc '!' <"$CREDENTIALS_DIRECTORY/key" | wc -c)" = 300000 ]`,
    },
    {
      title: 'LoadCredential= of a socket at which nobody listens ends with 243/CREDENTIALS',
      directives: ['LoadCredential'],
      settings: 'LoadCredential=key:/run/deserted',
      check: 'true',
      expect: { Result: 'exit-code', ExecMainStatus: '243' },
      said: /cannot load LoadCredential=key:\/run\/deserted: nobody answers there: /,
    },
    {
      title: 'a daemon that is executed anew while it waits for a credential asks again',
      directives: ['LoadCredential'],
      settings: 'Type=exec\nLoadCredential=key:/run/slow\nExecStart=/bin/sleep 1000',
      unit: 'patient.service',
      start: 'slow.socket',
      more: {
        'slow.socket': '[Socket]\nListenStream=/run/slow\nAccept=yes\n',
        'slow@.service': `[Service]\nStandardOutput=socket\nExecStart=/bin/sh -c 'while [ ! -e /run/go ]; do sleep 0.05; done; echo key'\n`,
      },
      expect: {},
      async afterwards(t, hearth, unit) {
        const started = hearth.ctl('start', unit)
        await hearth.until(unit, 'SubState', 'start')
        await hearth.ok('daemon-reexec')
        t.is(await hearth.show(unit, 'SubState'), 'start')
        await hearth.inside(['touch', '/run/go'])
        t.is((await started).code, 0)
        t.is(await hearth.show(unit, 'NRestarts'), '0')
        const key = `/run/credentials/${unit}/key`
        t.is((await hearth.inside(['cat', key])).out, 'key\n')
      },
    },
    {
      title: 'LoadCredentialEncrypted= is told to be out of reach',
      directives: ['LoadCredentialEncrypted'],
      settings: 'LoadCredentialEncrypted=a:/etc/test/secret',
      check: '! printenv CREDENTIALS_DIRECTORY',
      verified: /LoadCredentialEncrypted.*no key of the machine/,
    },
    {
      title: 'DynamicUser= with the User= of somebody real is that one',
      directives: ['DynamicUser'],
      settings: 'DynamicUser=yes\nUser=ada',
      check: '[ "$(id -un)" = ada ]',
    },
  ],
  {
    prepare: `mkfifo /run/wait; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/run/deserted")'; useradd -m -s /bin/sh ada
mkdir -p /etc/credstore /run/credstore
echo stored > /etc/credstore/stored; echo imported > /run/credstore/import
mkdir -p /etc/test/conf.d /opt/test/bin /var/lib/old/deep /var/cache
echo hush > /etc/test/secret; chmod 600 /etc/test/secret
touch /var/lib/old/deep/file /var/cache/file
printf '%s\\n' 'PLAIN=plain' 'SPACED = "a b"' "SINGLE='it is \\$HOME'" 'DOUBLE="q\\"\\$x"' 'LONG=one \\' 'two' '# COMMENTED=1' '; COMMENTED=2' 'TRAILING=end   ' 'HASH=a#b' > /etc/test/main.env
echo A=first > /etc/test/conf.d/1.conf; echo B=first >> /etc/test/conf.d/1.conf; echo A=second > /etc/test/conf.d/2.conf
printf '#!/bin/sh\\nexit 0\\n' > /opt/test/bin/greet; chmod 755 /opt/test/bin/greet`,
    before: "export SHARED='by the daemon' SECRET=none",
  },
)
