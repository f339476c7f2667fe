/* File descriptors that Node has no call for. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "hearth.h"

/* So many of our descriptors are not for services: with them ctl is answered and the next image made. */
#define OURS 32

/* Whether so few are left that those of ours would be taken: the kernel gives the lowest number that is free. */
static bool is_ours(int fd)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > 2 * OURS && (rlim_t)fd >= limit.rlim_cur - OURS;
}

/* pipe(): { read, write }, kept over the daemon's next image; only the read end does not block: the write end is a service's output. */
static napi_value make_pipe(napi_env env, napi_callback_info info)
{
	napi_value object;
	int ends[2];

	(void)info;
	if (pipe(ends) == -1)
		return throw_errno(env, "pipe");
	if (is_ours(ends[1])) {
		close(ends[0]);
		close(ends[1]);
		errno = EMFILE;
		return throw_errno(env, "pipe");
	}
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == -1)
		return throw_errno(env, "fcntl");
	napi_create_object(env, &object);
	set_number(env, object, "read", ends[0]);
	set_number(env, object, "write", ends[1]);
	return object;
}

/* inode(fd): of the file that is open there; 0: none is. */
static napi_value inode(napi_env env, napi_callback_info info)
{
	napi_value value;
	struct stat found;
	int fd;

	if (!arguments(env, info, 1, &value) || !read_int(env, value, &fd))
		return NULL;
	return js_number(env, fstat(fd, &found) == 0 ? (double)found.st_ino : 0);
}

/* bytesIn(fd): how many bytes can be read from a pipe. */
static napi_value bytes_in(napi_env env, napi_callback_info info)
{
	napi_value value;
	int fd, size = 0;

	if (!arguments(env, info, 1, &value) || !read_int(env, value, &fd))
		return NULL;
	return ioctl(fd, FIONREAD, &size) == -1 ? throw_errno(env, "FIONREAD") : js_number(env, size);
}

/* A part of the bytes, without waiting: EAGAIN when nothing goes. O_NONBLOCK would hold for everybody who has the same open
 * file: the shell that started us, services. */
static ssize_t write_some(int fd, const unsigned char *bytes, size_t length)
{
	struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
	struct pollfd asked = {.fd = fd, .events = POLLOUT};
	/* So much can be written when poll(2) says so: a page of a pipe, less of a terminal. */
	size_t sure = 256;
	struct stat found;
	ssize_t written;

	if (fstat(fd, &found) == -1 || S_ISREG(found.st_mode))
		return write(fd, bytes, length);
	if (S_ISSOCK(found.st_mode))
		return send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (S_ISFIFO(found.st_mode)) {
		written = pwritev2(fd, &part, 1, -1, RWF_NOWAIT);
		if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL))
			return written;
		sure = PIPE_BUF;	/* an older kernel */
	}
	if (poll(&asked, 1, 0) <= 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, bytes, length < sure ? length : sure);
}

/* writeNow(fd, bytes, from, to): how many bytes its reader takes now. */
static napi_value write_now(napi_env env, napi_callback_info info)
{
	napi_value values[4];
	napi_typedarray_type type;
	unsigned char *bytes;
	size_t length;
	int fd, from, to, at;

	if (!arguments(env, info, 4, values) || !read_int(env, values[0], &fd) || !read_int(env, values[2], &from)
	    || !read_int(env, values[3], &to))
		return NULL;
	if (napi_get_typedarray_info(env, values[1], &type, &length, (void **)&bytes, NULL, NULL) != napi_ok
	    || type != napi_uint8_array || from < 0 || from > to || (size_t)to > length) {
		napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "a part of a Uint8Array expected");
		return NULL;
	}
	for (at = from; at < to;) {
		ssize_t written = write_some(fd, bytes + at, (size_t)(to - at));

		if (written > 0)
			at += (int)written;
		else if (written == 0 || errno == EAGAIN)
			break;
		else if (errno != EINTR)
			return throw_errno(env, "write");
	}
	return js_number(env, at - from);
}

static napi_value close_(napi_env env, napi_callback_info info)
{
	napi_value value;
	int fd;

	if (!arguments(env, info, 1, &value) || !read_int(env, value, &fd))
		return NULL;
	/* After EINTR the descriptor is gone on Linux: to close it again could close another's. */
	return close(fd) == -1 && errno != EINTR ? throw_errno(env, "close") : NULL;
}

static napi_value cloexec(napi_env env, napi_callback_info info)
{
	napi_value values[2];
	bool on;
	int fd;

	if (!arguments(env, info, 2, values) || !read_int(env, values[0], &fd) || !read_bool(env, values[1], &on))
		return NULL;
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) == -1 ? throw_errno(env, "fcntl") : NULL;
}

static napi_value memfd(napi_env env, napi_callback_info info)
{
	napi_value value;
	char *name;
	int fd;

	if (!arguments(env, info, 1, &value) || !(name = read_string(env, value)))
		return NULL;
	fd = memfd_create(name, MFD_CLOEXEC);
	free(name);
	return fd == -1 ? throw_errno(env, "memfd_create") : js_number(env, fd);
}

/* isTerminal(fd). Not by process.stderr: Node loads its streams to make it. */
static napi_value is_terminal(napi_env env, napi_callback_info info)
{
	napi_value value, result;
	int fd;

	if (!arguments(env, info, 1, &value) || !read_int(env, value, &fd))
		return NULL;
	napi_get_boolean(env, isatty(fd), &result);
	return result;
}

/* peerCredentials(fd): who connected, as it was then (SO_PEERCRED, SO_PEERGROUPS: unix(7), socket(7)). */
static napi_value peer_credentials(napi_env env, napi_callback_info info)
{
	napi_value value, object, list;
	struct ucred peer;
	socklen_t size = sizeof peer;
	gid_t *groups = NULL;
	int fd;

	if (!arguments(env, info, 1, &value) || !read_int(env, value, &fd))
		return NULL;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == -1)
		return throw_errno(env, "SO_PEERCRED");
	size = 0;
	/* Asked with no room it tells how much is needed, by ERANGE unless that is none. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == -1 && errno == ERANGE) {
		groups = malloc(size);
		if (!groups || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == -1)
			size = 0;
	} else {
		size = 0;
	}
	napi_create_object(env, &object);
	set_number(env, object, "pid", peer.pid);
	set_number(env, object, "uid", peer.uid);
	set_number(env, object, "gid", peer.gid);
	napi_create_array(env, &list);
	for (uint32_t i = 0; i < size / sizeof *groups; i++)
		napi_set_element(env, list, i, js_number(env, groups[i]));
	napi_set_named_property(env, object, "groups", list);
	free(groups);
	return object;
}

void register_descriptors(napi_env env, napi_value exports)
{
	register_call(env, exports, "pipe", make_pipe, NULL);
	register_call(env, exports, "inode", inode, NULL);
	register_call(env, exports, "writeNow", write_now, NULL);
	register_call(env, exports, "bytesIn", bytes_in, NULL);
	register_call(env, exports, "close", close_, NULL);
	register_call(env, exports, "cloexec", cloexec, NULL);
	register_call(env, exports, "memfd", memfd, NULL);
	register_call(env, exports, "isTerminal", is_terminal, NULL);
	register_call(env, exports, "peerCredentials", peer_credentials, NULL);
}
