/* Reads a SpawnRequest (daemon/runtime/native.ts) into memory that a child can use. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "spawn.h"

#define PID_DIGITS 12

struct reader {
	napi_env env;
	napi_value request;
	struct arena *arena;
	bool failed;	/* an exception is pending */
};

static void *take(struct reader *reader, size_t count, size_t size)
{
	void *memory = arena_take(reader->arena, count * size);

	if (!memory) {
		errno = ENOMEM;
		throw_errno(reader->env, "malloc");
		reader->failed = true;
	}
	return memory;
}

static napi_value get(struct reader *reader, napi_value object, const char *name)
{
	napi_value value = NULL;

	napi_get_named_property(reader->env, object, name, &value);
	return value;
}

static char *string_of(struct reader *reader, napi_value value)
{
	char *text = reader->failed ? NULL : arena_string(reader->env, reader->arena, value);

	reader->failed |= !text;
	return text;
}

static int int_of(struct reader *reader, napi_value value)
{
	int number = 0;

	reader->failed |= reader->failed || !read_int(reader->env, value, &number);
	return number;
}

static double double_of(struct reader *reader, napi_value value)
{
	double number = 0;

	reader->failed |= reader->failed || !read_double(reader->env, value, &number);
	return number;
}

static bool bool_at(struct reader *reader, const char *name)
{
	bool flag = false;

	reader->failed |= reader->failed || !read_bool(reader->env, get(reader, reader->request, name), &flag);
	return flag;
}

static uint32_t count_of(struct reader *reader, napi_value array)
{
	uint32_t count = 0;

	if (!reader->failed && napi_get_array_length(reader->env, array, &count) != napi_ok) {
		napi_throw_type_error(reader->env, "ERR_INVALID_ARG_TYPE", "an array expected");
		reader->failed = true;
	}
	return count;
}

static napi_value item(struct reader *reader, napi_value array, uint32_t index)
{
	napi_value value = NULL;

	napi_get_element(reader->env, array, index, &value);
	return value;
}

static char **strings_at(struct reader *reader, const char *name, uint32_t extra)
{
	napi_value array = get(reader, reader->request, name);
	uint32_t count = count_of(reader, array);
	char **strings = take(reader, (size_t)count + extra + 1, sizeof *strings);

	for (uint32_t i = 0; i < count && !reader->failed; i++)
		strings[i + extra] = string_of(reader, item(reader, array, i));
	return strings;
}

/* The optional number at `name`; false for null. */
static bool has_number(struct reader *reader, const char *name, double *number)
{
	napi_value value = get(reader, reader->request, name);

	if (reader->failed || is_nullish(reader->env, value))
		return false;
	*number = double_of(reader, value);
	return !reader->failed;
}

static void read_fds(struct reader *reader, struct spawn *spawn)
{
	napi_value array = get(reader, reader->request, "fds");
	uint32_t count = count_of(reader, array);

	spawn->fds = take(reader, count, sizeof *spawn->fds);
	for (uint32_t i = 0; i < count && !reader->failed; i++)
		spawn->fds[i] = int_of(reader, item(reader, array, i));
	spawn->fd_count = (int)count;
}

static void read_groups(struct reader *reader, struct spawn *spawn)
{
	napi_value array = get(reader, reader->request, "groups");
	uint32_t count;

	if (reader->failed || is_nullish(reader->env, array))
		return;
	count = count_of(reader, array);
	spawn->has_groups = true;
	spawn->groups = take(reader, count, sizeof *spawn->groups);
	for (uint32_t i = 0; i < count && !reader->failed; i++)
		spawn->groups[i] = (gid_t)double_of(reader, item(reader, array, i));
	spawn->group_count = count;
}

static rlim_t limit_of(struct reader *reader, napi_value value)
{
	double number = double_of(reader, value);

	return isinf(number) ? RLIM_INFINITY : (rlim_t)number;
}

