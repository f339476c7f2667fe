// Sizes as systemctl writes them: `512B`, `1.5M`.

const SUFFIXES = ['K', 'M', 'G', 'T', 'P', 'E'] as const

/** A number of bytes in powers of 1024 with one digit behind the point. */
export function formatBytes(bytes: number): string {
  let suffix = 'B'
  let size = bytes
  for (const next of SUFFIXES) {
    if (size < 1024) break
    size /= 1024
    suffix = next
  }
  // Cut rather than rounded: 1023.99K is not yet 1.0M.
  return suffix === 'B' ? `${bytes}B` : `${(Math.floor(size * 10) / 10).toFixed(1)}${suffix}`
}
