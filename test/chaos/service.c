/* What chaos supervises: `service NAME STATE KIND`. It numbers its lives and, on standard output, its lines (`LIFE LINE`), and
 * puts both into the file STATE, which whoever tries it reads and writes its orders to. KIND: plain; notify (tells READY=1,
 * WATCHDOG=1 and, numbered, STATUS=LIFE NUMBER); fork (leaves a child beside it); socket (sends back what comes by connections to
 * the socket that it was given). Two at once of one name are counted. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MOST_LIVES 4095
#define STOPPED 1000	/* by SIGTERM; below 100: the signal that it sends itself, from 100 on: the status that it exits with */

struct life {
	char invocation[32];
	int32_t pid;
	int32_t lines;
	int32_t end;	/* 0: it lives, or was ended by another */
	int32_t told;	/* the number of the last STATUS= that was sent */
};
struct state {
	int32_t lives;
	int32_t doubled;
	int32_t broken;	/* lines that could not be written */
	int32_t order;
	char unused[32];
	struct life life[MOST_LIVES];
};

static struct state *state;
static struct life *life;
static volatile sig_atomic_t is_over;

static void on_term(int signal)
{
	(void)signal;
	is_over = 1;
}

static bool notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	static int fd = -1;

	if (!path)
		return false;
	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	if (fd == -1)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, sizeof address) != -1;
}

static void tell_status(int number)
{
	char text[64];

	snprintf(text, sizeof text, "STATUS=%d %d", number, life->told + 1);
	if (notify(text))
		life->told++;
}

/* What one connection has to say is sent back. */
static void serve(int listener)
{
	char text[64];
	int fd = accept(listener, NULL, NULL);
	ssize_t length = fd == -1 ? -1 : read(fd, text, sizeof text);

	if (length > 0 && write(fd, text, (size_t)length) != length)
		state->broken++;
	if (fd != -1)
		close(fd);
}

static void wait_a_little(int listener, int ms)
{
	struct pollfd asked = {.fd = listener, .events = POLLIN};

	if (listener == -1)
		nanosleep(&(struct timespec){.tv_nsec = ms * 1000 * 1000}, NULL);
	else if (poll(&asked, 1, ms) == 1)
		serve(listener);
}

static void obey(int order)
{
	life->end = order;
	if (order >= 100)
		_exit(order - 100);
	signal(order, SIG_DFL);
	raise(order);
	_exit(99);
}

int main(int argc, char **argv)
{
	const char *id = getenv("INVOCATION_ID");
	struct sigaction term = {.sa_handler = on_term};
	int file, number, listener = -1;

	if (argc < 4 || !id || strlen(id) != 32)
		return 64;
	file = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (file == -1 || ftruncate(file, sizeof *state) == -1)
		return 65;
	state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (state == MAP_FAILED)
		return 66;
	if (flock(file, LOCK_EX | LOCK_NB) == -1) {
		state->doubled++;
		flock(file, LOCK_EX);
	}
	if (state->lives >= MOST_LIVES)
		return 67;
	number = ++state->lives;
	life = &state->life[number - 1];
	memcpy(life->invocation, id, 32);
	life->pid = getpid();
	if (strcmp(argv[3], "fork") == 0) {
		pid_t child;

		/* There may be no process to be had for a while. */
		while ((child = fork()) == -1)
			nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
		/* It has the lock, too: the next life would see that it was left. */
		while (child == 0)
			pause();
	}
	if (strcmp(argv[3], "socket") == 0) {
		const char *count = getenv("LISTEN_FDS");

		if (!count || strcmp(count, "1") != 0)
			return 68;
		listener = 3;
		signal(SIGPIPE, SIG_IGN);
	}
	sigaction(SIGTERM, &term, NULL);
	notify("READY=1");
	for (int line = 1;; line++) {
		char text[64];
		int length = snprintf(text, sizeof text, "%d %d\n", number, line);

		if (write(1, text, (size_t)length) == length)
			life->lines = line;
		else
			state->broken++;
		if (line % 8 == 0)
			notify("WATCHDOG=1");
		/* Seldom enough for each to be seen before the next one comes. */
		if (line % 24 == 1)
			tell_status(number);
		for (int i = 0; i < 4 && !is_over; i++) {
			int order = state->order;

			if (order) {
				state->order = 0;
				obey(order);
			}
			wait_a_little(listener, 8 + (number * 7 + line) % 8);
		}
		if (is_over) {
			life->end = STOPPED;
			_exit(0);
		}
	}
}
