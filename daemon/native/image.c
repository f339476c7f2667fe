/* The process takes a new image and goes on under its pid: when it is told to, and instead of dying. What is executed then is
 * made ready while all is well: a descriptor of Node, arguments, environment. Descriptors that are kept are not close-on-exec
 * at all times (runtime/keep.ts), so that nothing but a few system calls is left to do in a signal handler. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "hearth.h"

#define ALT_STACK_BYTES (64 * 1024)
#define DEATHS 8
#define BIT(signal) (UINT64_C(1) << ((signal) - 1))
#define MASK_BYTES 8

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};

/* Doubles of the ledger's slots (runtime/persist.ts) from the eighth on are ours. */
enum {
	SLOT_SPAWNED = 2, SLOT_SIGNALS = 3, SLOT_CAUSE = 8, SLOT_COUNT = 9, SLOT_ADDRESS = 10, SLOT_IN_HAND = 12,
	SLOT_NOTIFY = 13,
	SLOT_TIMES = 16,
};
static double private_slots[SLOT_TIMES + DEATHS];
static double *slots = private_slots;

static int image = -1;
static char **image_argv, **image_env;
static volatile sig_atomic_t leaving;
static atomic_int dying;
static pthread_t mourner;
static int death_signal;	/* of our parent: each thread has one of its own, and the one that executes counts */

static double now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static uint64_t fatal_mask(void)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
		mask |= BIT(fatal[i]);
	return mask;
}

/* Where the kernel puts the pid of the child that is being started. */
int32_t *spawned_pid(void)
{
	return (int32_t *)&slots[SLOT_SPAWNED];
}

/* The signals that have come and were not handled yet. */
_Atomic uint64_t *pending_signals(void)
{
	return (_Atomic uint64_t *)&slots[SLOT_SIGNALS];
}

/* Those whose handling has begun. */
_Atomic uint64_t *signals_in_hand(void)
{
	return (_Atomic uint64_t *)&slots[SLOT_IN_HAND];
}

/* How often the first datagram of the notify socket has been shown and not been taken. */
double *notify_tries(void)
{
	return &slots[SLOT_NOTIFY];
}

/* What is handled by this image alone is blocked until the next one has its handlers; what has come is noted. */
static void hold_signals(uint64_t *before)
{
	uint64_t all = ~fatal_mask(), pending = 0;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, before, MASK_BYTES);
	syscall(SYS_rt_sigpending, &pending, MASK_BYTES);
	atomic_fetch_or(pending_signals(), pending & ~BIT(SIGCHLD));
}

static void execute(int fd, char *const *argv, char *const *env)
{
	/* Node marks these close-on-exec when it starts. */
	for (int i = 0; i <= 2; i++)
		fcntl(i, F_SETFD, 0);
	if (death_signal)
		syscall(SYS_prctl, PR_SET_PDEATHSIG, death_signal, 0, 0, 0);
	syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
}

/* Does not come back. In a signal handler, whatever has happened to this image: system calls alone. */
_Noreturn void die(int cause, const void *address)
{
	uint64_t before;

	if (atomic_exchange(&dying, 1)) {
		/* Another thread is about it; this one waits for its end. If it is the same, the note was too much. */
		while (!pthread_equal(mourner, pthread_self()))
			pause();
	} else {
		int count = (int)slots[SLOT_COUNT];

		mourner = pthread_self();
		slots[SLOT_CAUSE] = cause;
		slots[SLOT_ADDRESS] = (double)(uintptr_t)address;
		slots[SLOT_COUNT] = count + 1;
		slots[SLOT_TIMES + count % DEATHS] = now_usec();
	}
	hold_signals(&before);
	/* For want of memory, say: PID 1 has nowhere to go. */
	for (;;) {
		execute(image, image_argv, image_env);
		nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
	}
}

