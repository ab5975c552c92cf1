/*
 * mix.c - clients that do everything at once, each with a page of its own whose bytes it knows.
 */
#include "storm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VICTIMS = 8 };
#define PAGES_AT UINT64_C(0x10000000) /* a page for each client */
#define SPACE_AT UINT64_C(0x40000000) /* a place to map and unmap for each client */

struct client {
	unsigned number, victim; /* the simulated process that it uses */
	uint64_t seed, page;     /* the address of its page there */
	unsigned char expected[PAGE];
	int wrong;
};

static void complain(struct client *client, const char *step, const char *what)
{
	printf("client %u: %s: %s\n", client->number, step, what);
	client->wrong++;
}

/* The page of CLIENT in process PID has the bytes that it has stored there. */
static int compare(struct client *client, unsigned pid, const char *step)
{
	unsigned char bytes[PAGE];
	int fd = open_in(O_RDONLY, "%u/mem", pid);
	ssize_t got = fd < 0 ? fd : pread(fd, bytes, PAGE, (off_t)client->page);
	int error = fd < 0 ? fd : got < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	if (error == 0 && (got != PAGE || memcmp(bytes, client->expected, PAGE) != 0))
		complain(client, step, "wrong bytes");
	return error;
}

static int step_load(struct client *client)
{
	return compare(client, client->victim, "load");
}

static int step_store(struct client *client)
{
	size_t at = random_below(&client->seed, PAGE),
	       len = 1 + random_below(&client->seed, PAGE - at);
	int fd = open_in(O_RDWR, "%u/mem", client->victim);
	unsigned char bytes[PAGE];

	if (fd < 0)
		return fd;
	memset(bytes, (int)random_below(&client->seed, 256), len);
	ssize_t done = pwrite(fd, bytes, len, (off_t)(client->page + at));
	int error = done < 0 ? -errno : 0;
	close(fd);
	if (done >= 0 && done != (ssize_t)len)
		complain(client, "store", "it is short");
	if (error == 0)
		memcpy(client->expected + at, bytes, len);
	return error;
}

static int step_access(struct client *client)
{
	char answer[256];

	return ctl(client->victim, answer, "access %c 0x%llx 4K\n",
	           "rw"[random_below(&client->seed, 2)], (unsigned long long)client -> page);
}

static int step_fork(struct client *client)
{
	char answer[256];
	int child = new_pid(client->victim, "fork");

	if (child < 0)
		return child;
	int error = compare(client, (unsigned)child, "the memory of a fork");
	/* It must go: the others need the room. */
	int end;
	do
		end = ctl((unsigned)child, answer, "exit\n");
	while (end == -EAGAIN || end == -ENOMEM);
	return error != 0 ? error : end;
}

static int step_spawn(struct client *client)
{
	char answer[256];
	int child = new_pid(0, "spawn passing"), error;

	(void)client;
	if (child < 0)
		return child;
	do
		error = ctl(0, answer, "kill %d KILL\n", child);
	while (error == -EAGAIN || error == -ENOMEM);
	return error;
}

static int step_map(struct client *client)
{
	char answer[256];
	unsigned long long at = SPACE_AT + client->number * UINT64_C(65536);
	int error = ctl(client->victim, answer, "mmap 0x%llx 16K rw- private,anon,fixed\n", at);

	if (error == 0)
		error = ctl(client->victim, answer, "munmap 0x%llx 16K\n", at);
	return error;
}

static const char *const texts[] = {"maps",      "status",  "stat",       "statm",   "smaps",
                                    "pagetable", "faults",  "tlb",        "limits",  "../meminfo",
                                    "../vmstat", "../stat", "../objects", "../swaps"};

static const char *random_text(struct client *client)
{
	return texts[random_below(&client->seed, sizeof texts / sizeof texts[0])];
}

static int step_text(struct client *client)
{
	char dir[16];

	snprintf(dir, sizeof dir, "%u", client->victim);
	return read_whole(dir, random_text(client));
}

static int step_open(struct client *client)
{
	int fd = open_in(O_RDONLY, "%u/%s", client->victim, random_text(client));

	return fd < 0 ? fd : close(fd);
}

static int step_list(struct client *client)
{
	return list(random_below(&client->seed, 8) == 0);
}

static const struct {
	const char *name;
	int (*run)(struct client *client);
} steps[] = {
    {"load", step_load}, {"store", step_store}, {"access", step_access},
    {"fork", step_fork}, {"spawn", step_spawn}, {"map", step_map},
    {"text", step_text}, {"open", step_open},   {"list", step_list},
};

/* What a machine with much to do may answer. */
static bool is_expected(int error)
{
	return error == 0 || error == -EAGAIN || error == -ENOMEM;
}

static int client_run(struct client *client, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		uint64_t n = random_below(&client->seed, sizeof steps / sizeof steps[0]);
		int error = steps[n].run(client);
		if (!is_expected(error))
			complain(client, steps[n].name, strerrorname_np(-error));
	}
	int error = step_load(client);
	if (!is_expected(error))
		complain(client, "the last load", strerrorname_np(-error));
	fflush(stdout);
	return client->wrong > 0;
}

int cmd_mix(char **arg)
{
	uint64_t seed = number(arg[1]), clients = number(arg[2]), count = number(arg[3]), at;
	unsigned victims[VICTIMS];
	char answer[256], command[128];
	int start[2];

	mount_dir = arg[0];
	snprintf(command, sizeof command, "mmap 0x%llx %lluK rw- private,anon,fixed",
	         (unsigned long long)PAGES_AT, (unsigned long long)clients * (PAGE / 1024));
	for (int i = 0; i < VICTIMS; i++)
		victims[i] = must_spawn(command, &at);
	if (pipe2(start, O_CLOEXEC) != 0)
		die("pipe");
	for (unsigned i = 0; i < clients; i++)
		if (child_new() == 0) {
			struct client client = {.number = i,
			                        .victim = victims[i % VICTIMS],
			                        .seed = seed * 1000003 + i,
			                        .page = PAGES_AT + i * (uint64_t)PAGE};
			close(start[1]);
			/* All begin when the parent closes its end. */
			while (read(start[0], answer, 1) > 0)
				;
			_exit(client_run(&client, count));
		}
	close(start[1]);
	int wrong = wait_all();
	for (int i = 0; i < VICTIMS; i++)
		if (ctl(0, answer, "kill %u KILL\n", victims[i]) != 0)
			printf("process %u could not be killed\n", victims[i]);
	return wrong > 0;
}
