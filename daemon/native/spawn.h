/* A process to be started, with all memory that the child needs: after vfork it may allocate nothing. */
#ifndef SPAWN_H
#define SPAWN_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include "hearth.h"

#define CALL_ARGUMENTS 6
#define IGNORABLE 192	/* errno numbers below it can be ignored */
#define UNCHANGED UINT32_MAX	/* (uid_t)-1, as setresuid(2) has it */

struct call {
	long number;
	long arguments[CALL_ARGUMENTS];
	int result_of[CALL_ARGUMENTS];	/* the argument is that call's result; -1: it is as given */
	const char *step;
	int exit_status;
	uint64_t ignored[IGNORABLE / 64];
};

struct limit {
	int resource;
	struct rlimit value;
};

/* The unit's own file system: mounts.c. */
struct mount_plan {
	const char *operations;	/* one after the other, aligned to four bytes */
	size_t size;
	const char *stage;
	unsigned long propagation;	/* MS_SHARED, MS_PRIVATE; 0: as it comes */
	int failed;	/* the place of the operation that failed; -1: it was none of them */
};

/* A namespace that exists already, to be entered. */
struct namespace {
	int fd;
	const char *step;
	int exit_status;
};

struct sandbox {
	struct namespace *namespaces;
	size_t namespace_count;
	int unshare;	/* CLONE_NEW... for a new one of the child's own, but the mount namespace */
	bool new_pids;	/* first of a PID namespace of its own */
	struct mount_plan *mounts;	/* NULL: none */
	int user_namespace;	/* entered when all is set up; -1: none */
};

struct spawn {
	const char *path;
	char **argv, **environment;
	char **pids;	/* where in the environment the pid is written */
	size_t pid_count;
	int *fds;
	int fd_count;
	int past_fds;	/* the child shares our table and needs what is below this; 0: it has a copy of its own */
	const char *cwd;
	bool cwd_missing_ok;
	uint32_t uid, gid;
	gid_t *groups;
	size_t group_count;
	bool has_groups;
	mode_t umask;
	struct limit *limits;
	size_t limit_count;
	bool has_nice, has_oom_score;
	int nice;
	char oom_score[16];
	bool ignore_sigpipe, controlling_tty;
	int cgroup_fd;
	struct sandbox *sandbox;	/* NULL: none */
	bool write_cgroup;	/* set when the kernel could not start the child in it */
	struct call *calls;
	long *results;
	size_t before_count, call_count;
	struct sock_fprog filter;	/* of no instructions: none */
	bool wants_pidfd;

	/* What the child leaves for its parent, in the memory they share. step is NULL when all went well. */
	const char *volatile step;
	volatile int error, exit_status;
};

/* request.c: false after throwing. */
bool read_spawn(napi_env env, napi_value request, struct arena *arena, struct spawn *spawn);
/* An array of calls; that which fails tells its place as the exit status. */
bool read_attempt(napi_env env, napi_value calls, struct arena *arena, struct spawn *spawn);
/* mounts.c: run in the child. -1 with errno. */
int make_mounts(struct mount_plan *plan);
/* child.c: run in the child, on a stack of its own; never return. */
void run_child(void *spawn);
void run_calls(void *spawn);	/* makes the calls alone, and ends */
/* spawn.c: runs `run` in a child that borrows our memory until it has ended, with these flags of
 * clone(2) more. Its wait status; -1 with errno: no child. */
int run_apart(void (*run)(void *), void *data, uint64_t flags);
/* The same, but it runs on beside us until it is killed, on the one stack of all children. Its pid; -1 with errno. */
long start_apart(void (*run)(void *), void *data, uint64_t flags);

#endif
