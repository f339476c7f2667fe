// Colours and their absence.

/** Functions that colour a text, or leave it as it is. */
export type Paint = {
  /** Whether texts are coloured at all. */
  readonly on: boolean
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  cyan(text: string): string
  grey(text: string): string
  bold(text: string): string
  underline(text: string): string
}

const RESET = '\x1b[0m'

/** systemctl's colours; `on` false gives functions that change nothing. */
export function createPaint(on: boolean): Paint {
  const colour = (code: string) => (text: string) =>
    on && text !== '' ? `\x1b[${code}m${text}${RESET}` : text
  return {
    on,
    red: colour('1;31'),
    green: colour('1;32'),
    yellow: colour('1;33'),
    cyan: colour('1;36'),
    grey: colour('38;5;245'),
    bold: colour('1'),
    underline: colour('4'),
  }
}

/** Colours are for terminals, and for people who have not asked for none (https://no-color.org). */
export function wantsColour(isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  return isTerminal && !env.NO_COLOR && env.TERM !== 'dumb'
}
