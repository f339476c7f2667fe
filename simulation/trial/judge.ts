// Whether what a test expects is so, and what is so instead.
import { didYouMean } from '../../daemon/units/errors.ts'
import type { UnitName } from '../../daemon/units/unit.ts'
import type { SimulatedDaemon } from '../daemon.ts'
import { stateWords } from '../tell.ts'
import { isActiveState } from './claims.ts'
import { propertiesOf } from './properties.ts'
import type { Claim, Expectation } from './script.ts'

/** What became of a job that the test asked for: a result, `refused`, or `pending`. */
export type Asked = { verb: string; unit: UnitName; result: string; why: string | null }

export type Verdict = {
  holds: boolean
  /** What is so, in words. */
  actual: string
}
/** A name that is not known: nothing can be said of it. */
export class Unknown extends Error {}

export function judge(
  daemon: SimulatedDaemon,
  asked: readonly Asked[],
  expectation: Expectation,
): Verdict {
  const verdict = verdictOf(daemon, asked, expectation)
  return expectation.isNegated ? { ...verdict, holds: !verdict.holds } : verdict
}

function verdictOf(daemon: SimulatedDaemon, asked: readonly Asked[], claim: Claim): Verdict {
  switch (claim.about) {
    case 'unit':
      return ofUnit(daemon, claim)
    case 'order': {
      const first = daemon.firsts(known(daemon, claim.first)).active
      const second = daemon.firsts(known(daemon, claim.second)).begun
      const actual =
        second === null
          ? `${claim.second} has not been started`
          : first === null
            ? `${claim.second} was started, and ${claim.first} has not been active`
            : `${claim.second} was started ${first < second ? 'after' : 'before'} ${claim.first} was active`
      return { holds: first !== null && second !== null && first < second, actual }
    }
    case 'starts': {
      const unit = known(daemon, claim.unit)
      const count = daemon.effects.filter(
        effect =>
          effect.type === 'spawn' &&
          effect.unit === unit &&
          effect.exec === 'start' &&
          effect.index === 0,
      ).length
      return {
        holds: count >= claim.least && count <= claim.most,
        actual: `it was started ${count} ${count === 1 ? 'time' : 'times'}`,
      }
    }
    case 'job': {
      const unit = known(daemon, claim.unit, claim.result === 'refused')
      const last = asked.findLast(each => each.unit === unit && jobOf(each.verb) === claim.job)
      const actual = last
        ? `the ${claim.job} job was ${last.result}${last.why ? `: ${last.why}` : ''}`
        : `the test has asked for no ${claim.job} of ${unit}`
      return { holds: last?.result === claim.result, actual }
    }
    case 'message': {
      const unit = claim.unit === null ? null : known(daemon, claim.unit)
      const messages = daemon.effects.flatMap(effect =>
        effect.type === 'log' && (unit === null || effect.unit === unit) ? [effect.message] : [],
      )
      const found = messages.find(message => claim.pattern.test(message))
      const latest = messages.at(-1)
      const actual = found
        ? `it said: ${found}`
        : latest === undefined
          ? 'nothing was said'
          : `the last of ${messages.length} messages was: ${latest}`
      return { holds: found !== undefined, actual }
    }
    case 'exit': {
      const { finished } = daemon.around
      const status = finished?.exitStatus ?? 0
      return {
        holds: finished !== null && (claim.status === null || claim.status === status),
        actual: finished ? `hearth ended with status ${status}` : 'hearth is running',
      }
    }
    case 'processes': {
      const unit = claim.unit === null ? null : known(daemon, claim.unit)
      const running = [...daemon.around.processes.values()].filter(
        process => unit === null || process.unit === unit,
      )
      return {
        holds: running.length === 0,
        actual:
          running.length === 0
            ? 'there is none'
            : `there are ${running.map(({ pid, unit: of }) => `${pid} of ${of}`).join(', ')}`,
      }
    }
  }
}

const jobOf = (verb: string) =>
  verb === 'isolate' ? 'start' : verb.includes('reload') ? 'reload' : verb.replace('try-', '')

/** The unit's own name; throws when there is no such unit. */
export function known(daemon: SimulatedDaemon, name: UnitName, mayBeMissing = false): UnitName {
  const unit = daemon.engine.graph.unit(name)
  if (unit.loadState === 'not-found' && !mayBeMissing)
    throw new Unknown(
      `there is no unit ${name}${didYouMean(name, daemon.units.fileNames()) || ' in the directories of the test'}`,
    )
  return unit.id
}

function ofUnit(daemon: SimulatedDaemon, claim: Extract<Claim, { about: 'unit' }>): Verdict {
  const isAboutLoading = claim.properties.some(({ name }) => name === 'LoadState')
  const id = known(daemon, claim.unit, isAboutLoading)
  const unit = daemon.engine.graph.unit(id)
  const state = daemon.stateOf(id)
  const shown = stateWords(unit, state)
  const [active, sub] = shown.slice(0, -1).split(' (')
  const properties = claim.properties.length > 0 ? propertiesOf(daemon, id) : new Map()
  const differing: string[] = []
  for (const { name, value } of claim.properties) {
    const found = properties.get(name)
    if (found === undefined)
      throw new Unknown(`there is no property ${name}${didYouMean(name, properties.keys())}`)
    if (found !== value) differing.push(`${name}=${found}`)
  }
  const job = daemon.engine.state.jobs.get(state?.job ?? 0)
  const actual = [
    `it is ${shown}`,
    ...(differing.length > 0 ? [`with ${differing.join(' ')}`] : []),
    ...(job ? [`its ${job.type} job is ${job.state}`] : []),
  ].join(', ')
  const isInState = claim.states.every(
    word => word === sub || (isActiveState(word) && word === active),
  )
  return { holds: isInState && differing.length === 0, actual }
}
