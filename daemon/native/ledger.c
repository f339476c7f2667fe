/* Memory that outlives the process image: a memfd, mapped, to which whole records are appended. A record counts from the
 * moment its length is stored, which is done last: what a crash has cut short was never there. There are two areas: a shorter
 * account is written into the one that is not in use, and takes the other's place at one store. What an earlier account has
 * left in an area is told by its generation. A record may be packed by the zlib that Node carries: an account of a thousand
 * services takes a tenth then. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include "hearth.h"

#define MAGIC UINT64_C(0x6874726165680a02)
#define HEADER_BYTES (64 * 1024)	/* a page of any size */
#define NOTE_BYTES 4096
#define SLOTS_AT (HEADER_BYTES / 2)
#define SLOTS_BYTES 4096
#define AREA_BYTES (UINT64_C(1) << 29)	/* untouched pages cost nothing */
#define KEPT_BYTES (UINT64_C(128) << 10)	/* what an area that is not in use keeps for the next time */
#define FILE_BYTES (HEADER_BYTES + 2 * AREA_BYTES)

/* Which area counts, as words that no flipped bit takes for each other. */
static const uint32_t ACTIVE[2] = { UINT32_C(0x1d2c3b4a), UINT32_C(0xe2d3c4b5) };

struct header {
	uint64_t magic;
	uint32_t version;	/* of what is in the records: the caller's */
	_Atomic uint32_t active;
	uint64_t generations[2];	/* of the areas' accounts */
	_Atomic uint32_t note_length;
	char note[NOTE_BYTES];
	_Atomic uint64_t ends[2];	/* so far the records of the areas are whole, or further */
};

struct record {
	_Atomic uint32_t length;
	uint32_t plain;	/* bytes of what is packed in it; 0: it is not packed */
	uint64_t sum;
	char bytes[];
};

struct ledger {
	struct header *header;
	uint32_t writing;	/* the area that is written to: not the active one while a shorter account is made */
	uint64_t at[2];
	int fd;
};

static char *area_of(const struct ledger *ledger, uint32_t area)
{
	return (char *)ledger->header + HEADER_BYTES + area * AREA_BYTES;
}

static uint32_t active_area(const struct ledger *ledger)
{
	return atomic_load(&ledger->header->active) == ACTIVE[1];
}

static uint64_t size_of_record(uint64_t length)
{
	return sizeof(struct record) + ((length + 7) & ~UINT64_C(7));
}

/* Against memory that was overwritten by mistake, not by an enemy; the padding is zero. */
static uint64_t sum_of(const char *bytes, uint64_t length, uint64_t generation)
{
	/* Mixed first: a bit of the length and one of the first word must not cancel out. */
	uint64_t sum = (length ^ generation * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xc4ceb9fe1a85ec53);

	sum ^= sum >> 32;
	for (uint64_t at = 0; at < length; at += 8) {
		uint64_t word;

		memcpy(&word, bytes + at, 8);
		sum = (sum ^ word) * UINT64_C(0xff51afd7ed558ccd);
		sum ^= sum >> 32;
	}
	return sum;
}

static uint64_t sum_of_record(const struct ledger *ledger, uint32_t area, const struct record *record, uint32_t length)
{
	return sum_of(record->bytes, length, ledger->header->generations[area]) ^ record->plain;
}

/* The record at `at`, or NULL: the end, or damage. */
static struct record *record_at(const struct ledger *ledger, uint32_t area, uint64_t at)
{
	struct record *record = (struct record *)(area_of(ledger, area) + at);
	uint32_t length;

	if (at + sizeof *record > AREA_BYTES)
		return NULL;
	length = atomic_load(&record->length);
	if (length == 0 || at + size_of_record(length) > AREA_BYTES
	    || sum_of_record(ledger, area, record, length) != record->sum)
		return NULL;
	return record;
}

/* Gives back the pages of an area from `from` on. */
static void release(struct ledger *ledger, uint32_t area, uint64_t from)
{
	if (from < AREA_BYTES)
		fallocate(ledger->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)(HEADER_BYTES + area * AREA_BYTES + from), (off_t)(AREA_BYTES - from));
}

static struct ledger *of_call(napi_env env, napi_callback_info info, size_t count, napi_value *values)
{
	struct ledger *ledger = NULL;

	return napi_get_cb_info(env, info, &count, values, NULL, (void **)&ledger) == napi_ok ? ledger : NULL;
}

/* A record's bytes before its length is stored: until then the record is not there. */
static struct record *begin_record(struct ledger *ledger, size_t *room)
{
	uint32_t area = ledger->writing;
	struct record *record = (struct record *)(area_of(ledger, area) + ledger->at[area]);

	*room = AREA_BYTES - ledger->at[area];
	*room = *room > sizeof *record + 8 ? *room - sizeof *record - 8 : 0;
	if (*room > UINT32_MAX)
		*room = UINT32_MAX;
	return record;
}

