/* The time of day being set: a timer that the kernel cancels when CLOCK_REALTIME jumps (timerfd_create(2)). */
#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "hearth.h"

static struct watch *clock_watch;

/* Armed for a day that does not come: what is waited for is that it is cancelled. It is, too, when the machine wakes up. */
static bool arm(int fd)
{
	struct itimerspec never = {.it_value.tv_sec = (time_t)(INT64_MAX / 1000000000)};	/* the kernel counts nanoseconds */

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0;
}

static void on_ready(struct watch *watch)
{
	uint64_t count;

	if (read(watch->fd, &count, sizeof count) == -1 && errno == EAGAIN)
		return;
	arm(watch->fd);
	watch_call(watch, 0, NULL);
}

static void on_freed(struct watch *watch)
{
	close(watch->fd);
}

/* onClockSet(callback | null): calls back when CLOCK_REALTIME was set, or jumped over a sleep. Main thread only. */
static napi_value on_clock_set(napi_env env, napi_callback_info info)
{
	napi_value callback;
	int fd;

	if (!arguments(env, info, 1, &callback))
		return NULL;
	if (clock_watch)
		watch_close(clock_watch);
	clock_watch = NULL;
	if (is_nullish(env, callback))
		return NULL;
	fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd == -1 || !arm(fd)) {
		napi_value thrown = throw_errno(env, "timerfd_create");

		if (fd != -1)
			close(fd);
		return thrown;
	}
	clock_watch = watch_open(env, fd, callback, on_ready, on_freed);
	if (!clock_watch)
		close(fd);
	return NULL;
}

void register_clock(napi_env env, napi_value exports)
{
	register_call(env, exports, "onClockSet", on_clock_set, NULL);
}
