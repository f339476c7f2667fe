// The tree of cgroups against a kernel of the test's own.
import test from 'ava'
import { type Cgroups, createTree } from '../../../daemon/runtime/cgroups/cgroups.ts'
import { RESOURCE_DEFAULTS, type ResourceSettings } from '../../../daemon/units/resources.ts'
import type { ServiceSettings, Unit, UnitName } from '../../../daemon/units/unit.ts'
import { makeUnit } from '../world.ts'
import { Kernel } from './kernel.ts'

const OWN = '/cg/box'
const ROOT = `${OWN}/hearth-1-2-3.scope`
const ALL = ['cpu', 'cpuset', 'io', 'memory', 'pids']
const NOBODY = { uid: null, gid: null }

type World = {
  kernel: Kernel
  tree: Cgroups
  warnings: string[]
  ooms: UnitName[]
  /** Sets or replaces a unit, as a reload does. */
  unit(
    id: UnitName,
    resources?: Partial<ResourceSettings>,
    service?: Partial<ServiceSettings>,
  ): Unit
  starting: { now: boolean }
}

function world({ controllers = ALL, pids = [] as number[], isAlone = true } = {}): World {
  const kernel = new Kernel(OWN, controllers, pids)
  kernel.mkdir(ROOT)
  const units = new Map<UnitName, Unit>()
  const warnings: string[] = []
  const ooms: UnitName[] = []
  const starting = { now: false }
  const add: World['unit'] = (id, resources, service) => {
    const unit = makeUnit({ id, ...(service && { service }) })
    const type = id.endsWith('.slice') ? 'slice' : 'service'
    const made = {
      ...unit,
      type,
      ...(resources && { resources: { ...RESOURCE_DEFAULTS, ...resources } }),
    } as const
    units.set(id, made)
    return made
  }
  const tree = createTree(
    {
      use: 'yes',
      units: { get: name => units.get(name) ?? add(name), loaded: () => units.values() },
      isStarting: () => starting.now,
      warn: (unit, message) => warnings.push(`${unit}: ${message}`),
      oomKilled: unit => ooms.push(unit),
    },
    {
      files: kernel,
      own: OWN,
      root: ROOT,
      isAlone,
      machine: {
        memoryBytes: () => 1000,
        tasks: () => 200,
        device: path => (path.startsWith('/dev/') ? '8:0' : null),
        isStarting: () => starting.now,
      },
      devices: {
        node: path => (path === '/dev/fuse' ? { kind: 'char', major: 10, minor: 229 } : null),
        drivers: () => [],
        network: () => null,
      },
    },
  )
  return { kernel, tree, warnings, ooms, unit: add, starting }
}

test('a unit has a directory in that of its slices, which are nested by their names', t => {
  const { tree, kernel, unit } = world()
  t.is(tree.enter(unit('web.service'), NOBODY), 7)
  t.is(tree.pathOf('web.service'), '/hearth-1-2-3.scope/system.slice/web.service')
  tree.enter(unit('db.service', { slice: 'a-b.slice' }), NOBODY)
  t.is(tree.pathOf('db.service'), '/hearth-1-2-3.scope/a.slice/a-b.slice/db.service')
  tree.enter(unit('bare.service', { slice: '-.slice' }), NOBODY)
  t.is(tree.pathOf('bare.service'), '/hearth-1-2-3.scope/bare.service')
  t.deepEqual(tree.pids('web.service'), [])
  t.true(tree.isEmpty('web.service'))
  kernel.move(42, `${ROOT}/system.slice/web.service`)
  t.deepEqual(tree.pids('web.service'), [42])
  t.false(tree.isEmpty('web.service'))
})

test('what a slice disables is not switched on in it, and switched off when it comes to that', t => {
  const { tree, kernel, unit, warnings } = world()
  unit('a.slice', { disableControllers: ['memory'] })
  const settings = { slice: 'a-b.slice', memoryMax: 4096, tasksMax: 7 }
  tree.enter(unit('web.service', settings), NOBODY)
  const at = `${ROOT}/a.slice/a-b.slice/web.service`
  t.is(kernel.read(`${at}/pids.max`), '7')
  t.is(kernel.read(`${at}/memory.max`), '')
  t.is(kernel.read(`${ROOT}/a.slice/a-b.slice/cgroup.subtree_control`), 'pids')
  unit('a.slice', { disableControllers: ['memory', 'pids'] })
  tree.refresh()
  t.is(kernel.read(`${ROOT}/a.slice/cgroup.subtree_control`), '')
  t.is(kernel.read(`${ROOT}/cgroup.subtree_control`), 'pids')
  t.deepEqual(warnings, [])
})

