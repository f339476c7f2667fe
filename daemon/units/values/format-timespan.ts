// Time spans in words, as systemd prints them: `1min 30s`, `100ms`.
const UNITS: readonly (readonly [suffix: string, usec: number])[] = [
  ['y', 31_557_600_000_000],
  ['month', 2_629_800_000_000],
  ['w', 604_800_000_000],
  ['d', 86_400_000_000],
  ['h', 3_600_000_000],
  ['min', 60_000_000],
  ['s', 1_000_000],
  ['ms', 1_000],
  ['us', 1],
]

/**
 * A span of microseconds as systemd's format_timespan() writes it. What is smaller than `accuracyUsec` is left out
 * unless it is all there is; below a minute the rest is a decimal fraction.
 */
export function formatTimespan(usec: number, accuracyUsec = 1): string {
  if (usec === Number.POSITIVE_INFINITY) return 'infinity'
  if (usec <= 0) return '0'
  const parts: string[] = []
  let rest = Math.floor(usec)
  for (const [suffix, unit] of UNITS) {
    if (rest <= 0 || (rest < accuracyUsec && parts.length > 0)) break
    if (rest < unit) continue
    const whole = Math.floor(rest / unit)
    const left = rest - whole * unit
    if (rest < 60_000_000 && left > 0) {
      const digits = Math.round(Math.log10(unit)) - Math.max(0, Math.ceil(Math.log10(accuracyUsec)))
      if (digits > 0) {
        const cut = Math.floor(left / 10 ** (Math.round(Math.log10(unit)) - digits))
        parts.push(`${whole}.${String(cut).padStart(digits, '0')}${suffix}`)
        break
      }
    }
    parts.push(`${whole}${suffix}`)
    rest = left
  }
  return parts.join(' ')
}
