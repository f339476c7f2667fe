// The supervisors that are measured: how each is told to run N services.
import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export type Setting = {
  /** An empty folder of the run's own. */
  directory: string
  /** Command line of service `number`. */
  command: (number: number) => readonly string[]
  /** The program that needs no arguments, for supervisors that want a file per service; null: there is a command only. */
  service: string | null
  fifo: string
  services: number
}
export type Launch = { argv: readonly string[]; environment: Readonly<Record<string, string>> }
export type Subject = {
  name: string
  available: () => boolean
  launch: (setting: Setting) => Launch
  /** SIGTERM does not end it with its services. */
  stop?: 'SIGHUP' | 'SIGTERM'
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)
const installed = (path: string) => () => existsSync(path)

/** A folder for each service with an executable `run` in it: s6's and runit's form. */
function folders({ directory, services, service, command }: Setting) {
  for (const number of numbers(services)) {
    const run = `${directory}/${number}/run`
    mkdirSync(`${directory}/${number}`)
    if (service !== null) symlinkSync(service, run)
    else writeFileSync(run, `#!/bin/sh\nexec ${command(number).join(' ')}\n`, { mode: 0o755 })
  }
}

export const limit = (program: string): Subject => ({
  name: 'limit',
  available: () => true,
  launch(setting) {
    const lines = numbers(setting.services).map(number => setting.command(number).join(' '))
    writeFileSync(`${setting.directory}/commands`, `${lines.join('\n')}\n`)
    return { argv: [program, `${setting.directory}/commands`], environment: {} }
  },
})

export const hearth: Subject = {
  name: 'hearth',
  available: installed(`${root}dist/hearth`),
  launch(setting) {
    const units = `${setting.directory}/units`
    mkdirSync(units)
    for (const number of numbers(setting.services)) {
      writeFileSync(
        `${units}/s${number}.service`,
        `[Unit]\nDescription=Service ${number}\nStartLimitIntervalSec=0\n\n[Service]\n` +
          `ExecStart=${setting.command(number).join(' ')}\nRestart=always\nRestartSec=0\n\n` +
          '[Install]\nWantedBy=multi-user.target\n',
      )
    }
    return {
      argv: [`${root}dist/hearth`, '--no-console', '--log-level', 'warn'],
      environment: {
        HEARTH_SERVICES: units,
        HEARTH_RUNTIME: `${setting.directory}/run`,
        HEARTH_LOGS: `${setting.directory}/log`,
      },
    }
  },
}

export const peers: readonly Subject[] = [
  {
    name: 's6',
    available: installed('/usr/bin/s6-svscan'),
    launch(setting) {
      folders(setting)
      return {
        argv: ['/usr/bin/s6-svscan', '-c', '1100', setting.directory],
        environment: { BENCH_FIFO: setting.fifo },
      }
    },
  },
  {
    name: 'runit',
    available: installed('/usr/bin/runsvdir'),
    launch(setting) {
      folders(setting)
      return {
        argv: ['/usr/bin/runsvdir', setting.directory],
        environment: { BENCH_FIFO: setting.fifo },
      }
    },
    stop: 'SIGHUP',
  },
  {
    name: 'supervisord',
    available: installed('/usr/bin/supervisord'),
    launch(setting) {
      const programs = numbers(setting.services).map(
        number =>
          `[program:s${number}]\ncommand=${setting.command(number).join(' ')}\nstartsecs=0\nautorestart=true\n`,
      )
      writeFileSync(
        `${setting.directory}/supervisord.conf`,
        `[supervisord]\nnodaemon=true\nuser=root\nlogfile=/dev/null\nlogfile_maxbytes=0\nchildlogdir=${setting.directory}\n` +
          `pidfile=${setting.directory}/pid\nminfds=10000\n${programs.join('\n')}`,
      )
      return {
        argv: ['/usr/bin/supervisord', '-c', `${setting.directory}/supervisord.conf`],
        environment: {},
      }
    },
  },
]

/** A copy of the service's program under the name that tells it what to do. */
export function programs(compiled: string, directory: string, names: readonly string[]) {
  for (const name of names) {
    copyFileSync(compiled, `${directory}/${name}`)
    chmodSync(`${directory}/${name}`, 0o755)
  }
}

/** A program that takes a service's lines from its standard input, one for each service, started by a shell. */
const logger = (
  name: string,
  path: string,
  command: (directory: string) => string,
  settings: Readonly<Record<string, string>> = {},
): Subject => ({
  name,
  available: installed(path),
  launch(setting) {
    const lines = numbers(setting.services).map(number => {
      const directory = `${setting.directory}/${number}`
      mkdirSync(directory)
      for (const [file, text] of Object.entries(settings))
        writeFileSync(`${directory}/${file}`, text)
      return `${setting.command(number).join(' ')} | ${command(directory)} &`
    })
    writeFileSync(`${setting.directory}/run`, `${lines.join('\n')}\nwait\n`)
    return { argv: ['/bin/sh', `${setting.directory}/run`], environment: {} }
  },
})

/** What the logs are measured beside: the least that a logger must do, then those with time stamps, files of 10 MB, five kept. */
export const loggers = (copy: string): readonly Subject[] => [
  logger('copy', copy, directory => `${copy} ${directory}/log`),
  logger('s6-log', '/usr/bin/s6-log', directory => `s6-log n5 s10000000 t ${directory}`),
  logger('svlogd', '/usr/bin/svlogd', directory => `svlogd -tt ${directory} 2>/dev/null`, {
    config: 's10000000\nn5\n',
  }),
]
