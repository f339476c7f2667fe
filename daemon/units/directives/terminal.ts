// The terminal that a unit's streams may be (systemd.exec(5), TTYPath= and its like).
import { err, ok } from 'neverthrow'
import { plain, yesNo } from '../print.ts'
import { boolean } from '../values/boolean.ts'
import type { Parse } from '../values/parse.ts'
import { absolutePath } from '../values/path.ts'
import { type Directive, setting } from './directive.ts'

/** Rows or columns; what the kernel's struct winsize can hold. */
const size: Parse<number> = (text, context) =>
  context
    .expand(text)
    .andThen(word =>
      /^\d{1,5}$/.test(word) && Number(word) >= 1 && Number(word) <= 65535
        ? ok(Number(word))
        : err('expected a number from 1 to 65535'),
    )

export const terminalDirectives = (): Directive[] => [
  setting('exec', 'TTYPath', 'ttyPath', absolutePath, { print: plain }),
  setting('exec', 'TTYReset', 'ttyReset', boolean, { print: yesNo }),
  setting('exec', 'TTYVHangup', 'ttyVhangup', boolean, { print: yesNo }),
  setting('exec', 'TTYVTDisallocate', 'ttyVtDisallocate', boolean, { print: yesNo }),
  setting('exec', 'TTYRows', 'ttyRows', size, { print: value => String(value ?? 65535) }),
  setting('exec', 'TTYColumns', 'ttyColumns', size, { print: value => String(value ?? 65535) }),
]
