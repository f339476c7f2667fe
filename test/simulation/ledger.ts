// A ledger in plain memory: what native/ledger.c gives, without a descriptor that an image could inherit.
import type { Ledger } from '../../daemon/runtime/native.ts'
import { STATE_VERSION } from '../../daemon/runtime/persist.ts'

export class MemoryLedger implements Ledger {
  readonly fd = -1
  readonly version = STATE_VERSION
  readonly slots = new ArrayBuffer(4096)
  #records: string[] = []
  #bytes = 0
  /** The account that is being written; null: none. */
  #next: string[] | null = null
  #nextBytes = 0
  #note = ''

  append(text: string): void {
    if (this.#next) {
      this.#next.push(text)
      this.#nextBytes += text.length
    } else {
      this.#records.push(text)
      this.#bytes += text.length
    }
  }
  pack(text: string): void {
    this.append(text)
  }
  bytes(): number {
    return this.#next ? this.#nextBytes : this.#bytes
  }
  read(): string[] {
    return [...this.#records]
  }
  isDamaged(): boolean {
    return false
  }
  begin(): void {
    this.#next = []
    this.#nextBytes = 0
  }
  flip(): void {
    this.#records = this.#next ?? []
    this.#bytes = this.#next ? this.#nextBytes : 0
    this.#next = null
  }
  note(text: string): void {
    this.#note = text
  }
  readNote(): string {
    return this.#note
  }
  /** As the next image finds it. */
  reopen(): this {
    this.#next = null
    return this
  }
}
