/* Starts a process as vfork(2) does: the child borrows our memory until it executes, so that nothing is copied, however
 * large the daemon is, and it can tell us in that memory what went wrong. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "spawn.h"

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP UINT64_C(0x200000000)
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#define MASK_BYTES 8
#define STACK_BYTES (64 * 1024)
#define GUARD_BYTES (64 * 1024)	/* a page of any size */

struct clone3_arguments {
	_Alignas(8) uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
		cgroup;
};

/* The clone system calls, whose child goes on with run(data) on the new stack. glibc's clone() cannot name a cgroup. */
static long start(long number, long a0, long a1, long a2, void (*run)(void *), void *data)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	long result;

	__asm__ volatile(
		"syscall\n\t"
		"test %%rax, %%rax\n\t"
		"jnz 1f\n\t"
		"mov %[data], %%rdi\n\t"
		"mov %[run], %%rax\n\t"	/* before: either may be in rbp */
		"xor %%ebp, %%ebp\n\t"
		"call *%%rax\n\t"
		"ud2\n"
		"1:"
		: "=a"(result)
		: "0"(number), "D"(a0), "S"(a1), "d"(a2), "r"(r10), "r"(r8), [run] "r"(run), [data] "r"(data)
		: "rcx", "r11", "cc", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a0;
	register long x1 __asm__("x1") = a1;
	register long x2 __asm__("x2") = a2;
	register long x3 __asm__("x3") = 0;
	register long x4 __asm__("x4") = 0;

	__asm__ volatile(
		"svc #0\n\t"
		"cbnz x0, 1f\n\t"
		"mov x0, %[data]\n\t"
		"mov x9, %[run]\n\t"
		"mov x29, xzr\n\t"
		"blr x9\n\t"
		"brk #1\n"
		"1:"
		: "+r"(x0)
		: "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), [run] "r"(run), [data] "r"(data)
		: "cc", "memory");
	return x0;
#else
#error "hearth knows x86_64 and aarch64"
#endif
}

/* Descriptors with low numbers, held by /dev/null, that a child's are lent for its start. The child begins with our table of
 * descriptors itself (CLONE_FILES) and takes a copy of what is below `past_slots`: to copy all of them, and to close them
 * again, would make each start the slower the more services there are. */
#define SLOTS 32
static int slots[SLOTS], past_slots, null = -1;

static bool reserve_slots(void)
{
	if (past_slots)
		return true;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null == -1)
		return false;
	for (int i = 0; i < SLOTS; i++) {
		slots[i] = fcntl(null, F_DUPFD_CLOEXEC, 3);
		if (slots[i] == -1) {
			while (--i >= 0)
				close(slots[i]);
			close(null);
			return false;
		}
	}
	for (int i = 0; i < SLOTS; i++)
		if (slots[i] >= past_slots)
			past_slots = slots[i] + 1;
	return true;
}

static int lend(int fd, int *lent)
{
	if (fd < past_slots || dup3(fd, slots[*lent], O_CLOEXEC) == -1)
		return fd;	/* a bad one is told by the child, which knows what it was for */
	return slots[(*lent)++];
}

/* Gives the child's descriptors low numbers; the count of those lent, or -1: it has to copy our whole table. */
static int lend_fds(struct spawn *spawn)
{
	int lent = 0;

	if (spawn->fd_count + 2 > SLOTS || !reserve_slots())	/* two more than those: see below */
		return -1;
	for (int i = 0; i < spawn->fd_count; i++)
		spawn->fds[i] = lend(spawn->fds[i], &lent);
	if (spawn->cgroup_fd >= 0)
		spawn->cgroup_fd = lend(spawn->cgroup_fd, &lent);
	if (spawn->sandbox && spawn->sandbox->user_namespace >= 0)
		spawn->sandbox->user_namespace = lend(spawn->sandbox->user_namespace, &lent);
	spawn->past_fds = past_slots;
	return lent;
}

/* Each slot back to /dev/null: a copy of a pipe's end would keep the pipe from ending. */
static void take_back(int lent)
{
	while (--lent >= 0)
		dup3(null, slots[lent], O_CLOEXEC);
}

/* One for all children: there is never more than one that has not yet executed. */
static char *child_stack(void)
{
	static char *stack;

	if (!stack) {
		char *memory = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

		if (memory == MAP_FAILED || mprotect(memory + GUARD_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE) == -1)
			return NULL;
		stack = memory + GUARD_BYTES;
	}
	return stack;
}

/* The child's pid or -errno. Where clone3 is missing or forbidden (seccomp profiles of container engines answer ENOSYS),
 * or the cgroup refuses, clone does, and the child moves itself. */
