// How wide a text is on a terminal, and how to make it fit.

// East Asian wide and fullwidth characters and emoji take two cells (UAX #11), combining marks none.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u
const NONE = /[\p{Mn}\p{Me}]|[\u200b-\u200d]|\ufe0f/u
const PLAIN = /^[\x20-\x7e\u2500-\u257f●○×↻…]*$/

const cells = (character: string) => (NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1)

/** The number of terminal cells that `text` takes; it must hold no control characters. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length
  let width = 0
  for (const character of text) width += cells(character)
  return width
}

/** `text` cut to at most `width` cells, `…` in place of what was cut. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  if (width < 1) return ''
  let taken = ''
  let room = width - 1
  for (const character of text) {
    room -= cells(character)
    if (room < 0) break
    taken += character
  }
  return `${taken}…`
}

/** The same, but cut in the middle: a unit's name tells most at its ends. */
export function cutMiddle(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  if (width < 3) return cut(text, width)
  const tail = Math.floor((width - 1) / 2)
  const end = [...text].slice(-tail).join('')
  return `${cut(text, width - tail)}${end}`
}

/** `text` filled up with spaces to `width` cells. */
export const pad = (text: string, width: number) =>
  text + ' '.repeat(Math.max(0, width - widthOf(text)))
