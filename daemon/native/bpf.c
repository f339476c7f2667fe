/* Programs of the kernel's BPF that a cgroup's processes are held by (bpf(2)): which devices they may open, with which
 * addresses they may talk. What is attached to a cgroup stays with it, whoever made it, until the cgroup goes. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "hearth.h"

#define MOST_ATTACHED 64	/* the kernel's own bound (BPF_CGROUP_MAX_PROGS) */
#define MOST_TRIES 32

static const struct kind {
	const char *name;
	enum bpf_prog_type type;
	enum bpf_attach_type place;
} kinds[] = {
	{"device", BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE},
	{"ingress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS},
	{"egress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS},
	{"bind4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND},
	{"bind6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_BIND},
};

static long bpf(enum bpf_cmd command, union bpf_attr *attribute)
{
	return syscall(SYS_bpf, command, attribute, sizeof *attribute);
}

static int load(const struct kind *kind, const void *code, size_t size)
{
	union bpf_attr attribute = {
		.prog_type = kind->type,
		.expected_attach_type = kind->place,
		.insns = (uint64_t)(uintptr_t)code,
		.insn_cnt = (uint32_t)(size / sizeof(struct bpf_insn)),
		.license = (uint64_t)(uintptr_t)"Dual MIT/GPL",
	};

	int program, tries = 0;

	/* The verifier gives up when a signal comes (a child's end, say): it has been handled then. */
	do
		program = (int)bpf(BPF_PROG_LOAD, &attribute);
	while (program == -1 && (errno == EAGAIN || errno == EINTR) && ++tries < MOST_TRIES);
	return program;
}

/* Beside those of the cgroups above, all of which count. */
static long attach(const struct kind *kind, int cgroup, int program)
{
	union bpf_attr attribute = {
		.target_fd = (uint32_t)cgroup, .attach_bpf_fd = (uint32_t)program, .attach_type = kind->place,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};

	return bpf(BPF_PROG_ATTACH, &attribute);
}

static long detach(const struct kind *kind, int cgroup, uint32_t id)
{
	union bpf_attr by_id = {.prog_id = id};
	int program = (int)bpf(BPF_PROG_GET_FD_BY_ID, &by_id);
	union bpf_attr attribute = {
		.target_fd = (uint32_t)cgroup, .attach_bpf_fd = (uint32_t)program, .attach_type = kind->place,
	};
	long result;
	int error;

	if (program == -1)
		return -1;
	result = bpf(BPF_PROG_DETACH, &attribute);
	error = errno;
	close(program);
	errno = error;
	return result;
}

/* Its number, told by the kernel; 0: it cannot be. */
static uint32_t id_of(int program)
{
	struct bpf_prog_info info = {0};
	union bpf_attr attribute = {
		.info = {.bpf_fd = (uint32_t)program, .info_len = sizeof info, .info = (uint64_t)(uintptr_t)&info},
	};

	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attribute) == -1 ? 0 : info.id;
}

/* Takes away what is attached to the cgroup itself, but that one: an earlier image's as well, whose descriptors are gone. */
static bool detach_others(const struct kind *kind, int cgroup, uint32_t kept)
{
	uint32_t ids[MOST_ATTACHED];
	union bpf_attr attribute = {
		.query = {.target_fd = (uint32_t)cgroup, .attach_type = kind->place,
			  .prog_ids = (uint64_t)(uintptr_t)ids, .prog_cnt = MOST_ATTACHED},
	};

	if (bpf(BPF_PROG_QUERY, &attribute) == -1)
		return false;
	for (uint32_t i = 0; i < attribute.query.prog_cnt; i++)
		if (ids[i] != kept && detach(kind, cgroup, ids[i]) == -1)
			return false;
	return true;
}

/* There is none without a moment in which the cgroup has both. `code` is NULL to have none at all. */
static bool put(const struct kind *kind, int cgroup, const void *code, size_t size, bool is_new)
{
	uint32_t id;
	int program, error;
	bool done;

	if (!code)
		return detach_others(kind, cgroup, 0);
	program = load(kind, code, size);
	if (program == -1)
		return false;
	id = is_new ? 0 : id_of(program);
	done = attach(kind, cgroup, program) != -1 && (is_new || (id != 0 && detach_others(kind, cgroup, id)));
	error = errno;
	close(program);
	errno = error;
	return done;
}

/* cgroupProgram(cgroupFd, 'device' | 'ingress' | 'egress' | 'bind4' | 'bind6', code | null, isNew): an errno name, or null. */
static napi_value cgroup_program(napi_env env, napi_callback_info info)
{
	napi_value values[4];
	const struct kind *kind = NULL;
	void *code = NULL;
	size_t size = 0;
	bool is_new = false;
	char *name;
	int cgroup;

	if (!arguments(env, info, 4, values) || !read_int(env, values[0], &cgroup) || !read_bool(env, values[3], &is_new)
	    || !(name = read_string(env, values[1])))
		return NULL;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, name) == 0)
			kind = &kinds[i];
	free(name);
	if (!kind || (!is_nullish(env, values[2]) && napi_get_buffer_info(env, values[2], &code, &size) != napi_ok)) {
		napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "a kind of program and its code expected");
		return NULL;
	}
	return errno_or_null(env, !put(kind, cgroup, code, size, is_new));
}

void register_bpf(napi_env env, napi_value exports)
{
	register_call(env, exports, "cgroupProgram", cgroup_program, NULL);
}
