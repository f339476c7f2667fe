// Triggers: a unit that starts another and hears what becomes of it.
import test from 'ava'
import type { Machine, MachineInput } from '../../daemon/engine/machine.ts'
import { machineOf } from '../../daemon/engine/machines.ts'
import type { Unit, UnitType } from '../../daemon/units/unit.ts'
import { type Given, unit } from '../simulation/units.ts'
import { ends, SECOND, world } from '../simulation/world.ts'

type Heard = Extract<MachineInput, { type: 'triggered-changed' | 'trigger-refused' }>

/** Triggers its unit five seconds after it was started, and each time that it is reloaded. It goes by the stamp that the
 * manager gives it, and keeps in `invocationId` that it has fired. */
function alarms(heard: Heard[]) {
  const alarm: Machine = {
    step({ triggered }, state, input) {
      const stay = { state, effects: [], requests: [] }
      const asked = triggered()
      switch (input.type) {
        case 'start':
          return { ...stay, state: { ...state, target: 'active', invocationId: null } }
        case 'stop':
          return { ...stay, state: { ...state, target: 'dead' } }
        case 'reload':
        case 'deadline':
          return {
            ...stay,
            state: { ...state, invocationId: 'fired' },
            requests: asked
              ? [{ type: 'trigger', unit: asked.unit, environment: [`TRIGGER_UNIT=${state.name}`] }]
              : [],
          }
        case 'triggered-changed':
        case 'trigger-refused':
          heard.push(input)
          return stay
        default:
          return stay
      }
    },
    activeState: state => (state.target === 'active' ? 'active' : 'inactive'),
    subState: state => state.target ?? 'dead',
    result: () => 'success',
    pids: () => [],
    deadlineUsec: state =>
      state.target === 'active' && state.invocationId === null
        ? state.activeEnter.monotonicUsec + 5 * SECOND
        : null,
    canReload: () => true,
  }
  // Devices stand for a type that triggers.
  return (type: UnitType) => (type === 'device' ? alarm : machineOf(type))
}

const ALARM = 'alarm.device'
const setting = (work: Given, more: readonly Unit[] = [], behave = ends(0, SECOND)) => {
  const heard: Heard[] = []
  const w = world(
    [unit(ALARM, { triggers: ['work.service'] }), unit('work.service', work), ...more],
    {
      machineOf: alarms(heard),
      behave: ({ exec }) => (exec === 'start' ? behave : ends(0)),
    },
  )
  return { w, heard }
}

test('a unit triggers another at its deadline, and hears when that goes up and down', t => {
  const { w, heard } = setting({})
  w.start(ALARM).pass(5 * SECOND - 1)
  t.is(w.active('work.service'), 'inactive')
  t.deepEqual(heard, [])
  w.pass(1)
  t.is(w.active('work.service'), 'active')
  w.pass(SECOND)
  const changes = heard.flatMap(one => (one.type === 'triggered-changed' ? [one] : []))
  t.deepEqual(
    changes.map(({ previous, active, hasJob }) => [previous, active, hasJob]),
    [
      ['inactive', 'activating', true],
      // The end of the start job comes with the change.
      ['activating', 'active', false],
      ['active', 'deactivating', false],
      ['deactivating', 'inactive', false],
    ],
  )
  t.is(changes[3]?.inactiveEnter.monotonicUsec, w.monotonicUsec)
  t.is(changes[3]?.sub, 'dead')
})

test('all commands of what was triggered are told by whom', t => {
  const commands = [
    { path: '/x', argv: ['/x'], ignoreFailure: false, noExpand: false, privilege: 'none' as const },
  ]
  const { w } = setting({ service: { execStartPre: commands, execStopPost: commands } })
  w.start(ALARM).pass(10 * SECOND)
  const told = w.history.flatMap(effect =>
    effect.type === 'spawn'
      ? [[effect.exec, effect.environment.includes(`TRIGGER_UNIT=${ALARM}`)]]
      : [],
  )
  t.deepEqual(told, [
    ['start-pre', true],
    ['start', true],
    ['stop-post', true],
  ])
  // By hand it is nobody's doing.
  w.start('work.service')
  const last = w.history.findLast(effect => effect.type === 'spawn')
  t.false(last?.environment.some(one => one.startsWith('TRIGGER_')))
})

test('a trigger of a unit that cannot be started is refused with the reason', t => {
  const { w, heard } = setting({ loadState: 'masked' })
  w.start(ALARM).pass(5 * SECOND)
  t.deepEqual(heard, [
    {
      type: 'trigger-refused',
      unit: 'work.service',
      error: { type: 'unit-masked', unit: 'work.service', wantedBy: null },
    },
  ])
})

test('a start that comes to nothing is heard of by the end of its job', t => {
  const condition = { kind: 'PathExists', value: '/x', negated: false, trigger: false }
  const heard: Heard[] = []
  const w = world(
    [
      unit(ALARM, { triggers: ['work.service'] }),
      unit('work.service', { unit: { conditions: [condition] } }),
    ],
    { machineOf: alarms(heard), conditions: () => ({ condition: false, assert: true }) },
  )
  w.start(ALARM).pass(5 * SECOND)
  t.like(heard, [
    { type: 'triggered-changed', previous: 'inactive', active: 'inactive', hasJob: false },
  ])
})

test('a start that the start limit refuses is told as that', t => {
  const { w, heard } = setting({ unit: { startLimitBurst: 1 } }, [], ends(0, 0))
  w.start(ALARM).pass(5 * SECOND)
  w.ask('reload', ALARM)
  w.pass()
  t.like(heard.at(-1), { type: 'triggered-changed', active: 'failed', failedByStartLimit: true })
})

test('a unit that nobody has started hears nothing', t => {
  const { w, heard } = setting({})
  w.start('work.service').pass(2 * SECOND)
  t.deepEqual(heard, [])
})
