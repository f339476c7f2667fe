/* What the addon's files share. Each file registers its own calls on the exports object; see addon.c. */
#ifndef HEARTH_H
#define HEARTH_H

#define NAPI_VERSION 10
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

/* addon.c */
void register_call(napi_env env, napi_value exports, const char *name, napi_callback call, void *data);
void register_spawn(napi_env env, napi_value exports);
void register_probe(napi_env env, napi_value exports);
void register_wait(napi_env env, napi_value exports);
void register_signals(napi_env env, napi_value exports);
void register_poller(napi_env env, napi_value exports);
void register_notify(napi_env env, napi_value exports);
void register_descriptors(napi_env env, napi_value exports);
void register_processes(napi_env env, napi_value exports);
void register_users(napi_env env, napi_value exports);
void register_sockets(napi_env env, napi_value exports);
void register_connect(napi_env env, napi_value exports);
void register_datagrams(napi_env env, napi_value exports);
void register_machine(napi_env env, napi_value exports);
void register_terminal(napi_env env, napi_value exports);
void register_ipc(napi_env env, napi_value exports);
void register_namespaces(napi_env env, napi_value exports);
void register_remove(napi_env env, napi_value exports);
void register_ledger(napi_env env, napi_value exports);
void register_clock(napi_env env, napi_value exports);
void register_hang(napi_env env, napi_value exports);
void register_image(napi_env env, napi_value exports);
void register_source(napi_env env, napi_value exports);
void register_capture(napi_env env, napi_value exports);
void register_lines(napi_env env, napi_value exports);
void register_inotify(napi_env env, napi_value exports);
void register_mounts(napi_env env, napi_value exports);
void register_bpf(napi_env env, napi_value exports);

/* value.c: between JavaScript and C. The readers throw a TypeError and return false for a wrong type: our own mistake. */
bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values);
bool read_int(napi_env env, napi_value value, int *number);
bool read_double(napi_env env, napi_value value, double *number);
bool read_bool(napi_env env, napi_value value, bool *flag);
char *read_string(napi_env env, napi_value value);	/* for free(); NULL after throwing */
char **read_strings(napi_env env, napi_value array);	/* NULL-terminated; for free_strings() */
void free_strings(char **strings);
bool is_nullish(napi_env env, napi_value value);
napi_value js_null(napi_env env);
napi_value js_number(napi_env env, double number);
napi_value js_string(napi_env env, const char *text);
void set_number(napi_env env, napi_value object, const char *name, double number);
void set_string(napi_env env, napi_value object, const char *name, const char *text);
napi_value throw_errno(napi_env env, const char *call);	/* an Error with .code; returns NULL */
napi_value errno_or_null(napi_env env, bool failed);	/* the name of errno, or null */
const char *errno_name(int error);

/* watch.c: a descriptor polled on the environment's loop. */
struct watch;
typedef void watch_ready(struct watch *watch);
struct watch {
	uv_poll_t poll;
	napi_env env;
	napi_ref callback;
	napi_async_context context;
	napi_async_cleanup_hook_handle hook;
	watch_ready *ready;
	void (*freed)(struct watch *watch);	/* closes what the watch held; may be NULL */
	void *data;
	int fd;
	bool closing;
};
struct watch *watch_open(napi_env env, int fd, napi_value callback, watch_ready *ready, void (*freed)(struct watch *));
/* the same for other events of uv_poll_start() */
struct watch *watch_open_for(napi_env env, int fd, napi_value callback, watch_ready *ready,
			     void (*freed)(struct watch *), int events);
void watch_call_other(struct watch *watch, napi_ref callback, size_t count, napi_value *values);
void watch_call(struct watch *watch, size_t count, napi_value *values);
void watch_close(struct watch *watch);

/* image.c: what a new image finds of this one, and the way to it. */
int32_t *spawned_pid(void);
_Atomic uint64_t *pending_signals(void);
_Atomic uint64_t *signals_in_hand(void);
double *notify_tries(void);
/* Why the image was left, beside the number of a fatal signal. */
enum { CAUSE_EXIT = -1, CAUSE_HANG = -2 };
_Noreturn void die(int cause, const void *address);

/* source.c: gives back what of the bundle's text was looked at; it is looked up again when it is. */
void release_source(void);

/* arena.c: memory of one request, all freed at once. */
struct arena {
	char *next, *end;
	struct arena_block *blocks;
};
void *arena_take(struct arena *arena, size_t size);	/* zeroed, aligned; NULL: out of memory */
char *arena_string(napi_env env, struct arena *arena, napi_value value);	/* NULL after throwing */
void arena_free(struct arena *arena);

/* wait.c: a child is born and tracked before any handler can take it for an orphan; reap_strangers is for handlers. */
void begin_birth(void);
void end_birth(pid_t pid);
bool reap_strangers(pid_t first);

/* syscalls.c: a system call's number by its name; -1: not one that this architecture has. */
long syscall_number(const char *name);

#endif
