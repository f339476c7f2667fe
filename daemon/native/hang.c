/* Whether the main loop still turns. A thread looks, and sleeps while the loop does: an idle daemon does not wake up for it. The
 * loop hangs when it has not turned for a time in which it had the processor that long, or waited all the while for
 * something: on a loaded or stopped machine time alone says nothing. */
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "hearth.h"

#define LOOKS 4	/* in the time that it may hang */
#define STACK_BYTES (64 * 1024)
#define CAUSE_HANG (-2)

static uv_prepare_t prepare;
static uv_check_t check;
static _Atomic uint32_t is_busy = 1, is_asleep, turns;
static double limit_sec;
static clockid_t main_clock;

static void on_prepare(uv_prepare_t *handle)
{
	(void)handle;
	atomic_fetch_add(&turns, 1);
	atomic_store(&is_busy, 0);
}

static void on_check(uv_check_t *handle)
{
	(void)handle;
	atomic_store(&is_busy, 1);
	if (atomic_load(&is_asleep))
		syscall(SYS_futex, &is_busy, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static double main_cpu_sec(void)
{
	struct timespec used = {0};

	clock_gettime(main_clock, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* Not running, not waiting for a processor, not stopped, not in a system call that nothing can end. */
static bool main_is_waiting(void)
{
	char path[64], text[512];
	ssize_t length;
	const char *end;
	int fd;

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	length = read(fd, text, sizeof text - 1);
	close(fd);
	text[length > 0 ? length : 0] = 0;
	end = strrchr(text, ')');
	return end && end[1] && end[2] == 'S';
}

static void *look(void *data)
{
	struct timespec pause = {
		.tv_sec = (time_t)(limit_sec / LOOKS),
		.tv_nsec = (long)((limit_sec / LOOKS - (double)(time_t)(limit_sec / LOOKS)) * 1e9),
	};
	uint32_t seen = 0;
	double cpu_sec = 0;
	int waits = 0, quiet = 0;

	(void)data;
	for (;;) {
		nanosleep(&pause, NULL);
		if (atomic_load(&turns) != seen || !atomic_load(&is_busy)) {
			quiet = atomic_load(&turns) == seen ? quiet + 1 : 0;
			seen = atomic_load(&turns);
			cpu_sec = main_cpu_sec();
			waits = 0;
			if (quiet < 2)
				continue;
			atomic_store(&is_asleep, 1);
			while (!atomic_load(&is_busy))
				syscall(SYS_futex, &is_busy, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
			atomic_store(&is_asleep, 0);
			quiet = 0;
			continue;
		}
		waits = main_is_waiting() ? waits + 1 : 0;
		/* One look more: the first may have come at once after the last turn. */
		if (main_cpu_sec() - cpu_sec >= limit_sec || waits > LOOKS)
			die(CAUSE_HANG, NULL);
	}
	return NULL;
}

/* watchLoop(seconds): once, in the main thread. */
static napi_value watch_loop(napi_env env, napi_callback_info info)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	pthread_t thread;
	napi_value value;
	uv_loop_t *loop;

	if (!arguments(env, info, 1, &value) || !read_double(env, value, &limit_sec)
	    || napi_get_uv_event_loop(env, &loop) != napi_ok)
		return NULL;
	pthread_getcpuclockid(pthread_self(), &main_clock);
	uv_prepare_init(loop, &prepare);
	uv_check_init(loop, &check);
	uv_prepare_start(&prepare, on_prepare);
	uv_check_start(&check, on_check);
	uv_unref((uv_handle_t *)&prepare);
	uv_unref((uv_handle_t *)&check);
	/* Signals are for the main thread, but for those that are this one's own fault. */
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_create(&thread, &attributes, look, NULL);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return NULL;
}

void register_hang(napi_env env, napi_value exports)
{
	register_call(env, exports, "watchLoop", watch_loop, NULL);
}
