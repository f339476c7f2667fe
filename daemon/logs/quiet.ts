// When what work has left behind is given back: once it is quiet, and only if it was much, as collecting takes its time, too.

/** Quiet is so long without work, milliseconds. */
const QUIET_MS = 1000
/** Much is so many turns; a thousand of them leave some megabytes. */
const MUCH = 500

const unrefed = (work: () => void, ms: number) => void setTimeout(work, ms).unref()

/** Tells of turns of work; `release` is called in a quiet moment. Starting up counts as work. */
export function createQuiet(release: () => void, later = unrefed): (turns: number) => void {
  let done = 0
  let isQuiet = false
  let isWatching = false

  const look = () => {
    isWatching = false
    if (isQuiet) {
      done = 0
      release()
    } else watch()
  }
  const watch = () => {
    isQuiet = true
    if (!isWatching) later(look, QUIET_MS)
    isWatching = true
  }
  const work = (turns: number) => {
    done += turns
    if (isWatching) isQuiet = false
    else if (done >= MUCH) watch()
  }
  work(MUCH)
  return work
}
