// log-level: what the daemon's own log holds (systemctl(1), log-level).
import { LOG_LEVELS, type LogLevel } from '../../daemon/control/schema.ts'
import type { Command } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { answered } from './answer.ts'

/** systemd's words, and syslog's numbers, for levels that the log has. */
const OTHER_WORDS: Readonly<Record<string, LogLevel>> = {
  ...{ emerg: 'error', alert: 'error', crit: 'error', err: 'error' },
  ...{ warning: 'warn', notice: 'info' },
  ...{
    0: 'error',
    1: 'error',
    2: 'error',
    3: 'error',
    4: 'warn',
    5: 'info',
    6: 'info',
    7: 'debug',
  },
}

export const run: Command = async context => {
  const [word] = context.args
  const level = word === undefined ? undefined : readLevel(word)
  if (level === null) {
    context.complain({
      code: 'bad-request',
      message: `cannot read '${word}': expected ${LOG_LEVELS.slice(0, -1).join(', ')} or ${LOG_LEVELS.at(-1)}`,
    })
    return FAILURE
  }
  const answer = await context.ask('logLevel', level === undefined ? {} : { level })
  return answered(context, answer, result => {
    if (context.options.json) context.printJson('log-level', result)
    else if (level === undefined) context.print(result.level)
    return SUCCESS
  })
}

const readLevel = (word: string): LogLevel | null =>
  LOG_LEVELS.find(each => each === word) ?? OTHER_WORDS[word] ?? null
