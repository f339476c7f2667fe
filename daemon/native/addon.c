/* The addon's entry: what JavaScript cannot do. Loaded once in the main thread and once in each worker. */
#include "hearth.h"

void register_call(napi_env env, napi_value exports, const char *name, napi_callback call, void *data)
{
	napi_value function;

	if (napi_create_function(env, name, NAPI_AUTO_LENGTH, call, data, &function) == napi_ok)
		napi_set_named_property(env, exports, name, function);
}

NAPI_MODULE_INIT()
{
	register_spawn(env, exports);
	register_probe(env, exports);
	register_wait(env, exports);
	register_signals(env, exports);
	register_poller(env, exports);
	register_notify(env, exports);
	register_descriptors(env, exports);
	register_processes(env, exports);
	register_users(env, exports);
	register_sockets(env, exports);
	register_connect(env, exports);
	register_datagrams(env, exports);
	register_machine(env, exports);
	register_terminal(env, exports);
	register_ipc(env, exports);
	register_namespaces(env, exports);
	register_remove(env, exports);
	register_ledger(env, exports);
	register_clock(env, exports);
	register_image(env, exports);
	register_source(env, exports);
	register_hang(env, exports);
	register_capture(env, exports);
	register_lines(env, exports);
	register_inotify(env, exports);
	register_mounts(env, exports);
	register_bpf(env, exports);
	return exports;
}
