// A daemon in two images, for exec.test.ts: the first binds a notify socket and becomes the second, which goes on with it.
// `image.ts call EXPRESSION`: prints what a call of the addon gives.
import { native as load } from '../../daemon/runtime/native.ts'

const native = load()
const [, script = '', role, argument = ''] = process.argv

if (role === 'first') {
  const { fd } = native.notifySocket(argument, () => {})
  const argv = [process.execPath, script, 'second', String(fd)]
  console.log(native.exec('/nope', argv, [], [fd]))
  native.exec(process.execPath, argv, ['GENERATION=2'], [fd])
}
if (role === 'second') {
  const socket = native.notifySocket(Number(argument), ({ text }) => {
    console.log(process.pid, process.env.GENERATION, text)
    socket.close()
  })
  console.log('ready')
}
if (role === 'reboot') native.reboot(argument as 'reboot' | 'poweroff' | 'halt')
