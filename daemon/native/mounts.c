/* The unit's own file system, put together in the child from a list of operations (daemon/runtime/sandbox/operation.ts) that
 * was thought out before the fork. Raw system calls only, as in child.c. No path is followed through a symbolic link: those
 * there were have been resolved, and one that somebody puts there meanwhile leads nowhere. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "spawn.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#define RESOLVE_WITHOUT_LINKS 6	/* RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS */
#define WHOLE_TREE 0x8000	/* AT_RECURSIVE */
#define FD_PATH 32

enum { BIND = 1, MOUNT, FLAGS, REMOUNT, DIRECTORY, REGULAR, DEVICE, LINK };
enum { OPTIONAL = 1, RECURSIVE = 2, MISSING_OK = 4 };

struct operation {
	uint32_t code, how, first, second;
	char strings[];	/* source, target, data: each with its NUL */
};

struct how_to_open {	/* struct open_how */
	uint64_t flags, mode, resolve;
};

struct attributes {	/* struct mount_attr */
	uint64_t set, clear, propagation, user_namespace;
};

static long open_path(const char *path)
{
	struct how_to_open how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_WITHOUT_LINKS};
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);

	/* Before Linux 5.6, or forbidden by a profile that does not know it: the last part of the path at least. */
	if (fd == -1 && (errno == ENOSYS || errno == EPERM))
		fd = syscall(SYS_openat, AT_FDCWD, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	return fd;
}

/* The name under which the kernel finds what is open, and nothing else. */
static void name_fd(char *name, long fd)
{
	static const char directory[] = "/proc/self/fd/";
	char digits[12];
	int count = 0;

	memcpy(name, directory, sizeof directory - 1);
	name += sizeof directory - 1;
	do
		digits[count++] = (char)('0' + fd % 10);
	while ((fd /= 10) > 0);
	while (count > 0)
		*name++ = digits[--count];
	*name = 0;
}

static int mount_on(const char *source, const char *target, const char *type, unsigned long flags, const char *data)
{
	char name[FD_PATH];
	long fd = open_path(target);
	int error;

	if (fd == -1)
		return -1;
	name_fd(name, fd);
	error = syscall(SYS_mount, source, name, type, flags, data) == -1 ? errno : 0;
	syscall(SYS_close, fd);
	errno = error;
	return error ? -1 : 0;
}

static int bind_mount(const char *source, const char *target, bool recursive)
{
	char name[FD_PATH];
	long fd = open_path(source);
	int error;

	if (fd == -1)
		return -1;
	name_fd(name, fd);
	error = mount_on(name, target, NULL, MS_BIND | (recursive ? MS_REC : 0), NULL) == -1 ? errno : 0;
	syscall(SYS_close, fd);
	errno = error;
	return error ? -1 : 0;
}

/* MS_RDONLY, MS_NOSUID, MS_NODEV and MS_NOEXEC have the same bits as MOUNT_ATTR_. */
static int set_flags(const char *target, uint32_t set, uint32_t clear, bool recursive)
{
	struct attributes attributes = {.set = set, .clear = clear};
	long fd = open_path(target);
	int error;

	if (fd == -1)
		return -1;
	error = syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? WHOLE_TREE : 0), &attributes, sizeof attributes)
		== -1 ? errno : 0;
	syscall(SYS_close, fd);
	errno = error;
	return error ? -1 : 0;
}

/* The flags that a mount has stay: whoever has less rights than the one who set them may not take them off. */
static int remount(const char *target, uint32_t set, uint32_t clear)
{
	static const struct { long flag; unsigned long mount; } kept[] = {
		{ST_RDONLY, MS_RDONLY}, {ST_NOSUID, MS_NOSUID}, {ST_NODEV, MS_NODEV}, {ST_NOEXEC, MS_NOEXEC},
		{ST_NOATIME, MS_NOATIME}, {ST_NODIRATIME, MS_NODIRATIME}, {ST_RELATIME, MS_RELATIME},
	};
	struct statfs status;
	unsigned long flags = 0;
	long fd = open_path(target);
	int error;

	if (fd == -1)
		return -1;
	error = syscall(SYS_fstatfs, fd, &status) == -1 ? errno : 0;
	syscall(SYS_close, fd);
	if (error) {
		errno = error;
		return -1;
	}
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		if (status.f_flags & kept[i].flag)
			flags |= kept[i].mount;
	return mount_on(NULL, target, NULL, MS_REMOUNT | MS_BIND | (flags & ~(unsigned long)clear) | set, NULL);
}

