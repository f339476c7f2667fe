/* Ended children. The kernel keeps an exit status until it is reaped: one that counts is shown first, written down by the
 * caller, and only then taken, so that a crash in between loses nothing. Main thread only, as is spawn. */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "hearth.h"

/* PID_MAX_LIMIT of a 64-bit kernel. One bit for each pid: untouched pages of it cost no memory. */
#define PID_LIMIT (1 << 22)
static _Atomic uint64_t tracked[PID_LIMIT / 64];
static pid_t peeked;
static _Atomic uint32_t reaped_untracked;
/* Somebody waits for a unit's last process to be gone, and that may be no child of ours by birth. */
static _Atomic bool strangers_matter = true;
/* Held while a child is born, until it is tracked, and by whoever reaps in a signal handler, on any thread. */
static atomic_flag births = ATOMIC_FLAG_INIT;

static bool is_tracked(pid_t pid)
{
	return pid > 0 && pid < PID_LIMIT && (tracked[pid / 64] >> (pid % 64) & 1);
}

/* With signals blocked: a handler on this thread would wait for us for ever. */
void begin_birth(void)
{
	while (atomic_flag_test_and_set(&births))
		sched_yield();
}

/* `pid`: the child that has begun, -1 if none has. */
void end_birth(pid_t pid)
{
	if (pid > 0 && pid < PID_LIMIT)
		tracked[pid / 64] |= UINT64_C(1) << (pid % 64);
	atomic_flag_clear(&births);
}

static void take_untracked(pid_t pid)
{
	if (waitpid(pid, NULL, WNOHANG) > 0)
		reaped_untracked++;
}

/* Async-signal-safe. Reaps orphans that nobody asked about, `first` at first, without a turn of the loop for each; false
 * when there is something that the loop has to see. */
bool reap_strangers(pid_t first)
{
	bool all = false;

	if (strangers_matter || atomic_flag_test_and_set(&births))
		return false;
	if (first > 0 && !is_tracked(first))
		take_untracked(first);
	for (;;) {
		siginfo_t exit = {0};

		if (waitid(P_ALL, 0, &exit, WEXITED | WNOHANG | WNOWAIT) == -1 || exit.si_pid == 0) {
			all = true;
			break;
		}
		if (is_tracked(exit.si_pid))
			break;
		take_untracked(exit.si_pid);
	}
	atomic_flag_clear(&births);
	return all;
}

static bool read_pid(napi_env env, napi_callback_info info, int *pid)
{
	napi_value value;

	if (!arguments(env, info, 1, &value) || !read_int(env, value, pid))
		return false;
	if (*pid > 0 && *pid < PID_LIMIT)
		return true;
	errno = EINVAL;
	throw_errno(env, "track");
	return false;
}

/* track(pid): whether it is a child, running or ended. One that was none of ours to look after may have been reaped in a signal
 * handler until now; from here on it is not. */
static napi_value track(napi_env env, napi_callback_info info)
{
	siginfo_t exit;
	napi_value value;
	int pid;

	if (!read_pid(env, info, &pid))
		return NULL;
	tracked[pid / 64] |= UINT64_C(1) << (pid % 64);
	napi_get_boolean(env, waitid(P_PID, (id_t)pid, &exit, WEXITED | WNOHANG | WNOWAIT) == 0, &value);
	return value;
}

static napi_value untrack(napi_env env, napi_callback_info info)
{
	int pid;

	if (read_pid(env, info, &pid))
		tracked[pid / 64] &= ~(UINT64_C(1) << (pid % 64));
	return NULL;
}

static napi_value js_exit(napi_env env, const siginfo_t *exit)
{
	napi_value object;

	napi_create_object(env, &object);
	set_number(env, object, "pid", exit->si_pid);
	switch (exit->si_code) {
	case CLD_EXITED:
		set_string(env, object, "kind", "exited");
		set_number(env, object, "status", exit->si_status);
		break;
	default:
		set_string(env, object, "kind", exit->si_code == CLD_DUMPED ? "dumped" : "killed");
		set_number(env, object, "signal", exit->si_status);
	}
	return object;
}

/* peekExit(): the next tracked child that has ended, or null. */
static napi_value peek_exit(napi_env env, napi_callback_info info)
{
	siginfo_t exit;

	(void)info;
	for (;;) {
		exit.si_pid = 0;	/* the kernel leaves it so when none has ended */
		if (waitid(P_ALL, 0, &exit, WEXITED | WNOHANG | WNOWAIT) == -1)
			return errno == ECHILD ? js_null(env) : throw_errno(env, "waitid");
		if (exit.si_pid == 0)
			return js_null(env);
		if (is_tracked(exit.si_pid))
			break;
		take_untracked(exit.si_pid);
	}
	if (exit.si_pid == peeked) {
		char text[64];

		snprintf(text, sizeof text, "peekExit: %d has not been reaped", (int)exit.si_pid);
		napi_throw_error(env, NULL, text);
		return NULL;
	}
	peeked = exit.si_pid;
	return js_exit(env, &exit);
}

static napi_value take_reaped_untracked(napi_env env, napi_callback_info info)
{
	(void)info;
	return js_number(env, atomic_exchange(&reaped_untracked, 0));
}

/* awaitStrangers(awaited): whether the end of a child that is not tracked is to be told. */
static napi_value await_strangers(napi_env env, napi_callback_info info)
{
	napi_value value;
	bool awaited;

	if (arguments(env, info, 1, &value) && read_bool(env, value, &awaited))
		strangers_matter = awaited;
	return NULL;
}

static double usec(struct timeval time)
{
	return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

/* reap(pid): what it used, or null if it is no ended child of ours. It is untracked: its pid may come again at once. */
static napi_value reap(napi_env env, napi_callback_info info)
{
	napi_value value, object;
	struct rusage usage;
	int pid;

	if (!arguments(env, info, 1, &value) || !read_int(env, value, &pid))
		return NULL;
	if (pid == peeked)
		peeked = 0;
	if (pid <= 0 || wait4(pid, NULL, WNOHANG, &usage) <= 0)
		return js_null(env);
	if (pid < PID_LIMIT)
		tracked[pid / 64] &= ~(UINT64_C(1) << (pid % 64));
	napi_create_object(env, &object);
	set_number(env, object, "userUsec", usec(usage.ru_utime));
	set_number(env, object, "systemUsec", usec(usage.ru_stime));
	set_number(env, object, "maxRssBytes", (double)usage.ru_maxrss * 1024);
	return object;
}

void register_wait(napi_env env, napi_value exports)
{
	register_call(env, exports, "track", track, NULL);
	register_call(env, exports, "untrack", untrack, NULL);
	register_call(env, exports, "peekExit", peek_exit, NULL);
	register_call(env, exports, "reapedUntracked", take_reaped_untracked, NULL);
	register_call(env, exports, "reap", reap, NULL);
	register_call(env, exports, "awaitStrangers", await_strangers, NULL);
}
