/* Whether the main loop still turns. A thread looks, and sleeps while the loop does: an idle daemon does not wake up for it. The
 * loop hangs when it has not turned, nor waited for events, for a time in which it had the processor that long, or waited all the
 * while for something else: on a loaded or stopped machine time alone says nothing. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "hearth.h"

#define LOOKS 4	/* in the time that it may hang, at least */
#define LOOK_SEC 1.0	/* between two at most: so soon the thread sleeps when the loop does */
#define SLEEP 10	/* times that at most: an event may have been taken while the thread was falling asleep */
#define STACK_BYTES (64 * 1024)

static uv_loop_t *main_loop;
static uv_check_t check;
static _Atomic uint32_t is_asleep, turns;
static int wake = -1;
static double limit_sec;
static clockid_t main_clock;

/* Each turn, between the calls for events and those for timers. */
static void on_check(uv_check_t *handle)
{
	(void)handle;
	atomic_fetch_add(&turns, 1);
	if (atomic_load(&is_asleep)) {
		ssize_t written = write(wake, &(uint64_t){1}, sizeof(uint64_t));
		(void)written;
	}
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

/* Until something comes for the loop: an event, or the time of a timer, which is told when the loop turns. */
static void sleep_with_loop(void)
{
	struct pollfd fds[] = {{.fd = uv_backend_fd(main_loop), .events = POLLIN}, {.fd = wake, .events = POLLIN}};
	uint64_t count;
	ssize_t got;

	atomic_store(&is_asleep, 1);
	poll(fds, 2, (int)(SLEEP * limit_sec * 1000));
	atomic_store(&is_asleep, 0);
	got = read(wake, &count, sizeof count);
	(void)got;
}

static void *look(void *data)
{
	double pause_sec = limit_sec / LOOKS < LOOK_SEC ? limit_sec / LOOKS : LOOK_SEC;
	struct timespec pause = {
		.tv_sec = (time_t)pause_sec,
		.tv_nsec = (long)((pause_sec - (double)(time_t)pause_sec) * 1e9),
	};
	int looks = (int)(limit_sec / pause_sec);
	uint64_t idle = 0;
	uint32_t seen = 0;
	/* Not from 0: the thread's clock goes on from the images before. */
	double cpu_sec = main_cpu_sec();
	int waits = 0, quiet = 0;

	(void)data;
	for (;;) {
		uint32_t turn;
		uint64_t waited;

		nanosleep(&pause, NULL);
		turn = atomic_load(&turns);
		/* It grows while the loop waits for events, and stands still in the calls for them. */
		waited = uv_metrics_idle_time(main_loop);
		if (turn != seen || waited != idle) {
			quiet = turn == seen ? quiet + 1 : 0;
			seen = turn;
			idle = waited;
			cpu_sec = main_cpu_sec();
			waits = 0;
			if (quiet < 2)
				continue;
			sleep_with_loop();
			quiet = 0;
			continue;
		}
		waits = main_is_waiting() ? waits + 1 : 0;
		/* One look more: the first may have come at once after the last turn. */
		if (main_cpu_sec() - cpu_sec >= limit_sec || waits > looks)
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
	int error;

	if (!arguments(env, info, 1, &value) || !read_double(env, value, &limit_sec)
	    || napi_get_uv_event_loop(env, &main_loop) != napi_ok)
		return NULL;
	wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake == -1)
		return throw_errno(env, "eventfd");
	pthread_getcpuclockid(pthread_self(), &main_clock);
	uv_loop_configure(main_loop, UV_METRICS_IDLE_TIME);
	uv_check_init(main_loop, &check);
	uv_check_start(&check, on_check);
	uv_unref((uv_handle_t *)&check);
	/* Signals are for the main thread, but for those that are this one's own fault. */
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	error = pthread_create(&thread, &attributes, look, NULL);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0)
		return NULL;
	errno = error;
	return throw_errno(env, "pthread_create");
}

void register_hang(napi_env env, napi_value exports)
{
	register_call(env, exports, "watchLoop", watch_loop, NULL);
}
