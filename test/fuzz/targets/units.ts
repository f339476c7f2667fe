// Unit files: their syntax, and whole units with drop-ins.
import { readdirSync, readFileSync } from 'node:fs'
import { createDirectives } from '../../../daemon/units/directives.ts'
import { readUnitFile } from '../../../daemon/units/syntax.ts'
import { unitsOf } from '../../units/_files.ts'
import { expect, kindOf, type Target, texts } from '../target.ts'

const EXAMPLES = new URL('../../../services.d/', import.meta.url)
const examples = readdirSync(EXAMPLES)
  .filter(name => name.endsWith('.service'))
  .map(name => readFileSync(new URL(name, EXAMPLES)))

const TYPES = ['service', 'socket', 'timer', 'path', 'mount', 'target', 'swap'] as const
const OWN = { service: 'Service', socket: 'Socket', timer: 'Timer', path: 'Path', mount: 'Mount' }
const table = createDirectives()
const directives = ['Unit', 'Install', 'X-Hearth', ...Object.values(OWN)].flatMap(section =>
  table.section(section).map(({ name }) => ({ section, name })),
)

const syntax: Target = {
  name: 'syntax',
  corpus: [
    ...examples,
    ...texts('[Service]\nExecStart=/bin/a \\\n  b\\\n# c\n d\n', '[A]\r\nb=c\rd=\xe9\n\n;x\n[B'),
  ],
  words: ['[Service]', '\\\n', '\\\n#', '\\\r\n', '= ', '\ufeff[A]'],
  run(input) {
    const { assignments, sections, problems } = readUnitFile('/u', input)
    const lines = new TextDecoder().decode(input).split(/\r\n?|\n/).length
    for (const { line, name } of assignments) {
      expect(line >= 1 && line <= lines, `line ${line} of ${lines}`)
      expect(!/^[ \t\n\r]|[ \t\n\r=]$/.test(name), 'a name has spaces or = about it')
    }
    return [
      Math.min(5, assignments.length),
      Math.min(3, sections.length),
      ...new Set(problems.map(({ message }) => kindOf(message))),
    ].join(' ')
  },
}

/** The first line is the type; a line of `%%` begins a drop-in. */
const whole: Target = {
  name: 'units',
  corpus: [
    ...examples.map(text => Buffer.concat([Buffer.from('service\n'), text])),
    ...texts(
      'service\n[Service]\nExecStart=/bin/a\n%%\n[Service]\nExecStart=\nExecStart=-/bin/b %n %i "c d"\n%%\n[Unit]\nAfter=b.service c.mount\n',
      'service\n[Service]\nType=notify\nExecStart=@/bin/a b $C ${D}\nEnvironment="A=b c" D=e\nRestart=on-failure\nSystemCallFilter=~@mount\nUser=web\nMemoryMax=10%\nReadWritePaths=/a -/b\nBindPaths=/a:/b:rbind\n',
      'socket\n[Socket]\nListenStream=80\nListenStream=[::1]:90\nListenFIFO=/run/f\nAccept=yes\nFileDescriptorName=a\n[Install]\nWantedBy=sockets.target\n',
      'timer\n[Timer]\nOnCalendar=Mon..Fri *-*-* 08:00\nOnBootSec=5min\nUnit=b.service\nPersistent=yes\n',
      'path\n[Path]\nPathExistsGlob=/a/*\nPathChanged=/b\nMakeDirectory=yes\n',
      'mount\n[Mount]\nWhat=tmpfs\nWhere=/a\nType=tmpfs\nOptions=size=1M\n',
      'target\n[Unit]\nConditionPathExists=|!/a\nRequires=b.service\nOnFailure=c@%n.service\nAllowIsolate=yes\n',
    ),
  ],
  words: directives.map(({ section, name }) => `\n[${section}]\n${name}=`),
  run(input) {
    const text = Buffer.from(input)
    const end = text.indexOf('\n')
    const word = text.toString('latin1', 0, Math.max(0, end))
    const type = TYPES.find(type => type === word) ?? 'service'
    const parts = text
      .toString('latin1', end + 1)
      .split('%%\n')
      .slice(0, 4)
    const id = `a.${type}`
    const paths = parts.map((_, i) => `/etc/units/${i === 0 ? id : `${id}.d/${i}.conf`}`)
    const files = Object.fromEntries(
      parts.map((part, i) => [paths[i] ?? '', Buffer.from(part, 'latin1')]),
    )
    const units = unitsOf(files)
    const unit = units.get(id)
    const errors = unit.problems.filter(({ severity }) => severity === 'error')
    if (unit.loadState !== 'masked')
      expect(
        (unit.loadState === 'bad-setting') === errors.length > 0,
        `${unit.loadState} with ${errors.length} errors`,
      )
    for (const { place, message } of unit.problems) {
      expect(paths.includes(place.file), `no file of the unit: ${place.file}`)
      expect(message.length > 0 && message.length < 4096, 'a message out of bounds')
    }
    for (const { message } of errors)
      expect(message.startsWith('cannot '), `an error is worded: ${message}`)
    units.fileState(id)
    units.notEnforced(id)
    units.presets([id])
    for (const { place } of units.assignments(id))
      expect(paths.includes(place.file), 'no file of it')
    JSON.stringify(unit)
    return [
      type,
      unit.loadState,
      ...new Set(unit.problems.map(({ message }) => kindOf(message))),
    ].join(' ')
  },
}

export const units = [syntax, whole]
