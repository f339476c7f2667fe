// The dot in front of a unit and its colour.
import type { Paint } from './paint.ts'

const DOTS: Readonly<Record<string, string>> = {
  active: '●',
  reloading: '↻',
  inactive: '○',
  maintenance: '○',
  failed: '×',
  activating: '●',
  deactivating: '●',
}

/** systemctl's sign for an ActiveState, not coloured. */
export const dotOf = (active: string) => DOTS[active] ?? '○'

/** Colours a text by ActiveState: green for what is up, red for what has failed. */
export function paintActive(paint: Paint, active: string, text: string): string {
  if (active === 'failed') return paint.red(text)
  return active === 'active' || active === 'reloading' ? paint.green(text) : text
}

/** The coloured dot. */
export const paintedDot = (paint: Paint, active: string) =>
  paintActive(paint, active, dotOf(active))

/** LoadStates that are wrong and shown in red. */
export const isBadLoad = (load: string) =>
  load === 'error' || load === 'not-found' || load === 'bad-setting'
