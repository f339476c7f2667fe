/* Cutting what services write into lines: in JavaScript each line would cost more than the kernel takes for its bytes. */
#include <string.h>
#include "hearth.h"

/* As in logs/frame.ts. */
enum { FROM, TO, AT, MOST, PRIORITY_AT, WORDS };
enum { NOWHERE = -1, NO_LEVEL = -2 };	/* PRIORITY_AT: the priority is left out; `<N>` is text */

struct bytes {
	unsigned char *data;
	size_t length;
};

static bool read_bytes(napi_env env, napi_value value, napi_typedarray_type wanted, struct bytes *bytes)
{
	napi_typedarray_type type;

	if (napi_get_typedarray_info(env, value, &type, &bytes->length, (void **)&bytes->data, NULL, NULL) == napi_ok
	    && type == wanted)
		return true;
	napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "a typed array expected");
	return false;
}

/* The digit of `<N>` at the start of a line, or 0. */
static unsigned char level_of(const unsigned char *line, size_t length)
{
	return length >= 3 && line[0] == '<' && line[2] == '>' && line[1] >= '0' && line[1] <= '7' ? line[1] : 0;
}

/* frameLines(place, input, head, output): how many lines; see native.ts. */
static napi_value frame_lines(napi_env env, napi_callback_info info)
{
	napi_value values[4];
	struct bytes words, input, head, output;
	int32_t *place;
	size_t from, to, at, most, lines = 0;
	int32_t priority_at;

	if (!arguments(env, info, 4, values) || !read_bytes(env, values[0], napi_int32_array, &words)
	    || !read_bytes(env, values[1], napi_uint8_array, &input) || !read_bytes(env, values[2], napi_uint8_array, &head)
	    || !read_bytes(env, values[3], napi_uint8_array, &output))
		return NULL;
	place = (int32_t *)words.data;
	if (words.length < WORDS || place[FROM] < 0 || place[FROM] > place[TO] || (size_t)place[TO] > input.length
	    || place[AT] < 0 || (size_t)place[AT] > output.length || place[MOST] < 0
	    || place[PRIORITY_AT] < NO_LEVEL || place[PRIORITY_AT] >= (int64_t)head.length) {
		napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "a place outside of the bytes");
		return NULL;
	}
	from = (size_t)place[FROM];
	to = (size_t)place[TO];
	at = (size_t)place[AT];
	most = (size_t)place[MOST];
	priority_at = place[PRIORITY_AT];
	while (from < to) {
		const unsigned char *line = input.data + from, *newline;
		size_t within = to - from <= most ? to - from : most + 1, length;
		unsigned char level;

		newline = memchr(line, '\n', within);
		if (!newline)
			break;
		length = (size_t)(newline - line) + 1;
		if (head.length + length > output.length - at)
			break;
		from += length;
		level = priority_at == NO_LEVEL ? 0 : level_of(line, length - 1);
		memcpy(output.data + at, head.data, head.length);
		if (level) {
			if (priority_at != NOWHERE)
				output.data[at + (size_t)priority_at] = level;
			line += 3;
			length -= 3;
		}
		memcpy(output.data + at + head.length, line, length);
		at += head.length + length;
		lines++;
	}
	place[FROM] = (int32_t)from;
	place[AT] = (int32_t)at;
	return js_number(env, (double)lines);
}

void register_lines(napi_env env, napi_value exports)
{
	register_call(env, exports, "frameLines", frame_lines, NULL);
}
