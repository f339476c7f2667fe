// Checks what clients send, before anything else looks at it.
import { setFlagsFromString } from 'node:v8'
import { err, ok, type Result } from 'neverthrow'
import * as v from 'valibot'
import {
  type Cancel,
  type ControlError,
  LOG_LEVELS,
  type MethodName,
  type Methods,
  PROTOCOL_VERSION,
  type Request,
} from './schema.ts'

/** `id` is null when none could be read: then the connection is of no more use. */
export type Rejection = { id: number | null; error: ControlError }

// Longer than any name or pattern that can match (UNIT_NAME_MAX is 255).
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(1024))
const names = v.array(name)
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const id = v.pipe(v.number(), v.safeInteger())
const maybe = v.exactOptional
// No NUL: it would end the string for the kernel.
const text = v.pipe(
  v.string(),
  v.check(value => !value.includes('\0'), 'Invalid value: Expected a string without NUL'),
)
const pattern = v.pipe(
  v.string(),
  v.maxLength(1000),
  v.check(
    isLinearRegExp,
    'Invalid value: Expected a regular expression without lookaround and back references',
  ),
)
const nothing = v.strictObject({})
const unitFiles = v.strictObject({
  units: names,
  runtime: maybe(v.boolean()),
  force: maybe(v.boolean()),
  now: maybe(v.boolean()),
})
const assignment = v.pipe(
  text,
  v.regex(/^[A-Za-z_][A-Za-z0-9_]*=/, 'Invalid value: Expected NAME=value'),
)
const variable = v.pipe(
  text,
  v.regex(/^[A-Za-z_][A-Za-z0-9_]*(=|$)/, 'Invalid value: Expected NAME or NAME=value'),
)

const PARAMS: { readonly [M in MethodName]: v.GenericSchema<unknown, Methods[M]['params']> } = {
  version: nothing,
  isSystemRunning: nothing,
  jobs: v.strictObject({
    verb: v.picklist([
      'start',
      'stop',
      'restart',
      'try-restart',
      'reload',
      'reload-or-restart',
      'try-reload-or-restart',
      'isolate',
    ]),
    units: names,
    mode: maybe(
      v.picklist([
        'replace',
        'replace-irreversibly',
        'fail',
        'isolate',
        'ignore-dependencies',
        'ignore-requirements',
        'flush',
        'restart-dependencies',
      ]),
    ),
    wait: maybe(v.boolean()),
    key: maybe(v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/))),
  }),
  waitInactive: v.strictObject({ units: names }),
  listJobs: v.strictObject({ patterns: maybe(names) }),
  cancel: v.strictObject({ jobs: v.array(count) }),
  kill: v.strictObject({
    units: names,
    signal: maybe(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(64))),
    whom: maybe(v.picklist(['main', 'control', 'all'])),
  }),
  clean: v.strictObject({
    units: names,
    what: maybe(v.array(v.picklist(['runtime', 'state', 'cache', 'logs', 'configuration']))),
  }),
  resetFailed: v.strictObject({ units: maybe(names) }),
  status: v.strictObject({
    units: maybe(names),
    lines: maybe(v.pipe(count, v.maxValue(10_000))),
  }),
  show: v.strictObject({ units: maybe(names), properties: maybe(names) }),
  cat: v.strictObject({ units: names }),
  listUnits: v.strictObject({
    patterns: maybe(names),
    all: maybe(v.boolean()),
    states: maybe(names),
    types: maybe(names),
  }),
  listUnitFiles: v.strictObject({
    patterns: maybe(names),
    states: maybe(names),
    types: maybe(names),
  }),
  listTimers: v.strictObject({ patterns: maybe(names), all: maybe(v.boolean()) }),
  listPaths: v.strictObject({ patterns: maybe(names), all: maybe(v.boolean()) }),
  listSockets: v.strictObject({ patterns: maybe(names), all: maybe(v.boolean()) }),
  listDependencies: v.strictObject({
    units: maybe(names),
    reverse: maybe(v.boolean()),
    order: maybe(v.picklist(['before', 'after'])),
    all: maybe(v.boolean()),
  }),
  isActive: v.strictObject({ units: names }),
  isEnabled: v.strictObject({ units: names }),
  verify: v.strictObject({ units: maybe(names) }),
  fidelity: v.strictObject({ units: maybe(names) }),
  enable: unitFiles,
  disable: unitFiles,
  preset: v.strictObject({
    ...unitFiles.entries,
    units: maybe(names),
    mode: maybe(v.picklist(['full', 'enable-only', 'disable-only'])),
  }),
  mask: unitFiles,
  unmask: unitFiles,
  reload: nothing,
  reexec: nothing,
  logLevel: v.strictObject({ level: maybe(v.picklist(LOG_LEVELS)) }),
  getEnvironment: nothing,
  setEnvironment: v.strictObject({ assignments: v.array(assignment) }),
  unsetEnvironment: v.strictObject({ names: v.array(variable) }),
  logs: v.pipe(
    v.strictObject({
      units: maybe(names),
      lines: maybe(v.nullable(count)),
      follow: maybe(v.boolean()),
      sinceUsec: maybe(v.pipe(v.number(), v.finite())),
      untilUsec: maybe(v.pipe(v.number(), v.finite())),
      priority: maybe(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(7))),
      stream: maybe(v.picklist(['out', 'err', 'log'])),
      grep: maybe(pattern),
      invocationId: maybe(v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/))),
      run: maybe(v.pipe(v.number(), v.safeInteger(), v.maxValue(0))),
      boot: maybe(v.boolean()),
      reverse: maybe(v.boolean()),
    }),
    v.check(
      ({ follow, reverse }) => !(follow && reverse),
      'Invalid value: reverse does not go with follow',
    ),
  ),
  history: v.strictObject({ units: names, lines: maybe(v.nullable(count)) }),
  record: nothing,
  shutdown: v.pipe(
    v.strictObject({
      kind: v.picklist(['exit', 'poweroff', 'reboot', 'halt']),
      exitStatus: maybe(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255))),
    }),
    v.check(
      ({ kind, exitStatus }) => kind === 'exit' || exitStatus === undefined,
      'Invalid value: exitStatus goes with the kind exit alone',
    ),
  ),
}

