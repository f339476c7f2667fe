// Reads a test file: statements on lines of their own; what is indented belongs to the one above it.
import { dirname, resolve } from 'node:path'
import { err, ok, type Result } from 'neverthrow'
import type { ExecKind } from '../../daemon/engine/event.ts'
import { isUnitName } from '../../daemon/units/values/unit-name.ts'
import { readPhrases } from './phrases.ts'
import type { Mistake, ProcessRule, Script, Setup, Step, Trial } from './script.ts'
import { readStep } from './steps.ts'
import { type Read, readUnit, unknown } from './words.ts'

type Line = { number: number; text: string; indent: number }
/** A statement with the lines that belong to it. */
type Block = Line & { lines: Line[] }

const EXECS: Readonly<Record<string, ExecKind>> = {
  ExecCondition: 'condition',
  ExecStartPre: 'start-pre',
  ExecStart: 'start',
  ExecStartPost: 'start-post',
  ExecReload: 'reload',
  ExecStop: 'stop',
  ExecStopPost: 'stop-post',
}
const SETUP = ['units', 'vendor-units', 'unit', 'process', 'clock', 'zone']
const DAY_OF_THE_TEST = '2026-01-01 00:00:00 UTC'

/** The tests of the file, or all that is wrong with it. */
export function readScript(path: string, text: string): Result<Script, Mistake[]> {
  const mistakes: Mistake[] = []
  const note = (line: number, message: string) => mistakes.push({ line, message })
  const common: Block[] = []
  const trials: { block: Block; title: string }[] = []
  for (const block of blocksOf(text, note)) {
    const [word = '', title] = split(block.text)
    if (word === 'test') {
      if (title === '') note(block.number, 'expected what the test shows: test TITLE')
      if (trials.some(other => other.title === title))
        note(block.number, `there is a test '${title}' already: each wants a title of its own`)
      trials.push({ block, title })
    } else if (SETUP.includes(word)) common.push(block)
    else note(block.number, unknown('statement', word, [...SETUP, 'test']))
  }
  if (trials.length === 0 && mistakes.length === 0)
    note(1, 'there is no test in it: a line `test TITLE`, and its steps indented below')
  const read = trials.map(({ block, title }): Trial => {
    const own = blocksIn(block.lines)
    const isSetup = ({ text: line }: Block) => SETUP.includes(split(line)[0])
    const setup = readSetup(path, [...common, ...own.filter(isSetup)], text, note)
    const steps = own.filter(each => !isSetup(each)).flatMap(each => stepOf(each, note))
    return { title, line: block.number, setup, steps }
  })
  // What is said for all tests is read for each.
  const found = new Map(mistakes.map(each => [`${each.line} ${each.message}`, each]))
  if (found.size > 0) return err([...found.values()].sort((a, b) => a.line - b.line))
  return ok({ path, trials: read })
}

type Note = (line: number, message: string) => void

const split = (text: string): [word: string, rest: string] => {
  const [word = ''] = text.split(/\s/, 1)
  return [word, text.slice(word.length).trim()]
}

function linesOf(text: string): Line[] {
  return text.split('\n').map((line, at) => ({
    number: at + 1,
    text: line.trim(),
    indent: /^[ \t]*/.exec(line)?.[0].length ?? 0,
  }))
}

/** Statements at the left margin, each with what is indented below it. */
function blocksOf(text: string, note: Note): Block[] {
  const blocks: Block[] = []
  for (const line of linesOf(text)) {
    if (line.indent === 0 && line.text !== '' && !line.text.startsWith('#'))
      blocks.push({ ...line, lines: [] })
    else if (line.indent > 0 && line.text !== '') {
      const block = blocks.at(-1)
      if (block) block.lines.push(line)
      else
        note(
          line.number,
          'it is indented and belongs to nothing: begin with a statement such as test TITLE',
        )
    }
  }
  return blocks
}

