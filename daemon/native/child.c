/* What a child does between vfork and execve. It shares its parent's memory, and its parent's other threads run on: raw
 * system calls only (glibc's setuid would signal those threads), nothing allocated, and an end by _exit alone. Each step
 * is systemd's (exec_child), in its order, and so is the status that tells where it failed (systemd.exec(5)). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "spawn.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#endif
#define LAST_SIGNAL 64
#define MASK_BYTES 8
/* Without close_range (Linux before 5.9) so many are closed one by one; Node's and our own close on exec anyway. */
#define MOST_CLOSED 65536

enum {
	EXIT_CHDIR = 200, EXIT_NICE = 201, EXIT_FDS = 202, EXIT_EXEC = 203, EXIT_LIMITS = 205, EXIT_OOM_ADJUST = 206,
	EXIT_SIGNAL_MASK = 207, EXIT_STDIN = 208, EXIT_STDOUT = 209, EXIT_GROUP = 216, EXIT_USER = 217,
	EXIT_CGROUP = 219, EXIT_SETSID = 220, EXIT_STDERR = 222, EXIT_NAMESPACE = 226, EXIT_SECCOMP = 228,
};

static _Noreturn void end(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

static _Noreturn void fail(struct spawn *spawn, const char *step, int status)
{
	spawn->error = errno;
	spawn->exit_status = status;
	spawn->step = step;
	end(status);
}

/* As the kernel has it: glibc's sigaction() would refuse the two that it keeps for itself. */
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

/* All to their defaults before any is unblocked: a handler would run in the parent's memory. */
static void reset_signals(const struct spawn *spawn)
{
	struct kernel_sigaction action = {.handler = SIG_DFL};

	for (int signal = 1; signal <= LAST_SIGNAL; signal++)
		syscall(SYS_rt_sigaction, signal, &action, NULL, MASK_BYTES);
	if (spawn->ignore_sigpipe) {
		action.handler = SIG_IGN;
		syscall(SYS_rt_sigaction, SIGPIPE, &action, NULL, MASK_BYTES);
	}
}

static _Noreturn void fail_fd(struct spawn *spawn, int fd)
{
	if (fd == STDIN_FILENO)
		fail(spawn, "STDIN", EXIT_STDIN);
	if (fd == STDOUT_FILENO)
		fail(spawn, "STDOUT", EXIT_STDOUT);
	if (fd == STDERR_FILENO)
		fail(spawn, "STDERR", EXIT_STDERR);
	fail(spawn, "FDS", EXIT_FDS);
}

/* Before anything is opened or closed. unshare copies all of it, where close_range (Linux 5.9) is missing. */
static void own_fds(struct spawn *spawn)
{
	if (spawn->past_fds && syscall(SYS_close_range, spawn->past_fds, UINT_MAX, CLOSE_RANGE_UNSHARE) == -1
	    && syscall(SYS_unshare, CLONE_FILES) == -1)
		fail(spawn, "FDS", EXIT_FDS);
}

/* fds[i] becomes i. Those in the way of others are moved out of it first. */
static void place_fds(struct spawn *spawn)
{
	int count = spawn->fd_count, null = -1;

	for (int i = 0; i < count; i++) {
		int *fd = &spawn->fds[i];

		if (*fd == -1) {
			if (null == -1 && (null = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0)) == -1)
				fail_fd(spawn, i);
			*fd = null;
		}
		if (*fd < count && *fd != i && (*fd = (int)syscall(SYS_fcntl, *fd, F_DUPFD_CLOEXEC, count)) == -1)
			fail_fd(spawn, i);
	}
	for (int i = 0; i < count; i++) {
		int fd = spawn->fds[i];

		if (fd == i ? syscall(SYS_fcntl, fd, F_SETFD, 0) == -1 : syscall(SYS_dup3, fd, i, 0) == -1)
			fail_fd(spawn, i);
	}
}

static void close_others(const struct spawn *spawn)
{
	struct rlimit limit = {.rlim_cur = MOST_CLOSED};

	if (syscall(SYS_close_range, spawn->fd_count, UINT_MAX, 0) == 0)
		return;
	syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
	for (int fd = spawn->fd_count; fd < MOST_CLOSED && (rlim_t)fd < limit.rlim_cur; fd++)
		syscall(SYS_close, fd);
}

