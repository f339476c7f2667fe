// ctl analyze condition: as systemd-analyze condition.
import { err, ok, type Result } from 'neverthrow'
import { checkConditions, written } from '../../daemon/runtime/conditions.ts'
import type { HostFacts } from '../../daemon/runtime/facts.ts'
import { createUnits } from '../../daemon/units/load.ts'
import type { Condition, Unit } from '../../daemon/units/unit.ts'
import { mangleName } from '../../daemon/units/values/unit-name.ts'
import { complain, readWords, refuse, type Subcommand } from './command.ts'
import { hostFacts, loadUnits, unitFacts } from './host.ts'

/** Tells each on standard error; fails when the conditions, or the asserts, as a whole do not hold. */
export const run: Subcommand = words => {
  const read = readWords(words, { unit: { takes: 'value' } })
  if (typeof read === 'string') return refuse(read)
  const { args, options } = read
  const name = options.get('unit')
  if ((name === undefined) === (args.length === 0))
    return refuse('cannot analyze: expected either conditions or --unit=UNIT')
  const unit = name === undefined ? fromExpressions(args) : fromUnit(name)
  if (unit.isErr()) {
    complain(unit.error)
    return 1
  }
  const facts = hostFacts()
  const { conditions, asserts } = unit.value.unit
  const asserted = tell('Assert', unit.value.id, asserts, facts)
  const conditioned = tell('Condition', unit.value.id, conditions, facts)
  return asserted && conditioned ? 0 : 1
}

function fromUnit(name: string): Result<Unit, string> {
  return mangleName(name).andThen(id => {
    const unit = loadUnits().get(id)
    return unit.loadState === 'loaded' ? ok(unit) : err(unit.loadError ?? `cannot find ${id}`)
  })
}

const NAME = 'ctl-analyze.service'
const FILE = '(command line)'
const SHAPE = /^(?:Condition|Assert)[A-Za-z]+=/

/** A unit whose file has one expression on each line. */
function fromExpressions(expressions: readonly string[]): Result<Unit, string> {
  const wrong = expressions.find(one => !SHAPE.test(one) || one.includes('\n'))
  if (wrong !== undefined)
    return err(
      `cannot read the condition '${wrong}': expected one such as ConditionPathExists=/etc/x`,
    )
  const text = `[Unit]\n${expressions.join('\n')}\n[Service]\nExecStart=/bin/true\n`
  const units = createUnits({
    services: [],
    vendorUnits: [],
    reader: {
      list: () => null,
      read: path => (path === FILE ? ok(new TextEncoder().encode(text)) : err('ENOENT')),
      readlink: () => null,
      realpath: path => path,
    },
    host: unitFacts(),
  })
  const unit = units.fromFile(FILE, NAME)
  const problem = unit.problems[0]
  return problem === undefined ? ok(unit) : err(problem.message)
}

/** Whether all of them hold. */
function tell(
  what: 'Condition' | 'Assert',
  unit: string,
  list: readonly Condition[],
  facts: HostFacts,
): boolean {
  if (list.length === 0) return true
  for (const one of list) {
    const { result, warnings } = checkConditions([{ ...one, trigger: false }], facts)
    complain(
      ...warnings.map(warning => `${unit}: ${warning}`),
      `${unit}: ${what}${written(one)} ${result ? 'succeeded' : 'failed'}.`,
    )
  }
  const { result } = checkConditions(list, facts)
  complain(`${what}s ${result ? 'succeeded' : 'failed'}.`)
  return result
}
