// Files put in place whole: nobody reads one that is half written.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** What went wrong, in words, or null. Directories are made. */
export function store(files: readonly { path: string; text: string }[]): string | null {
  for (const { path, text } of files) {
    const fresh = `${path}.${process.pid}`
    try {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(fresh, text, { mode: 0o644 })
      renameSync(fresh, path)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error
      return `cannot write ${path}: ${error.message}`
    }
  }
  return null
}