static void enter_cgroup(struct spawn *spawn)
{
	long fd = syscall(SYS_openat, spawn->cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC, 0);

	if (fd == -1 || syscall(SYS_write, fd, "0", 1) == -1)
		fail(spawn, "CGROUP", EXIT_CGROUP);
	syscall(SYS_close, fd);
}

static bool is_privilege(int error)
{
	return error == EPERM || error == EACCES;
}

/* A user namespace prohibits this file: as in systemd, what is not permitted is left as it is. */
static void adjust_oom_score(struct spawn *spawn)
{
	size_t length = 0;
	long fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);

	while (spawn->oom_score[length])
		length++;
	if ((fd == -1 || syscall(SYS_write, fd, spawn->oom_score, length) == -1) && !is_privilege(errno))
		fail(spawn, "OOM_ADJUST", EXIT_OOM_ADJUST);
	if (fd != -1)
		syscall(SYS_close, fd);
}

/* The nearest that RLIMIT_NICE allows, as systemd's setpriority_closest(). */
static void set_nice(struct spawn *spawn)
{
	struct rlimit limit = {0};
	int lowest, current;

	if (syscall(SYS_setpriority, PRIO_PROCESS, 0, spawn->nice) == 0)
		return;
	if (!is_privilege(errno))
		fail(spawn, "NICE", EXIT_NICE);
	current = 20 - (int)syscall(SYS_getpriority, PRIO_PROCESS, 0);	/* the raw call gives 1 to 40 */
	syscall(SYS_prlimit64, 0, RLIMIT_NICE, NULL, &limit);
	lowest = limit.rlim_cur > 40 ? -20 : 20 - (int)limit.rlim_cur;
	if (lowest < current)
		syscall(SYS_setpriority, PRIO_PROCESS, 0, lowest);
}

/* A hard limit that may not be raised gives the nearest, as systemd's setrlimit_closest(). */
static void set_limit(struct spawn *spawn, const struct limit *limit)
{
	struct rlimit value = limit->value, now;

	if (syscall(SYS_prlimit64, 0, limit->resource, &value, NULL) == 0)
		return;
	if (errno != EPERM)
		fail(spawn, "LIMITS", EXIT_LIMITS);
	if (syscall(SYS_prlimit64, 0, limit->resource, NULL, &now) == -1)
		fail(spawn, "LIMITS", EXIT_LIMITS);
	if (value.rlim_max > now.rlim_max)
		value.rlim_max = now.rlim_max;
	if (value.rlim_cur > value.rlim_max)
		value.rlim_cur = value.rlim_max;
	if (syscall(SYS_prlimit64, 0, limit->resource, &value, NULL) == -1)
		fail(spawn, "LIMITS", EXIT_LIMITS);
}

static void make_calls(struct spawn *spawn, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		struct call *call = &spawn->calls[i];
		long *a = call->arguments;
		long result;

		for (int j = 0; j < CALL_ARGUMENTS; j++)
			if (call->result_of[j] >= 0)
				a[j] = spawn->results[call->result_of[j]];
		result = syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
		if (result == -1 && !(errno < IGNORABLE && call->ignored[errno / 64] >> (errno % 64) & 1))
			fail(spawn, call->step, call->exit_status);
		spawn->results[i] = result;
	}
}

/* Before what may take the right to raise them, or to have groups that a user namespace does not know. */
static void change_groups_and_limits(struct spawn *spawn)
{
	if (spawn->has_groups && syscall(SYS_setgroups, spawn->group_count, spawn->groups) == -1)
		fail(spawn, "GROUP", EXIT_GROUP);
	if (spawn->gid != UNCHANGED && syscall(SYS_setresgid, spawn->gid, spawn->gid, spawn->gid) == -1)
		fail(spawn, "GROUP", EXIT_GROUP);
	for (size_t i = 0; i < spawn->limit_count; i++)
		set_limit(spawn, &spawn->limits[i]);
}

