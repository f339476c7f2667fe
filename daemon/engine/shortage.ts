// What all share may be short for a while: a descriptor, memory, a process, room. What was not done for want of it is done again
// after a pause, is not counted, and fails nobody for good.

/** errno(3). */
export const SHORTAGES: ReadonlySet<string> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'ENOSPC',
  'EDQUOT',
])

/** The least pause before a start that was not run for want of what all share: who waits for it does not take it from others. */
export const SHORTAGE_PAUSE_USEC = 1_000_000
