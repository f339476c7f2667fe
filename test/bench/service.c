/* service: what the benchmarks supervise. It says on a FIFO that it runs, with the moment on the monotonic clock, and
 * sleeps until a signal ends it. Without arguments (s6 and runit give none) its number is the name of its folder.
 *   service FIFO NUMBER      stamp FIFO NUMBER COMMAND...: says the moment and becomes COMMAND
 *   orphans FIFO COUNT WIDTH: on SIGUSR1 leaves COUNT orphans behind, WIDTH at a time, then says so and sleeps */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct record {
	int32_t number;
	int32_t pid;
	int64_t monotonic_nsec;
};

static void say(const char *fifo, int number)
{
	struct timespec now;
	struct record record = { .number = number, .pid = getpid() };
	int fd = open(fifo, O_WRONLY | O_CLOEXEC);

	clock_gettime(CLOCK_MONOTONIC, &now);
	record.monotonic_nsec = now.tv_sec * 1000000000LL + now.tv_nsec;
	if (fd < 0 || write(fd, &record, sizeof record) != sizeof record)
		_exit(9);
	close(fd);
}

static void leave_orphans(int count, int width)
{
	for (int i = 0; i < count; i += width) {
		pid_t child = fork();
		if (child == 0) {
			for (int j = 0; j < width; j++)
				if (fork() == 0)
					_exit(0);
			_exit(0);
		}
		waitpid(child, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	char folder[4096];

	name = name ? name + 1 : argv[0];
	if (!strcmp(name, "stamp") && argc > 3) {
		say(argv[1], atoi(argv[2]));
		execv(argv[3], argv + 3);
		return 203;
	}
	if (!strcmp(name, "orphans") && argc > 3) {
		sigset_t set;
		int signal;

		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, NULL);
		sigwait(&set, &signal);
		leave_orphans(atoi(argv[2]), atoi(argv[3]));
		say(argv[1], -2);
	} else if (argc > 2) {
		say(argv[1], atoi(argv[2]));
	} else if (getcwd(folder, sizeof folder) && getenv("BENCH_FIFO")) {
		say(getenv("BENCH_FIFO"), atoi(strrchr(folder, '/') + 1));
	} else {
		return 2;
	}
	for (;;)
		pause();
}
