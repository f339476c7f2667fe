/* The machine: clock, limits, mounts, reboot. */
#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "hearth.h"

static napi_value monotonic_usec(napi_env env, napi_callback_info info)
{
	struct timespec now;

	(void)info;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return js_number(env, (double)now.tv_sec * 1e6 + (double)(now.tv_nsec / 1000));
}

/* randomId(): 32 hexadecimal digits. Not by node:crypto, which takes 20 ms to load. */
static napi_value random_id(napi_env env, napi_callback_info info)
{
	unsigned char bytes[16];
	char text[2 * sizeof bytes + 1];

	(void)info;
	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)	/* so few come whole, once the kernel has any */
		return throw_errno(env, "getrandom");
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return js_string(env, text);
}

static napi_value js_limit(napi_env env, int resource)
{
	struct rlimit limit;
	napi_value object;

	if (getrlimit((__rlimit_resource_t)resource, &limit) == -1)
		return throw_errno(env, "getrlimit");
	napi_create_object(env, &object);
	set_number(env, object, "soft", limit.rlim_cur == RLIM_INFINITY ? INFINITY : (double)limit.rlim_cur);
	set_number(env, object, "hard", limit.rlim_max == RLIM_INFINITY ? INFINITY : (double)limit.rlim_max);
	return object;
}

static napi_value get_rlimit(napi_env env, napi_callback_info info)
{
	napi_value value;
	int resource;

	if (!arguments(env, info, 1, &value) || !read_int(env, value, &resource))
		return NULL;
	return js_limit(env, resource);
}

static napi_value set_nofile(napi_env env, napi_callback_info info)
{
	napi_value values[2];
	double soft, hard;
	struct rlimit limit, now;

	if (!arguments(env, info, 2, values) || !read_double(env, values[0], &soft) || !read_double(env, values[1], &hard))
		return NULL;
	limit.rlim_cur = isinf(soft) ? RLIM_INFINITY : (rlim_t)soft;
	limit.rlim_max = isinf(hard) ? RLIM_INFINITY : (rlim_t)hard;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1 && getrlimit(RLIMIT_NOFILE, &now) == 0) {
		limit.rlim_max = limit.rlim_max < now.rlim_max ? limit.rlim_max : now.rlim_max;
		limit.rlim_cur = limit.rlim_cur < limit.rlim_max ? limit.rlim_cur : limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return js_limit(env, RLIMIT_NOFILE);
}

/* reboot('reboot' | 'poweroff' | 'halt'): an errno name. In a PID namespace the kernel ends the namespace instead. */
static napi_value reboot_(napi_env env, napi_callback_info info)
{
	napi_value value;
	char *how;
	int command;

	if (!arguments(env, info, 1, &value) || !(how = read_string(env, value)))
		return NULL;
	command = strcmp(how, "reboot") == 0 ? RB_AUTOBOOT : strcmp(how, "poweroff") == 0 ? RB_POWER_OFF : RB_HALT_SYSTEM;
	free(how);
	sync();
	return errno_or_null(env, reboot(command) == -1);
}

static napi_value mount_(napi_env env, napi_callback_info info)
{
	napi_value values[5], result = NULL;
	char *source = NULL, *target = NULL, *type = NULL, *data = NULL;
	double flags;

	if (arguments(env, info, 5, values) && (source = read_string(env, values[0]))
	    && (target = read_string(env, values[1])) && (type = read_string(env, values[2]))
	    && read_double(env, values[3], &flags) && (data = read_string(env, values[4])))
		result = errno_or_null(env, mount(source, target, type, (unsigned long)flags, data) == -1);
	free(source);
	free(target);
	free(type);
	free(data);
	return result;
}

static napi_value umount_(napi_env env, napi_callback_info info)
{
	napi_value values[2], result;
	char *target;
	int flags;

	if (!arguments(env, info, 2, values) || !read_int(env, values[1], &flags) || !(target = read_string(env, values[0])))
		return NULL;
	result = errno_or_null(env, umount2(target, flags) == -1);
	free(target);
	return result;
}

/* linkUp(name): an errno name (netdevice(7)). */
static napi_value link_up(napi_env env, napi_callback_info info)
{
	struct ifreq request = {0};
	napi_value value, result;
	char *name;
	int fd;

	if (!arguments(env, info, 1, &value) || !(name = read_string(env, value)))
		return NULL;
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	free(name);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || ioctl(fd, SIOCGIFFLAGS, &request) == -1)
		goto failed;
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) == -1)
		goto failed;
	close(fd);
	return js_null(env);
failed:
	result = js_string(env, errno_name(errno));
	if (fd != -1)
		close(fd);
	return result;
}

/* trim(): what malloc holds and nobody uses, back to the kernel; the compiler's thread alone keeps megabytes. */
static napi_value trim(napi_env env, napi_callback_info info)
{
	(void)env;
	(void)info;
	malloc_trim(0);
	release_source();
	return NULL;
}

void register_machine(napi_env env, napi_value exports)
{
	register_call(env, exports, "monotonicUsec", monotonic_usec, NULL);
	register_call(env, exports, "randomId", random_id, NULL);
	register_call(env, exports, "getRlimit", get_rlimit, NULL);
	register_call(env, exports, "setNofile", set_nofile, NULL);
	register_call(env, exports, "reboot", reboot_, NULL);
	register_call(env, exports, "mount", mount_, NULL);
	register_call(env, exports, "umount", umount_, NULL);
	register_call(env, exports, "linkUp", link_up, NULL);
	register_call(env, exports, "trim", trim, NULL);
}
