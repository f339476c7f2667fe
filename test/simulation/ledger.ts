// A ledger in plain memory: what native/ledger.c gives, without a descriptor that an image could inherit.
import type { Ledger } from '../../daemon/runtime/native.ts'
import { STATE_VERSION } from '../../daemon/runtime/persist.ts'

export class MemoryLedger implements Ledger {
  readonly fd = -1
  readonly version = STATE_VERSION
  readonly slots = new ArrayBuffer(4096)
  #records: string[] = []
  /** The account that is being written; null: none. */
  #next: string[] | null = null
  #note = ''

  append(text: string): void {
    const records = this.#next ?? this.#records
    records.push(text)
  }
  bytes(): number {
    return (this.#next ?? this.#records).reduce((sum, text) => sum + text.length, 0)
  }
  read(): string[] {
    return [...this.#records]
  }
  isDamaged(): boolean {
    return false
  }
  begin(): void {
    this.#next = []
  }
  flip(): void {
    this.#records = this.#next ?? []
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