static long start_child(struct spawn *spawn, char *stack, int *pidfd)
{
	/* The kernel tells the pid before the child runs: should we die in the meantime, it is known that there is one. */
	uint64_t flags = CLONE_VM | CLONE_VFORK | (spawn->past_fds ? CLONE_FILES : 0)
		| (spawn->wants_pidfd ? CLONE_PIDFD : CLONE_PARENT_SETTID);
	int *told = spawn->wants_pidfd ? pidfd : spawned_pid();

	if (spawn->sandbox && spawn->sandbox->new_pids)
		flags |= CLONE_NEWPID;

	if (spawn->cgroup_fd >= 0) {
		struct clone3_arguments arguments = {
			.flags = flags | CLONE_INTO_CGROUP, .pidfd = (uint64_t)(uintptr_t)pidfd,
			.parent_tid = (uint64_t)(uintptr_t)spawned_pid(), .exit_signal = SIGCHLD,
			.stack = (uint64_t)(uintptr_t)stack, .stack_size = STACK_BYTES, .cgroup = (uint64_t)spawn->cgroup_fd,
		};
		long pid = start(SYS_clone3, (long)&arguments, sizeof arguments, 0, run_child, spawn);

		if (pid > 0 || pid == -EAGAIN || pid == -ENOMEM)
			return pid;
		spawn->write_cgroup = true;
	}
	return start(SYS_clone, (long)(flags | SIGCHLD), (long)(stack + STACK_BYTES), (long)told, run_child, spawn);
}

static long clone_apart(void (*run)(void *), void *data, uint64_t flags)
{
	uint64_t all = UINT64_MAX, before;
	char *stack = child_stack();
	int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	long pid;

	if (!stack)
		return -1;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, MASK_BYTES);
	/* No signal at its end: it is nobody's child but ours. */
	pid = start(SYS_clone, (long)(CLONE_VM | flags), (long)(stack + STACK_BYTES), 0, run, data);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, MASK_BYTES);
	if (dumpable == 1)
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (pid < 0) {
		errno = (int)-pid;
		return -1;
	}
	return pid;
}

int run_apart(void (*run)(void *), void *data, uint64_t flags)
{
	long pid = clone_apart(run, data, CLONE_VFORK | flags);
	int status = 0;

	if (pid == -1)
		return -1;
	while (waitpid((pid_t)pid, &status, __WALL) == -1 && errno == EINTR)
		;
	return status;
}

long start_apart(void (*run)(void *), void *data, uint64_t flags)
{
	return clone_apart(run, data, flags);
}

static napi_value js_failure(napi_env env, const char *step, int exit_status, int error)
{
	napi_value object;

	napi_create_object(env, &object);
	set_string(env, object, "step", step);
	set_number(env, object, "exitStatus", exit_status);
	set_string(env, object, "errno", errno_name(error));
	set_string(env, object, "message", strerror(error));
	return object;
}

/* spawn(request): SpawnOutcome. When it returns, the child has executed or is gone without a trace. Main thread only. */
static napi_value spawn_(napi_env env, napi_callback_info info)
{
	struct arena arena = {0};
	struct spawn spawn = {0};
	uint64_t all = UINT64_MAX, before;
	napi_value request, result = NULL;
	char *stack = child_stack();
	int dumpable, lent, pidfd = -1;
	long pid;

	if (!stack)
		return throw_errno(env, "mmap");
	if (!arguments(env, info, 1, &request) || !read_spawn(env, request, &arena, &spawn))
		goto out;
	lent = lend_fds(&spawn);
	/* To change the user forbids core dumps of the memory that is changed in, and here that is ours. */
	dumpable = spawn.uid == UNCHANGED && !spawn.sandbox ? 0 : prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	/* No handler of ours may run in the child. Raw, as glibc would leave its own two signals out. */
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, MASK_BYTES);
	begin_birth();
	pid = start_child(&spawn, stack, &pidfd);
	/* One that has failed is waited for here. */
	if (pid > 0 && spawn.step)
		while (waitpid((pid_t)pid, NULL, 0) == -1 && errno == EINTR)
			;
	end_birth(spawn.step ? -1 : (pid_t)pid);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, MASK_BYTES);
	take_back(lent);
	if (dumpable == 1)
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (pid < 0) {
		result = js_failure(env, "FORK", 0, (int)-pid);
	} else if (spawn.step) {
		if (pidfd != -1)
			close(pidfd);
		*spawned_pid() = 0;
		result = js_failure(env, spawn.step, spawn.exit_status, spawn.error);
		if (spawn.sandbox && spawn.sandbox->mounts)
			set_number(env, result, "operation", spawn.sandbox->mounts->failed);
	} else {
		napi_create_object(env, &result);
		set_number(env, result, "pid", (double)pid);
		set_number(env, result, "pidfd", pidfd);
	}
out:
	arena_free(&arena);
	return result;
}

void register_spawn(napi_env env, napi_value exports)
{
	register_call(env, exports, "spawn", spawn_, NULL);
}