test('what a slice says for all in it counts for those that do not say it themselves', t => {
  const { tree, kernel, unit, starting } = world()
  unit('a.slice', { defaultMemoryMin: 10, defaultMemoryLow: 20, defaultStartupMemoryLow: 30 })
  unit('a-b.slice', { defaultMemoryMin: 11 })
  const at = (name: string) => `${ROOT}/a.slice/a-b.slice/${name}`
  starting.now = true
  tree.enter(unit('web.service', { slice: 'a-b.slice' }), NOBODY)
  tree.enter(unit('db.service', { slice: 'a-b.slice', memoryMin: 0, memoryLow: 5 }), NOBODY)
  t.is(kernel.read(`${at('web.service')}/memory.min`), '11')
  t.is(kernel.read(`${at('web.service')}/memory.low`), '30')
  t.is(kernel.read(`${at('db.service')}/memory.min`), '0')
  starting.now = false
  tree.refresh()
  t.is(kernel.read(`${at('web.service')}/memory.low`), '20')
  t.is(kernel.read(`${at('db.service')}/memory.low`), '5')
})

test('a unit without limits has no controller switched on, and costs the daemon no move', t => {
  const { tree, kernel, unit } = world({ pids: [1, 9] })
  tree.enter(unit('web.service'), NOBODY)
  t.deepEqual(kernel.writes, [])
  t.deepEqual(kernel.read(`${OWN}/cgroup.procs`).split('\n'), ['1', '9'])
})

test('limits are written where the controller is, along the slices, and the daemon makes way for it', t => {
  const { tree, kernel, unit, warnings } = world({ pids: [1, 9] })
  unit('a.slice', { tasksMax: 50 })
  const web = unit('web.service', {
    slice: 'a.slice',
    memoryMax: 4096,
    tasksMax: { permyriad: 1000 },
  })
  tree.enter(web, NOBODY)
  const at = `${ROOT}/a.slice/web.service`
  t.is(kernel.read(`${at}/memory.max`), '4096')
  t.is(kernel.read(`${at}/pids.max`), '20')
  t.is(kernel.read(`${ROOT}/a.slice/pids.max`), '50')
  t.is(kernel.read(`${ROOT}/a.slice/cgroup.subtree_control`), 'memory pids')
  t.is(kernel.read(`${OWN}/cgroup.procs`), '')
  t.is(kernel.read(`${ROOT}/init.scope/cgroup.procs`), '1\n9')
  t.deepEqual(warnings, [])
  t.is(tree.limit('web.service', 'memory.max'), 4096)
  t.is(tree.limit('web.service', 'memory.high'), null)
})

test('a controller that is not there is told with its reason, and its limits are left out without a word', t => {
  const { tree, kernel, unit, warnings } = world({ controllers: ['pids'] })
  t.is(tree.whyNot('memory'), 'no memory controller in its cgroup')
  t.is(tree.whyNot('pids'), null)
  tree.enter(unit('web.service', { memoryMax: 4096, tasksMax: 5 }), NOBODY)
  t.is(kernel.read(`${ROOT}/system.slice/web.service/pids.max`), '5')
  t.is(kernel.read(`${ROOT}/system.slice/web.service/memory.max`), '')
  t.deepEqual(warnings, [])
})

test('processes of others in the daemon’s cgroup are left there, and keep the controllers off', t => {
  const { tree, kernel } = world({ pids: [process.pid, 9], isAlone: false })
  t.is(tree.whyNot('memory'), 'others are in its cgroup')
  t.is(kernel.read(`${OWN}/cgroup.procs`), '9')
})

test('a cgroup that may not be changed is the reason why there is no controller', t => {
  const { tree, kernel } = world()
  kernel.refused.set(`${OWN}/cgroup.subtree_control`, 'EACCES')
  t.is(tree.whyNot('pids'), 'its cgroup may not be changed')
})

test('a limit that the kernel refuses is a warning, and the unit has its cgroup all the same', t => {
  const { tree, kernel, unit, warnings } = world()
  kernel.refused.set(`${ROOT}/system.slice/web.service/cpuset.cpus`, 'EINVAL')
  t.is(tree.enter(unit('web.service', { allowedCpus: [0, 99] }), NOBODY), 7)
  t.is(warnings.length, 1)
  t.regex(warnings[0] ?? '', /^web\.service: cannot set cpuset\.cpus of the cgroup to '0,99': /)
})

test('after a reload what has changed is written and what is gone is taken back, of slices too', t => {
  const { tree, kernel, unit } = world()
  unit('system.slice', { memoryHigh: 900 })
  tree.enter(unit('web.service', { memoryMax: 500, cpuQuotaUsec: 200_000, tasksMax: 9 }), NOBODY)
  unit('system.slice', { memoryHigh: 800 })
  unit('web.service', { memoryMax: 600, tasksMax: 9 })
  kernel.writes.length = 0
  tree.refresh()
  t.deepEqual(
    kernel.writes.map(line => line.slice(ROOT.length)),
    [
      '/system.slice/memory.high=800',
      '/system.slice/web.service/cpu.max=max 100000',
      '/system.slice/web.service/memory.max=600',
    ],
  )
})