static void read_limits(struct reader *reader, struct spawn *spawn)
{
	napi_value array = get(reader, reader->request, "rlimits");
	uint32_t count = count_of(reader, array);

	spawn->limits = take(reader, count, sizeof *spawn->limits);
	for (uint32_t i = 0; i < count && !reader->failed; i++) {
		napi_value triple = item(reader, array, i);

		spawn->limits[i].resource = int_of(reader, item(reader, triple, 0));
		spawn->limits[i].value.rlim_cur = limit_of(reader, item(reader, triple, 1));
		spawn->limits[i].value.rlim_max = limit_of(reader, item(reader, triple, 2));
	}
	spawn->limit_count = count;
}

/* A number, a bigint, or the address of a string or of a copy of a buffer; or { result }, where a negative one counts back
 * from the call itself. */
static void read_argument(struct reader *reader, napi_value value, struct call *call, uint32_t index, size_t place)
{
	napi_env env = reader->env;
	napi_valuetype type = napi_undefined;
	bool is_buffer = false, lossless;
	int64_t number = 0;

	call->result_of[index] = -1;
	napi_typeof(env, value, &type);
	if (type == napi_number) {
		napi_get_value_int64(env, value, &number);
		call->arguments[index] = (long)number;
	} else if (type == napi_bigint) {
		uint64_t bits = 0;

		napi_get_value_bigint_uint64(env, value, &bits, &lossless);	/* modulo 2^64: -1n is ~0 */
		call->arguments[index] = (long)bits;
	} else if (type == napi_string) {
		call->arguments[index] = (long)string_of(reader, value);
	} else if (napi_is_buffer(env, value, &is_buffer) == napi_ok && is_buffer) {
		void *bytes, *copy;
		size_t size;

		napi_get_buffer_info(env, value, &bytes, &size);
		copy = take(reader, size ? size : 1, 1);
		if (copy && size)
			memcpy(copy, bytes, size);
		call->arguments[index] = (long)copy;
	} else {
		int result = int_of(reader, get(reader, value, "result"));

		call->result_of[index] = result < 0 ? (int)place + result : result;
		if (!reader->failed && (call->result_of[index] < 0 || call->result_of[index] >= (int)place)) {
			napi_throw_range_error(env, NULL, "spawn: the result of a later call");
			reader->failed = true;
		}
	}
}

static void read_ignored(struct reader *reader, napi_value ignore, struct call *call)
{
	napi_valuetype type = napi_undefined;
	uint32_t count;

	napi_typeof(reader->env, ignore, &type);
	if (type == napi_undefined)
		return;
	if (type == napi_string) {	/* 'all' */
		memset(call->ignored, 0xff, sizeof call->ignored);
		return;
	}
	count = count_of(reader, ignore);
	for (uint32_t i = 0; i < count && !reader->failed; i++) {
		char *name = string_of(reader, item(reader, ignore, i));

		for (int error = 1; name && error < IGNORABLE; error++)
			if (strcmp(errno_name(error), name) == 0)
				call->ignored[error / 64] |= UINT64_C(1) << (error % 64);
	}
}

/* The call itself; `step` and `exit_status`, which tell of its failure, are the caller's. */
static void read_call(struct reader *reader, napi_value value, struct call *call, size_t place)
{
	napi_value arguments = get(reader, value, "args");
	char *name = string_of(reader, get(reader, value, "call"));
	uint32_t count = count_of(reader, arguments);

	if (reader->failed)
		return;
	call->number = syscall_number(name);
	if (call->number == -1 || count > CALL_ARGUMENTS) {
		char text[96];

		snprintf(text, sizeof text, "spawn: no such call for a child: %.40s", name);
		napi_throw_error(reader->env, "ENOSYS", text);
		reader->failed = true;
		return;
	}
	for (uint32_t i = 0; i < CALL_ARGUMENTS; i++)
		call->result_of[i] = -1;
	for (uint32_t i = 0; i < count && !reader->failed; i++)
		read_argument(reader, item(reader, arguments, i), call, i, place);
	if (!reader->failed)
		read_ignored(reader, get(reader, value, "ignore"), call);
}

