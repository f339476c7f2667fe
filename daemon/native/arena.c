/* Memory of one request: taken piece by piece, freed at once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "hearth.h"

#define BLOCK (16 * 1024)
#define ALIGNED(size) (((size) + 15) & ~(size_t)15)

struct arena_block {
	struct arena_block *next;
	_Alignas(16) char bytes[];
};

static bool grow(struct arena *arena, size_t size)
{
	size_t room = size > BLOCK ? size : BLOCK;
	struct arena_block *block = malloc(sizeof *block + room);

	if (!block)
		return false;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->next = block->bytes;
	arena->end = block->bytes + room;
	return true;
}

void *arena_take(struct arena *arena, size_t size)
{
	void *taken;

	size = ALIGNED(size);
	if (size > (size_t)(arena->end - arena->next) && !grow(arena, size))
		return NULL;
	taken = arena->next;
	arena->next += size;
	return memset(taken, 0, size);
}

/* Copies a string in one call when it fits into what is left: V8 measures a string as slowly as it copies it. */
char *arena_string(napi_env env, struct arena *arena, napi_value value)
{
	size_t room = (size_t)(arena->end - arena->next), length;
	char *text = arena->next;

	if (room > 4 && napi_get_value_string_utf8(env, value, text, room, &length) == napi_ok && length + 4 < room) {
		arena->next += ALIGNED(length + 1);
		return text;
	}
	if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) {
		napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "a string expected");
		return NULL;
	}
	text = arena_take(arena, length + 1);
	if (!text) {
		errno = ENOMEM;
		throw_errno(env, "malloc");
		return NULL;
	}
	napi_get_value_string_utf8(env, value, text, length + 1, &length);
	return text;
}

void arena_free(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
	arena->next = arena->end = NULL;
}