/** The statements of a test: what is indented further belongs to the one above it. */
function blocksIn(lines: readonly Line[]): Block[] {
  const margin = Math.min(...lines.map(({ indent }) => indent))
  const blocks: Block[] = []
  for (const line of lines) {
    const last = blocks.at(-1)
    if (line.indent > margin && last) last.lines.push(line)
    else if (!line.text.startsWith('#')) blocks.push({ ...line, lines: [] })
  }
  return blocks
}

function stepOf({ number, text, lines }: Block, note: Note): Step[] {
  const [first] = lines.filter(line => !line.text.startsWith('#'))
  if (first)
    note(first.number, `it is indented further than '${text}', which takes no lines of its own`)
  return readStep(text).match(
    step => [{ line: number, text, ...step }],
    message => {
      note(number, message)
      return []
    },
  )
}

function readSetup(path: string, blocks: readonly Block[], text: string, note: Note): Setup {
  const services: string[] = []
  const vendorUnits: string[] = []
  const files = new Map<string, string>()
  const rules: ProcessRule[] = []
  let zone = 'UTC'
  let clock = DAY_OF_THE_TEST
  for (const block of blocks) {
    const [word, rest] = split(block.text)
    if (word === 'units' || word === 'vendor-units') {
      if (rest === '') note(block.number, `expected a directory: ${word} DIRECTORY`)
      const list = word === 'units' ? services : vendorUnits
      for (const one of rest.split(/\s+/)) list.push(resolve(dirname(path), one))
    } else if (word === 'zone') zone = rest
    else if (word === 'clock') clock = /[A-Z]$/i.test(rest) ? rest : `${rest} ${zone}`
    else if (word === 'unit')
      readUnitFile(block, rest, text, note).map(file => files.set(rest, file))
    else
      readRule(rest).match(
        rule => rules.push({ ...rule, line: block.number }),
        message => note(block.number, message),
      )
    const [first] = block.lines
    if (first && word !== 'unit')
      note(first.number, `it is indented, but '${word}' takes no lines of its own`)
  }
  return { services, vendorUnits, files, rules, zone, clock }
}

/** The file of a unit or drop-in, each line where it stands in the test file, so that what is wrong with it is found there. */
function readUnitFile(block: Block, name: string, text: string, note: Note): Result<string, null> {
  const [unit = '', dropIn] = name.split('/')
  const isDropIn = dropIn !== undefined && unit.endsWith('.d') && dropIn.endsWith('.conf')
  if (!isUnitName(name) && !isDropIn) {
    note(
      block.number,
      `expected a name such as web.service or web.service.d/test.conf, not '${name}'`,
    )
    return err(null)
  }
  const last = block.lines.at(-1)?.number ?? 0
  // A unit file's lines may be indented: what is wrong with one stands where it is said to.
  const lines = text.split('\n').map((line, at) => (at >= block.number && at < last ? line : ''))
  return ok(`${lines.slice(0, last).join('\n')}\n`)
}

/** `UNIT [EXEC[N]] [run N|N-M|N+]: PHRASES`. */
function readRule(text: string): Read<Omit<ProcessRule, 'line'>> {
  const form = /^(\S+?)(?: ([A-Z]\w+)(?:\[(\d+)\])?)?(?: run (\d+)(\+|-\d+)?)?\s*: +(.+)$/.exec(
    text,
  )
  if (!form)
    return err(
      `cannot read '${text}': expected what the processes of a unit do, such as process web.service: exits 1 after 3s`,
    )
  const [, name = '', list = 'ExecStart', index, first, more, phrases = ''] = form
  const exec = Object.hasOwn(EXECS, list) ? EXECS[list] : undefined
  if (exec === undefined) return err(unknown('list of commands', list, Object.keys(EXECS)))
  const from = Number(first ?? 1)
  const to =
    first === undefined || more === '+'
      ? Number.POSITIVE_INFINITY
      : more === undefined
        ? from
        : Number(more.slice(1))
  return readUnit(name).andThen(unit =>
    readPhrases(phrases).map(said => ({
      unit,
      exec,
      index: index === undefined ? null : Number(index) - 1,
      runs: { from, to },
      phrases: said,
    })),
  )
}
