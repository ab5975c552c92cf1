/*
 * interrupt.c - clients that are killed at random moments, and must be gone then.
 */
#include "storm.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_ONCE = 20 };

/* Do one thing with process PID, which has memory at BASE, until it is done or a signal comes. */
static _Noreturn void victim_run(unsigned kind, unsigned pid, uint64_t base)
{
	unsigned long long at = base;
	char answer[256], name[16], *bytes = calloc(1, MIB);
	int fd, child;

	snprintf(name, sizeof name, "%u", pid);
	for (int i = 0; bytes != NULL && i < 1000; i++) {
		switch (kind) {
		case 0:
			ctl(pid, answer, "access r 0x%llx 4G\n", at);
			break;
		case 1:
			ctl(pid, answer, "madvise 0x%llx 1G populate_read\n", at);
			break;
		case 2:
			fd = open_in(O_RDWR, "%u/mem", pid);
			for (int n = 0;
			     n < 16 && pwrite(fd, bytes, MIB, (off_t)(base + n * MIB)) > 0; n++)
				;
			break;
		case 3:
			fd = open_in(O_RDONLY, "%u/mem", pid);
			for (int n = 0;
			     n < 16 && pread(fd, bytes, MIB, (off_t)(base + n * MIB)) > 0; n++)
				;
			break;
		case 4:
			read_whole(".", "events");
			break;
		case 5:
			read_whole(name, "pagetable");
			break;
		case 6:
			child = new_pid(pid, "fork");
			if (child > 0)
				ctl((unsigned)child, answer, "exit\n");
			break;
		case 7:
			fd = open_in(O_RDWR, "%u/ctl", pid);
			if (write(fd, "translate ", 10) < 0)
				_exit(0);
			break;
		default:
			list(true);
		}
	}
	_exit(0);
}

/* Wait for the end of CHILD. False: it is still there. */
static bool ends(pid_t child)
{
	double deadline = now_ms() + PATIENCE_MS;

	while (waitpid(child, NULL, WNOHANG) == 0) {
		if (now_ms() > deadline)
			return false;
		sleep_us(1000);
	}
	return true;
}

int cmd_interrupt(char **arg)
{
	uint64_t seed = number(arg[1]), rounds = number(arg[2]), base;
	pid_t clients[AT_ONCE];
	char answer[256];
	int wrong = 0;

	mount_dir = arg[0];
	unsigned kinds[AT_ONCE], pid;
	for (uint64_t round = 0; round < rounds; round++) {
		pid = must_spawn("mmap 0 4G rw- private,anon,noreserve", &base);
		for (int i = 0; i < AT_ONCE; i++) {
			kinds[i] = (unsigned)random_below(&seed, 9);
			clients[i] = child_new();
			if (clients[i] == 0)
				victim_run(kinds[i], pid, base);
		}
		for (int i = 0; i < AT_ONCE; i++) {
			sleep_us((long)random_below(&seed, 3000));
			kill(clients[i], random_below(&seed, 2) == 0 ? SIGINT : SIGKILL);
		}
		for (int i = 0; i < AT_ONCE; i++)
			if (!ends(clients[i])) {
				printf("round %llu: a client of kind %u is not gone\n",
				       (unsigned long long)round, kinds[i]);
				wrong++;
			}
		if (ctl(0, answer, "kill %u KILL\n", pid) != 0) {
			printf("process %u could not be killed\n", pid);
			wrong++;
		}
	}
	return wrong > 0;
}