static void read_calls(struct reader *reader, struct spawn *spawn)
{
	napi_value before = get(reader, reader->request, "before");
	napi_value after = get(reader, reader->request, "after");
	uint32_t first = count_of(reader, before), count = first + count_of(reader, after);

	spawn->calls = take(reader, count, sizeof *spawn->calls);
	spawn->results = take(reader, count, sizeof *spawn->results);
	for (uint32_t i = 0; i < count && !reader->failed; i++) {
		napi_value value = i < first ? item(reader, before, i) : item(reader, after, i - first);

		read_call(reader, value, &spawn->calls[i], i);
		spawn->calls[i].step = string_of(reader, get(reader, value, "step"));
		spawn->calls[i].exit_status = int_of(reader, get(reader, value, "exitStatus"));
	}
	spawn->before_count = first;
	spawn->call_count = count;
}

static void read_user(struct reader *reader, struct spawn *spawn)
{
	double number;

	spawn->uid = has_number(reader, "uid", &number) ? (uint32_t)number : UNCHANGED;
	spawn->gid = has_number(reader, "gid", &number) ? (uint32_t)number : UNCHANGED;
	read_groups(reader, spawn);
}

static void read_scheduling(struct reader *reader, struct spawn *spawn)
{
	double number = 0;

	spawn->has_nice = has_number(reader, "nice", &number);
	spawn->nice = (int)number;
	spawn->has_oom_score = has_number(reader, "oomScoreAdjust", &number);
	if (spawn->has_oom_score)
		snprintf(spawn->oom_score, sizeof spawn->oom_score, "%d", (int)number);
}

/* The variables that are to hold the child's pid come first, each with room for its digits. */
static void read_environment(struct reader *reader, struct spawn *spawn)
{
	napi_value names = get(reader, reader->request, "pidVariables");
	uint32_t count = count_of(reader, names);

	spawn->environment = strings_at(reader, "env", count);
	spawn->pids = take(reader, count, sizeof *spawn->pids);
	for (uint32_t i = 0; i < count && !reader->failed; i++) {
		const char *name = string_of(reader, item(reader, names, i));
		size_t length = reader->failed ? 0 : strlen(name);
		char *entry = take(reader, length + 1 + PID_DIGITS, 1);

		if (reader->failed)
			return;
		memcpy(entry, name, length);
		entry[length] = '=';
		spawn->environment[i] = entry;
		spawn->pids[i] = entry + length + 1;
	}
	spawn->pid_count = count;
}

static void read_filter(struct reader *reader, struct spawn *spawn)
{
	napi_value value = get(reader, reader->request, "filter");
	void *bytes = NULL, *copy;
	size_t size = 0;

	if (reader->failed || is_nullish(reader->env, value))
		return;
	napi_get_buffer_info(reader->env, value, &bytes, &size);
	copy = take(reader, size, 1);
	if (!copy)
		return;
	memcpy(copy, bytes, size);
	spawn->filter.filter = copy;
	spawn->filter.len = (unsigned short)(size / sizeof *spawn->filter.filter);
}

static struct mount_plan *mounts_of(struct reader *reader, napi_value value)
{
	struct mount_plan *plan;
	void *bytes = NULL, *copy;
	size_t size = 0;

	if (reader->failed || is_nullish(reader->env, value))
		return NULL;
	plan = take(reader, 1, sizeof *plan);
	if (napi_get_buffer_info(reader->env, get(reader, value, "operations"), &bytes, &size) != napi_ok) {
		napi_throw_type_error(reader->env, "ERR_INVALID_ARG_TYPE", "a buffer expected");
		reader->failed = true;
		return NULL;
	}
	copy = take(reader, size + 1, 1);
	if (reader->failed)
		return NULL;
	memcpy(copy, bytes, size);
	plan->operations = copy;
	plan->size = size;
	plan->stage = string_of(reader, get(reader, value, "stage"));
	plan->propagation = (unsigned long)int_of(reader, get(reader, value, "propagation"));
	plan->failed = -1;
	return plan;
}

