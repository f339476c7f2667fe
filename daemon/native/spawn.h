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
/* child.c: run in the child, on a stack of its own; never return. */
void run_child(void *spawn);
void run_calls(void *spawn);	/* makes the calls alone, and ends */
/* spawn.c: runs `run` in a child that borrows our memory until it has ended. Its wait status; -1 with errno: no child. */
int run_apart(void (*run)(void *), void *data);

#endif
