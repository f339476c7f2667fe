/* The mount table: the kernel calls its file exceptional (POLLPRI) when something was mounted or unmounted (proc(5)). */
#include <fcntl.h>
#include <unistd.h>
#include "hearth.h"

static struct watch *mounts_watch;

static void on_ready(struct watch *watch)
{
	watch_call(watch, 0, NULL);
}

static void on_freed(struct watch *watch)
{
	close(watch->fd);
}

/* onMountsChanged(callback | null): calls back when something was mounted or unmounted. Main thread only. */
static napi_value on_mounts_changed(napi_env env, napi_callback_info info)
{
	napi_value callback;
	int fd;

	if (!arguments(env, info, 1, &callback))
		return NULL;
	if (mounts_watch)
		watch_close(mounts_watch);
	mounts_watch = NULL;
	if (is_nullish(env, callback))
		return NULL;
	fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return throw_errno(env, "open");
	mounts_watch = watch_open_for(env, fd, callback, on_ready, on_freed, UV_PRIORITIZED);
	if (!mounts_watch)
		close(fd);
	return NULL;
}

void register_mounts(napi_env env, napi_value exports)
{
	register_call(env, exports, "onMountsChanged", on_mounts_changed, NULL);
}
