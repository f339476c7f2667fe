/* Loaded with Node (LD_PRELOAD) as PID 1 starts and when an image takes the place of another, dist/hold.so: a signal that is sent
 * before the new one has its handlers waits. The launcher, or the image before, has blocked what the daemon is sent, and an
 * execve keeps that; but Node, as it starts, unblocks all there is, and would end of a SIGTERM, or lose it as PID 1. The first
 * who asks for SIGTERM by itself has its handler (signals.c): from then on nothing is held. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "held.h"

/* The C library's own, which are never blocked. */
static const uint64_t internal = BIT(32) | BIT(33);
static atomic_bool is_over;

int pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
	uint64_t mask = 0, old = 0;

	if (set) {
		memcpy(&mask, set, MASK_BYTES);
		if (how != SIG_UNBLOCK)
			mask &= ~internal;
		if (how == SIG_UNBLOCK && mask & BIT(SIGTERM))
			is_over = true;
		if (how == SIG_SETMASK && !is_over)
			mask |= held_signals;
	}
	if (syscall(SYS_rt_sigprocmask, how, set ? &mask : NULL, &old, MASK_BYTES) == -1)
		return errno;
	if (before) {
		sigemptyset(before);
		memcpy(before, &old, MASK_BYTES);
	}
	return 0;
}
