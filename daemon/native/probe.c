/* What the kernel and the container allow, found by trying it: in a child, so that whatever the calls change (namespaces,
 * credentials, filters, limits) is gone with it. */
#include <errno.h>
#include "spawn.h"

static napi_value js_attempt_failure(napi_env env, int index, int error)
{
	napi_value object = NULL;

	napi_create_object(env, &object);
	set_number(env, object, "index", index);
	set_string(env, object, "errno", errno_name(error));
	return object;
}

/* attempt(calls): null, or the { index, errno } of the first that failed. */
static napi_value attempt(napi_env env, napi_callback_info info)
{
	struct arena arena = {0};
	struct spawn spawn = {0};
	napi_value calls, result = NULL;

	if (arguments(env, info, 1, &calls) && read_attempt(env, calls, &arena, &spawn)) {
		int status = run_apart(run_calls, &spawn, 0);

		if (status == -1)
			throw_errno(env, "clone");
		else if (spawn.step)
			result = js_attempt_failure(env, spawn.exit_status, spawn.error);
		else if (status != 0)	/* killed: there are seccomp profiles that end who makes a forbidden call */
			result = js_attempt_failure(env, 0, EPERM);
		else
			result = js_null(env);
	}
	arena_free(&arena);
	return result;
}

void register_probe(napi_env env, napi_value exports)
{
	register_call(env, exports, "attempt", attempt, NULL);
}
