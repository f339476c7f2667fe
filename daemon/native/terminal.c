/* A terminal brought into the state in which a login finds it (systemd.exec(5), TTYReset= and its like). */
#include <errno.h>
#include <fcntl.h>
#include <linux/kd.h>
#include <linux/vt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "hearth.h"

#define HOW (O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)	/* to open a serial line does not wait for its carrier */
#define CLEAR_ALL "\033[r\033[H\033[3J"
#define CLEAR "\033[r\033[H\033[2J"

static void reset_modes(int fd)
{
	static const cc_t keys[NCCS] = {
		[VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VSTART] = 17, [VSTOP] = 19,
		[VSUSP] = 26, [VLNEXT] = 22, [VWERASE] = 23, [VREPRINT] = 18, [VMIN] = 1,
	};
	struct termios modes;

	ioctl(fd, TIOCNXCL);
	/* Of a virtual terminal alone: out of graphics, keys as Unicode. */
	ioctl(fd, KDSETMODE, KD_TEXT);
	ioctl(fd, KDSKBMODE, K_UNICODE);
	if (tcgetattr(fd, &modes) == -1)
		return;
	modes.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | ISTRIP | INLCR | IGNCR | IUCLC);
	modes.c_iflag |= ICRNL | IMAXBEL | IUTF8;
	modes.c_oflag |= OPOST | ONLCR;
	modes.c_cflag |= CREAD;
	modes.c_lflag = ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE;
	memcpy(modes.c_cc, keys, sizeof keys);
	tcsetattr(fd, TCSANOW, &modes);
	tcflush(fd, TCIOFLUSH);
}

static void set_size(int fd, int rows, int columns)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) == -1)
		return;
	if (rows > 0)
		size.ws_row = (unsigned short)rows;
	if (columns > 0)
		size.ws_col = (unsigned short)columns;
	ioctl(fd, TIOCSWINSZ, &size);
}

static void clear_screen(const char *path, const char *sequence)
{
	int fd = open(path, HOW);

	if (fd == -1)
		return;
	if (write(fd, sequence, strlen(sequence)) == -1) {
		/* Whoever has it does not read: nothing can be cleared. */
	}
	close(fd);
}

/* A virtual terminal is given back with all that was on it, also what had scrolled away; others are cleared. */
static void disallocate(const char *path)
{
	int number, fd, failed;
	char end;

	if (sscanf(path, "/dev/tty%d%c", &number, &end) != 1 || number < 1) {
		clear_screen(path, CLEAR);
		return;
	}
	fd = open("/dev/tty0", HOW);
	failed = fd == -1 || ioctl(fd, VT_DISALLOCATE, number) == -1;
	if (fd != -1)
		close(fd);
	if (failed)	/* it is in use */
		clear_screen(path, CLEAR_ALL);
}

/* prepareTerminal(path, hangUp, reset, rows, columns, disallocate): null, or the errno of a terminal that cannot be opened. */
static napi_value prepare_terminal(napi_env env, napi_callback_info info)
{
	bool hang_up, reset, gives_back;
	int rows, columns, fd = -1;
	napi_value values[6];
	char *path;

	if (!arguments(env, info, 6, values) || !read_bool(env, values[1], &hang_up) || !read_bool(env, values[2], &reset)
	    || !read_int(env, values[3], &rows) || !read_int(env, values[4], &columns)
	    || !read_bool(env, values[5], &gives_back) || !(path = read_string(env, values[0])))
		return NULL;
	if (hang_up && (fd = open(path, HOW)) != -1) {
		ioctl(fd, TIOCVHANGUP);
		close(fd);	/* it is dead now */
	}
	fd = open(path, HOW);
	if (fd != -1) {
		if (reset)
			reset_modes(fd);
		if (rows > 0 || columns > 0)
			set_size(fd, rows, columns);
		close(fd);
		if (gives_back)
			disallocate(path);
	}
	free(path);
	return errno_or_null(env, fd == -1);
}

void register_terminal(napi_env env, napi_value exports)
{
	register_call(env, exports, "prepareTerminal", prepare_terminal, NULL);
}
