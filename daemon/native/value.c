/* Values between JavaScript and C. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hearth.h"

/* Reads exactly `count` arguments; missing ones are undefined. */
bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values)
{
	size_t given = count;

	return napi_get_cb_info(env, info, &given, values, NULL, NULL) == napi_ok;
}

static bool expected(napi_env env, const char *what)
{
	char text[64];

	snprintf(text, sizeof text, "%s expected", what);
	napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", text);
	return false;
}

bool read_int(napi_env env, napi_value value, int *number)
{
	int32_t read;

	if (napi_get_value_int32(env, value, &read) != napi_ok)
		return expected(env, "a number");
	*number = read;
	return true;
}

bool read_double(napi_env env, napi_value value, double *number)
{
	return napi_get_value_double(env, value, number) == napi_ok || expected(env, "a number");
}

bool read_bool(napi_env env, napi_value value, bool *flag)
{
	return napi_get_value_bool(env, value, flag) == napi_ok || expected(env, "a boolean");
}

char *read_string(napi_env env, napi_value value)
{
	size_t length;
	char *text;

	if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) {
		expected(env, "a string");
		return NULL;
	}
	text = malloc(length + 1);
	if (!text) {
		throw_errno(env, "malloc");
		return NULL;
	}
	napi_get_value_string_utf8(env, value, text, length + 1, &length);
	return text;
}

char **read_strings(napi_env env, napi_value array)
{
	uint32_t count, i;
	char **strings;

	if (napi_get_array_length(env, array, &count) != napi_ok) {
		expected(env, "an array of strings");
		return NULL;
	}
	strings = calloc((size_t)count + 1, sizeof *strings);
	if (!strings) {
		throw_errno(env, "calloc");
		return NULL;
	}
	for (i = 0; i < count; i++) {
		napi_value item;

		if (napi_get_element(env, array, i, &item) != napi_ok || !(strings[i] = read_string(env, item))) {
			free_strings(strings);
			return NULL;
		}
	}
	return strings;
}

void free_strings(char **strings)
{
	if (!strings)
		return;
	for (char **string = strings; *string; string++)
		free(*string);
	free(strings);
}

bool is_nullish(napi_env env, napi_value value)
{
	napi_valuetype type;

	return napi_typeof(env, value, &type) == napi_ok && (type == napi_null || type == napi_undefined);
}

napi_value js_null(napi_env env)
{
	napi_value value = NULL;

	napi_get_null(env, &value);
	return value;
}

napi_value js_number(napi_env env, double number)
{
	napi_value value = NULL;

	napi_create_double(env, number, &value);
	return value;
}

napi_value js_string(napi_env env, const char *text)
{
	napi_value value = NULL;

	napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
	return value;
}

void set_number(napi_env env, napi_value object, const char *name, double number)
{
	napi_set_named_property(env, object, name, js_number(env, number));
}

void set_string(napi_env env, napi_value object, const char *name, const char *text)
{
	napi_set_named_property(env, object, name, js_string(env, text));
}

napi_value throw_errno(napi_env env, const char *call)
{
	int error = errno;
	char text[160];

	snprintf(text, sizeof text, "%s: %s", call, strerror(error));
	napi_throw_error(env, errno_name(error), text);
	return NULL;
}

napi_value errno_or_null(napi_env env, bool failed)
{
	return failed ? js_string(env, errno_name(errno)) : js_null(env);
}

/* Not strerrorname_np(): glibc 2.31 has none. */
const char *errno_name(int error)
{
#define NAME(e) [e] = #e
	static const char *const names[] = {
		NAME(EPERM), NAME(ENOENT), NAME(ESRCH), NAME(EINTR), NAME(EIO), NAME(ENXIO), NAME(E2BIG),
		NAME(ENOEXEC), NAME(EBADF), NAME(ECHILD), NAME(EAGAIN), NAME(ENOMEM), NAME(EACCES), NAME(EFAULT),
		NAME(ENOTBLK), NAME(EBUSY), NAME(EEXIST), NAME(EXDEV), NAME(ENODEV), NAME(ENOTDIR), NAME(EISDIR),
		NAME(EINVAL), NAME(ENFILE), NAME(EMFILE), NAME(ENOTTY), NAME(ETXTBSY), NAME(EFBIG), NAME(ENOSPC),
		NAME(ESPIPE), NAME(EROFS), NAME(EMLINK), NAME(EPIPE), NAME(EDOM), NAME(ERANGE), NAME(EDEADLK),
		NAME(ENAMETOOLONG), NAME(ENOLCK), NAME(ENOSYS), NAME(ENOTEMPTY), NAME(ELOOP), NAME(ENOMSG),
		NAME(EIDRM), NAME(ENODATA), NAME(ETIME), NAME(EOVERFLOW), NAME(EILSEQ), NAME(ELIBACC), NAME(ELIBBAD),
		NAME(EUSERS), NAME(ENOTSOCK), NAME(EDESTADDRREQ), NAME(EMSGSIZE), NAME(EPROTOTYPE), NAME(ENOPROTOOPT),
		NAME(EPROTONOSUPPORT), NAME(ESOCKTNOSUPPORT), NAME(EOPNOTSUPP), NAME(EPFNOSUPPORT), NAME(EAFNOSUPPORT),
		NAME(EADDRINUSE), NAME(EADDRNOTAVAIL), NAME(ENETDOWN), NAME(ENETUNREACH), NAME(ENETRESET),
		NAME(ECONNABORTED), NAME(ECONNRESET), NAME(ENOBUFS), NAME(EISCONN), NAME(ENOTCONN), NAME(ESHUTDOWN),
		NAME(ETIMEDOUT), NAME(ECONNREFUSED), NAME(EHOSTDOWN), NAME(EHOSTUNREACH), NAME(EALREADY),
		NAME(EINPROGRESS), NAME(ESTALE), NAME(EDQUOT), NAME(ENOMEDIUM), NAME(EMEDIUMTYPE), NAME(ECANCELED),
		NAME(ENOKEY), NAME(EKEYEXPIRED), NAME(EKEYREVOKED), NAME(EKEYREJECTED), NAME(EOWNERDEAD),
		NAME(ENOTRECOVERABLE),
	};
#undef NAME
	static _Thread_local char other[16];

	if (error >= 0 && (size_t)error < sizeof names / sizeof *names && names[error])
		return names[error];
	snprintf(other, sizeof other, "E%d", error);
	return other;
}