static void change_user(struct spawn *spawn)
{
	if (!spawn->sandbox || spawn->sandbox->user_namespace < 0)
		change_groups_and_limits(spawn);
	if (spawn->uid != UNCHANGED && syscall(SYS_setresuid, spawn->uid, spawn->uid, spawn->uid) == -1)
		fail(spawn, "USER", EXIT_USER);
}

/* While the table of descriptors is still our parent's: nothing has to be lent for it. */
static void join_namespaces(struct spawn *spawn)
{
	const struct sandbox *sandbox = spawn->sandbox;

	for (size_t i = 0; i < sandbox->namespace_count; i++)
		if (syscall(SYS_setns, sandbox->namespaces[i].fd, 0) == -1)
			fail(spawn, sandbox->namespaces[i].step, sandbox->namespaces[i].exit_status);
}

static void make_sandbox(struct spawn *spawn)
{
	struct sandbox *sandbox = spawn->sandbox;

	if (sandbox->unshare && syscall(SYS_unshare, sandbox->unshare) == -1)
		fail(spawn, "NAMESPACE", EXIT_NAMESPACE);
	if (sandbox->mounts && make_mounts(sandbox->mounts) == -1)
		fail(spawn, "NAMESPACE", EXIT_NAMESPACE);
	if (sandbox->user_namespace < 0)
		return;
	change_groups_and_limits(spawn);
	/* Last: in there we have no more rights over the other namespaces. */
	if (syscall(SYS_setns, sandbox->user_namespace, CLONE_NEWUSER) == -1)
		fail(spawn, "USER", EXIT_USER);
}

static void write_pid(char *text)
{
	char digits[16];
	int length = 0;

	for (long pid = syscall(SYS_getpid); pid > 0; pid /= 10)
		digits[length++] = (char)('0' + pid % 10);
	while (length > 0)
		*text++ = digits[--length];
	*text = 0;
}

/* For this process alone: seccomp is the thread's. (PR_SET_MDWE would change the memory that we share with our parent.) */
static void filter_calls(struct spawn *spawn)
{
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &spawn->filter) == -1)
		fail(spawn, "SECCOMP", EXIT_SECCOMP);
}

void run_calls(void *data)
{
	struct spawn *spawn = data;

	make_calls(spawn, 0, spawn->call_count);
	end(0);
}

void run_child(void *data)
{
	struct spawn *spawn = data;
	uint64_t none = 0;

	reset_signals(spawn);
	if (spawn->sandbox)
		join_namespaces(spawn);
	own_fds(spawn);
	if (syscall(SYS_setsid) == -1)
		fail(spawn, "SETSID", EXIT_SETSID);
	place_fds(spawn);
	/* 1: taken from the session that has it, where that is permitted. */
	if (spawn->controlling_tty && syscall(SYS_ioctl, STDIN_FILENO, TIOCSCTTY, 0) == -1
	    && syscall(SYS_ioctl, STDIN_FILENO, TIOCSCTTY, 1) == -1)
		fail(spawn, "STDIN", EXIT_STDIN);
	if (spawn->write_cgroup)
		enter_cgroup(spawn);
	if (spawn->has_oom_score)
		adjust_oom_score(spawn);
	if (spawn->has_nice)
		set_nice(spawn);
	if (spawn->sandbox)
		make_sandbox(spawn);
	make_calls(spawn, 0, spawn->before_count);
	syscall(SYS_umask, spawn->umask);
	change_user(spawn);
	/* As the user: on a network file system perhaps nobody else may go there. */
	if (spawn->cwd && syscall(SYS_chdir, spawn->cwd) == -1 && !spawn->cwd_missing_ok)
		fail(spawn, "CHDIR", EXIT_CHDIR);
	make_calls(spawn, spawn->before_count, spawn->call_count);
	close_others(spawn);
	for (size_t i = 0; i < spawn->pid_count; i++)
		write_pid(spawn->pids[i]);
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, MASK_BYTES) == -1)
		fail(spawn, "SIGNAL_MASK", EXIT_SIGNAL_MASK);
	/* Last, as from here on it holds for us as well. */
	if (spawn->filter.len > 0)
		filter_calls(spawn);
	syscall(SYS_execve, spawn->path, spawn->argv, spawn->environment);
	fail(spawn, "EXEC", EXIT_EXEC);
}
