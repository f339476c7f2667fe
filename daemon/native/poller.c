/* One epoll set behind one handle of the loop: a watched descriptor costs an entry in the kernel and nothing here. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "hearth.h"

#define BATCH 1024

/* Level-triggered and, in the kernel, a rotating list: who is not in this batch is in the next. */
static void on_ready(struct watch *watch)
{
	struct epoll_event events[BATCH];
	napi_value keys, key;
	int count = epoll_wait(watch->fd, events, BATCH, 0);

	if (count <= 0 || napi_create_array_with_length(watch->env, (size_t)count, &keys) != napi_ok)
		return;
	for (int i = 0; i < count; i++) {
		napi_create_uint32(watch->env, events[i].data.u32, &key);
		napi_set_element(watch->env, keys, (uint32_t)i, key);
	}
	watch_call(watch, 1, &keys);
}

static void on_freed(struct watch *watch)
{
	close(watch->fd);
	*(struct watch **)watch->data = NULL;
}

/* The functions find the poller through a cell that is never freed: they may be kept longer than it, and a process makes
 * a handful. */
static struct watch *of_call(napi_env env, napi_callback_info info, size_t count, napi_value *values)
{
	struct watch **cell = NULL;

	if (napi_get_cb_info(env, info, &count, values, NULL, (void **)&cell) != napi_ok)
		return NULL;
	if (!*cell)
		napi_throw_error(env, "EBADF", "the poller is closed");
	return *cell;
}

static napi_value add(napi_env env, napi_callback_info info)
{
	napi_value values[3];
	struct watch *watch = of_call(env, info, 3, values);
	struct epoll_event event = {.events = EPOLLIN};
	bool only_end = false;
	int fd, key;

	if (!watch || !read_int(env, values[0], &fd) || !read_int(env, values[1], &key)
	    || (!is_nullish(env, values[2]) && !read_bool(env, values[2], &only_end)))
		return NULL;
	if (only_end)
		event.events = 0;	/* EPOLLHUP and EPOLLERR are told anyway */
	event.data.u32 = (uint32_t)key;
	return epoll_ctl(watch->fd, EPOLL_CTL_ADD, fd, &event) == -1 ? throw_errno(env, "epoll_ctl") : NULL;
}

static napi_value remove_(napi_env env, napi_callback_info info)
{
	napi_value values[1];
	struct watch *watch = of_call(env, info, 1, values);
	int fd;

	if (!watch || !read_int(env, values[0], &fd))
		return NULL;
	return epoll_ctl(watch->fd, EPOLL_CTL_DEL, fd, NULL) == -1 ? throw_errno(env, "epoll_ctl") : NULL;
}

static napi_value close_(napi_env env, napi_callback_info info)
{
	struct watch **cell = NULL;
	size_t count = 0;

	if (napi_get_cb_info(env, info, &count, NULL, NULL, (void **)&cell) == napi_ok && *cell)
		watch_close(*cell);
	return NULL;
}

/* createPoller(callback): { add, remove, close } */
static napi_value create_poller(napi_env env, napi_callback_info info)
{
	napi_value callback, object;
	struct watch **cell;
	int epoll;

	if (!arguments(env, info, 1, &callback))
		return NULL;
	cell = calloc(1, sizeof *cell);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!cell || epoll == -1) {
		free(cell);
		return throw_errno(env, "epoll_create1");
	}
	*cell = watch_open(env, epoll, callback, on_ready, on_freed);
	if (!*cell) {
		close(epoll);
		free(cell);
		return NULL;
	}
	(*cell)->data = cell;
	napi_create_object(env, &object);
	register_call(env, object, "add", add, cell);
	register_call(env, object, "remove", remove_, cell);
	register_call(env, object, "close", close_, cell);
	return object;
}

void register_poller(napi_env env, napi_value exports)
{
	register_call(env, exports, "createPoller", create_poller, NULL);
}
