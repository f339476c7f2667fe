import type { Subcommand } from './command.ts'
export const run: Subcommand = () => 0
