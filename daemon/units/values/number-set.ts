// Sets of small numbers, CPUs and NUMA nodes: `0-3 5,7` (systemd.exec(5), CPUAffinity=).
import { err, ok, type Result } from 'neverthrow'

/** What the kernel's masks can hold here. */
const MOST = 8192

/** Numbers and ranges, divided by white space or commas; each number once, in order. */
export function readNumberSet(text: string): Result<readonly number[], string> {
  const set = new Set<number>()
  for (const part of text.split(/[\s,]+/)) {
    if (part === '') continue
    const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? []
    const first = Number(from)
    const last = to === undefined ? first : Number(to)
    if (from === undefined || last >= MOST) return err('expected numbers and ranges, such as 0-3 5')
    if (first > last) return err(`expected a range from the lower to the higher, not ${part}`)
    for (let number = first; number <= last; number++) set.add(number)
  }
  return ok([...set].sort((a, b) => a - b))
}

/** `0-3 5`, as `ctl show` prints it. */
export function numberSetText(numbers: readonly number[]): string {
  const ranges: string[] = []
  for (let at = 0; at < numbers.length; ) {
    let end = at
    while (numbers[end + 1] === (numbers[end] ?? 0) + 1) end++
    ranges.push(end === at ? `${numbers[at]}` : `${numbers[at]}-${numbers[end]}`)
    at = end + 1
  }
  return ranges.join(' ')
}
