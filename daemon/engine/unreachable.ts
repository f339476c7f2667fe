// Two ways to say that only our own mistake can lead here.

/** Closes a `switch`: a case that is missing does not compile, and at run time is a defect. */
export function unreachable(value: never): never {
  throw new Error(`not placed: ${JSON.stringify(value)}`)
}

/** A broken promise of the program itself: throws. */
export function defect(message: string): never {
  throw new Error(message)
}
