/* Services that are handed descriptors, for tests.
 * `activated serve`: answers each connection of descriptor 3 with "served by PID".
 * `activated receive FILE`: writes the first datagram of descriptor 3 to FILE.
 * `activated send PATH TEXT`: sends a datagram.
 * `activated told FILE`: appends what it was told of its descriptors, and whether the first blocks, to FILE.
 * `activated store FILE`: appends what it finds stored to FILE, stores a file "kept by PID" under the name `note`, and a
 * pipe's end under `pipe` whose other end is closed at once; says READY=1 and stays.
 * `activated hoard FILE COUNT`: as often as it says, some milliseconds apart, stores a file that holds its number; says READY=1
 * and stays. When there is something stored, it appends the numbers that are to FILE instead. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST 3

static volatile sig_atomic_t is_over;

static void on_term(int signal)
{
	(void)signal;
	is_over = 1;
}

/* SIGTERM ends it between two connections: what was taken is answered. */
static int serve(void)
{
	struct pollfd poll_of = {.fd = FIRST, .events = POLLIN};
	sigset_t term, none;

	sigemptyset(&none);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	signal(SIGTERM, on_term);
	for (;;) {
		int connection;

		if (ppoll(&poll_of, 1, NULL, &none) == -1 || is_over)
			return !is_over;
		connection = accept(FIRST, NULL, NULL);
		if (connection == -1)
			return 1;
		dprintf(connection, "served by %d\n", getpid());
		close(connection);
	}
}

static int receive(int out)
{
	char text[4096];
	ssize_t length = recv(FIRST, text, sizeof text, 0);

	return length < 0 || write(out, text, (size_t)length) != length;
}

static int send_datagram(const char *path, const char *text)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	return sendto(socket(AF_UNIX, SOCK_DGRAM, 0), text, strlen(text), 0, (struct sockaddr *)&address, sizeof address) == -1;
}

static const char *told(const char *name)
{
	return getenv(name) ? getenv(name) : "-";
}

static void tell(int out)
{
	int is_own = atoi(told("LISTEN_PID")) == getpid();

	dprintf(out, "%s %s %s %s\n", told("LISTEN_FDS"), told("LISTEN_FDNAMES"), is_own ? "own" : "other",
		fcntl(FIRST, F_GETFL) & O_NONBLOCK ? "nonblocking" : "blocking");
}

static void notify(const char *text, int fd)
{
	union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; } control;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct iovec part = {(char *)text, strlen(text)};
	struct msghdr message = {.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &part, .msg_iovlen = 1};

	strncpy(address.sun_path, told("NOTIFY_SOCKET"), sizeof address.sun_path - 1);
	if (fd != -1) {
		message.msg_control = &control;
		message.msg_controllen = sizeof control;
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	}
	sendmsg(socket(AF_UNIX, SOCK_DGRAM, 0), &message, 0);
}

static int store(int out)
{
	int count = atoi(told("LISTEN_FDS") ), file = memfd_create("note", 0), ends[2];
	char text[256];

	dprintf(out, "%d %s:", getenv("LISTEN_FDS") ? count : 0, told("LISTEN_FDNAMES"));
	for (int i = 0; getenv("LISTEN_FDS") && i < count; i++) {
		ssize_t length = pread(FIRST + i, text, sizeof text, 0);

		dprintf(out, " [%.*s]", length < 0 ? 0 : (int)length, text);
	}
	dprintf(out, "\n");
	dprintf(file, "kept by %d", getpid());
	notify("FDSTORE=1\nFDNAME=note", file);
	if (pipe(ends) == 0) {
		notify("FDSTORE=1\nFDNAME=pipe", ends[0]);
		close(ends[1]);
	}
	notify("READY=1", -1);
	pause();
	return 0;
}

static int hoard(int out, int most)
{
	int count = getenv("LISTEN_FDS") ? atoi(getenv("LISTEN_FDS")) : 0;
	char text[16] = "";

	for (int i = 0; i < count; i++)
		if (pread(FIRST + i, text, sizeof text - 1, 0) > 0)
			dprintf(out, "%s ", text);
	if (count > 0)
		dprintf(out, "\n");
	for (int i = 1; i <= most && count == 0; i++) {
		int file = memfd_create("hoard", 0);

		dprintf(file, "%02d", i);
		notify("FDSTORE=1\nFDNAME=hoard", file);
		close(file);
		poll(NULL, 0, 5);
	}
	notify("READY=1", -1);
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "send") == 0)
		return send_datagram(argv[2], argv[3]);
	int out = argc > 2 ? open(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0644) : 1;

	if (argc < 2)
		return 64;
	if (strcmp(argv[1], "serve") == 0)
		return serve();
	if (strcmp(argv[1], "receive") == 0)
		return receive(out);
	if (strcmp(argv[1], "store") == 0)
		return store(out);
	if (argc > 3 && strcmp(argv[1], "hoard") == 0)
		return hoard(out, atoi(argv[3]));
	tell(out);
	return 0;
}
