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
static int connect_path(const char *path)
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
		if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
			return fd;
		error = errno;
		close(fd);
		errno = error;
		if (error != EPROTOTYPE)
			return -1;
	}
	return -1;
}

/* connectUnix(path): a descriptor, close-on-exec, that blocks. */
static napi_value connect_unix(napi_env env, napi_callback_info info)
{
	napi_value value;
	char *path;
	int fd;

	if (!arguments(env, info, 1, &value) || !(path = read_string(env, value)))
		return NULL;
	fd = connect_path(path);
	free(path);
	if (fd == -1 || fcntl(fd, F_SETFL, 0) == -1)
		return throw_errno(env, "connect");
	return js_number(env, fd);
}

void register_connect(napi_env env, napi_value exports)
{
	register_call(env, exports, "connectUnix", connect_unix, NULL);
}
