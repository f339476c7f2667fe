/* What the figures of the logs are measured with, one program by its name:
 *   lines FIFO NUMBER GO BYTES LENGTH: writes a line, says on FIFO that it is there, waits until GO is opened for writing,
 *     writes BYTES in numbered lines of LENGTH, waits until its reader has them all, says so and sleeps until a signal ends it
 *   copy FILE: the least a logger must do: from standard input into FILE, a new one every 10 MB */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024, DIGITS = 10, ROTATE = 10 * 1000 * 1000, WRITTEN = -3 };

static char chunk[CHUNK];

/* As in service.c. */
static void say(const char *fifo, int32_t number)
{
	struct {
		int32_t number, pid;
		int64_t monotonic_nsec;
	} record = { .number = number, .pid = getpid() };
	struct timespec now;
	int fd = open(fifo, O_WRONLY | O_CLOEXEC);

	clock_gettime(CLOCK_MONOTONIC, &now);
	record.monotonic_nsec = now.tv_sec * 1000000000LL + now.tv_nsec;
	if (fd < 0 || write(fd, &record, sizeof record) != sizeof record)
		_exit(9);
	close(fd);
}

static void put(int fd, const char *bytes, size_t length)
{
	for (ssize_t written; length > 0; bytes += written, length -= (size_t)written)
		if ((written = write(fd, bytes, length)) < 0)
			_exit(10);
}

static void lines(long total, size_t length)
{
	char number[DIGITS];
	int left;

	memset(number, '0', DIGITS);
	for (size_t at = 0; at + length <= CHUNK; at += length) {
		memset(chunk + at, 'x', length - 1);
		chunk[at + length - 1] = '\n';
	}
	for (long done = 0; done < total;) {
		size_t at = 0;

		for (; at + length <= CHUNK && done < total; at += length, done += (long)length) {
			for (int i = DIGITS - 1; i >= 0 && ++number[i] > '9'; i--)
				number[i] = '0';
			memcpy(chunk + at, number, DIGITS);
		}
		put(1, chunk, at);
	}
	/* A thousand of them that ask often would be what is measured. */
	for (useconds_t pause = 1000; ioctl(1, FIONREAD, &left) == 0 && left > 0; pause = pause < 4000 ? 2 * pause : pause)
		usleep(pause);
}

static int copy(const char *path)
{
	char full[4096];
	long size = 0;
	int fd = -1, files = 0;

	for (ssize_t length; (length = read(0, chunk, CHUNK)) > 0; size += length) {
		if (fd >= 0 && size + length > ROTATE) {
			close(fd);
			snprintf(full, sizeof full, "%s.%d", path, files++ % 5);
			rename(path, full);
			fd = -1;
		}
		if (fd < 0) {
			fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0640);
			size = 0;
		}
		put(fd, chunk, (size_t)length);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');

	name = name ? name + 1 : argv[0];
	if (!strcmp(name, "copy") && argc > 1)
		return copy(argv[1]);
	if (argc < 6 || atol(argv[5]) <= DIGITS || atol(argv[5]) > CHUNK)
		return 2;
	/* As most services do. s6-log and svlogd make their files when they start, hearth with the first line. */
	put(1, "begins\n", 7);
	say(argv[1], atoi(argv[2]));
	if (open(argv[3], O_RDONLY | O_CLOEXEC) < 0)
		return 3;
	lines(atol(argv[4]), (size_t)atol(argv[5]));
	say(argv[1], WRITTEN);
	for (;;)
		pause();
}
