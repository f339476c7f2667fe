// What tests have come to, for people and for programs.
import { describePlace } from '../../daemon/units/errors.ts'
import { formatTimespan } from '../../daemon/units/values/format-timespan.ts'
import type { Happening } from '../daemon.ts'
import type { Outcome } from './run.ts'
import type { Mistake } from './script.ts'

/** A file with its tests, or what is wrong with it. */
export type FileReport = {
  path: string
  mistakes: readonly Mistake[]
  outcomes: readonly Outcome[]
}

const MILLISECOND = 1000
const moment = (usec: number) => (usec === 0 ? '0s' : formatTimespan(usec, MILLISECOND))

/** How much of what led to a failure is told unless all is asked for. */
const LATEST = 40

/** The tests of a file: a line for each that passes, what happened for one that does not, or for all of them. */
export function reportLines(
  { path, mistakes, outcomes }: FileReport,
  isVerbose: boolean,
): string[] {
  const problems = [...new Set(outcomes.flatMap(outcome => outcome.problems))]
  return [
    ...mistakes.map(({ line, message }) => {
      const place = describePlace({ file: path, line })
      return `not ok  ${place}: ${message}`
    }),
    ...outcomes.flatMap(outcome => outcomeLines(path, outcome, isVerbose)),
    ...problems.map(problem => `        warning: ${problem}`),
  ]
}

function outcomeLines(path: string, outcome: Outcome, isVerbose: boolean): string[] {
  const { title, failure, timeline, usec } = outcome
  const passed = `(${moment(usec)})`
  if (!failure) return [`ok      ${title} ${passed}`, ...(isVerbose ? timelineLines(timeline) : [])]
  return [
    `not ok  ${title}`,
    `        ${path}:${failure.line}: at ${moment(failure.usec)}`,
    `        expected:  ${failure.expected}`,
    `        happened:  ${failure.actual}`,
    ...timelineLines(timeline, isVerbose ? Number.POSITIVE_INFINITY : LATEST),
    '',
  ]
}

/** A line for each thing that happened, or the latest of them: when, to which unit, what. */
function timelineLines(
  happenings: readonly Happening[],
  most = Number.POSITIVE_INFINITY,
): string[] {
  const all = happenings.filter(({ isMinor }) => !isMinor)
  const timeline = all.slice(-most)
  const moments = timeline.map(({ usec }) => moment(usec))
  const width = Math.max(0, ...moments.map(({ length }) => length))
  const units = Math.max(0, ...timeline.map(({ unit }) => unit?.length ?? 0))
  const lines = timeline.map(({ unit, text }, at) => {
    const when = moments[at] === moments[at - 1] ? '' : (moments[at] ?? '')
    return `        ${when.padStart(width)}  ${unit === null ? text : `${unit.padEnd(units)}  ${text}`}`
  })
  const left = all.length - timeline.length
  return left > 0 ? [`        (${left} lines before that: --verbose)`, ...lines] : lines
}

/** How many there were. */
export function summaryLine(reports: readonly FileReport[], ms: number): string {
  const tests = reports.flatMap(({ outcomes }) => outcomes)
  const failed = tests.filter(({ failure }) => failure).length
  const unread = reports.filter(({ mistakes }) => mistakes.length > 0).length
  return [
    `${tests.length} ${tests.length === 1 ? 'test' : 'tests'}`,
    `${failed} failed`,
    ...(unread > 0 ? [`${unread} ${unread === 1 ? 'file' : 'files'} not understood`] : []),
    `${ms.toFixed(0)} ms`,
  ].join(', ')
}

/** For programs. Times are microseconds since the test began. */
export const reportJson = (reports: readonly FileReport[]) => ({
  ok: reports.every(isOk),
  files: reports.map(({ path, mistakes, outcomes }) => ({
    path,
    mistakes,
    tests: outcomes.map(({ title, line, failure, timeline, problems, usec }) => ({
      title,
      line,
      ok: failure === null,
      usec,
      failure,
      problems,
      timeline,
    })),
  })),
})

export const isOk = ({ mistakes, outcomes }: FileReport): boolean =>
  mistakes.length === 0 && outcomes.every(({ failure }) => failure === null)
