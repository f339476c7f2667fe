// What a test expects, in words: `web.service active`, `db before web`, `web started at most 5 times`.
import { err, ok } from 'neverthrow'
import type { ActiveState, JobResult, ServiceSub, SocketSub } from '../../daemon/engine/state.ts'
import type { Claim, Expectation, Property } from './script.ts'
import { both, type Read, readStatus, readUnit, unknown } from './words.ts'

const ACTIVE: Record<ActiveState, true> = {
  active: true,
  reloading: true,
  inactive: true,
  failed: true,
  activating: true,
  deactivating: true,
  maintenance: true,
}
const SUBS: Record<ServiceSub | SocketSub, true> & Record<string, true> = {
  dead: true,
  condition: true,
  'start-pre': true,
  start: true,
  'start-post': true,
  running: true,
  exited: true,
  reload: true,
  'reload-signal': true,
  'reload-notify': true,
  stop: true,
  'stop-watchdog': true,
  'stop-sigterm': true,
  'stop-sigkill': true,
  'stop-post': true,
  'final-watchdog': true,
  'final-sigterm': true,
  'final-sigkill': true,
  failed: true,
  'auto-restart': true,
  'start-chown': true,
  listening: true,
  'stop-pre': true,
  'stop-pre-sigterm': true,
  'stop-pre-sigkill': true,
  // Timers, paths, mounts.
  waiting: true,
  elapsed: true,
  mounted: true,
  mounting: true,
  unmounting: true,
}
const RESULTS: Record<JobResult | 'refused' | 'pending', true> = {
  done: true,
  canceled: true,
  timeout: true,
  failed: true,
  dependency: true,
  skipped: true,
  invalid: true,
  assert: true,
  unsupported: true,
  collected: true,
  once: true,
  refused: true,
  pending: true,
}
const JOBS = /^(start|stop|restart|reload) (\S+) (\S+)$/
const COUNT = '(never|once|twice|(?:(?:at (?:least|most) )?\\d+ times?))'
const FORMS = [
  'UNIT STATE...',
  'UNIT PROPERTY=VALUE...',
  'UNIT before UNIT',
  'UNIT started [at least|at most] N times',
  'start|stop|restart|reload UNIT RESULT',
  'message [of UNIT] TEXT',
  'exit [STATUS]',
  'no processes [of UNIT]',
]

/** Whether the word names a state that any unit can be in: an ActiveState or a SubState of systemd's. */
export const isActiveState = (word: string): boolean => Object.hasOwn(ACTIVE, word)

/** What stands behind `expect`. */
export function readClaim(text: string): Read<Expectation> {
  const [, not, rest = ''] = /^(not )?(.*)$/.exec(text) ?? []
  return claim(rest).map(found => ({ ...found, text: rest, isNegated: not !== undefined }))
}

function claim(text: string): Read<Claim> {
  const job = JOBS.exec(text)
  if (job) return ofJob(job[1] ?? '', job[2] ?? '', job[3] ?? '')
  const exit = /^exit(?: (\S+))?$/.exec(text)
  if (exit) {
    return exit[1] === undefined
      ? ok({ about: 'exit', status: null })
      : readStatus(exit[1]).map(status => ({ about: 'exit', status }))
  }
  const processes = /^no processes(?: of (\S+))?$/.exec(text)
  if (processes) {
    return processes[1] === undefined
      ? ok({ about: 'processes', unit: null })
      : readUnit(processes[1]).map(unit => ({ about: 'processes', unit }))
  }
  const message = /^message(?: of (\S+))? (.+)$/.exec(text)
  if (message) return ofMessage(message[1], message[2] ?? '')
  const order = /^(\S+) before (\S+)$/.exec(text)
  if (order) {
    return both(readUnit(order[1] ?? ''), readUnit(order[2] ?? '')).map(([first, second]) => ({
      about: 'order',
      first,
      second,
    }))
  }
  const starts = new RegExp(`^(\\S+) started ${COUNT}$`).exec(text)
  if (starts)
    return readUnit(starts[1] ?? '').map(unit => ({
      about: 'starts',
      unit,
      ...bounds(starts[2] ?? ''),
    }))
  return ofUnit(text)
}

function ofUnit(text: string): Read<Claim> {
  const [name = '', ...words] = text.match(/[^\s"=]+(?:="[^"]*"|=\S*)?/g) ?? []
  if (words.length === 0)
    return err(`expected what is to be so: ${FORMS.map(form => `expect ${form}`).join(', ')}`)
  const states: string[] = []
  const properties: Property[] = []
  for (const word of words) {
    const at = word.indexOf('=')
    if (at > 0) {
      const value = word.slice(at + 1).replace(/^"(.*)"$/, '$1')
      properties.push({ name: word.slice(0, at), value })
    } else if (isActiveState(word) || Object.hasOwn(SUBS, word)) states.push(word)
    else return err(unknown('state', word, [...Object.keys(ACTIVE), ...Object.keys(SUBS)]))
  }
  return readUnit(name).map(unit => ({ about: 'unit', unit, states, properties }))
}

function ofJob(job: string, name: string, result: string): Read<Claim> {
  if (!Object.hasOwn(RESULTS, result))
    return err(unknown('result of a job', result, Object.keys(RESULTS)))
  return readUnit(name).map(unit => ({ about: 'job', job, unit, result }))
}

function ofMessage(name: string | undefined, text: string): Read<Claim> {
  const [, source] = /^\/(.*)\/$/.exec(text) ?? []
  let pattern: RegExp
  try {
    pattern = new RegExp(
      source ?? text.replace(/^"(.*)"$/, '$1').replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'),
    )
  } catch {
    return err(`${text} is no regular expression`)
  }
  return name === undefined
    ? ok({ about: 'message', unit: null, pattern })
    : readUnit(name).map(unit => ({ about: 'message', unit, pattern }))
}

function bounds(text: string): { least: number; most: number } {
  const words: Readonly<Record<string, number>> = { never: 0, once: 1, twice: 2 }
  const number = words[text] ?? Number(/\d+/.exec(text)?.[0])
  return {
    least: text.startsWith('at most') ? 0 : number,
    most: text.startsWith('at least') ? Number.POSITIVE_INFINITY : number,
  }
}
