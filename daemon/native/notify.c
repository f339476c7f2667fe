/* The notify socket (sd_notify(3)): datagrams with their sender's credentials and descriptors, polled on the loop. One stays in
 * the socket until the loop has it on record: should the image die before, the next one finds it there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "hearth.h"

#define LONGEST (64 * 1024)
#define MOST_FDS 253	/* SCM_MAX_FD: the kernel passes no more in one message */
#define RECEIVE_BUFFER (8 * 1024 * 1024)
#define BATCH 256	/* a sender that never pauses may not keep the loop */

static napi_value js_datagram(napi_env env, const struct ucred *sender, const char *text, size_t length,
	const int *fds, size_t count, double deaths)
{
	napi_value object, value, list;

	napi_create_object(env, &object);
	set_number(env, object, "deaths", deaths);
	set_number(env, object, "pid", sender->pid);
	set_number(env, object, "uid", sender->uid);
	set_number(env, object, "gid", sender->gid);
	napi_create_string_utf8(env, text, length, &value);
	napi_set_named_property(env, object, "text", value);
	napi_create_array_with_length(env, count, &list);
	for (size_t i = 0; i < count; i++)
		napi_set_element(env, list, (uint32_t)i, js_number(env, fds[i]));
	napi_set_named_property(env, object, "fds", list);
	return object;
}

/* Without room for them the kernel closes what descriptors are left in it. */
static void take(int fd)
{
	while (recv(fd, NULL, 0, MSG_DONTWAIT) == -1 && errno == EINTR)
		;
	*notify_tries() = 0;
}

/* Shows one datagram, then takes it; false when there is none. */
static bool receive(struct watch *watch, char *text)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(MOST_FDS * sizeof(int)) + 256];
	} control;
	struct iovec part = {.iov_base = text, .iov_len = LONGEST};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control,
	};
	struct ucred sender = {0};
	int fds[MOST_FDS];
	size_t count = 0;
	ssize_t length = recvmsg(watch->fd, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (length == -1)
		return errno == EINTR;
	for (struct cmsghdr *part_of = CMSG_FIRSTHDR(&message); part_of; part_of = CMSG_NXTHDR(&message, part_of)) {
		if (part_of->cmsg_level != SOL_SOCKET)
			continue;
		if (part_of->cmsg_type == SCM_CREDENTIALS)
			memcpy(&sender, CMSG_DATA(part_of), sizeof sender);
		if (part_of->cmsg_type == SCM_RIGHTS) {
			count = (part_of->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fds, CMSG_DATA(part_of), count * sizeof(int));
		}
	}
	/* A pid of 0 is a sender outside of our PID namespace: no unit's. */
	if (message.msg_flags & MSG_TRUNC || sender.pid <= 0) {
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
		take(watch->fd);
		return true;
	}
	napi_value datagram = js_datagram(watch->env, &sender, text, (size_t)length, fds, count, *notify_tries());
	(*notify_tries())++;
	watch_call(watch, 1, &datagram);
	if (!watch->closing)
		take(watch->fd);
	return true;
}

static void on_ready(struct watch *watch)
{
	char *text = malloc(LONGEST);	/* untouched pages cost nothing; not kept while all is quiet */

	for (int i = 0; text && i < BATCH && !watch->closing; i++)
		if (!receive(watch, text))
			break;
	free(text);
}

static void on_freed(struct watch *watch)
{
	struct watch **cell = watch->data;

	close(watch->fd);
	if (cell)
		*cell = NULL;
}

static int bind_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int error, size = RECEIVE_BUFFER;
	int fd;

	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) == -1)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	unlink(path);
	/* Every service's user may write to it: who is heard is decided by the credentials. */
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)) == 0
	    && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && chmod(path, 0777) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static napi_value close_(napi_env env, napi_callback_info info)
{
	struct watch **cell = NULL;
	size_t count = 0;

	if (napi_get_cb_info(env, info, &count, NULL, NULL, (void **)&cell) == napi_ok && *cell)
		watch_close(*cell);
	return NULL;
}

/* notifySocket(path | fd, callback): { fd, close } */
static napi_value notify_socket(napi_env env, napi_callback_info info)
{
	napi_value values[2], object;
	napi_valuetype type;
	struct watch **cell;
	int fd;

	if (!arguments(env, info, 2, values) || napi_typeof(env, values[0], &type) != napi_ok)
		return NULL;
	if (type == napi_string) {
		char *path = read_string(env, values[0]);

		if (!path)
			return NULL;
		fd = bind_socket(path);
		free(path);
		if (fd == -1)
			return throw_errno(env, "notifySocket");
	} else if (!read_int(env, values[0], &fd)) {
		return NULL;
	}
	cell = calloc(1, sizeof *cell);	/* never freed, as a poller's */
	if (!cell || !(*cell = watch_open(env, fd, values[1], on_ready, on_freed))) {
		free(cell);
		close(fd);
		return NULL;
	}
	(*cell)->data = cell;
	napi_create_object(env, &object);
	set_number(env, object, "fd", fd);
	register_call(env, object, "close", close_, cell);
	return object;
}

void register_notify(napi_env env, napi_value exports)
{
	register_call(env, exports, "notifySocket", notify_socket, NULL);
}
