// `npm run fuzz -- [--minutes N] [--target NAME] [--seed S]`: every target in turn, a second each, until the time is up. A finding
// ends it, with the input and how to try it again: `--target NAME --input HEX`.
import { parseArgs } from 'node:util'
import { createFuzzer, type Finding, tryInput } from './fuzz.ts'
import { TARGETS } from './targets.ts'

const SLICE_MS = 1000

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    target: { type: 'string' },
    seed: { type: 'string' },
    input: { type: 'string' },
  },
})
const minutes = Number(values.minutes ?? 1)
const first = Number(values.seed ?? Math.floor(Math.random() * 1_000_000))
const names = TARGETS.map(target => target.name).join(', ')
const targets = TARGETS.filter(({ name }) => values.target === undefined || name === values.target)
if (targets.length === 0 || !(minutes >= 0) || !(first >= 0)) {
  console.error(
    `usage: npm run fuzz -- [--minutes N] [--seed N] [--target NAME]; targets: ${names}`,
  )
  process.exit(2)
}

function tell({ target, input, error }: Finding): void {
  const hex = Buffer.from(input).toString('hex')
  console.error(`${target}: ${error.stack}`)
  console.error(`input (text): ${JSON.stringify(Buffer.from(input).toString())}`)
  console.error(`input (hex): ${hex}`)
  console.error(`replay: npm run fuzz -- --target ${target} --input ${hex || "''"}`)
}

const began = performance.now()
const isOver = () => performance.now() - began >= minutes * 60_000

if (values.input !== undefined) {
  const input = Buffer.from(values.input, 'hex')
  const findings = targets.flatMap(target => {
    const { error } = tryInput(target, input)
    return error ? [{ target: target.name, input, error }] : []
  })
  findings.forEach(tell)
  if (findings.length === 0) console.log('nothing found')
  process.exit(findings.length > 0 ? 1 : 0)
}

const totals = new Map(targets.map(({ name }) => [name, { executions: 0, ways: 0 }]))
const summary = () => {
  for (const [name, { executions, ways }] of totals)
    console.log(`${name}: ${executions} executions, ${ways} ways`)
  const all = [...totals.values()].reduce((sum, { executions }) => sum + executions, 0)
  console.log(
    `${all} executions in ${((performance.now() - began) / 1000).toFixed(1)} s, seed ${first}`,
  )
}
const fuzzers = targets.map(target => ({ target, fuzzer: createFuzzer(target, first) }))
while (!isOver()) {
  for (const { target, fuzzer } of fuzzers) {
    const until = performance.now() + SLICE_MS
    const { executions, ways, finding } = fuzzer.run(() => performance.now() >= until || isOver())
    const total = totals.get(target.name)
    if (total) {
      total.executions += executions
      total.ways = ways
    }
    if (!finding) continue
    tell(finding)
    summary()
    process.exit(1)
  }
}
summary()
console.log('nothing found')
