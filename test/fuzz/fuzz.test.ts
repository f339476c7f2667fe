// A few changed inputs for each target, always the same ones; `npm run fuzz` tries others, for as long as wanted.
import test from 'ava'
import { createFuzzer } from './fuzz.ts'
import { TARGETS } from './targets.ts'

const executions = Number(process.env.HEARTH_FUZZ_RUNS ?? 150)
const seed = Number(process.env.HEARTH_FUZZ_SEED ?? 1)

for (const target of TARGETS) {
  test(`whatever the bytes are, ${target.name} hold what is said of them`, t => {
    const { finding } = createFuzzer(target, seed).run(done => done >= executions)
    const hex = finding && Buffer.from(finding.input).toString('hex')
    t.is(finding?.error.message, undefined, `seed ${seed}, input ${hex}`)
  })
}