static void on_fatal(int signal, siginfo_t *info, void *context)
{
	(void)context;
	die(signal, info->si_code > 0 ? info->si_addr : NULL);
}

/* A process that must not end may be told to by Node itself, or by a library. */
static void on_exit_(void)
{
	if (!leaving && image != -1)
		die(CAUSE_EXIT, NULL);
}

/* For a stack that has no room left. Each thread that runs JavaScript has one, as long as it lives. */
static void give_alt_stack(void)
{
	static _Thread_local bool given;
	stack_t stack = {.ss_size = ALT_STACK_BYTES};

	if (given)
		return;
	stack.ss_sp = mmap(NULL, ALT_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack.ss_sp != MAP_FAILED)
		given = sigaltstack(&stack, NULL) == 0;
}

/* guard(fd, argv, env): what takes this image's place should it die. */
static napi_value guard(napi_env env, napi_callback_info info)
{
	struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	static bool installed;
	napi_value values[3];
	char **argv, **environment;
	int fd;

	if (!arguments(env, info, 3, values) || !read_int(env, values[0], &fd) || !(argv = read_strings(env, values[1]))
	    || !(environment = read_strings(env, values[2])))
		return NULL;
	/* The old ones are never freed: a handler may be at them. */
	image_argv = argv;
	image_env = environment;
	image = fd;
	prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
	give_alt_stack();
	if (installed)
		return NULL;
	installed = true;
	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
		sigdelset(&action.sa_mask, fatal[i]);
	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
		sigaction(fatal[i], &action, NULL);
	atexit(on_exit_);
	return NULL;
}

/* shareSlots(buffer): from here on the slots of a ledger are used. */
static napi_value share_slots(napi_env env, napi_callback_info info)
{
	napi_value value;
	void *data;
	size_t length;

	if (!arguments(env, info, 1, &value) || napi_get_arraybuffer_info(env, value, &data, &length) != napi_ok
	    || length < sizeof private_slots) {
		napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "the slots of a ledger expected");
		return NULL;
	}
	slots = data;
	return NULL;
}

/* die(cause): this image is left as in a crash. */
static napi_value js_die(napi_env env, napi_callback_info info)
{
	napi_value value;
	int cause;

	if (!arguments(env, info, 1, &value) || !read_int(env, value, &cause))
		return NULL;
	if (image == -1) {
		errno = ENOEXEC;
		return throw_errno(env, "die");
	}
	die(cause, NULL);
}

/* become(path, argv, env): another image in good order; an errno name if it cannot be executed. */
static napi_value become(napi_env env, napi_callback_info info)
{
	napi_value values[3], result = NULL;
	char *path = NULL, **argv = NULL, **environment = NULL;
	uint64_t before, none = 0;

	if (arguments(env, info, 3, values) && (path = read_string(env, values[0])) && (argv = read_strings(env, values[1]))
	    && (environment = read_strings(env, values[2]))) {
		hold_signals(&before);
		for (int fd = 0; fd <= 2; fd++)
			fcntl(fd, F_SETFD, 0);
		execve(path, argv, environment);
		result = js_string(env, errno_name(errno));
		/* They come now by themselves. */
		atomic_exchange(pending_signals(), none);
		syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, MASK_BYTES);
	}
	free(path);
	free_strings(argv);
	free_strings(environment);
	return result;
}

/* leaving(): an exit from here on is meant. */
static napi_value js_leaving(napi_env env, napi_callback_info info)
{
	(void)env;
	(void)info;
	leaving = 1;
	return NULL;
}

void register_image(napi_env env, napi_value exports)
{
	if (image != -1)
		give_alt_stack();	/* a worker */
	register_call(env, exports, "guard", guard, NULL);
	register_call(env, exports, "shareSlots", share_slots, NULL);
	register_call(env, exports, "die", js_die, NULL);
	register_call(env, exports, "become", become, NULL);
	register_call(env, exports, "leaving", js_leaving, NULL);
}
