/* The text of the daemon's own bundle, for V8: read from memory that it is mapped from, so that what it never looks at (it has
 * the bytecode) takes no memory of the process; in a memfd, sealed, as a file could be written over. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hearth.h"

#ifndef MFD_ALLOW_SEALING
#define MFD_ALLOW_SEALING 2
#endif

static int source = -1;
static void *mapped;
static size_t mapped_size;

static bool is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals != -1 && seals & F_SEAL_WRITE;
}

/* A sealed copy of the file; -1 with errno. */
static int copy_of(int fd, size_t size)
{
	int copy = memfd_create("bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (copy == -1)
		return -1;
	while (size > 0) {
		ssize_t sent = sendfile(copy, fd, NULL, size);

		if (sent <= 0)
			break;
		size -= (size_t)sent;
	}
	if (size > 0 || fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) == -1) {
		close(copy);
		return -1;
	}
	return copy;
}

/* sourceText(path): the file's text, each byte a character; it stays mapped for good. Throws where it cannot be had so. */
static napi_value source_text(napi_env env, napi_callback_info info)
{
	napi_value value, text = NULL;
	struct stat found;
	char *path, *bytes;
	bool copied;
	int fd;

	if (!arguments(env, info, 1, &value) || !(path = read_string(env, value)))
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	if (fd == -1 || fstat(fd, &found) == -1)
		return throw_errno(env, "open");
	if (!is_sealed(fd)) {
		int file = fd;

		fd = copy_of(file, (size_t)found.st_size);
		close(file);
		if (fd == -1)
			return throw_errno(env, "memfd_create");
	}
	bytes = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED) {
		close(fd);
		return throw_errno(env, "mmap");
	}
	source = fd;
	mapped = bytes;
	mapped_size = (size_t)found.st_size;
	node_api_create_external_string_latin1(env, bytes, (size_t)found.st_size, NULL, NULL, &text, &copied);
	return text;
}

void release_source(void)
{
	if (mapped)
		madvise(mapped, mapped_size, MADV_DONTNEED);
}

/* sourceFd(): the memfd that it is in; -1: it was not asked for. */
static napi_value source_fd(napi_env env, napi_callback_info info)
{
	(void)info;
	return js_number(env, source);
}

void register_source(napi_env env, napi_value exports)
{
	register_call(env, exports, "sourceText", source_text, NULL);
	register_call(env, exports, "sourceFd", source_fd, NULL);
}
