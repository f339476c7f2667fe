/* calls NUMBER ARGUMENT...: makes a system call and prints the name of its error, or `ok`. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **words)
{
	long n[7] = {0};

	for (int i = 1; i < count && i <= 7; i++)
		n[i - 1] = strtol(words[i], NULL, 0);
	puts(syscall(n[0], n[1], n[2], n[3], n[4], n[5], n[6]) == -1 ? strerrorname_np(errno) : "ok");
	return 0;
}
