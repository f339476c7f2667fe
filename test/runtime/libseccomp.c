/* Makes a filter as systemd does, one architecture at a time, and prints its program. Lines on standard input:
 * the architecture's number (SCMP_ARCH_) and the verdict for calls that are not listed; then a verdict and a call's name each. */
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	uint32_t architecture, verdict;
	char name[128];
	scmp_filter_ctx filter;

	if (scanf("%u %u", &architecture, &verdict) != 2 || !(filter = seccomp_init(verdict)))
		return 1;
	if (architecture != seccomp_arch_native()
	    && (seccomp_arch_remove(filter, seccomp_arch_native()) < 0 || seccomp_arch_add(filter, architecture) < 0))
		return 1;
	seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	while (scanf("%u %127s", &verdict, name) == 2)	/* what the architecture does not have is left out */
		seccomp_rule_add_exact(filter, verdict, seccomp_syscall_resolve_name(name), 0);
	return seccomp_export_bpf(filter, STDOUT_FILENO) < 0;
}
