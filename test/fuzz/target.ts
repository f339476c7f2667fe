// What is fuzzed: something that takes bytes from outside.
export type Target = {
  name: string
  /** Real inputs, to begin with. */
  corpus: readonly Uint8Array[]
  /** What inputs are made of. */
  words?: readonly string[]
  /** Throws when something does not hold. What it gives stands for the way that the input took: one that takes a new way is
   * kept, to be changed further. */
  run(input: Uint8Array): string
}

export function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}

/** A message without what is of the one input alone. */
export const kindOf = (message: string): string =>
  message.replace(/"[^"]*"|'[^']*'|\d+/g, '').slice(0, 40)
export const texts = (...list: readonly string[]) => list.map(text => Buffer.from(text))
