// A service on the message bus: takes the name given, gives it up on SIGUSR1 and lives on.
import { connectBus } from '../../daemon/runtime/dbus.ts'

const [name = '', path = '/run/dbus/system_bus_socket'] = process.argv.slice(2)
const DO_NOT_QUEUE = 4
const bus = connectBus(path, process.geteuid?.() ?? 0, {
  message({ type, strings }) {
    if (type === 'error') console.log(strings.join(' '))
  },
  closed(error) {
    console.log(`the bus is gone: ${error?.message ?? 'hung up'}`)
    process.exit(3)
  },
})
bus.call('RequestName', name, DO_NOT_QUEUE)
process.on('SIGUSR1', () => bus.call('ReleaseName', name))
// The bus alone would not keep us.
setInterval(() => {}, 1 << 30)
