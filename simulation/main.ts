// hearth test and hearth replay: the engine without a machine, in a bundle of its own that the daemon does not load.
import { run as replay } from './replay/main.ts'
import { run as test } from './trial/main.ts'

const COMMANDS: Readonly<Record<string, (words: readonly string[]) => number>> = { test, replay }

/** Runs `hearth NAME WORDS...`; gives the exit status. */
export const run = (name: string, words: readonly string[]): number => COMMANDS[name]?.(words) ?? 1
