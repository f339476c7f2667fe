// A daemon in two images, for exec.test.ts: the first binds a notify socket and becomes the second, which goes on with it.
// Other roles end in a way that only another process can see.
import { fstatSync, openSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { native as load } from '../../daemon/runtime/native.ts'

const native = load()
const [, script = '', role, argument = ''] = process.argv

if (role === 'first') {
  const { fd } = native.notifySocket(argument, () => {})
  const argv = [process.execPath, script, 'second', String(fd)]
  native.cloexec(fd, false)
  console.log(native.become('/nope', argv, []))
  native.become(process.execPath, argv, ['GENERATION=2'])
}
if (role === 'second') {
  const socket = native.notifySocket(Number(argument), ({ text }) => {
    console.log(process.pid, process.env.GENERATION, text)
    socket.close()
  })
  console.log('ready')
}
if (role === 'dies-notified') {
  // Dies of what it is told, twice.
  const [ledgerFd, socketFd] = argument.split(',').map(Number)
  const ledger = ledgerFd ? native.ledger(ledgerFd) : native.ledger('state', 1)
  if (ledger === null) throw new Error('no ledger')
  native.shareSlots(ledger.slots)
  const socket = native.notifySocket(socketFd ?? argument, ({ text, deaths, fds }) => {
    console.log(text, deaths, fds.map(fd => fstatSync(fd).isFIFO()).join())
    if (deaths < 2) native.die(-3)
    native.leaving()
    setImmediate(() => socket.close())
  })
  native.cloexec(socket.fd, false)
  const argv = [process.execPath, script, role, `${ledger.fd},${socket.fd}`]
  const fd = openSync(process.execPath, 'r')
  native.guard(fd, argv, [])
  console.log('ready')
}
if (role === 'blocks') {
  // Has used more than its limit before it is watched; then the loop does not turn for so many times the limit.
  const limitSec = 0.5
  const use = (sec: number) => {
    const usedUsec = () => process.threadCpuUsage().user + process.threadCpuUsage().system
    const until = usedUsec() + sec * 1e6
    while (usedUsec() < until);
  }
  use(2 * limitSec)
  native.guard(openSync(process.execPath, 'r'), [process.execPath, script, 'after'], [])
  native.watchLoop(limitSec)
  use(Number(argument) * limitSec)
  native.leaving()
  console.log('turns')
  process.exit(0)
}
if (role === 'after') console.log('hung')
if (role === 'throws') {
  process.on('uncaughtException', error => {
    console.log(error.message)
    process.exit(3)
  })
  const hangup = 1
  native.onSignals([hangup], () => {
    throw new Error('from the callback')
  })
  native.kill(process.pid, hangup)
}
if (role === 'link-up') {
  console.log(native.linkUp(argument), Object.keys(networkInterfaces()).join())
}
if (role === 'reboot') native.reboot(argument as 'reboot' | 'poweroff' | 'halt')