static void read_sandbox(struct reader *reader, struct spawn *spawn)
{
	napi_value value = get(reader, reader->request, "sandbox"), array, pids;
	struct sandbox *sandbox;
	uint32_t count;

	if (reader->failed || is_nullish(reader->env, value))
		return;
	sandbox = take(reader, 1, sizeof *sandbox);
	array = get(reader, value, "namespaces");
	count = count_of(reader, array);
	if (reader->failed)
		return;
	sandbox->namespaces = take(reader, count, sizeof *sandbox->namespaces);
	for (uint32_t i = 0; i < count && !reader->failed; i++) {
		napi_value one = item(reader, array, i);

		sandbox->namespaces[i].fd = int_of(reader, get(reader, one, "fd"));
		sandbox->namespaces[i].step = string_of(reader, get(reader, one, "step"));
		sandbox->namespaces[i].exit_status = int_of(reader, get(reader, one, "exitStatus"));
	}
	sandbox->namespace_count = count;
	sandbox->unshare = int_of(reader, get(reader, value, "unshare"));
	sandbox->user_namespace = int_of(reader, get(reader, value, "userNamespace"));
	pids = get(reader, value, "newPids");
	if (!is_nullish(reader->env, pids))
		reader->failed |= reader->failed || !read_bool(reader->env, pids, &sandbox->new_pids);
	sandbox->mounts = mounts_of(reader, get(reader, value, "mounts"));
	spawn->sandbox = sandbox;
}

bool read_attempt(napi_env env, napi_value calls, struct arena *arena, struct spawn *spawn)
{
	struct reader reader = {.env = env, .arena = arena};
	uint32_t count = count_of(&reader, calls);

	spawn->calls = take(&reader, (size_t)count + 1, sizeof *spawn->calls);
	spawn->results = take(&reader, (size_t)count + 1, sizeof *spawn->results);
	for (uint32_t i = 0; i < count && !reader.failed; i++) {
		read_call(&reader, item(&reader, calls, i), &spawn->calls[i], i);
		spawn->calls[i].step = "ATTEMPT";
		spawn->calls[i].exit_status = (int)i;
	}
	spawn->call_count = count;
	return !reader.failed;
}

bool read_spawn(napi_env env, napi_value request, struct arena *arena, struct spawn *spawn)
{
	struct reader reader = {.env = env, .request = request, .arena = arena};
	napi_value cwd = get(&reader, request, "cwd");
	napi_value pidfd = get(&reader, request, "pidfd");

	spawn->path = string_of(&reader, get(&reader, request, "path"));
	spawn->argv = strings_at(&reader, "argv", 0);
	read_environment(&reader, spawn);
	read_fds(&reader, spawn);
	if (!is_nullish(env, cwd))
		spawn->cwd = string_of(&reader, cwd);
	spawn->cwd_missing_ok = bool_at(&reader, "cwdMissingOk");
	read_user(&reader, spawn);
	spawn->umask = (mode_t)int_of(&reader, get(&reader, request, "umask"));
	read_limits(&reader, spawn);
	read_scheduling(&reader, spawn);
	spawn->ignore_sigpipe = bool_at(&reader, "ignoreSigpipe");
	spawn->controlling_tty = bool_at(&reader, "controllingTty");
	spawn->cgroup_fd = int_of(&reader, get(&reader, request, "cgroupFd"));
	read_sandbox(&reader, spawn);
	read_calls(&reader, spawn);
	read_filter(&reader, spawn);
	if (!is_nullish(env, pidfd))
		spawn->wants_pidfd = bool_at(&reader, "pidfd");
	return !reader.failed;
}
