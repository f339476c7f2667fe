/* Processes: signals to them, descriptors of them, who our children are. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "hearth.h"

/* The same numbers on every architecture; Debian 11's headers lack them. */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static napi_value kill_(napi_env env, napi_callback_info info)
{
	napi_value values[2];
	int pid, signal;

	if (!arguments(env, info, 2, values) || !read_int(env, values[0], &pid) || !read_int(env, values[1], &signal))
		return NULL;
	/* 0 is the caller's own process group, which may be that of who started us: a pid that was not known, never a wish. */
	if (pid == 0) {
		errno = ESRCH;
		return errno_or_null(env, 1);
	}
	return errno_or_null(env, kill(pid, signal) == -1);
}

static napi_value pidfd_open_(napi_env env, napi_callback_info info)
{
	napi_value value;
	long fd;
	int pid;

	if (!arguments(env, info, 1, &value) || !read_int(env, value, &pid))
		return NULL;
	fd = syscall(SYS_pidfd_open, pid, 0);
	return fd == -1 && errno != ESRCH ? throw_errno(env, "pidfd_open") : js_number(env, (double)fd);
}

static napi_value pidfd_signal(napi_env env, napi_callback_info info)
{
	napi_value values[2];
	int fd, signal;

	if (!arguments(env, info, 2, values) || !read_int(env, values[0], &fd) || !read_int(env, values[1], &signal))
		return NULL;
	return errno_or_null(env, syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) == -1);
}

static void on_end(struct watch *watch)
{
	watch_call(watch, 0, NULL);
	watch_close(watch);
}

static void on_freed(struct watch *watch)
{
	close(watch->fd);
}

/* onPidfd(pidfd, callback): on a descriptor of its own, so that the caller may close the one given. */
static napi_value on_pidfd(napi_env env, napi_callback_info info)
{
	napi_value values[2];
	struct watch *watch;
	int fd;

	if (!arguments(env, info, 2, values) || !read_int(env, values[0], &fd))
		return NULL;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd == -1)
		return throw_errno(env, "fcntl");
	watch = watch_open(env, fd, values[1], on_end, on_freed);
	if (watch)
		uv_unref((uv_handle_t *)&watch->poll);
	else
		close(fd);
	return NULL;
}

static napi_value set_subreaper(napi_env env, napi_callback_info info)
{
	(void)info;
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1 ? throw_errno(env, "prctl") : NULL;
}

struct pids {
	int32_t *list;
	size_t count, room;
};

static bool add(struct pids *pids, int32_t pid)
{
	if (pids->count == pids->room) {
		size_t room = pids->room ? 2 * pids->room : 256;
		int32_t *list = realloc(pids->list, room * sizeof *list);

		if (!list)
			return false;
		pids->list = list;
		pids->room = room;
	}
	pids->list[pids->count++] = pid;
	return true;
}

/* Adds the pids that a `children` file (proc(5)) lists; false if there is no such file. */
static bool add_listed(struct pids *pids, const char *path)
{
	char text[4096];
	int32_t pid = 0;
	ssize_t length;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return false;
	while ((length = read(fd, text, sizeof text)) > 0)
		for (ssize_t i = 0; i < length; i++) {
			if (isdigit((unsigned char)text[i])) {
				pid = pid * 10 + (text[i] - '0');
			} else if (pid) {
				add(pids, pid);
				pid = 0;
			}
		}
	close(fd);
	return true;
}

static int32_t parent_of(const char *pid)
{
	char path[64], text[512];
	const char *end;
	ssize_t length;
	int parent = 0;
	int fd;

	snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	length = read(fd, text, sizeof text - 1);
	close(fd);
	text[length > 0 ? length : 0] = 0;
	end = strrchr(text, ')');	/* the name before it may hold anything */
	return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

/* Every process whose parent we are: for kernels without CONFIG_PROC_CHILDREN. */
static void add_scanned(struct pids *pids)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;

	if (!directory)
		return;
	while ((entry = readdir(directory)))
		if (isdigit((unsigned char)entry->d_name[0]) && parent_of(entry->d_name) == getpid())
			add(pids, atoi(entry->d_name));
	closedir(directory);
}

/* children(): Int32Array of the pids of our children, zombies too, of whichever thread. */
static napi_value children(napi_env env, napi_callback_info info)
{
	struct pids pids = {0};
	bool listed = false;
	DIR *directory = opendir("/proc/self/task");
	struct dirent *entry;
	napi_value buffer, array;
	void *bytes;

	(void)info;
	while (directory && (entry = readdir(directory))) {
		char path[64];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/self/task/%.20s/children", entry->d_name);
		listed |= add_listed(&pids, path);
	}
	if (directory)
		closedir(directory);
	if (!listed)
		add_scanned(&pids);
	if (napi_create_arraybuffer(env, pids.count * sizeof(int32_t), &bytes, &buffer) != napi_ok) {
		free(pids.list);
		return NULL;
	}
	if (pids.count)
		memcpy(bytes, pids.list, pids.count * sizeof(int32_t));
	free(pids.list);
	napi_create_typedarray(env, napi_int32_array, pids.count, buffer, 0, &array);
	return array;
}

void register_processes(napi_env env, napi_value exports)
{
	register_call(env, exports, "kill", kill_, NULL);
	register_call(env, exports, "pidfdOpen", pidfd_open_, NULL);
	register_call(env, exports, "pidfdSignal", pidfd_signal, NULL);
	register_call(env, exports, "onPidfd", on_pidfd, NULL);
	register_call(env, exports, "setSubreaper", set_subreaper, NULL);
	register_call(env, exports, "children", children, NULL);
}
