/* A descriptor polled on the environment's loop, with the JavaScript function that is told of it. */
#include <errno.h>
#include <stdlib.h>
#include "hearth.h"

static void on_closed(uv_handle_t *handle)
{
	struct watch *watch = handle->data;

	if (watch->hook)
		napi_remove_async_cleanup_hook(watch->hook);
	free(watch);
}

static void end(struct watch *watch)
{
	if (watch->closing)
		return;
	watch->closing = true;
	uv_poll_stop(&watch->poll);
	if (watch->freed)
		watch->freed(watch);
	uv_close((uv_handle_t *)&watch->poll, on_closed);
}

/* The environment ends (a worker, or the process): its loop may hold no handle of ours. */
static void on_cleanup(napi_async_cleanup_hook_handle hook, void *data)
{
	struct watch *watch = data;

	watch->hook = hook;
	end(watch);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = poll->data;
	napi_handle_scope scope;

	(void)status;	/* an error of the descriptor shows when it is read */
	(void)events;
	if (napi_open_handle_scope(watch->env, &scope) != napi_ok)
		return;
	watch->ready(watch);
	napi_close_handle_scope(watch->env, scope);
}

/* Starts watching `fd` for reading or hang-up; NULL after throwing. `callback` may be NULL when watch_call_other() is used.
 * `freed` runs when the watching ends, not if it fails to begin. */
struct watch *watch_open(napi_env env, int fd, napi_value callback, watch_ready *ready, void (*freed)(struct watch *))
{
	return watch_open_for(env, fd, callback, ready, freed, UV_READABLE);
}

struct watch *watch_open_for(napi_env env, int fd, napi_value callback, watch_ready *ready,
			     void (*freed)(struct watch *), int events)
{
	struct watch *watch = calloc(1, sizeof *watch);
	uv_loop_t *loop;
	int error;

	if (!watch) {
		throw_errno(env, "calloc");
		return NULL;
	}
	watch->env = env;
	watch->fd = fd;
	watch->ready = ready;
	watch->freed = freed;
	watch->poll.data = watch;
	if (napi_get_uv_event_loop(env, &loop) != napi_ok
	    || (callback && napi_create_reference(env, callback, 1, &watch->callback) != napi_ok)) {
		napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "a function expected");
		free(watch);
		return NULL;
	}
	napi_async_init(env, NULL, js_string(env, "hearth"), &watch->context);
	error = uv_poll_init(loop, &watch->poll, fd);
	if (error) {
		napi_async_destroy(env, watch->context);
		if (watch->callback)
			napi_delete_reference(env, watch->callback);
		free(watch);
		errno = -error;
		throw_errno(env, "epoll_ctl");
		return NULL;
	}
	uv_poll_start(&watch->poll, events, on_poll);
	napi_add_async_cleanup_hook(env, on_cleanup, watch, &watch->hook);
	return watch;
}

/* Calls the function. What it throws is uncaught: it goes where the process's uncaught exceptions go. */
void watch_call_other(struct watch *watch, napi_ref callback, size_t count, napi_value *values)
{
	napi_value function, global, error;
	bool pending = false;

	if (watch->closing || napi_get_reference_value(watch->env, callback, &function) != napi_ok)
		return;
	napi_get_global(watch->env, &global);
	napi_make_callback(watch->env, watch->context, global, function, count, values, NULL);
	if (napi_is_exception_pending(watch->env, &pending) == napi_ok && pending
	    && napi_get_and_clear_last_exception(watch->env, &error) == napi_ok)
		napi_fatal_exception(watch->env, error);
}

void watch_call(struct watch *watch, size_t count, napi_value *values)
{
	watch_call_other(watch, watch->callback, count, values);
}

/* Ends the watching; the struct lives on until the loop has let go of it. May be called from its own callback. */
void watch_close(struct watch *watch)
{
	if (watch->closing)
		return;
	if (watch->callback)
		napi_delete_reference(watch->env, watch->callback);
	napi_async_destroy(watch->env, watch->context);
	watch->context = NULL;
	end(watch);
}
