// Time spans in words, as systemd prints them: `1min 30s`, `100ms`.
const UNITS: readonly (readonly [suffix: string, usec: bigint, decimals: number])[] = [
  ['y', 31_557_600_000_000n, 0],
  ['month', 2_629_800_000_000n, 0],
  ['w', 604_800_000_000n, 0],
  ['d', 86_400_000_000n, 0],
  ['h', 3_600_000_000n, 0],
  ['min', 60_000_000n, 0],
  ['s', 1_000_000n, 6],
  ['ms', 1_000n, 3],
  ['us', 1n, 0],
]

/**
 * A span of microseconds as systemd's format_timespan() writes it. What is smaller than `accuracyUsec` is left out
 * unless it is all there is; below a minute the rest is a decimal fraction.
 */
export function formatTimespan(usec: number | bigint, accuracyUsec = 1): string {
  if (usec === Number.POSITIVE_INFINITY) return 'infinity'
  if (usec <= 0) return '0'
  const parts: string[] = []
  let rest = typeof usec === 'bigint' ? usec : BigInt(Math.floor(usec))
  const hidden = Math.max(0, Math.ceil(Math.log10(accuracyUsec)))
  for (const [suffix, unit, decimals] of UNITS) {
    if (rest <= 0 || (rest < accuracyUsec && parts.length > 0)) break
    if (rest < unit) continue
    const whole = rest / unit
    const left = rest % unit
    const digits = decimals - hidden
    if (digits > 0 && left > 0) {
      const cut = left / 10n ** BigInt(hidden)
      parts.push(`${whole}.${String(cut).padStart(digits, '0')}${suffix}`)
      break
    }
    parts.push(`${whole}${suffix}`)
    rest = left
  }
  return parts.join(' ')
}
