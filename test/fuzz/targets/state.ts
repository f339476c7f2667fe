// The daemon's records, damaged: they are refused, or give the state that was written. Not a third.

import { readSync, writeSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { type Ledger, native as loadNative } from '../../../daemon/runtime/native.ts'
import { type Leftover, readLedger, STATE_VERSION } from '../../../daemon/runtime/persist.ts'
import { MemoryLedger } from '../../simulation/ledger.ts'
import { unit } from '../../simulation/units.ts'
import { SECOND, World } from '../../simulation/world.ts'
import { expect, kindOf, type Target } from '../target.ts'

const native = loadNative()
const HEADER_BYTES = 64 * 1024
const AREA_BYTES = 1 << 29

/** The records of a small machine's boot. */
function boot(): string[] {
  const ledger = new MemoryLedger()
  const world = new World({
    ledger,
    units: [
      unit('web.service', { requires: ['db.service'], after: ['db.service'] }),
      unit('db.service'),
    ],
  })
  world.start('web.service').pass(SECOND).die('db.service').pass(SECOND)
  return ledger.read()
}

type Written = { ledger: Ledger; bytes: number; leftover: Leftover | null }
/** Behind the magic number and the version, which are looked at when it is opened: a mapping is never given back. */
const OPENED_BYTES = 12

/** A ledger of two accounts, the second in force; what it says. */
function write(): Written {
  const records = boot()
  const ledger = native.ledger('fuzz', STATE_VERSION)
  for (const record of records.slice(0, -1)) ledger.append(record)
  ledger.begin()
  for (const record of records) ledger.append(record)
  ledger.flip()
  return { ledger, bytes: ledger.bytes(), leftover: readLedger(ledger).leftover }
}
const written = write()

/** Each five bytes are a place (header, slots or records) and what its byte is changed by. */
const damage: Target = {
  name: 'state',
  corpus: [
    Buffer.from([0, 0, 0, 0, 1]),
    Buffer.from([1, 0, 0, 8, 1]),
    Buffer.from([2, 0, 0, 16, 1]),
    Buffer.from([2, 0, 1, 16, 255, 2, 0, 2, 0, 7]),
  ],
  run(input) {
    const bytes = Buffer.from(input)
    const undo: [at: number, byte: Buffer][] = []
    const { ledger } = written
    const { fd } = ledger
    for (let i = 0; i + 5 <= bytes.length && i < 40; i += 5) {
      const place = bytes.readUInt32BE(i) & 0xff_ffff
      const isHeader = (bytes[i] ?? 0) % 4 === 0
      // Both areas are the size of their records: beyond there is nothing.
      const at = isHeader
        ? OPENED_BYTES + (place % 52)
        : HEADER_BYTES + AREA_BYTES + (place % (written.bytes + 64))
      const byte = Buffer.alloc(1)
      readSync(fd, byte, 0, 1, at)
      undo.push([at, Buffer.from(byte)])
      byte[0] = (byte[0] ?? 0) ^ (bytes[i + 4] ?? 0)
      writeSync(fd, byte, 0, 1, at)
    }
    try {
      const { leftover } = readLedger(ledger)
      expect(isDeepStrictEqual(leftover, written.leftover), 'another state is read without a word')
      return 'as it was'
    } catch (error) {
      const { message } = error as Error
      if (!/^the state /.test(message)) throw error
      return kindOf(message)
    } finally {
      for (const [at, byte] of undo.reverse()) writeSync(fd, byte, 0, 1, at)
    }
  },
}

export const state = [damage]
