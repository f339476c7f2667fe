// The directives of [Path] (systemd.path(5)).
import { ok } from 'neverthrow'
import { octal, usec, yesNo } from '../print.ts'
import type { PathCondition, PathSettings } from '../unit.ts'
import { boolean } from '../values/boolean.ts'
import { integer, mode } from '../values/number.ts'
import { absolutePath } from '../values/path.ts'
import { timespan } from '../values/timespan.ts'
import { custom, type Directive, setting, take } from './directive.ts'
import { triggered } from './timer.ts'

/** An empty assignment to any of them takes back all of them. */
const watched = (name: PathCondition): Directive =>
  custom(
    name,
    (draft, text, context) => {
      if (text === '') {
        delete draft.path.watched
        return ok()
      }
      return take(absolutePath(text, context), path => {
        draft.path.watched = [...(draft.path.watched ?? []), { condition: name, path }]
      })
    },
    [],
    { needs: ['inotify'], fallback: 'fails' },
  )

/** systemd's words: `/run/x (PathExists)`, a line each. */
const printWatched = (list: PathSettings['watched']) =>
  list.map(({ condition, path }) => `${path} (${condition})`)

export const pathDirectives = (): Directive[] => [
  {
    ...watched('PathExists'),
    properties: [{ name: 'Paths', print: unit => printWatched(unit.path?.watched ?? []) }],
  },
  watched('PathExistsGlob'),
  watched('PathChanged'),
  watched('PathModified'),
  watched('DirectoryNotEmpty'),
  setting('path', 'Unit', 'unit', triggered('path')),
  setting('path', 'MakeDirectory', 'makeDirectory', boolean, { print: yesNo }),
  setting('path', 'DirectoryMode', 'directoryMode', mode, { print: octal }),
  setting('path', 'TriggerLimitIntervalSec', 'triggerLimitIntervalUsec', timespan, {
    print: usec,
    property: 'TriggerLimitIntervalUSec',
  }),
  setting('path', 'TriggerLimitBurst', 'triggerLimitBurst', integer(0, 4294967295), {
    print: String,
  }),
]
