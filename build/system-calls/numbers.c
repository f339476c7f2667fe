/* Prints a line for each name that comes on standard input: the name and its numbers on x86-64, x86, x32, arm64 and arm,
 * `-` for none, as libseccomp's table has them. Links with -lseccomp. */
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	static const uint32_t architectures[] = {
		SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32, SCMP_ARCH_AARCH64, SCMP_ARCH_ARM,
	};
	char name[128];

	while (scanf("%127s", name) == 1) {
		printf("%s", name);
		for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++) {
			int number = seccomp_syscall_resolve_name_arch(architectures[i], name);

			/* What is below zero is libseccomp's own number for a call that the architecture lacks. */
			if (number < 0)
				printf(" -");
			else
				printf(" %d", number & ~0x40000000);
		}
		printf("\n");
	}
	return 0;
}
