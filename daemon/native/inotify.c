/* inotify(7): changes of files, by the kernel's own masks. (What libuv watches has none for a file closed after writing.) */
#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>
#include "hearth.h"

#define BUFFER 16384

/* Calls back with [watch, mask, watch, mask …]; what is still in the kernel comes with the next turn of the loop. */
static void on_ready(struct watch *watch)
{
	_Alignas(struct inotify_event) char buffer[BUFFER];
	ssize_t size = read(watch->fd, buffer, sizeof buffer);
	napi_value events;
	uint32_t count = 0;

	if (size <= 0 || napi_create_array(watch->env, &events) != napi_ok)
		return;
	for (char *at = buffer; at < buffer + size;) {
		struct inotify_event *event = (struct inotify_event *)at;

		napi_set_element(watch->env, events, count++, js_number(watch->env, event->wd));
		napi_set_element(watch->env, events, count++, js_number(watch->env, event->mask));
		at += sizeof *event + event->len;
	}
	watch_call(watch, 1, &events);
}

static void on_freed(struct watch *watch)
{
	close(watch->fd);
	*(struct watch **)watch->data = NULL;
}

/* add(path, mask): the number of the watch, or an errno name. */
static napi_value add(napi_env env, napi_callback_info info)
{
	struct watch **cell = NULL;
	napi_value values[2];
	size_t count = 2;
	double mask;
	char *path;
	int wd;

	if (napi_get_cb_info(env, info, &count, values, NULL, (void **)&cell) != napi_ok)
		return NULL;
	if (!*cell) {
		napi_throw_error(env, "EBADF", "the inotify instance is closed");
		return NULL;
	}
	if (!read_double(env, values[1], &mask) || !(path = read_string(env, values[0])))
		return NULL;
	wd = inotify_add_watch((*cell)->fd, path, (uint32_t)mask);
	free(path);
	return wd == -1 ? js_string(env, errno_name(errno)) : js_number(env, wd);
}

static napi_value close_(napi_env env, napi_callback_info info)
{
	struct watch **cell = NULL;
	size_t count = 0;

	if (napi_get_cb_info(env, info, &count, NULL, NULL, (void **)&cell) == napi_ok && *cell)
		watch_close(*cell);
	return NULL;
}

/* createInotify(callback): { add, close } */
static napi_value create_inotify(napi_env env, napi_callback_info info)
{
	napi_value callback, object;
	struct watch **cell;
	int fd;

	if (!arguments(env, info, 1, &callback))
		return NULL;
	cell = calloc(1, sizeof *cell);
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (!cell || fd == -1) {
		free(cell);
		return throw_errno(env, "inotify_init1");
	}
	*cell = watch_open(env, fd, callback, on_ready, on_freed);
	if (!*cell) {
		close(fd);
		free(cell);
		return NULL;
	}
	(*cell)->data = cell;
	napi_create_object(env, &object);
	register_call(env, object, "add", add, cell);
	register_call(env, object, "close", close_, cell);
	return object;
}

void register_inotify(napi_env env, napi_value exports)
{
	register_call(env, exports, "createInotify", create_inotify, NULL);
}
