/* Namespaces that several processes share, made before any of them is started: their descriptors are what keeps them. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "spawn.h"

struct maker {
	const char *file;	/* under /proc/self/ns */
	int flag, user_namespace, fd, error;
};

static _Noreturn void finish(struct maker *maker, int error)
{
	maker->error = error;
	for (;;)
		syscall(SYS_exit_group, 0);
}

/* The kernel gives the loopback its addresses when it is brought up. */
static bool bring_loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	long fd = syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done = fd != -1 && syscall(SYS_ioctl, fd, SIOCSIFFLAGS, &request) == 0;
	int error = errno;

	if (fd != -1)
		syscall(SYS_close, fd);
	errno = error;
	return done;
}

/* In a child that has our memory and our descriptors, and nothing else of us: raw system calls only. */
static void make(void *data)
{
	struct maker *maker = data;

	if (maker->user_namespace >= 0 && syscall(SYS_setns, maker->user_namespace, CLONE_NEWUSER) == -1)
		finish(maker, errno);
	if (syscall(SYS_unshare, maker->flag) == -1)
		finish(maker, errno);
	if (maker->flag == CLONE_NEWNET && !bring_loopback_up())
		finish(maker, errno);
	maker->fd = (int)syscall(SYS_openat, AT_FDCWD, maker->file, O_RDONLY | O_CLOEXEC, 0);
	finish(maker, maker->fd == -1 ? errno : 0);
}

/* makeNamespace(kind, userNamespace): the descriptor of a new one, in the user namespace given (-1: ours). */
static napi_value make_namespace(napi_env env, napi_callback_info info)
{
	struct maker maker = {.fd = -1};
	napi_value values[2];
	char *kind;

	if (!arguments(env, info, 2, values) || !read_int(env, values[1], &maker.user_namespace)
	    || !(kind = read_string(env, values[0])))
		return NULL;
	maker.flag = strcmp(kind, "net") == 0 ? CLONE_NEWNET : CLONE_NEWIPC;
	maker.file = maker.flag == CLONE_NEWNET ? "/proc/self/ns/net" : "/proc/self/ns/ipc";
	free(kind);
	if (run_apart(make, &maker, CLONE_FILES) == -1)
		return throw_errno(env, "clone");
	if (maker.error) {
		errno = maker.error;
		return throw_errno(env, "unshare");
	}
	return js_number(env, maker.fd);
}

static void wait_for_end(void *data)
{
	(void)data;
	for (;;)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

static bool write_file(long pid, const char *name, const char *text)
{
	char path[64];
	int fd, error;

	snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	error = write(fd, text, strlen(text)) == -1 ? errno : 0;
	close(fd);
	errno = error;
	return error == 0;
}

/* makeUserNamespace(uidMap, gidMap, allowGroups): the descriptor of a new one (user_namespaces(7)). */
static napi_value make_user_namespace(napi_env env, napi_callback_info info)
{
	napi_value values[3];
	char *uid_map = NULL, *gid_map = NULL, path[64];
	bool allow_groups = false;
	int fd = -1, error = 0;
	long pid;

	if (!arguments(env, info, 3, values) || !read_bool(env, values[2], &allow_groups)
	    || !(uid_map = read_string(env, values[0])) || !(gid_map = read_string(env, values[1]))) {
		free(uid_map);
		return NULL;
	}
	pid = start_apart(wait_for_end, NULL, CLONE_NEWUSER);
	if (pid == -1) {
		error = errno;
	} else {
		snprintf(path, sizeof path, "/proc/%ld/ns/user", pid);
		if ((!allow_groups && !write_file(pid, "setgroups", "deny")) || !write_file(pid, "uid_map", uid_map)
		    || !write_file(pid, "gid_map", gid_map) || (fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
			error = errno;
		kill((pid_t)pid, SIGKILL);
		while (waitpid((pid_t)pid, NULL, __WALL) == -1 && errno == EINTR)
			;
	}
	free(uid_map);
	free(gid_map);
	if (error) {
		errno = error;
		return throw_errno(env, "clone");
	}
	return js_number(env, fd);
}

void register_namespaces(napi_env env, napi_value exports)
{
	register_call(env, exports, "makeNamespace", make_namespace, NULL);
	register_call(env, exports, "makeUserNamespace", make_user_namespace, NULL);
}
