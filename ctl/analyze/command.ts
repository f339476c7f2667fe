// What a subcommand of `ctl analyze` is, and how it reads its words and tells its failures.
import { write } from '../output.ts'

/** Runs it with the words behind its name; gives the exit status. */
export type Subcommand = (words: readonly string[]) => number | Promise<number>

export const print = (...lines: readonly string[]) => write(1, `${lines.join('\n')}\n`)
export const complain = (...lines: readonly string[]) => write(2, `${lines.join('\n')}\n`)

/** What is wrong with the command line, and status 1. */
export function refuse(message: string, hint = 'see: ctl analyze help'): number {
  complain(message, `  ${hint}`)
  return 1
}

export type OptionTable = Readonly<Record<string, { short?: string; takes: 'value' | 'nothing' }>>

export type Words = {
  /** The words that are no options. */
  args: readonly string[]
  /** By long name: the value, or '' where it takes none. */
  options: ReadonlyMap<string, string>
}

/**
 * Reads the words of a subcommand: `--name=value`, `--name value`, short names, `--` ends the options. A word such as `-5s`
 * or `-/bin/true` is no option, nor is an unknown one where they are `kept`. The error is a sentence.
 */
export function readWords(
  words: readonly string[],
  table: OptionTable,
  unknown: 'refused' | 'kept' = 'refused',
): Words | string {
  const args: string[] = []
  const options = new Map<string, string>()
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word === '--') {
      args.push(...words.slice(at + 1))
      break
    }
    const [, name, given] = OPTION.exec(word) ?? []
    const long = name === undefined ? null : findOption(name, table)
    if (name === undefined || (long === null && unknown === 'kept')) {
      args.push(word)
      continue
    }
    if (long === null) return `cannot read the command line: unknown option '${name}'`
    const takes = table[long]?.takes
    if (takes === 'nothing' && given !== undefined)
      return `cannot read the command line: ${name} takes no value`
    const value = takes === 'nothing' ? '' : (given ?? words[++at])
    if (value === undefined) return `cannot read the command line: ${name} wants a value`
    options.set(long, value)
  }
  return { args, options }
}

const OPTION = /^(-[A-Za-z]+|--[A-Za-z][\w-]*)(?:=(.*))?$/s

const findOption = (name: string, table: OptionTable): string | null => {
  for (const [long, { short }] of Object.entries(table))
    if (name === `--${long}` || (short !== undefined && name === `-${short}`)) return long
  return null
}

/** A table as systemd-analyze prints it: columns as wide as their widest cell, those of numbers to the right. */
export function printTable(rows: readonly (readonly string[])[], right: readonly number[]): void {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map(row => row[column]?.length ?? 0)),
  )
  print(
    ...rows.map(row =>
      row
        .map((cell, column) =>
          right.includes(column)
            ? cell.padStart(widths[column] ?? 0)
            : cell.padEnd(widths[column] ?? 0),
        )
        .join(' ')
        .trimEnd(),
    ),
  )
}
