/* System V IPC objects, which stay behind when their processes have gone (sysvipc(7)). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include "hearth.h"

/* removeIpc('shm' | 'sem' | 'msg', id): an errno name, or null when it is gone. */
static napi_value remove_ipc(napi_env env, napi_callback_info info)
{
	napi_value values[2];
	char *kind;
	int id, result;

	if (!arguments(env, info, 2, values) || !read_int(env, values[1], &id) || !(kind = read_string(env, values[0])))
		return NULL;
	if (strcmp(kind, "shm") == 0)
		result = shmctl(id, IPC_RMID, NULL);
	else if (strcmp(kind, "sem") == 0)
		result = semctl(id, 0, IPC_RMID);
	else
		result = msgctl(id, IPC_RMID, NULL);
	free(kind);
	return errno_or_null(env, result == -1 && errno != EINVAL && errno != EIDRM);
}

void register_ipc(napi_env env, napi_value exports)
{
	register_call(env, exports, "removeIpc", remove_ipc, NULL);
}