static void end_record(struct ledger *ledger, struct record *record, uint32_t length, uint32_t plain)
{
	uint32_t area = ledger->writing;

	/* The header of an older account's record may stand here: it must not count with these bytes. */
	atomic_store_explicit(&record->length, 0, memory_order_relaxed);
	memset(record->bytes + length, 0, size_of_record(length) - sizeof *record - length);
	record->plain = plain;
	record->sum = sum_of_record(ledger, area, record, length);
	atomic_store_explicit(&record->length, length, memory_order_release);
	ledger->at[area] += size_of_record(length);
	atomic_store_explicit(&ledger->header->ends[area], ledger->at[area], memory_order_release);
}

/* append(text): one record. */
static napi_value append(napi_env env, napi_callback_info info)
{
	napi_value value;
	struct ledger *ledger = of_call(env, info, 1, &value);
	size_t room, length;
	struct record *record = begin_record(ledger, &room);

	if (napi_get_value_string_utf8(env, value, record->bytes, room, &length) != napi_ok) {
		napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "a string expected");
		return NULL;
	}
	if (length + 4 >= room || length == 0) {	/* it may have been cut off */
		errno = length ? ENOSPC : EINVAL;
		return throw_errno(env, "append");
	}
	end_record(ledger, record, (uint32_t)length, 0);
	return NULL;
}

/* The bytes that `plain` takes packed at `to`; 0 where there is no room or no memory. */
static size_t pack(const char *plain, size_t length, char *to, size_t room)
{
	z_stream stream = { .next_in = (Bytef *)plain, .avail_in = (uInt)length,
			    .next_out = (Bytef *)to, .avail_out = (uInt)room };
	size_t packed = 0;

	if (deflateInit(&stream, Z_BEST_SPEED) != Z_OK)
		return 0;
	if (deflate(&stream, Z_FINISH) == Z_STREAM_END)
		packed = stream.total_out;
	deflateEnd(&stream);
	return packed;
}

/* pack(text): one record that takes less room and more time; as it is where it cannot be packed. */
static napi_value append_packed(napi_env env, napi_callback_info info)
{
	napi_value value;
	struct ledger *ledger = of_call(env, info, 1, &value);
	size_t room, length, packed;
	struct record *record = begin_record(ledger, &room);
	char *plain;

	if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok)
		return append(env, info);
	plain = length > 0 && length < UINT32_MAX ? malloc(length + 1) : NULL;
	if (!plain)
		return append(env, info);
	napi_get_value_string_utf8(env, value, plain, length + 1, &length);
	packed = pack(plain, length, record->bytes, room);
	free(plain);
	if (packed == 0)
		return append(env, info);
	end_record(ledger, record, (uint32_t)packed, (uint32_t)length);
	return NULL;
}

/* bytes(): how much the records take up. */
static napi_value bytes(napi_env env, napi_callback_info info)
{
	struct ledger *ledger = of_call(env, info, 0, NULL);

	return js_number(env, (double)ledger->at[ledger->writing]);
}

/* The text of a record; NULL with an exception pending where it cannot be unpacked. */
static napi_value text_of(napi_env env, const struct record *record)
{
	napi_value text = NULL;
	uLongf length = record->plain;
	char *plain;

	if (record->plain == 0)
		return napi_create_string_utf8(env, record->bytes, record->length, &text) == napi_ok ? text : NULL;
	plain = malloc(length);
	if (!plain)
		return throw_errno(env, "malloc");
	if (uncompress((Bytef *)plain, &length, (const Bytef *)record->bytes, record->length) == Z_OK
	    && length == record->plain)
		napi_create_string_utf8(env, plain, length, &text);
	else
		napi_throw_error(env, "EBADMSG", "the state is damaged: a record cannot be unpacked");
	free(plain);
	return text;
}

/* read(): every record that counts, the oldest first. */
static napi_value read_all(napi_env env, napi_callback_info info)
{
	struct ledger *ledger = of_call(env, info, 0, NULL);
	uint32_t area = active_area(ledger), count = 0;
	struct record *record;
	napi_value list, text;

	napi_create_array(env, &list);
	for (uint64_t at = 0; (record = record_at(ledger, area, at)); at += size_of_record(record->length)) {
		text = text_of(env, record);
		if (!text)
			return NULL;
		napi_set_element(env, list, count++, text);
	}
	return list;
}

/* begin(): what is appended from here on is a new account; until `flip` the old one counts. */
static napi_value begin(napi_env env, napi_callback_info info)
{
	struct ledger *ledger = of_call(env, info, 0, NULL);
	uint32_t other = !active_area(ledger);

	ledger->header->generations[other] = ledger->header->generations[!other] + 1;
	ledger->at[other] = 0;
	atomic_store(&ledger->header->ends[other], 0);
	ledger->writing = other;
	return NULL;
}

static napi_value flip(napi_env env, napi_callback_info info)
{
	struct ledger *ledger = of_call(env, info, 0, NULL);

	atomic_store(&ledger->header->active, ACTIVE[ledger->writing]);
	if (ledger->at[!ledger->writing] > KEPT_BYTES)
		release(ledger, !ledger->writing, KEPT_BYTES);
	return NULL;
}

