// The moments at which something is due, in a binary heap that knows where each key sits: moving one costs O(log n).

export interface Deadlines<Key> {
  /** Sets, moves or (null) removes the deadline of `key`; monotonic microseconds. */
  set(key: Key, atUsec: number | null): void
  /** The earliest, or null. */
  earliestUsec(): number | null
  /** The keys due at `nowUsec`, earliest first, those of the same moment in an order of their own; they stay until they are set
   * anew. */
  due(nowUsec: number): Key[]
}

/** Names before numbers. By what they are, not by when they were set: an engine that goes on from a state decides as the one
 * that has come to it. */
const inOrder = (a: string | number, b: string | number): number =>
  typeof a === typeof b ? (a < b ? -1 : 1) : typeof a === 'string' ? -1 : 1

export function createDeadlines<Key extends string | number>(): Deadlines<Key> {
  const heap: { key: Key; at: number }[] = []
  const places = new Map<Key, number>()

  const at = (place: number) => heap[place]?.at ?? Number.POSITIVE_INFINITY

  const swap = (a: number, b: number) => {
    const first = heap[a]
    const second = heap[b]
    if (!first || !second) return
    heap[a] = second
    heap[b] = first
    places.set(second.key, a)
    places.set(first.key, b)
  }

  const settle = (start: number) => {
    let place = start
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (at(parent) <= at(place)) break
      swap(place, parent)
      place = parent
    }
    for (;;) {
      const left = 2 * place + 1
      const child = at(left + 1) < at(left) ? left + 1 : left
      if (at(child) >= at(place)) break
      swap(place, child)
      place = child
    }
  }

  return {
    set(key, atUsec) {
      const place = places.get(key)
      if (atUsec === null) {
        if (place === undefined) return
        swap(place, heap.length - 1)
        heap.pop()
        places.delete(key)
        if (place < heap.length) settle(place)
      } else if (place === undefined) {
        heap.push({ key, at: atUsec })
        places.set(key, heap.length - 1)
        settle(heap.length - 1)
      } else if (at(place) !== atUsec) {
        heap[place] = { key, at: atUsec }
        settle(place)
      }
    },
    earliestUsec: () => heap[0]?.at ?? null,
    due(nowUsec) {
      // A heap's subtree is due only if its root is: this looks at what is due and its children.
      const found: { key: Key; at: number }[] = []
      const look = [0]
      for (let place = look.pop(); place !== undefined; place = look.pop()) {
        const entry = heap[place]
        if (!entry || entry.at > nowUsec) continue
        found.push(entry)
        look.push(2 * place + 1, 2 * place + 2)
      }
      return found.sort((a, b) => a.at - b.at || inOrder(a.key, b.key)).map(entry => entry.key)
    },
  }
}
