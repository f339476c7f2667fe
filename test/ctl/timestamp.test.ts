import test from 'ava'
import {
  formatShort,
  formatShortIso,
  formatShortPrecise,
  formatTimestamp,
} from '../../ctl/format/timestamp.ts'

const usec = Date.UTC(2026, 10, 25, 21, 23, 32) * 1000 + 12_345

/** Node reads TZ anew when it is assigned. */
const zone = (name: string) => {
  process.env.TZ = name
}

test.serial('a moment is written as systemctl does, with the abbreviation of the zone', t => {
  zone('UTC')
  t.is(formatTimestamp(usec), 'Wed 2026-11-25 21:23:32 UTC')
  zone('Europe/Berlin')
  t.is(formatTimestamp(usec), 'Wed 2026-11-25 22:23:32 CET')
  zone('America/New_York')
  t.is(formatTimestamp(usec), 'Wed 2026-11-25 16:23:32 EST')
})

test.serial('a zone without an abbreviation is written as its offset', t => {
  zone('America/Sao_Paulo')
  t.is(formatTimestamp(usec), 'Wed 2026-11-25 18:23:32 -03')
})

test.serial('log lines have the stamps of journalctl', t => {
  zone('Asia/Kolkata')
  t.is(formatShort(usec), 'Nov 26 02:53:32')
  t.is(formatShortPrecise(usec), 'Nov 26 02:53:32.012345')
  t.is(formatShortIso(usec), '2026-11-26T02:53:32+0530')
  zone('UTC')
  t.is(formatShortIso(usec), '2026-11-25T21:23:32+0000')
})
