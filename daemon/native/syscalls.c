/* Numbers of the system calls that a child may be asked to make between vfork and execve. */
#include <string.h>
#include <sys/syscall.h>
#include "hearth.h"

static const struct {
	const char *name;
	long number;
} calls[] = {
#define CALL(name) {#name, SYS_##name},
	CALL(add_key) CALL(adjtimex) CALL(bpf) CALL(capset) CALL(chdir) CALL(chroot) CALL(clock_settime) CALL(close) CALL(dup3) CALL(fchdir)
	CALL(fchmod) CALL(fchmodat) CALL(fchown) CALL(fchownat) CALL(fcntl) CALL(flock) CALL(fsync) CALL(ftruncate)
	CALL(getpid) CALL(getuid) CALL(inotify_init1) CALL(ioctl) CALL(keyctl) CALL(kill) CALL(linkat) CALL(lseek) CALL(mkdirat) CALL(mknodat)
	CALL(mount) CALL(openat) CALL(personality) CALL(pivot_root) CALL(prctl) CALL(prlimit64) CALL(read) CALL(readlinkat)
	CALL(renameat2) CALL(sched_setaffinity) CALL(sched_setattr) CALL(sched_setparam) CALL(sched_setscheduler)
	CALL(seccomp) CALL(set_mempolicy) CALL(setdomainname) CALL(setgroups) CALL(sethostname) CALL(setns)
	CALL(setpgid) CALL(setpriority) CALL(setresgid) CALL(setresuid) CALL(setregid) CALL(setreuid) CALL(setsid) CALL(setxattr) CALL(symlinkat)
	CALL(umask) CALL(umount2) CALL(unlinkat) CALL(unshare) CALL(utimensat) CALL(write) CALL(ioprio_set)
#undef CALL
	/* The same on every architecture; listed by number, as older headers lack them. */
	{"open_tree", 428}, {"move_mount", 429}, {"fsopen", 430}, {"fsconfig", 431}, {"fsmount", 432},
	{"close_range", 436}, {"openat2", 437}, {"mount_setattr", 442}, {"landlock_create_ruleset", 444},
	{"landlock_add_rule", 445}, {"landlock_restrict_self", 446},
};

long syscall_number(const char *name)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	return -1;
}
