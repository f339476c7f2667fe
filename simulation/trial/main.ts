// hearth test FILE...: what units come to by what their processes do, on a simulated clock.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { write } from '../../ctl/output.ts'
import { errnoOf, inWords } from '../../daemon/runtime/failure.ts'
import { readScript } from './read.ts'
import { type FileReport, isOk, reportJson, reportLines, summaryLine } from './report.ts'
import { runTrial } from './run.ts'

const USAGE = `Usage: hearth test [OPTIONS] FILE...

Runs the tests of the files: units, what their processes do, and what is to come of it, on a simulated clock. Nothing is started,
and no privileges are needed. Exits with 0 when all is as expected, else with 1. See docs/testing-units.md.

Options:
  -t, --title TEXT  only tests with TEXT in their title
  -v, --verbose     tell what happened in tests that pass, too
  --json            all of it as one JSON object
`

/** Runs `hearth test WORDS...`; gives the exit status. */
export function run(words: readonly string[]): number {
  const read = readWords(words)
  if (typeof read === 'string') {
    write(2, `${read}\n\n${USAGE}`)
    return 1
  }
  const { values, positionals } = read
  if (values.help) {
    write(1, USAGE)
    return 0
  }
  const began = performance.now()
  const reports = positionals.map(path => runFile(path, values.title ?? ''))
  const ms = performance.now() - began
  if (values.json) write(1, `${JSON.stringify(reportJson(reports))}\n`)
  else {
    for (const report of reports) {
      if (reports.length > 1) write(1, `${report.path}\n`)
      write(
        1,
        reportLines(report, values.verbose === true)
          .map(line => `${line}\n`)
          .join(''),
      )
    }
    write(1, `${summaryLine(reports, ms)}\n`)
  }
  return reports.every(isOk) ? 0 : 1
}

function readWords(words: readonly string[]) {
  try {
    const read = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        title: { type: 'string', short: 't' },
        verbose: { type: 'boolean', short: 'v' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (read.positionals.length === 0 && !read.values.help)
      return 'cannot test nothing: expected a file'
    return read
  } catch (error) {
    return `cannot read the command line: ${(error as Error).message}`
  }
}

function runFile(path: string, title: string): FileReport {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const message = `cannot read the file: ${inWords(errnoOf(error))}`
    return { path, mistakes: [{ line: 0, message }], outcomes: [] }
  }
  return readScript(path, text).match(
    script => ({
      path,
      mistakes: [],
      outcomes: script.trials
        .filter(trial => trial.title.includes(title))
        .map(trial => runTrial(path, trial)),
    }),
    mistakes => ({ path, mistakes, outcomes: [] }),
  )
}
