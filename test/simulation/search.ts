// Plays many scenarios; of one that fails, the shortest that fails is shown.
import fc from 'fast-check'
import { play, shutDown } from './course.ts'
import { describeScenario, type Scenario, scenario } from './scenario.ts'
import type { World } from './world.ts'

/** What is done with a scenario. */
export const COURSES: Readonly<Record<string, (script: Scenario) => World>> = {
  play,
  shutdown: shutDown,
}

export type Count = { scenarios: number; steps: number; crashes: number }
export type Found = { course: string; error: Error }

/** Plays `runs` scenarios, each by all of the courses, and looks at the world that comes of it; what is wrong with the first that fails, made as short as it can be. */
export function search(
  { runs, seed, courses }: { runs: number; seed: number; courses: readonly string[] },
  count: Count,
  look: (world: World) => void = () => {},
): Found | null {
  let course = ''
  let isFound = false
  const property = fc.property(scenario, script => {
    // What has failed in one course is made shorter in that one.
    for (const name of isFound ? [course] : courses) {
      course = name
      try {
        const world = COURSES[name]?.(script)
        if (!world) continue
        look(world)
        if (isFound) continue
        count.scenarios++
        count.steps += world.steps
        count.crashes += world.crashes
      } catch (error) {
        isFound = true
        throw error
      }
    }
  })
  const { failed, counterexample, errorInstance } = fc.check(property, { numRuns: runs, seed })
  if (!failed) return null
  const [script] = counterexample ?? []
  const error = errorInstance instanceof Error ? errorInstance : new Error(String(errorInstance))
  const found = `; course ${course}, seed ${seed}\n${script ? describeScenario(script) : ''}`
  return { course, error: Object.assign(error, { message: error.message + found }) }
}
