// Files that services and others write: environment files, PID files, log files.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatLine, parseLine } from '../../../daemon/logs/line.ts'
import { parseEnvironmentFile } from '../../../daemon/runtime/environment-file.ts'
import { readPidFile } from '../../../daemon/runtime/pid-file.ts'
import { expect, kindOf, type Target, texts } from '../target.ts'

const environment: Target = {
  name: 'environment-files',
  corpus: texts(
    'A=b\nC="d e"\n# f\nG=\'h\\\ni\'\n',
    'A = b \\\n c\n;x\\\ny\nB="\\"\\`\\$\\\\\\a"\n',
    'export A=1\r\nB=2\r\n=3\n',
  ),
  words: ['=', '"', "'", '\\\n', '#', ';', '\r', 'export '],
  run(input) {
    const text = new TextDecoder().decode(input)
    const found = parseEnvironmentFile(text)
    for (const [name, value] of found) {
      expect(/^[A-Za-z_]\w*$/.test(name), `name ${name}`)
      expect(!value.includes('\0') && value.length <= text.length, 'a value out of bounds')
    }
    // What is written out with quotes is read as the same.
    const quoted = found.map(([name, value]) => `${name}="${value.replace(/["\\`$]/g, '\\$&')}"\n`)
    const again = parseEnvironmentFile(quoted.join(''))
    expect(JSON.stringify(again) === JSON.stringify(found), 'quoted it is read as another')
    return `${Math.min(3, found.length)} ${found
      .map(([, value]) => value.replace(/\w+/g, 'a'))
      .join()
      .slice(0, 20)}`
  },
}

const directory = mkdtempSync(join(tmpdir(), 'hearth-fuzz-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
const path = join(directory, 'pid')

const pidFiles: Target = {
  name: 'pid-files',
  corpus: texts(`${process.ppid}\n`, '1', ' 4711 \nx', '0x10', '99999999999999999999', ''),
  words: [String(process.pid), '\n', ' ', '+', '-'],
  run(input) {
    writeFileSync(path, input)
    const { pid, problem } = readPidFile(path, 'web.service', { unitOf: () => null })
    if (problem !== null) {
      expect(problem.startsWith('cannot take the main process from PIDFile='), problem)
      return kindOf(problem.slice(path.length + 40))
    }
    expect(Number.isSafeInteger(pid) && pid > 1 && pid !== process.pid, `pid ${pid}`)
    return 'taken'
  },
}

const HEAD = '2026-11-25T21:23:32.123456Z 0123456789abcdef0123456789abcdef'
const logLines: Target = {
  name: 'log-lines',
  corpus: texts(
    `${HEAD} err 3 nginx[31]: bind() failed`,
    `${HEAD} out 6 a\\x20b+ part`,
    `${HEAD.replace(/ .*/, ' -')} out 0 x: `,
    `${HEAD} log 4 app[9]= said\t{"CODE_LINE":"7","A":"\\t"}`,
  ),
  words: [
    ' out ',
    ' err ',
    ' log ',
    '[31]',
    ': ',
    '+ ',
    '= ',
    '\t{',
    '"a":"b"',
    '}',
    '\\x5c',
    '\\x',
    'Z ',
    '-',
  ],
  run(input) {
    const bytes = Buffer.from(input)
    const record = parseLine('web.service', bytes, 0, bytes.length)
    if (record === null) return 'none'
    expect(Number.isFinite(record.timeUsec), `time ${record.timeUsec}`)
    const line = formatLine(record)
    const again = parseLine('web.service', line, 0, line.length - 1)
    expect(
      JSON.stringify(again) === JSON.stringify(record),
      `${JSON.stringify(record)} is written as ${line}`,
    )
    const { stream, priority, pid, binary, partial, invocationId, fields } = record
    const kinds = [binary, partial, fields && Object.keys(fields).length]
    return [stream, priority, pid === null, ...kinds, invocationId === ''].join(' ')
  },
}

export const files = [environment, pidFiles, logLines]
