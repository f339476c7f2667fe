/* Users and groups through NSS. It may read files or ask a server: seldom, and never between vfork and execve. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include "hearth.h"

#define FIRST_ROOM 1024
#define MOST_ROOM (16 * 1024 * 1024)

/* A decimal id (0 to 2^32-2); false for anything else, which is then a name. */
static bool read_id(const char *text, uint32_t *id)
{
	unsigned long long number;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	number = strtoull(text, &end, 10);
	if (*end || number >= UINT32_MAX)
		return false;
	*id = (uint32_t)number;
	return true;
}

/* Looks an entry up by name or id, with as much room as it takes. `found` is NULL when there is none; 0 or an errno. */
static int look_up_user(const char *name, struct passwd *entry, char **room, struct passwd **found)
{
	int error = ERANGE;
	uint32_t id;

	for (size_t size = FIRST_ROOM; error == ERANGE && size <= MOST_ROOM; size *= 2) {
		char *larger = realloc(*room, size);

		if (!larger)
			return ENOMEM;
		*room = larger;
		error = read_id(name, &id) ? getpwuid_r(id, entry, *room, size, found)
					   : getpwnam_r(name, entry, *room, size, found);
	}
	return error;
}

static int look_up_group(const char *name, struct group *entry, char **room, struct group **found)
{
	int error = ERANGE;
	uint32_t id;

	for (size_t size = FIRST_ROOM; error == ERANGE && size <= MOST_ROOM; size *= 2) {
		char *larger = realloc(*room, size);

		if (!larger)
			return ENOMEM;
		*room = larger;
		error = read_id(name, &id) ? getgrgid_r(id, entry, *room, size, found)
					   : getgrnam_r(name, entry, *room, size, found);
	}
	return error;
}

static bool is_root(const char *name)
{
	return strcmp(name, "root") == 0 || strcmp(name, "0") == 0;
}

static napi_value js_user(napi_env env, const char *name, double uid, double gid, const char *home, const char *shell)
{
	napi_value object;

	napi_create_object(env, &object);
	set_string(env, object, "name", name);
	set_number(env, object, "uid", uid);
	set_number(env, object, "gid", gid);
	set_string(env, object, "home", home);
	set_string(env, object, "shell", shell);
	return object;
}

/* user(name | decimal uid). What NSS cannot answer (no /etc/passwd) is a user that does not exist, as for systemd. */
static napi_value user(napi_env env, napi_callback_info info)
{
	struct passwd entry, *found = NULL;
	napi_value result, value;
	char *name, *room = NULL;

	if (!arguments(env, info, 1, &value) || !(name = read_string(env, value)))
		return NULL;
	look_up_user(name, &entry, &room, &found);
	if (found)
		result = js_user(env, found->pw_name, found->pw_uid, found->pw_gid, found->pw_dir, found->pw_shell);
	else
		result = is_root(name) ? js_user(env, "root", 0, 0, "/root", "/bin/sh") : js_null(env);
	free(room);
	free(name);
	return result;
}

static napi_value group(napi_env env, napi_callback_info info)
{
	struct group entry, *found = NULL;
	napi_value result, value;
	char *name, *room = NULL;

	if (!arguments(env, info, 1, &value) || !(name = read_string(env, value)))
		return NULL;
	look_up_group(name, &entry, &room, &found);
	if (found || is_root(name)) {
		napi_create_object(env, &result);
		set_string(env, result, "name", found ? found->gr_name : "root");
		set_number(env, result, "gid", found ? found->gr_gid : 0);
	} else {
		result = js_null(env);
	}
	free(room);
	free(name);
	return result;
}

/* groupsOf(user, gid): number[] */
static napi_value groups_of(napi_env env, napi_callback_info info)
{
	napi_value values[2], list;
	int count = 64, gid;
	gid_t *groups = NULL;
	char *name;

	if (!arguments(env, info, 2, values) || !read_int(env, values[1], &gid) || !(name = read_string(env, values[0])))
		return NULL;
	for (;;) {
		int room = count;
		gid_t *larger = realloc(groups, (size_t)room * sizeof *groups);

		if (!larger) {
			free(groups);
			free(name);
			return throw_errno(env, "realloc");
		}
		groups = larger;
		if (getgrouplist(name, (gid_t)gid, groups, &count) != -1)
			break;
		count = count > room ? count : 2 * room;
	}
	napi_create_array_with_length(env, (size_t)count, &list);
	for (int i = 0; i < count; i++)
		napi_set_element(env, list, (uint32_t)i, js_number(env, groups[i]));
	free(groups);
	free(name);
	return list;
}

void register_users(napi_env env, napi_value exports)
{
	register_call(env, exports, "user", user, NULL);
	register_call(env, exports, "group", group, NULL);
	register_call(env, exports, "groupsOf", groups_of, NULL);
}
