/* A program that logs by the sockets of others, for tests.
 * `logging syslog N [PAUSE]`: N messages "line 1", "line 2" … by syslog(3), so many microseconds apart.
 * `logging journal N [PAUSE]`: the same by journald's native protocol, with a field COUNT=.
 * `logging memory BYTES`: one message of journald's protocol with so many times `x`, in memory.
 * `logging lines TEXT`: one message of two lines in the binary form, "TEXT" and "second". */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

static int to_journal(const void *bytes, size_t length, int fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
	struct msghdr message = {.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &part, .msg_iovlen = 1};
	int to = socket(AF_UNIX, SOCK_DGRAM, 0), result;

	if (fd >= 0) {
		message.msg_iovlen = 0;
		message.msg_control = &control;
		message.msg_controllen = sizeof control.space;
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	}
	result = sendmsg(to, &message, 0) == -1;
	if (result)
		perror("sendmsg");
	close(to);
	return result;
}

static int lines(const char *text)
{
	char bytes[512];
	char value[256];
	uint64_t size = (uint64_t)snprintf(value, sizeof value, "%s\nsecond", text);
	size_t at = (size_t)sprintf(bytes, "PRIORITY=3\nSYSLOG_IDENTIFIER=binary\nMESSAGE\n");

	memcpy(bytes + at, &size, sizeof size);
	memcpy(bytes + at + sizeof size, value, size);
	at += sizeof size + size;
	at += (size_t)sprintf(bytes + at, "\nUSER_FIELD=a tab\tin it\n_TRUSTED=no\n");
	return to_journal(bytes, at, -1);
}

static int memory(size_t length)
{
	char *bytes = malloc(length + 256);
	size_t at = (size_t)sprintf(bytes, "SYSLOG_IDENTIFIER=large\nMESSAGE=");
	int fd = memfd_create("message", MFD_CLOEXEC);

	memset(bytes + at, 'x', length);
	at += length;
	at += (size_t)sprintf(bytes + at, "\nLENGTH=%zu\n", length);
	if (write(fd, bytes, at) != (ssize_t)at)
		return 1;
	return to_journal(NULL, 0, fd);
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[1] : "";
	int pause = argc > 3 ? atoi(argv[3]) : 0;

	if (strcmp(how, "lines") == 0)
		return lines(argv[2]);
	if (strcmp(how, "memory") == 0)
		return memory((size_t)atol(argv[2]));
	if (strcmp(how, "syslog") == 0)
		openlog("counter", LOG_PID, LOG_DAEMON);
	for (int i = 1; i <= (argc > 2 ? atoi(argv[2]) : 0); i++) {
		char text[128];

		if (strcmp(how, "syslog") == 0)
			syslog(LOG_WARNING, "line %d", i);
		else if (to_journal(text, (size_t)sprintf(text, "MESSAGE=line %d\nPRIORITY=4\nCOUNT=%d\n", i, i), -1) != 0)
			return 1;
		if (pause > 0)
			usleep((useconds_t)pause);
	}
	return 0;
}
