/* Sockets of others, connected to on behalf of a service (OpenFile=). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "hearth.h"

/* A descriptor connected to the socket at the path, whatever its type; -1 with errno. Nothing is waited for: a listener whose
 * queue is full gives EAGAIN. */
static int connect_path(const char *path, const struct sockaddr_un *from, socklen_t from_size)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		int fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

		if (fd == -1)
			return -1;
		if ((from_size == 0 || bind(fd, (const struct sockaddr *)from, from_size) == 0)
		    && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
			return fd;
		error = errno;
		close(fd);
		errno = error;
		if (error != EPROTOTYPE)
			return -1;
	}
	return -1;
}

/* An abstract name, `@` and what follows; 0: it is too long. */
static socklen_t abstract_name(const char *name, struct sockaddr_un *address)
{
	size_t length = strlen(name);

	if (length > sizeof address->sun_path)
		return 0;
	memcpy(address->sun_path, name, length);
	address->sun_path[0] = 0;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

/* connectUnix(path, from): a descriptor, close-on-exec, that blocks; `from` is the abstract name it comes from, or undefined. */
static napi_value connect_unix(napi_env env, napi_callback_info info)
{
	struct sockaddr_un from = {.sun_family = AF_UNIX};
	socklen_t from_size = 0;
	napi_value values[2];
	char *path;
	int fd;

	if (!arguments(env, info, 2, values))
		return NULL;
	if (!is_nullish(env, values[1])) {
		char *name = read_string(env, values[1]);

		if (!name)
			return NULL;
		from_size = abstract_name(name, &from);
		free(name);
		if (from_size == 0) {
			errno = ENAMETOOLONG;
			return throw_errno(env, "bind");
		}
	}
	path = read_string(env, values[0]);
	if (!path)
		return NULL;
	fd = connect_path(path, &from, from_size);
	free(path);
	if (fd == -1 || fcntl(fd, F_SETFL, 0) == -1)
		return throw_errno(env, "connect");
	return js_number(env, fd);
}

/* socketKind(fd): 'stream', 'datagram' or 'other'. */
static napi_value socket_kind(napi_env env, napi_callback_info info)
{
	napi_value value;
	socklen_t size = sizeof(int);
	int fd, type;

	if (!arguments(env, info, 1, &value) || !read_int(env, value, &fd))
		return NULL;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == -1)
		return throw_errno(env, "SO_TYPE");
	return js_string(env, type == SOCK_STREAM ? "stream" : type == SOCK_DGRAM ? "datagram" : "other");
}

void register_connect(napi_env env, napi_value exports)
{
	register_call(env, exports, "connectUnix", connect_unix, NULL);
	register_call(env, exports, "socketKind", socket_kind, NULL);
}
