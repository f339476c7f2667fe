// Random numbers from a seed, so that every run can be had again (xorshift32).
export class Random {
  #state: number
  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 0x9e3779b1) | 1
  }
  /** An integer in [0, limit). */
  below(limit: number): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return (x >>> 0) % limit
  }
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }
}
