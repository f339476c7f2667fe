/* What comes in at the sockets that programs log to: looked at first, taken away when it has been stored. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "hearth.h"

#define LONGEST (16 * 1024 * 1024)
#define MOST_FDS 253	/* SCM_MAX_FD */

/* peekSocket(fd): { pid, uid, bytes, fds } of the next datagram, or of what a stream holds; null when there is nothing. It
 * stays where it is; `fds` are the caller's to close. Of what is longer than 16 MiB the rest is cut off. A pid of 0: nobody
 * of our PID namespace, or a stream. At the end of a stream `bytes` is empty. */
static napi_value peek_socket(napi_env env, napi_callback_info info)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(MOST_FDS * sizeof(int)) + 256];
	} control;
	napi_value value, object, list, nothing;
	struct ucred sender = {.uid = (uid_t)-1};
	int fd, size = 0, fds[MOST_FDS];
	uint32_t count = 0;
	struct iovec part;
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control,
	};
	ssize_t length;

	if (!arguments(env, info, 1, &value) || !read_int(env, value, &fd))
		return NULL;
	if (ioctl(fd, FIONREAD, &size) == -1)
		return throw_errno(env, "FIONREAD");
	if (size > LONGEST)
		size = LONGEST;
	part.iov_len = size > 0 ? (size_t)size : 1;
	part.iov_base = malloc(part.iov_len);
	if (!part.iov_base)
		return throw_errno(env, "malloc");
	do
		length = recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (length == -1 && errno == EINTR);
	if (length == -1) {
		int error = errno;

		free(part.iov_base);
		errno = error;
		if (error != EAGAIN)
			return throw_errno(env, "recvmsg");
		napi_get_null(env, &nothing);
		return nothing;
	}
	for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one)) {
		if (one->cmsg_level != SOL_SOCKET)
			continue;
		if (one->cmsg_type == SCM_CREDENTIALS)
			memcpy(&sender, CMSG_DATA(one), sizeof sender);
		if (one->cmsg_type == SCM_RIGHTS) {
			count = (uint32_t)((one->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(fds, CMSG_DATA(one), count * sizeof(int));
		}
	}
	napi_create_object(env, &object);
	set_number(env, object, "pid", sender.pid);
	set_number(env, object, "uid", sender.uid);
	napi_create_buffer_copy(env, (size_t)length, part.iov_base, NULL, &value);
	napi_set_named_property(env, object, "bytes", value);
	free(part.iov_base);
	napi_create_array_with_length(env, count, &list);
	for (uint32_t i = 0; i < count; i++)
		napi_set_element(env, list, i, js_number(env, fds[i]));
	napi_set_named_property(env, object, "fds", list);
	return object;
}

/* takeSocket(fd, bytes): takes away what was looked at: a datagram (0), or so many bytes of a stream. */
static napi_value take_socket(napi_env env, napi_callback_info info)
{
	napi_value values[2];
	char bytes[4096];
	int fd, left;
	ssize_t taken;

	if (!arguments(env, info, 2, values) || !read_int(env, values[0], &fd) || !read_int(env, values[1], &left))
		return NULL;
	do {	/* without room for them, descriptors that come with it are closed */
		taken = recv(fd, bytes, (size_t)left < sizeof bytes ? (size_t)left : sizeof bytes, MSG_DONTWAIT);
		if (taken > 0)
			left -= (int)taken;
	} while ((taken == -1 && errno == EINTR) || (taken == sizeof bytes && left > 0));
	return NULL;
}

void register_datagrams(napi_env env, napi_value exports)
{
	register_call(env, exports, "peekSocket", peek_socket, NULL);
	register_call(env, exports, "takeSocket", take_socket, NULL);
}
