/* The other side of a socket, for tests. `peer send PATH TEXT [hold]`: a datagram with TEXT and the write end of a pipe,
 * then waits until all copies of that end are closed, as sd_notify_barrier(3) does; exits 0 when they were. `peer plain
 * PATH LENGTH`: a datagram of that many bytes and no descriptor. `peer connect PATH`: connects and waits for the end. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int send_with_pipe(int fd, struct sockaddr_un *to, char *text)
{
	union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; } control;
	struct iovec part = {text, strlen(text)};
	struct msghdr message = {.msg_name = to, .msg_namelen = sizeof *to, .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof control};
	int ends[2];

	if (pipe(ends))
		return 1;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &ends[1], sizeof(int));
	if (sendmsg(fd, &message, 0) == -1)
		return 2;
	close(ends[1]);
	return poll(&(struct pollfd){.fd = ends[0]}, 1, -1) == 1 ? 0 : 3;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char byte;
	int fd;

	if (argc < 3)
		return 64;
	strncpy(address.sun_path, argv[2], sizeof address.sun_path - 1);
	if (strcmp(argv[1], "connect") == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		return connect(fd, (struct sockaddr *)&address, sizeof address) == -1 || read(fd, &byte, 1) != 0;
	}
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (strcmp(argv[1], "send") == 0)
		return send_with_pipe(fd, &address, argv[3]);
	size_t length = strtoul(argv[3], NULL, 10);
	char *text = malloc(length + 1);
	memset(text, 'x', length);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){1 << 20}, sizeof(int));
	return sendto(fd, text, length, 0, (struct sockaddr *)&address, sizeof address) != (ssize_t)length;
}
