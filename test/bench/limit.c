/* limit: the least that a supervisor must do. It starts the commands of a file, one a line (words separated by spaces),
 * starts each again when it ends, reaps everything else, and on SIGTERM ends them all and leaves. Nothing more: no log
 * pipes, no control socket, no session per service. What another supervisor takes is told as a multiple of this. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS = 16 };

struct service {
	char *argv[WORDS + 1];
	pid_t pid;
};

static struct service *services;
static int count;
static volatile sig_atomic_t ending;

static void end(int signal)
{
	(void)signal;
	ending = 1;
}

static void start(struct service *service, char **env)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execve(service->argv[0], service->argv, env);
		_exit(203);
	}
	service->pid = pid;
}

static void load(const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;

	if (!file) {
		perror(path);
		exit(1);
	}
	while (getline(&line, &size, file) > 0) {
		char *copy = strdup(line);
		struct service *service;
		int n = 0;

		services = realloc(services, (size_t)(count + 1) * sizeof *services);
		service = &services[count++];
		memset(service, 0, sizeof *service);
		for (char *word = strtok(copy, " \n"); word && n < WORDS; word = strtok(NULL, " \n"))
			service->argv[n++] = word;
	}
	free(line);
	fclose(file);
}

int main(int argc, char **argv, char **env)
{
	struct sigaction action = { .sa_handler = end };	/* no SA_RESTART: waitpid is to return */
	int status, left;
	pid_t pid;

	if (argc != 2)
		return 2;
	load(argv[1]);
	sigaction(SIGTERM, &action, NULL);
	for (int i = 0; i < count; i++)
		start(&services[i], env);
	while (!ending) {
		pid = waitpid(-1, &status, 0);
		for (int i = 0; pid > 0 && i < count; i++)
			if (services[i].pid == pid) {
				if (!ending)
					start(&services[i], env);
				break;
			}
	}
	for (int i = 0; i < count; i++)
		kill(services[i].pid, SIGTERM);
	for (left = 1; left;)
		left = waitpid(-1, &status, 0) > 0 || errno == EINTR;
	return 0;
}
