/* Removes a directory with all that is in it, off the main thread: what a service has left in its /tmp may be much. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hearth.h"

#define MOST_ROUNDS 10000

struct removal {
	char *path;
	int error;
	napi_deferred deferred;
	napi_async_work work;
};

static bool is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

static DIR *open_directory(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *directory = fd == -1 ? NULL : fdopendir(fd);

	if (!directory && fd != -1)
		close(fd);
	return directory;
}

static bool remove_one(int at, const char *name)
{
	return unlinkat(at, name, 0) == 0 || unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

/* Directories inside are moved up to `top`, where a later round finds them: so no depth is too deep. */
static bool flatten(int top, const char *name)
{
	static unsigned long count;
	DIR *directory = open_directory(top, name);
	struct dirent *entry;

	if (!directory)
		return false;
	while ((entry = readdir(directory))) {
		char moved[64];

		if (is_dots(entry->d_name) || remove_one(dirfd(directory), entry->d_name))
			continue;
		snprintf(moved, sizeof moved, ".hearth-%lu", __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED));
		renameat(dirfd(directory), entry->d_name, top, moved);
	}
	closedir(directory);
	return unlinkat(top, name, AT_REMOVEDIR) == 0;
}

/* By descriptors and without following a link: a process of the service that is still there can lead us nowhere else. */
static int remove_tree(const char *path)
{
	DIR *top = open_directory(AT_FDCWD, path);
	bool goes_on = true;

	if (!top)
		return errno == ENOENT ? 0 : errno;
	for (int round = 0; goes_on && round < MOST_ROUNDS; round++) {
		struct dirent *entry;

		goes_on = false;
		rewinddir(top);
		while ((entry = readdir(top)))
			if (!is_dots(entry->d_name))
				goes_on |= remove_one(dirfd(top), entry->d_name) || flatten(dirfd(top), entry->d_name);
	}
	closedir(top);
	return rmdir(path) == -1 && errno != ENOENT ? errno : 0;
}

static void execute(napi_env env, void *data)
{
	struct removal *removal = data;

	(void)env;
	removal->error = remove_tree(removal->path);
}

static void complete(napi_env env, napi_status status, void *data)
{
	struct removal *removal = data;

	(void)status;
	errno = removal->error;
	napi_resolve_deferred(env, removal->deferred, errno_or_null(env, removal->error != 0));
	napi_delete_async_work(env, removal->work);
	free(removal->path);
	free(removal);
}

/* removeTree(path): Promise<string | null>, the name of an errno when something is left. */
static napi_value remove_tree_(napi_env env, napi_callback_info info)
{
	struct removal *removal;
	napi_value path, promise = NULL;

	if (!arguments(env, info, 1, &path))
		return NULL;
	removal = calloc(1, sizeof *removal);
	if (!removal)
		return throw_errno(env, "calloc");
	removal->path = read_string(env, path);
	if (!removal->path || napi_create_promise(env, &removal->deferred, &promise) != napi_ok
	    || napi_create_async_work(env, NULL, js_string(env, "removeTree"), execute, complete, removal, &removal->work)
		!= napi_ok || napi_queue_async_work(env, removal->work) != napi_ok) {
		free(removal->path);
		free(removal);
		return NULL;
	}
	return promise;
}

void register_remove(napi_env env, napi_value exports)
{
	register_call(env, exports, "removeTree", remove_tree_, NULL);
}
