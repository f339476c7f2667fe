// Units that check themselves: each states a directive, and its own process looks whether it holds. All of a file run under
// one real PID 1 in a throw-away copy of this system; each is a test of its own, with the sentence of the manual as its title.
import test, { type ExecutionContext } from 'ava'
import { boot, isRoot, type Pid1, type UnitFiles } from '../system/pid1.ts'

/** What is to be seen of a unit once all have been started. */
export type Afterwards = (t: ExecutionContext, hearth: Pid1, unit: string) => Promise<unknown>

export type Case = {
  /** A sentence of the specification. */
  title: string
  /** What of the manual it checks: names without `=`. */
  directives: readonly string[]
  /** Lines of [Service] (other sections may follow); `Type=oneshot` and the check's ExecStart= are put before them. */
  settings: string
  /** A shell script, each line of which must succeed (begins it with `!`: must not), run by ExecStart=; `$` and `%` are
   * the shell's. */
  check?: string
  /** The unit's name, where it matters; default: made of its number. `@` names are templates started as `NAME@i`. */
  unit?: string
  /** Other files in the unit directory. */
  more?: UnitFiles
  /** What is started in its place; default: the unit itself. */
  start?: string
  /** What becomes of it, by the names of `ctl show`; default: `Result=success`. */
  expect?: Readonly<Record<string, string>>
  /** What becomes of it once it has been started, which is waited for; then there is no default of `expect`. */
  becomes?: Readonly<Record<string, string>>
  /** What the daemon says of the unit while it starts. */
  said?: RegExp
  /** What `ctl verify` says of the unit. */
  verified?: RegExp
  /** What else is to be seen. */
  afterwards?: Afterwards
  /** Why it cannot be tried here; null or absent: it can. */
  skip?: string | null
}

export type Setting = {
  /** Shell text run in the copy of the system before the daemon: users, files, what the units expect. */
  prepare?: string
  /** Shell text run where the daemon is about to be: its environment, its limits. */
  before?: string
  /** Options of the daemon. */
  args?: readonly string[]
}

/** Text as one word of a command line, whatever is in it. */
const word = (text: string) =>
  `'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n').replaceAll('%', '%%')}'`

/** Lines that begin with `!` made to fail when their command does not: for `sh -e` a `!` never fails. */
const strict = (script: string) => script.replace(/^[ \t]*! (.*)$/gm, 'if $1; then exit 9; fi')

/** A command line that runs a shell script, each line of which must succeed, or must not where it begins with `!`. */
export const shell = (script: string) => `:/bin/sh -exc ${word(strict(script))}`

const unitText = ({ settings, check }: Case) =>
  `[Service]\nType=oneshot\n${check === undefined ? '' : `ExecStart=${shell(check)}\n`}${settings}\n`

/** What a check that has been run to its end, and not passed over, shows. */
const ran = ({ settings, check }: Case): Readonly<Record<string, string>> =>
  check === undefined || /^Type=/m.test(settings) ? {} : { ExecMainCode: '1', ExecMainStatus: '0' }

/** Declares a test for each case; the daemon is booted once, before the first of them. */
export function conformance(cases: readonly Case[], setting: Setting = {}): void {
  const nameOf = (one: Case) => one.unit ?? `case-${cases.indexOf(one) + 1}.service`
  const started = (one: Case) => nameOf(one).replace('@.', '@i.')
  const live = cases.filter(one => (one.skip ?? null) === null)
  const ends: (() => unknown)[] = []
  let hearth: Pid1
  let shown: Map<string, Map<string, string>>

  test.before(async t => {
    if (!isRoot) return
    // `teardown` is a test's own: a hook has none.
    const context = { teardown: (end: () => unknown) => ends.push(end), log: t.log, passed: true }
    const units: Record<string, string> = {}
    for (const one of live) Object.assign(units, one.more, { [nameOf(one)]: unitText(one) })
    hearth = await boot(context as unknown as ExecutionContext, {
      units,
      sandbox: setting.prepare ?? ':',
      before: setting.before ?? ':',
      args: setting.args ?? [],
    })
    await hearth.ctl('start', ...live.map(one => one.start ?? started(one)))
    const properties = new Set(live.flatMap(({ expect }) => Object.keys(expect ?? {})))
    const wanted = ['Id', 'Result', 'ExecMainCode', 'ExecMainStatus', ...properties].join(',')
    const { out } = await hearth.ctl('show', ...live.map(started), '-p', wanted)
    shown = new Map(out.split('\n\n').map(propertiesOf))
  })
  test.after.always('the daemon goes', async () => {
    for (const end of ends) await end()
  })

  for (const one of cases) {
    const unit = started(one)
    test(one.title, async t => {
      const reason = isRoot ? (one.skip ?? null) : 'it takes root'
      if (reason !== null) {
        t.log(`skipped: ${reason}`)
        t.pass()
        return
      }
      const expected = one.becomes
        ? { ...one.expect }
        : { Result: 'success', ...(one.expect ?? ran(one)) }
      const found = shown.get(unit) ?? new Map()
      const actual = Object.fromEntries(Object.keys(expected).map(name => [name, found.get(name)]))
      for (const [name, value] of Object.entries(one.becomes ?? {}))
        await hearth.until(unit, name, value)
      const said = hearth
        .err()
        .split('\n')
        .filter(line => line.includes(`"${unit}"`))
      try {
        t.deepEqual(actual, expected)
        if (one.said) t.regex(said.join('\n'), one.said)
        if (one.verified) t.regex((await hearth.ctl('verify', unit)).out, one.verified)
        await one.afterwards?.(t, hearth, unit)
      } finally {
        if (!t.passed) {
          const log = await hearth.ctl('logs', unit)
          t.log(`${one.directives.join(' ')}: ${unit}\n${unitText(one)}\n${log.out}${log.err}`)
          t.log(said.join('\n'))
        }
      }
    })
  }
}

/** A block of `ctl show`, by the unit's name; a property that comes several times is a line each. */
function propertiesOf(block: string): [unit: string, Map<string, string>] {
  const found = new Map<string, string>()
  for (const line of block.trim().split('\n')) {
    const at = line.indexOf('=')
    const name = line.slice(0, at)
    const value = line.slice(at + 1)
    const before = found.get(name)
    found.set(name, before === undefined ? value : `${before}\n${value}`)
  }
  return [found.get('Id') ?? '', found]
}
