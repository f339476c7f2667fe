/* Sockets, FIFOs and message queues of socket units: made, set up, bound; connections taken (systemd.socket(5)). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include "spawn.h"

#define SCTP_NODELAY_OPTION 3	/* linux/sctp.h is not everywhere */
#define MOST_FLUSHED 4096	/* a sender that never pauses may not keep the loop */
#define KCMP_FILE_ 0

union address {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_vm vm;
	struct sockaddr_nl nl;
	struct sockaddr_storage storage;
};

struct named {
	const char *name;
	int value, option;
};

static const struct named families[] = {
	{"unix", AF_UNIX, 0}, {"inet", AF_INET, 0}, {"inet6", AF_INET6, 0}, {"vsock", AF_VSOCK, 0}, {"netlink", AF_NETLINK, 0},
	{NULL, 0, 0},
};
static const struct named types[] = {
	{"stream", SOCK_STREAM, 0}, {"datagram", SOCK_DGRAM, 0}, {"sequential-packet", SOCK_SEQPACKET, 0}, {"raw", SOCK_RAW, 0},
	{NULL, 0, 0},
};
static const struct named protocols[] = {
	{"", 0, 0}, {"udplite", 136, 0}, {"sctp", 132, 0}, {"mptcp", 262, 0}, {NULL, 0, 0},
};
/* The directive that sets it names an option: level and number differ from architecture to architecture. */
static const struct named options[] = {
	{"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY}, {"SO_BINDTODEVICE", SOL_SOCKET, SO_BINDTODEVICE},
	{"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT}, {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR},
	{"IP_FREEBIND", IPPROTO_IP, IP_FREEBIND}, {"IPV6_FREEBIND", IPPROTO_IPV6, 78},
	{"IP_TRANSPARENT", IPPROTO_IP, IP_TRANSPARENT}, {"IPV6_TRANSPARENT", IPPROTO_IPV6, 75},
	{"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE}, {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE},
	{"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL}, {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT},
	{"TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT}, {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY},
	{"SCTP_NODELAY", 132, SCTP_NODELAY_OPTION}, {"SO_BROADCAST", SOL_SOCKET, SO_BROADCAST},
	{"SO_PASSCRED", SOL_SOCKET, SO_PASSCRED}, {"SO_PASSSEC", SOL_SOCKET, SO_PASSSEC},
	{"IP_PKTINFO", IPPROTO_IP, IP_PKTINFO}, {"IPV6_RECVPKTINFO", IPPROTO_IPV6, IPV6_RECVPKTINFO},
	{"NETLINK_PKTINFO", SOL_NETLINK, NETLINK_PKTINFO}, {"SO_TIMESTAMP", SOL_SOCKET, SO_TIMESTAMP},
	{"SO_TIMESTAMPNS", SOL_SOCKET, SO_TIMESTAMPNS}, {"SO_PRIORITY", SOL_SOCKET, SO_PRIORITY},
	{"SO_RCVBUF", SOL_SOCKET, SO_RCVBUF}, {"SO_RCVBUFFORCE", SOL_SOCKET, SO_RCVBUFFORCE},
	{"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF}, {"SO_SNDBUFFORCE", SOL_SOCKET, SO_SNDBUFFORCE},
	{"SO_MARK", SOL_SOCKET, SO_MARK}, {"IP_TOS", IPPROTO_IP, IP_TOS}, {"IP_TTL", IPPROTO_IP, IP_TTL},
	{"IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS}, {"TCP_CONGESTION", IPPROTO_TCP, TCP_CONGESTION},
	{NULL, 0, 0},
};

/* The row of that name; NULL after throwing, as no other names are ours to use. */
static const struct named *find(napi_env env, const struct named *rows, napi_value value)
{
	char *name = read_string(env, value);
	const struct named *row = rows;

	if (!name)
		return NULL;
	while (row->name && strcmp(row->name, name) != 0)
		row++;
	free(name);
	if (!row->name) {
		napi_throw_range_error(env, NULL, "socket: no such name");
		return NULL;
	}
	return row;
}

#define MOST_NAMESPACES 8

struct maker {
	int namespaces[MOST_NAMESPACES];
	uint32_t count;
	int family, type, protocol, fd, error;
};

/* In a child that has our memory and our descriptors, and nothing else of us: raw system calls only. */
static void make_inside(void *data)
{
	struct maker *maker = data;
	bool inside = true;

	for (uint32_t i = 0; i < maker->count && inside; i++)
		inside = syscall(SYS_setns, maker->namespaces[i], 0) == 0;
	maker->fd = inside ? (int)syscall(SYS_socket, maker->family, maker->type, maker->protocol) : -1;
	maker->error = errno;
	for (;;)
		syscall(SYS_exit_group, 0);
}

/* A socket is of the network in which it is made, and stays so. */
static int make_socket(struct maker *maker)
{
	if (maker->count == 0)
		return socket(maker->family, maker->type, maker->protocol);
	if (run_apart(make_inside, maker, CLONE_FILES) == -1)
		return -1;
	errno = maker->error;
	return maker->fd;
}

static bool read_namespaces(napi_env env, napi_value array, struct maker *maker)
{
	napi_value item;

	if (is_nullish(env, array))
		return true;
	if (napi_get_array_length(env, array, &maker->count) != napi_ok || maker->count > MOST_NAMESPACES) {
		napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "an array of a few descriptors expected");
		return false;
	}
	for (uint32_t i = 0; i < maker->count; i++)
		if (napi_get_element(env, array, i, &item) != napi_ok || !read_int(env, item, &maker->namespaces[i]))
			return false;
	return true;
}

/* socket(family, type, protocol, namespaces): a descriptor that does not block. `protocol` is a name, or netlink's number. */
static napi_value socket_(napi_env env, napi_callback_info info)
{
	struct maker maker = {.fd = -1};
	const struct named *family, *type;
	napi_valuetype kind;
	napi_value values[4];
	int protocol = 0, fd;

	if (!arguments(env, info, 4, values) || !(family = find(env, families, values[0]))
	    || !(type = find(env, types, values[1])) || napi_typeof(env, values[2], &kind) != napi_ok
	    || !read_namespaces(env, values[3], &maker))
		return NULL;
	if (kind == napi_string) {
		const struct named *row = find(env, protocols, values[2]);

		if (!row)
			return NULL;
		protocol = row->value;
	} else if (!read_int(env, values[2], &protocol)) {
		return NULL;
	}
	maker.family = family->value;
	maker.type = type->value | SOCK_CLOEXEC | SOCK_NONBLOCK;
	maker.protocol = protocol;
	fd = make_socket(&maker);
	return fd == -1 ? throw_errno(env, "socket") : js_number(env, fd);
}

/* socketOption(fd, name, number | string): an errno name, or null. */
static napi_value socket_option(napi_env env, napi_callback_info info)
{
	const struct named *row;
	napi_valuetype kind;
	napi_value values[3];
	int fd, number, result;

	if (!arguments(env, info, 3, values) || !read_int(env, values[0], &fd) || !(row = find(env, options, values[1]))
	    || napi_typeof(env, values[2], &kind) != napi_ok)
		return NULL;
	if (kind == napi_string) {
		char *text = read_string(env, values[2]);

		if (!text)
			return NULL;
		result = setsockopt(fd, row->value, row->option, text, (socklen_t)strlen(text) + 1);
		free(text);
	} else {
		if (!read_int(env, values[2], &number))
			return NULL;
		result = setsockopt(fd, row->value, row->option, &number, sizeof number);
	}
	return errno_or_null(env, result == -1);
}

static napi_value get(napi_env env, napi_value object, const char *name)
{
	napi_value value = NULL;

	napi_get_named_property(env, object, name, &value);
	return value;
}

static bool read_uint32(napi_env env, napi_value value, uint32_t *number)
{
	double read;

	if (!read_double(env, value, &read))
		return false;
	*number = (uint32_t)read;
	return true;
}

/* The index of the interface named, 0 for none; false with errno set when there is no such one. */
static bool read_scope(napi_env env, napi_value object, uint32_t *index)
{
	napi_value value = get(env, object, "scope");
	char *name;

	if (is_nullish(env, value))
		return true;
	name = read_string(env, value);
	if (!name)
		return false;
	*index = if_nametoindex(name);
	if (*index == 0)
		*index = (uint32_t)strtoul(name, NULL, 10);
	free(name);
	if (*index == 0)
		errno = ENODEV;
	return *index != 0;
}

static bool read_unix(napi_env env, napi_value object, struct sockaddr_un *address, socklen_t *size)
{
	char *path = read_string(env, get(env, object, "path"));
	size_t length;

	if (!path)
		return false;
	length = strlen(path);
	if (length >= sizeof address->sun_path) {
		free(path);
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(address->sun_path, path, length + 1);
	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
	if (*path == '@') {
		address->sun_path[0] = 0;
		*size -= 1;	/* an abstract name ends with its length: a NUL would belong to it */
	}
	free(path);
	return true;
}

static bool read_inet(napi_env env, napi_value object, union address *address, int family)
{
	char *text = read_string(env, get(env, object, "address"));
	void *bytes = family == AF_INET ? (void *)&address->in.sin_addr : (void *)&address->in6.sin6_addr;
	int port, read;

	if (!text || !read_int(env, get(env, object, "port"), &port)) {
		free(text);
		return false;
	}
	read = inet_pton(family, text, bytes);
	free(text);
	if (read != 1) {
		errno = EINVAL;
		return false;
	}
	if (family == AF_INET) {
		address->in.sin_port = htons((uint16_t)port);
		return true;
	}
	address->in6.sin6_port = htons((uint16_t)port);
	return read_scope(env, object, &address->in6.sin6_scope_id);
}

/* Reads { family, … } (SocketAddress, or { family: 'netlink', group }); false: an exception is pending, or errno is set. */
static bool read_address(napi_env env, napi_value object, union address *address, socklen_t *size)
{
	const struct named *family = find(env, families, get(env, object, "family"));
	uint32_t group;

	if (!family)
		return false;
	memset(address, 0, sizeof *address);
	address->any.sa_family = (sa_family_t)family->value;
	switch (family->value) {
	case AF_UNIX:
		return read_unix(env, object, &address->un, size);
	case AF_INET:
		*size = sizeof address->in;
		return read_inet(env, object, address, AF_INET);
	case AF_INET6:
		*size = sizeof address->in6;
		return read_inet(env, object, address, AF_INET6);
	case AF_VSOCK:
		*size = sizeof address->vm;
		return read_uint32(env, get(env, object, "cid"), &address->vm.svm_cid)
			&& read_uint32(env, get(env, object, "port"), &address->vm.svm_port);
	default:
		*size = sizeof address->nl;
		if (!read_uint32(env, get(env, object, "group"), &group))
			return false;
		address->nl.nl_groups = group;
		return true;
	}
}

/* bindSocket(fd, address, mode): an errno name, or null. `mode` is that of a node in the file system. */
static napi_value bind_socket(napi_env env, napi_callback_info info)
{
	napi_value values[3];
	union address address;
	bool pending = false;
	socklen_t size;
	mode_t before;
	int fd, mode, result;

	if (!arguments(env, info, 3, values) || !read_int(env, values[0], &fd) || !read_int(env, values[2], &mode))
		return NULL;
	if (!read_address(env, values[1], &address, &size)) {
		int error = errno;

		if (napi_is_exception_pending(env, &pending) != napi_ok || pending)
			return NULL;
		errno = error;
		return errno_or_null(env, true);
	}
	before = umask(~(mode_t)mode & 0777);
	result = bind(fd, &address.any, size);
	umask(before);
	return errno_or_null(env, result == -1);
}

static napi_value listen_(napi_env env, napi_callback_info info)
{
	napi_value values[2];
	int fd, backlog;

	if (!arguments(env, info, 2, values) || !read_int(env, values[0], &fd) || !read_int(env, values[1], &backlog))
		return NULL;
	return errno_or_null(env, listen(fd, backlog) == -1);
}

static napi_value js_unix(napi_env env, napi_value object, const struct sockaddr_un *address, socklen_t size)
{
	size_t length = size > offsetof(struct sockaddr_un, sun_path) ? size - offsetof(struct sockaddr_un, sun_path) : 0;
	char path[sizeof address->sun_path + 1] = {0};

	memcpy(path, address->sun_path, length);
	if (length > 0 && !path[0])
		path[0] = '@';
	set_string(env, object, "path", path);
	return object;
}

/* An address as native.ts has it (PeerAddress); an IPv4 address that a socket of IPv6 sees is told as one of IPv4. */
static napi_value js_address(napi_env env, const union address *address, socklen_t size)
{
	char text[INET6_ADDRSTRLEN] = "";
	const char *family = "other";
	napi_value object;

	napi_create_object(env, &object);
	switch (size == 0 ? AF_UNSPEC : address->any.sa_family) {
	case AF_UNIX:
		family = "unix";
		js_unix(env, object, &address->un, size);
		break;
	case AF_INET:
		family = "inet";
		inet_ntop(AF_INET, &address->in.sin_addr, text, sizeof text);
		set_number(env, object, "port", ntohs(address->in.sin_port));
		break;
	case AF_INET6: {
		bool mapped = IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr);
		const void *bytes = mapped ? (const char *)&address->in6.sin6_addr + 12 : (const char *)&address->in6.sin6_addr;

		family = mapped ? "inet" : "inet6";
		inet_ntop(mapped ? AF_INET : AF_INET6, bytes, text, sizeof text);
		set_number(env, object, "port", ntohs(address->in6.sin6_port));
		break;
	}
	case AF_VSOCK:
		family = "vsock";
		set_number(env, object, "cid", address->vm.svm_cid);
		set_number(env, object, "port", address->vm.svm_port);
		break;
	}
	set_string(env, object, "family", family);
	if (*text)
		set_string(env, object, "address", text);
	return object;
}

/* acceptConnection(fd): { fd, local, remote } or an errno name (EAGAIN: there is none). */
static napi_value accept_connection(napi_env env, napi_callback_info info)
{
	union address local, remote;
	socklen_t local_size = sizeof local, remote_size = sizeof remote;
	napi_value value, object;
	int fd, connection;

	if (!arguments(env, info, 1, &value) || !read_int(env, value, &fd))
		return NULL;
	memset(&local, 0, sizeof local);
	memset(&remote, 0, sizeof remote);
	connection = accept4(fd, &remote.any, &remote_size, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (connection == -1)
		return errno_or_null(env, true);
	if (getsockname(connection, &local.any, &local_size) == -1)
		local_size = 0;
	napi_create_object(env, &object);
	set_number(env, object, "fd", connection);
	napi_set_named_property(env, object, "local", js_address(env, &local, local_size));
	napi_set_named_property(env, object, "remote", js_address(env, &remote, remote_size));
	return object;
}

/* flushDescriptor(fd): throws away what has come in: connections, datagrams, bytes. */
static napi_value flush_descriptor(napi_env env, napi_callback_info info)
{
	struct pollfd poll_of = {.events = POLLIN};
	char bytes[4096];
	napi_value value;

	if (!arguments(env, info, 1, &value) || !read_int(env, value, &poll_of.fd))
		return NULL;
	/* A service that had it may have made it block; and somebody may take what was seen here before we do. */
	fcntl(poll_of.fd, F_SETFL, fcntl(poll_of.fd, F_GETFL) | O_NONBLOCK);
	for (int i = 0; i < MOST_FLUSHED && poll(&poll_of, 1, 0) == 1 && poll_of.revents & POLLIN; i++) {
		int connection = accept4(poll_of.fd, NULL, NULL, SOCK_CLOEXEC);

		if (connection != -1)
			close(connection);
		else if (recv(poll_of.fd, bytes, sizeof bytes, MSG_DONTWAIT) == -1
			 && (errno != ENOTSOCK || read(poll_of.fd, bytes, sizeof bytes) <= 0))
			break;
	}
	return NULL;
}

/* makeFifo(path, mode): an errno name, or null. */
static napi_value make_fifo(napi_env env, napi_callback_info info)
{
	napi_value values[2];
	int mode, result;
	char *path;

	if (!arguments(env, info, 2, values) || !read_int(env, values[1], &mode) || !(path = read_string(env, values[0])))
		return NULL;
	result = mkfifo(path, (mode_t)mode);
	free(path);
	return errno_or_null(env, result == -1);
}

/* setPipeSize(fd, bytes): an errno name, or null. */
static napi_value set_pipe_size(napi_env env, napi_callback_info info)
{
	napi_value values[2];
	int fd, size;

	if (!arguments(env, info, 2, values) || !read_int(env, values[0], &fd) || !read_int(env, values[1], &size))
		return NULL;
	return errno_or_null(env, fcntl(fd, F_SETPIPE_SZ, size) == -1);
}

/* messageQueue(name, mode, maxMessages, messageSize): a descriptor; 0 and 0 leave the kernel's own figures. */
static napi_value message_queue(napi_env env, napi_callback_info info)
{
	struct mq_attr attributes = {0};
	double most, size;
	napi_value values[4];
	char *name;
	mode_t before;
	long queue;
	int mode;

	if (!arguments(env, info, 4, values) || !read_int(env, values[1], &mode) || !read_double(env, values[2], &most)
	    || !read_double(env, values[3], &size) || !(name = read_string(env, values[0])))
		return NULL;
	attributes.mq_maxmsg = (long)most;
	attributes.mq_msgsize = (long)size;
	before = umask(~(mode_t)mode & 0777);
	/* Not mq_open(3), which older libraries have in librt: the kernel takes the name without its slash. */
	queue = syscall(SYS_mq_open, name + 1, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_CREAT, (mode_t)mode,
		most > 0 && size > 0 ? &attributes : NULL);
	umask(before);
	free(name);
	return queue == -1 ? throw_errno(env, "mq_open") : js_number(env, (double)queue);
}

static napi_value unlink_message_queue(napi_env env, napi_callback_info info)
{
	napi_value value;
	char *name;
	int result;

	if (!arguments(env, info, 1, &value) || !(name = read_string(env, value)))
		return NULL;
	result = (int)syscall(SYS_mq_unlink, name + 1);
	free(name);
	return errno_or_null(env, result == -1);
}

/* setNonblock(fd, on): for the open file, so for all who share it. An errno name, or null. */
static napi_value set_nonblock(napi_env env, napi_callback_info info)
{
	napi_value values[2];
	int fd, flags;
	bool on;

	if (!arguments(env, info, 2, values) || !read_int(env, values[0], &fd) || !read_bool(env, values[1], &on))
		return NULL;
	flags = fcntl(fd, F_GETFL);
	return errno_or_null(env, flags == -1 || fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) == -1);
}

/* isSameFile(a, b): whether both descriptors are of one open file. Without kcmp(2): of one inode. */
static napi_value is_same_file(napi_env env, napi_callback_info info)
{
	napi_value values[2], result;
	struct stat one, other;
	pid_t self = getpid();
	bool same;
	long order;
	int a, b;

	if (!arguments(env, info, 2, values) || !read_int(env, values[0], &a) || !read_int(env, values[1], &b))
		return NULL;
	order = syscall(SYS_kcmp, self, self, KCMP_FILE_, a, b);
	if (order >= 0)
		same = order == 0;
	else
		same = fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
	napi_get_boolean(env, same, &result);
	return result;
}

void register_sockets(napi_env env, napi_value exports)
{
	register_call(env, exports, "socket", socket_, NULL);
	register_call(env, exports, "socketOption", socket_option, NULL);
	register_call(env, exports, "bindSocket", bind_socket, NULL);
	register_call(env, exports, "listen", listen_, NULL);
	register_call(env, exports, "acceptConnection", accept_connection, NULL);
	register_call(env, exports, "flushDescriptor", flush_descriptor, NULL);
	register_call(env, exports, "makeFifo", make_fifo, NULL);
	register_call(env, exports, "setPipeSize", set_pipe_size, NULL);
	register_call(env, exports, "messageQueue", message_queue, NULL);
	register_call(env, exports, "unlinkMessageQueue", unlink_message_queue, NULL);
	register_call(env, exports, "setNonblock", set_nonblock, NULL);
	register_call(env, exports, "isSameFile", is_same_file, NULL);
}