/* Where the last whole record of the area ends. */
static uint64_t end_of(const struct ledger *ledger, uint32_t area)
{
	struct record *record;
	uint64_t at = 0;

	while ((record = record_at(ledger, area, at)))
		at += size_of_record(record->length);
	return at;
}

/* isDamaged(): whether records that were whole once cannot be read any more. */
static napi_value is_damaged(napi_env env, napi_callback_info info)
{
	struct ledger *ledger = of_call(env, info, 0, NULL);
	uint32_t area = active_area(ledger);
	bool damaged = atomic_load(&ledger->header->active) != ACTIVE[area]
		|| end_of(ledger, area) < atomic_load(&ledger->header->ends[area]);
	napi_value result;

	napi_get_boolean(env, damaged, &result);
	return result;
}

/* note(text): what is being done, in place of the note before; cut off where there is no room. */
static napi_value note(napi_env env, napi_callback_info info)
{
	napi_value value;
	struct ledger *ledger = of_call(env, info, 1, &value);
	size_t length = 0;

	atomic_store_explicit(&ledger->header->note_length, 0, memory_order_release);
	napi_get_value_string_utf8(env, value, ledger->header->note, NOTE_BYTES, &length);
	atomic_store_explicit(&ledger->header->note_length, (uint32_t)length, memory_order_release);
	return NULL;
}

static napi_value read_note(napi_env env, napi_callback_info info)
{
	struct ledger *ledger = of_call(env, info, 0, NULL);
	uint32_t length = atomic_load(&ledger->header->note_length);
	napi_value text;

	napi_create_string_utf8(env, ledger->header->note, length < NOTE_BYTES ? length : 0, &text);
	return text;
}

static bool map(struct ledger *ledger)
{
	ledger->header = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, ledger->fd, 0);
	return ledger->header != MAP_FAILED;
}

/* Goes on where the last whole record ends. */
static void find_end(struct ledger *ledger)
{
	uint32_t area = active_area(ledger);

	ledger->writing = area;
	ledger->at[area] = end_of(ledger, area);
}

static napi_value js_ledger(napi_env env, struct ledger *ledger)
{
	napi_value object, slots;

	napi_create_object(env, &object);
	if (napi_create_external_arraybuffer(env, (char *)ledger->header + SLOTS_AT, SLOTS_BYTES, NULL, NULL, &slots) != napi_ok)
		return NULL;
	set_number(env, object, "fd", ledger->fd);
	set_number(env, object, "version", ledger->header->version);
	napi_set_named_property(env, object, "slots", slots);
	register_call(env, object, "append", append, ledger);
	register_call(env, object, "pack", append_packed, ledger);
	register_call(env, object, "bytes", bytes, ledger);
	register_call(env, object, "read", read_all, ledger);
	register_call(env, object, "isDamaged", is_damaged, ledger);
	register_call(env, object, "begin", begin, ledger);
	register_call(env, object, "flip", flip, ledger);
	register_call(env, object, "note", note, ledger);
	register_call(env, object, "readNote", read_note, ledger);
	return object;
}

/* ledger(name, version): a new one, or ledger(fd): one that an earlier image has left; null: that is none. Never freed. */
static napi_value open_ledger(napi_env env, napi_callback_info info)
{
	struct ledger *ledger = calloc(1, sizeof *ledger);
	napi_value values[2];
	napi_valuetype type;
	struct stat found;

	if (!ledger)
		return throw_errno(env, "calloc");
	if (!arguments(env, info, 2, values) || napi_typeof(env, values[0], &type) != napi_ok)
		goto failed;
	if (type == napi_string) {
		char *name = read_string(env, values[0]);
		int version;

		if (!name || !read_int(env, values[1], &version)) {
			free(name);
			goto failed;
		}
		/* Kept over an execve; a service never gets it, as all but its own are closed in the child. */
		ledger->fd = memfd_create(name, 0);
		free(name);
		if (ledger->fd == -1 || ftruncate(ledger->fd, FILE_BYTES) == -1 || !map(ledger)) {
			throw_errno(env, "ledger");
			goto failed;
		}
		ledger->header->version = (uint32_t)version;
		ledger->header->generations[0] = 1;
		atomic_store(&ledger->header->active, ACTIVE[0]);
		ledger->header->magic = MAGIC;
		return js_ledger(env, ledger);
	}
	if (!read_int(env, values[0], &ledger->fd))
		goto failed;
	if (fstat(ledger->fd, &found) == -1 || found.st_size != FILE_BYTES || !map(ledger))
		goto none;
	if (ledger->header->magic != MAGIC) {
		munmap(ledger->header, FILE_BYTES);
		goto none;
	}
	find_end(ledger);
	return js_ledger(env, ledger);
none:
	free(ledger);
	return js_null(env);
failed:
	free(ledger);
	return NULL;
}

void register_ledger(napi_env env, napi_value exports)
{
	register_call(env, exports, "ledger", open_ledger, NULL);
}
