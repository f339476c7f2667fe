/* Loaded with Node (LD_PRELOAD) as PID 1 starts and when an image takes the place of another, dist/hold.so: whatever happens
 * meanwhile, it comes up. That is over when somebody asks for SIGTERM by itself, who has its handler then (signals.c).
 * A signal that is sent before the new one has its handlers waits. The launcher, or the image before, has blocked what the daemon
 * is sent, and an execve keeps that; but Node, as it starts, unblocks all there is, and would end of a SIGTERM, or lose it as PID 1.
 * A thread that is not to be had is waited for. The one before has given up all of its own, which others may have taken where the
 * number of processes is limited; Node aborts without them, which would be the end of PID 1. */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "held.h"

/* The C library's own, which are never blocked. */
static const uint64_t internal = BIT(32) | BIT(33);
static atomic_bool is_over;

#define PAUSE_NSEC (50 * 1000 * 1000)
#define TOLD 10	/* tries */

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

static void tell(const char *text)
{
	/* Who reads it may be stuck. */
	if (poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, 0) == 1
	    && write(STDERR_FILENO, text, strlen(text)) == -1)
		return;
}

typedef int create_thread(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *data)
{
	create_thread *create = (create_thread *)dlsym(RTLD_NEXT, "pthread_create");

	for (int tries = 1;; tries++) {
		int error = create(thread, attributes, run, data);

		if (error != EAGAIN || is_over)
			return error;
		if (tries == TOLD)
			tell("hearth: waiting for a thread to start with: the limit of processes is reached\n");
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_NSEC}, NULL);
	}
}