/* The directory in which `path` lies, open; its last part in `name`. */
static long open_parent(const char *path, const char **name)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : sizeof directory;

	if (length >= sizeof directory) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(directory, path, length);
	directory[length] = 0;
	*name = slash + 1;
	return open_path(length ? directory : "/");
}

/* What is there already is as good: the kernel tells when it is of the wrong kind. */
static int make_node(const char *path, mode_t mode, dev_t device, const char *link)
{
	const char *name;
	long at = open_parent(path, &name), made;
	int error;

	if (at == -1)
		return -1;
	if (link)
		made = syscall(SYS_symlinkat, link, at, name);
	else if (S_ISDIR(mode))
		made = syscall(SYS_mkdirat, at, name, mode & 07777);
	else
		made = syscall(SYS_mknodat, at, name, mode, device);
	error = made == -1 && errno != EEXIST ? errno : 0;
	syscall(SYS_close, at);
	errno = error;
	return error ? -1 : 0;
}

/* Where no nodes may be made (a user namespace, the rules of a device cgroup) the host's own is bound. */
static int make_device(const char *source, const char *target)
{
	struct stat status;
	long fd = open_path(source);
	int error;

	if (fd == -1)
		return -1;
	error = syscall(SYS_fstat, fd, &status) == -1 ? errno : 0;
	syscall(SYS_close, fd);
	if (error) {
		errno = error;
		return -1;
	}
	if (make_node(target, status.st_mode, status.st_rdev, NULL) == 0)
		return 0;
	if (errno != EPERM && errno != EACCES)
		return -1;
	return make_node(target, S_IFREG | 0644, 0, NULL) == -1 ? -1 : bind_mount(source, target, false);
}

static int do_one(const struct operation *operation, const char *source, const char *target, const char *data)
{
	bool recursive = operation->how & RECURSIVE;

	switch (operation->code) {
	case BIND:
		return bind_mount(source, target, recursive);
	case MOUNT:
		return mount_on(source, target, source, operation->first, *data ? data : NULL);
	case FLAGS:
		return set_flags(target, operation->first, operation->second, recursive);
	case REMOUNT:
		return remount(target, operation->first, operation->second);
	case DIRECTORY:
		return make_node(target, S_IFDIR | operation->first, 0, NULL);
	case REGULAR:
		return make_node(target, S_IFREG | 0644, 0, NULL);
	case DEVICE:
		return make_device(source, target);
	case LINK:
		return make_node(target, 0, 0, source);
	}
	errno = EINVAL;
	return -1;
}

static bool may_fail(const struct operation *operation, int error)
{
	return operation->how & OPTIONAL || (operation->how & MISSING_OK && error == ENOENT);
}

/* What lies at `stage` becomes the root. The old root is detached with all that only it shows. */
static int enter_stage(const char *stage)
{
	if (syscall(SYS_chdir, stage) == -1)
		return -1;
	if (syscall(SYS_pivot_root, ".", ".") == 0) {
		if (syscall(SYS_umount2, ".", MNT_DETACH) == -1)
			return -1;
	} else {
		/* The root that an initial RAM disk leaves behind cannot be exchanged; it can be covered. */
		if (errno != EINVAL || syscall(SYS_mount, ".", "/", NULL, MS_MOVE, NULL) == -1
		    || syscall(SYS_chroot, ".") == -1)
			return -1;
	}
	return (int)syscall(SYS_chdir, "/");
}

/* All of it; -1 with errno and, in plan->failed, the place of the operation, or -1 when it was none of them. */
int make_mounts(struct mount_plan *plan)
{
	const char *at = plan->operations, *end = at + plan->size;

	plan->failed = -1;
	if (syscall(SYS_unshare, CLONE_NEWNS) == -1)
		return -1;
	/* What is mounted from here on is nobody else's; what the host mounts still comes in. */
	if (syscall(SYS_mount, NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) == -1)
		return -1;
	syscall(SYS_umask, 0);
	for (int i = 0; at < end; i++) {
		const struct operation *operation = (const struct operation *)at;
		const char *source = operation->strings, *target = source + strlen(source) + 1;
		const char *data = target + strlen(target) + 1;

		if (do_one(operation, source, target, data) == -1 && !may_fail(operation, errno)) {
			plan->failed = i;
			return -1;
		}
		at = data + strlen(data) + 1;
		at += -(uintptr_t)at & 3;
	}
	if (enter_stage(plan->stage) == -1)
		return -1;
	return plan->propagation == 0 ? 0 : (int)syscall(SYS_mount, NULL, "/", NULL, plan->propagation | MS_REC, NULL);
}
