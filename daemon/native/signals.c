/* Signals as callbacks of the loop. Not signalfd(2): Node's own threads run before this is loaded and do not block the
 * signals, so that one would be handled by them. A handler sets a bit and wakes the loop; what comes together is one call. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "hearth.h"

#define LAST_SIGNAL 64
#define BIT(signal) (UINT64_C(1) << ((signal) - 1))

static int wake = -1;	/* an eventfd, made once and kept: a late handler may still write to it */

/* One JavaScript function and the signals that it is called for: SIGCHLD's, and that of all the others. */
struct listener {
	uint64_t signals;
	napi_ref callback;
};
static struct listener on_child, on_others;
static struct watch *loop;

static void wake_up(void)
{
	ssize_t written = write(wake, &(uint64_t){1}, sizeof(uint64_t));

	(void)written;	/* it fails only when full, and then the loop is awake */
}

static void tell(int signal)
{
	if (atomic_fetch_or(pending_signals(), BIT(signal)) == 0)
		wake_up();
}

static void handle(int signal, siginfo_t *info, void *context)
{
	int error = errno;

	(void)context;
	if (signal != SIGCHLD || !reap_strangers(info->si_pid))
		tell(signal);
	errno = error;
}

static void on_ready(struct watch *watch)
{
	uint64_t count, signals;
	ssize_t got = read(watch->fd, &count, sizeof count);

	(void)got;
	signals = atomic_exchange(pending_signals(), 0);
	/* Noted until what they ask for is on record: should this image die before, the next one is told of them. Not what it
	 * might die of each time without any need to live through it. */
	atomic_store(signals_in_hand(), signals & on_others.signals & ~(BIT(SIGHUP) | BIT(SIGUSR1) | BIT(SIGUSR2)));
	/* Orders before exits: who asked for the shutdown is known when the first service ends of the same signal. */
	for (int signal = 1; signal <= LAST_SIGNAL && loop == watch; signal++) {
		napi_value number;

		if (!(signals & on_others.signals & BIT(signal)))
			continue;
		number = js_number(watch->env, signal);
		watch_call_other(watch, on_others.callback, 1, &number);
	}
	atomic_store(signals_in_hand(), 0);
	if (loop == watch && signals & on_child.signals)
		watch_call_other(watch, on_child.callback, 0, NULL);
}

static void set_handlers(uint64_t before, uint64_t after)
{
	struct sigaction action = {.sa_flags = SA_RESTART | SA_NOCLDSTOP | SA_SIGINFO};	/* a stopped child has not ended */
	sigset_t unblocked;

	sigfillset(&action.sa_mask);
	sigemptyset(&unblocked);
	for (int signal = 1; signal <= LAST_SIGNAL; signal++) {
		if (!((before | after) & BIT(signal)))
			continue;
		if (after & BIT(signal))
			action.sa_sigaction = handle;
		else
			action.sa_handler = SIG_DFL;
		sigaction(signal, &action, NULL);
		if (after & BIT(signal))
			sigaddset(&unblocked, signal);
	}
	/* Node starts with SIGUSR1 blocked, and whoever started it may have blocked others. */
	pthread_sigmask(SIG_UNBLOCK, &unblocked, NULL);
}

static void on_freed(struct watch *watch)
{
	(void)watch;
	loop = NULL;
}

/* Puts `callback` (null: none) in the listener's place for `signals`. */
static napi_value listen_for(napi_env env, struct listener *listener, uint64_t signals, napi_value callback)
{
	uint64_t before = listener->signals;
	struct watch *watch = loop;
	static bool resumed;

	if (watch && watch->env != env) {
		napi_throw_error(env, NULL, "signals: another thread has them");
		return NULL;
	}
	if (wake == -1 && (wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1)
		return throw_errno(env, "eventfd");
	if (!watch && signals && !(loop = watch_open(env, wake, NULL, on_ready, on_freed)))
		return NULL;
	if (listener->callback)
		napi_delete_reference(env, listener->callback);
	listener->callback = NULL;
	listener->signals = signals;
	if (signals)
		napi_create_reference(env, callback, 1, &listener->callback);
	set_handlers(before, signals);
	/* Those that an image before this one was sent: nobody has been woken for them here. */
	if (!resumed && signals) {
		resumed = true;
		atomic_fetch_or(pending_signals(), atomic_exchange(signals_in_hand(), 0));
	}
	/* One that nobody listens for, too: it would keep others from waking the loop. */
	if (atomic_load(pending_signals()))
		wake_up();
	if (loop && !on_child.signals && !on_others.signals)
		watch_close(loop);
	return NULL;
}

/* onChild(callback | null). It is called once in any case, for the children that ended before. */
static napi_value js_on_child(napi_env env, napi_callback_info info)
{
	napi_value callback;

	if (!arguments(env, info, 1, &callback))
		return NULL;
	listen_for(env, &on_child, is_nullish(env, callback) ? 0 : BIT(SIGCHLD), callback);
	if (on_child.signals)
		tell(SIGCHLD);
	return NULL;
}

/* onSignals(signals, callback) */
static napi_value js_on_signals(napi_env env, napi_callback_info info)
{
	napi_value values[2], item;
	uint64_t signals = 0;
	uint32_t count = 0;
	int signal;

	if (!arguments(env, info, 2, values) || napi_get_array_length(env, values[0], &count) != napi_ok)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		if (napi_get_element(env, values[0], i, &item) != napi_ok || !read_int(env, item, &signal))
			return NULL;
		if (signal < 1 || signal > LAST_SIGNAL || signal == SIGCHLD) {
			errno = EINVAL;
			return throw_errno(env, "onSignals");
		}
		signals |= BIT(signal);
	}
	return listen_for(env, &on_others, signals, values[1]);
}

void register_signals(napi_env env, napi_value exports)
{
	register_call(env, exports, "onChild", js_on_child, NULL);
	register_call(env, exports, "onSignals", js_on_signals, NULL);
}
