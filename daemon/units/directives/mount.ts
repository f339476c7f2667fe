// The directives of [Mount] and [Swap] (systemd.mount(5), systemd.swap(5)).
import { plain, usec, yesNo } from '../print.ts'
import { boolean } from '../values/boolean.ts'
import { integer, mode } from '../values/number.ts'
import { expanded } from '../values/parse.ts'
import { absolutePath } from '../values/path.ts'
import { timeout } from '../values/timespan.ts'
import { type Directive, setting } from './directive.ts'

export const mountDirectives = (): Directive[] => [
  setting('mount', 'What', 'what', expanded, { print: plain }),
  setting('mount', 'Where', 'where', absolutePath, { print: plain }),
  setting('mount', 'Type', 'type', expanded, { print: plain }),
  setting('mount', 'Options', 'options', expanded, { print: plain }),
  setting('mount', 'SloppyOptions', 'sloppyOptions', boolean, { print: yesNo }),
  setting('mount', 'LazyUnmount', 'lazyUnmount', boolean, { print: yesNo }),
  setting('mount', 'ForceUnmount', 'forceUnmount', boolean, { print: yesNo }),
  setting('mount', 'ReadWriteOnly', 'readWriteOnly', boolean, { print: yesNo }),
  setting('mount', 'DirectoryMode', 'directoryMode', mode, {
    print: value => `0${value.toString(8)}`,
  }),
  setting('mount', 'TimeoutSec', 'timeoutUsec', timeout, { print: usec, property: 'TimeoutUSec' }),
]

export const swapDirectives = (): Directive[] => [
  setting('swap', 'What', 'what', expanded, { print: plain }),
  setting('swap', 'Priority', 'priority', integer(-1, 32767), { print: plain }),
  setting('swap', 'Options', 'options', expanded, { print: plain }),
  setting('swap', 'TimeoutSec', 'timeoutUsec', timeout, { print: usec, property: 'TimeoutUSec' }),
]