export const METHOD_NAMES = Object.keys(PARAMS) as readonly MethodName[]

const Envelope = v.object({ v: v.number(), id, method: v.string() })
const CancelEnvelope = v.object({ v: v.literal(PROTOCOL_VERSION), id })
const Identified = v.object({ id })

/**
 * Whether `source` is a regular expression that V8 can match in linear time (its flag `l`). Any other could be made to run
 * for hours, in the thread that reads the services' output.
 */
function isLinearRegExp(source: string): boolean {
  // Permits the flag `l`; nothing else changes.
  setFlagsFromString('--enable-experimental-regexp-engine')
  try {
    new RegExp(source, 'l')
    return true
  } catch {
    return false
  }
}

const rejection = (id: number | null, error: ControlError): Result<never, Rejection> =>
  err({ id, error })

/** Reads the data of a `request`. The refusal says which part of it is wrong and what was expected. */
export function parseRequest(data: unknown): Result<Request, Rejection> {
  const envelope = v.safeParse(Envelope, data, { abortEarly: true })
  if (!envelope.success) {
    const identified = v.safeParse(Identified, data)
    return rejection(identified.success ? identified.output.id : null, {
      code: 'bad-request',
      message: `cannot read the request: ${describe(envelope.issues[0])}`,
      hint: 'a request is {"v": 1, "id": NUMBER, "method": NAME, "params": {}}',
    })
  }
  const { v: version, id: requestId, method } = envelope.output
  if (version !== PROTOCOL_VERSION) {
    return rejection(requestId, {
      code: 'unsupported-version',
      message: `cannot speak version ${version} of the control protocol: this daemon speaks ${PROTOCOL_VERSION}`,
      hint: 'use the ctl that came with the daemon',
    })
  }
  if (!isMethod(method)) {
    return rejection(requestId, {
      code: 'unknown-method',
      message: `cannot call ${JSON.stringify(method.slice(0, 64))}: this daemon has no such method`,
      hint: 'use the ctl that came with the daemon',
    })
  }
  const given = (data as { params?: unknown }).params ?? {}
  const params = v.safeParse(PARAMS[method], given, { abortEarly: true })
  if (!params.success) {
    return rejection(requestId, {
      code: 'bad-request',
      message: `cannot call ${method}: ${describe(params.issues[0])}`,
    })
  }
  return ok({ v: version, id: requestId, method, params: params.output })
}

/** Reads the data of a `cancel`; null when it is none. */
export function parseCancel(data: unknown): Cancel | null {
  const cancel = v.safeParse(CancelEnvelope, data, { abortEarly: true })
  return cancel.success ? cancel.output : null
}

// Own properties only: `constructor` is no method.
const isMethod = (method: string): method is MethodName => Object.hasOwn(PARAMS, method)

// The client's own words may stand in it.
const shorten = (text: string) => (text.length > 300 ? `${text.slice(0, 300)}…` : text)

/** `params.lines: expected >=0 but received -1`. */
function describe(issue: v.BaseIssue<unknown>): string {
  const at = v.getDotPath(issue)
  const what = issue.message.replace(/^Invalid \w+: /, '').replace(/^E/, 'e')
  return at === null ? shorten(what) : `${shorten(at)}: ${shorten(what)}`
}
