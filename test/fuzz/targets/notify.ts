// Messages of services (sd_notify(3)), and what the engine makes of them.
import { parseFields } from '../../../daemon/runtime/notify.ts'
import { unit } from '../../simulation/units.ts'
import { SECOND, World } from '../../simulation/world.ts'
import { expect, type Target, texts } from '../target.ts'

const web = unit('web.service', { service: { type: 'notify-reload', watchdogUsec: 5 * SECOND } })
const restarting = unit('web.service', { service: { type: 'notify', restart: 'always' } })

const messages: Target = {
  name: 'notify',
  corpus: texts(
    'READY=1\nSTATUS=ready\nMAINPID=101',
    'RELOADING=1\nMONOTONIC_USEC=1000000000\n',
    'STOPPING=1',
    'WATCHDOG=1\nWATCHDOG_USEC=2000000',
    'WATCHDOG=trigger',
    'EXTEND_TIMEOUT_USEC=5000000',
    'ERRNO=2\nBUSERROR=org.a.B\nEXIT_STATUS=7',
    'FDSTORE=1\nFDNAME=a\nFDPOLL=0',
    'NOTIFYACCESS=all',
    'BARRIER=1',
  ),
  words: [
    '\nREADY=1',
    '\nRELOADING=1',
    '\nSTATUS=',
    '\nMAINPID=',
    '\nWATCHDOG_USEC=',
    '\nEXTEND_TIMEOUT_USEC=',
    '\nMONOTONIC_USEC=',
    '\nNOTIFYACCESS=',
    '\n__proto__=',
  ],
  run(input) {
    const fields = parseFields(new TextDecoder().decode(input))
    if (fields === null) return 'none'
    for (const [name, value] of Object.entries(fields)) {
      expect(name.length > 0 && !name.includes('\n') && !name.includes('='), `name ${name}`)
      expect(!value.includes('\n') && !value.includes('\0'), `value ${value}`)
    }
    // The runtime lets a process number pass that it has found to live.
    delete fields.MAINPID
    const world = new World({ units: [input.length % 2 ? web : restarting] })
    world.start('web.service').post({ type: 'notify', unit: 'web.service', pid: 101, fields })
    const before = world.sub('web.service')
    world.pass(SECOND).post({ type: 'notify', unit: 'web.service', pid: 101, fields })
    world.pass(20 * SECOND)
    const between = world.sub('web.service')
    world.stop('web.service').pass(400 * SECOND)
    expect(!['stop-sigterm', 'stop-sigkill'].includes(world.sub('web.service')), 'it is not down')
    return `${Object.keys(fields).sort().join().slice(0, 40)} ${before} ${between} ${world.sub('web.service')}`
  },
}

export const notify = [messages]
