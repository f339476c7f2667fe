// Credentials that a unit's processes find in $CREDENTIALS_DIRECTORY (systemd.exec(5), CREDENTIALS).
import { err, ok, type Result } from 'neverthrow'
import { plain } from '../print.ts'
import type { ExecSettings } from '../unit.ts'
import type { ValueContext } from '../values/parse.ts'
import { absolutePath } from '../values/path.ts'
import { unescapeBytes } from '../values/unescape.ts'
import { custom, type Directive, ignored, take } from './directive.ts'

/** A file's name that is also one of a descriptor: printable, without a colon. */
const NAME = /^(?!\.{1,2}$)[\x20-\x2e\x30-\x39\x3b-\x7e]{1,255}$/
const EXPECTED_NAME = 'expected the name of a credential: printable, without / and :'

const divided = (text: string): [name: string, rest: string | null] => {
  const colon = text.indexOf(':')
  return colon < 0 ? [text, null] : [text.slice(0, colon), text.slice(colon + 1)]
}

const credentialName = (text: string, context: ValueContext): Result<string, string> =>
  context.expand(text).andThen(name => (NAME.test(name) ? ok(name) : err(EXPECTED_NAME)))

type Load = ExecSettings['loadCredentials'][number]

/** `NAME` or `NAME:SOURCE`, an absolute path or a name to be looked up in the credential store. */
const load = (text: string, context: ValueContext): Result<Load, string> => {
  const [first, rest] = divided(text)
  return credentialName(first, context).andThen(name => {
    if (rest === null || rest === '') return ok({ name, source: name })
    return context.expand(rest).andThen(source => {
      if (source.startsWith('/'))
        return absolutePath(source, context).map(path => ({ name, source: path }))
      return NAME.test(source)
        ? ok({ name, source })
        : err('expected an absolute path behind the colon, or a name in the credential store')
    })
  })
}

/** `NAME:VALUE`, with C escapes in the value. */
const set = (text: string, context: ValueContext) => {
  const [first, rest] = divided(text)
  if (rest === null || rest === '') return err<never, string>('expected NAME:VALUE')
  // No specifiers in the value: a percent sign in a password is one.
  return credentialName(first, context).andThen(name =>
    unescapeBytes(rest).map(data => ({ name, data })),
  )
}

const ENCRYPTED =
  'hearth has no key of the machine to decrypt it with; use the directive without Encrypted'

export const credentialDirectives = (): Directive[] => [
  custom(
    'LoadCredential',
    (draft, text, context) => {
      if (text === '') {
        delete draft.exec.loadCredentials
        return ok()
      }
      return take(load(text, context), added => {
        const others = (draft.exec.loadCredentials ?? []).filter(({ name }) => name !== added.name)
        draft.exec.loadCredentials = [...others, added]
      })
    },
    [],
    {
      properties: [
        {
          name: 'LoadCredential',
          print: ({ exec }) =>
            (exec?.loadCredentials ?? []).map(({ name, source }) => `${name}:${source}`),
        },
      ],
    },
  ),
  custom(
    'SetCredential',
    (draft, text, context) => {
      if (text === '') {
        delete draft.exec.setCredentials
        return ok()
      }
      return take(set(text, context), added => {
        const others = (draft.exec.setCredentials ?? []).filter(({ name }) => name !== added.name)
        draft.exec.setCredentials = [...others, added]
      })
    },
    [],
    {
      // The values are nobody's business.
      properties: [
        {
          name: 'SetCredential',
          print: ({ exec }) => (exec?.setCredentials ?? []).map(({ name }) => plain(name)),
        },
      ],
    },
  ),
  custom(
    'ImportCredential',
    (draft, text, context) => {
      if (text === '') {
        delete draft.exec.importCredentials
        return ok()
      }
      return take(context.expand(text), pattern => {
        draft.exec.importCredentials = [...(draft.exec.importCredentials ?? []), pattern]
      })
    },
    [],
    {
      properties: [
        { name: 'ImportCredential', print: ({ exec }) => [...(exec?.importCredentials ?? [])] },
      ],
    },
  ),
  ignored('LoadCredentialEncrypted', 'not-enforced', ENCRYPTED),
  ignored('SetCredentialEncrypted', 'not-enforced', ENCRYPTED),
]
