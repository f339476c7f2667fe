/* Reading the services' pipes so that nothing is lost if we die at it: into memory that outlives the image, with a note before
 * each read of how much it will be. A pipe has one reader, so what is in it now is what the read brings. Whether it came about
 * is told by the bytes: 0xff, which is in no text, stands there before. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hearth.h"

#define HEADER_BYTES 4096
#define BUFFER_BYTES (64 * 1024)	/* what a pipe holds */
#define FILE_BYTES (HEADER_BYTES + BUFFER_BYTES)
#define MARK_BYTES 16
#define MARK 0xff

/* `state` as in logs/recall.ts. */
enum { IDLE, READING, READ };

/* The layout is logs/recall.ts's, too: four 32-bit numbers, then doubles. */
struct header {
	int32_t state, key, length, unused;
	double more[8];
};

static size_t mark_length(int32_t length)
{
	return length < MARK_BYTES ? (size_t)length : MARK_BYTES;
}

/* Whether nothing has been read over the mark. */
static bool is_marked(const struct header *header)
{
	const unsigned char *bytes = (const unsigned char *)header + HEADER_BYTES;

	for (size_t i = 0; i < mark_length(header->length); i++)
		if (bytes[i] != MARK)
			return false;
	return true;
}

/* read(fd, key): how many bytes have come; 0: the end; -1: there are none now. */
static napi_value read_(napi_env env, napi_callback_info info)
{
	struct header *header = NULL;
	napi_value values[2];
	size_t count = 2;
	int fd, key, available = 0;
	ssize_t length;

	if (napi_get_cb_info(env, info, &count, values, NULL, (void **)&header) != napi_ok || !read_int(env, values[0], &fd)
	    || !read_int(env, values[1], &key))
		return NULL;
	if (ioctl(fd, FIONREAD, &available) == -1)
		return throw_errno(env, "FIONREAD");
	if (available == 0) {
		struct pollfd asked = {.fd = fd, .events = POLLIN | POLLRDHUP};	/* RDHUP: a stream socket's end */

		if (poll(&asked, 1, 0) <= 0)
			return js_number(env, -1);
		/* Written before the last writer let go: that counts before the end. */
		if (ioctl(fd, FIONREAD, &available) == -1 || available == 0)
			return js_number(env, asked.revents & (POLLHUP | POLLRDHUP) ? 0 : -1);
	}
	header->key = key;
	header->length = available < BUFFER_BYTES ? available : BUFFER_BYTES;
	memset((char *)header + HEADER_BYTES, MARK, mark_length(header->length));
	__atomic_store_n(&header->state, READING, __ATOMIC_RELEASE);
	length = read(fd, (char *)header + HEADER_BYTES, (size_t)header->length);
	if (length <= 0) {
		header->state = IDLE;
		return length == 0 || errno == EAGAIN || errno == EINTR ? js_number(env, length) : throw_errno(env, "read");
	}
	header->length = (int32_t)length;
	__atomic_store_n(&header->state, READ, __ATOMIC_RELEASE);
	return js_number(env, (double)length);
}

/* captureMemory(fd | null): { fd, header, buffer, read } */
static napi_value capture_memory(napi_env env, napi_callback_info info)
{
	napi_value value, object, buffer;
	struct header *header;
	struct stat found;
	int fd;

	if (!arguments(env, info, 1, &value))
		return NULL;
	if (is_nullish(env, value)) {
		fd = memfd_create("capture", 0);	/* kept over an execve */
		if (fd == -1 || ftruncate(fd, FILE_BYTES) == -1)
			return throw_errno(env, "captureMemory");
	} else if (!read_int(env, value, &fd)) {
		return NULL;
	}
	if (fstat(fd, &found) == -1 || found.st_size != FILE_BYTES) {
		errno = EINVAL;
		return throw_errno(env, "captureMemory");
	}
	header = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (header == MAP_FAILED)
		return throw_errno(env, "captureMemory");
	if (header->state == READING)
		header->state = is_marked(header) ? IDLE : READ;
	napi_create_object(env, &object);
	set_number(env, object, "fd", fd);
	napi_create_external_arraybuffer(env, header, HEADER_BYTES, NULL, NULL, &buffer);
	napi_set_named_property(env, object, "header", buffer);
	napi_create_external_arraybuffer(env, (char *)header + HEADER_BYTES, BUFFER_BYTES, NULL, NULL, &buffer);
	napi_set_named_property(env, object, "buffer", buffer);
	register_call(env, object, "read", read_, header);
	return object;
}

void register_capture(napi_env env, napi_value exports)
{
	register_call(env, exports, "captureMemory", capture_memory, NULL);
}