test('a weight of the start holds while the system comes up', t => {
  const { tree, kernel, unit, starting } = world()
  starting.now = true
  tree.enter(unit('web.service', { cpuWeight: 50, startupCpuWeight: 900 }), NOBODY)
  const weight = () => kernel.read(`${ROOT}/system.slice/web.service/cpu.weight`)
  t.is(weight(), '900')
  starting.now = false
  tree.refresh()
  t.is(weight(), '50')
})

test('a start anew writes the limits into the new directory', t => {
  const { tree, kernel, unit } = world()
  const web = unit('web.service', { memoryMax: 500 })
  tree.enter(web, NOBODY)
  tree.remove('web.service')
  t.false(tree.has('web.service'))
  t.deepEqual(kernel.directories(`${ROOT}/system.slice`), [])
  tree.enter(web, NOBODY)
  t.is(kernel.read(`${ROOT}/system.slice/web.service/memory.max`), '500')
})

test('a unit that delegates owns its cgroup, has the controllers, and is found by what it makes below', t => {
  const { tree, kernel, unit } = world()
  const web = unit('web.service', { delegate: ['memory', 'pids'], delegateSubgroup: 'main' })
  tree.enter(web, { uid: 33, gid: 44 })
  const at = `${ROOT}/system.slice/web.service`
  t.is(kernel.ownerOf(at), '33:44')
  t.is(kernel.ownerOf(`${at}/main`), '33:44')
  t.is(kernel.read(`${at}/cgroup.controllers`), 'memory pids')
  kernel.move(42, `${at}/main`)
  t.deepEqual(tree.pids('web.service'), [42])
  t.false(tree.isEmpty('web.service'))
  kernel.end(42)
  tree.remove('web.service')
  t.deepEqual(kernel.directories(`${ROOT}/system.slice`), [])
})

test('what the kernel kills for want of memory is told once, by its file or when somebody asks', t => {
  const { tree, kernel, unit, ooms } = world()
  tree.enter(unit('web.service', { memoryMax: 500 }), NOBODY)
  tree.enter(unit('lax.service', { memoryMax: 500 }, { oomPolicy: 'continue' }), NOBODY)
  const events = (name: string) => `${ROOT}/system.slice/${name}.service/memory.events`
  kernel.set(events('web'), 'oom 0\noom_kill 0\n')
  t.deepEqual(ooms, [])
  kernel.set(events('web'), 'oom 1\noom_kill 1\n')
  tree.checkOom('web.service')
  t.deepEqual(ooms, ['web.service'])
  kernel.set(events('lax'), 'oom 1\noom_kill 1\n')
  t.deepEqual(ooms, ['web.service'])
})

test('with OOMPolicy=kill the kernel is told to kill the unit as one', t => {
  const { tree, kernel, unit } = world()
  tree.enter(unit('web.service', undefined, { oomPolicy: 'kill' }), NOBODY)
  t.is(kernel.read(`${ROOT}/system.slice/web.service/memory.oom.group`), '1')
})

test('what a unit takes is told as the kernel counts it, and null where it does not', t => {
  const { tree, kernel, unit } = world()
  tree.enter(unit('web.service', { memoryAccounting: true }), NOBODY)
  const at = `${ROOT}/system.slice/web.service`
  kernel.set(`${at}/memory.current`, '4096\n')
  kernel.set(`${at}/memory.peak`, '8192\n')
  kernel.set(`${at}/cpu.stat`, 'usage_usec 77\nuser_usec 70\n')
  t.deepEqual(tree.usage('web.service'), {
    memoryBytes: 4096,
    memoryPeakBytes: 8192,
    memorySwapBytes: null,
    cpuUsec: 77,
    tasks: null,
    io: null,
  })
  tree.enter(unit('io.service', { ioAccounting: true }), NOBODY)
  kernel.set(
    `${ROOT}/system.slice/io.service/io.stat`,
    '8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2 rios=3 wios=4\n',
  )
  t.deepEqual(tree.usage('io.service')?.io, {
    readBytes: 11,
    writtenBytes: 22,
    reads: 4,
    writes: 6,
  })
  t.is(tree.usage('nothing.service'), null)
})

test('closing leaves the daemon’s cgroup as it was', t => {
  const { tree, kernel, unit } = world({ pids: [1] })
  tree.enter(unit('web.service', { slice: 'a-b.slice', memoryMax: 500 }), NOBODY)
  tree.close()
  t.is(kernel.read(`${OWN}/cgroup.subtree_control`), '')
  t.is(kernel.read(`${OWN}/cgroup.procs`), '1')
  t.deepEqual(kernel.directories(OWN), [])
})

test('names that the kernel or the daemon uses itself are given another', t => {
  const { tree, unit } = world()
  tree.enter(unit('cgroup.service', { slice: '-.slice' }), NOBODY)
  t.is(tree.pathOf('cgroup.service'), '/hearth-1-2-3.scope/_cgroup.service')
})
