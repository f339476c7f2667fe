// Plays many scenarios; of one that fails, the shortest that fails is shown.
import fc from 'fast-check'
import { describeScenario, type Scenario, scenario } from './scenario.ts'

export function assertScenarios(
  { runs, seed }: { runs: number; seed: number },
  tried: (script: Scenario) => unknown,
): void {
  const { failed, counterexample, errorInstance } = fc.check(
    fc.property(scenario, script => void tried(script)),
    { numRuns: runs, seed },
  )
  if (!failed) return
  const [script] = counterexample ?? []
  const error = errorInstance instanceof Error ? errorInstance : new Error(String(errorInstance))
  const found = `; seed ${seed}\n${script ? describeScenario(script) : ''}`
  throw Object.assign(error, { message: error.message + found })
}
