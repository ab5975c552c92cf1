/*
 * core_target.c - a process to make core files of: two threads, and memory of every kind, with
 * known contents.
 *
 *     core_target wait      print "ready" and wait for a signal
 *     core_target holes     the same, with 64 GiB of memory that it does not use
 *     core_target crash     with 4 GiB of it, since the kernel looks at each page: store to
 *                           address 8
 *     core_target many      with 66,000 areas, of which it has stored to the last: the same; the
 *                           host's vm.max_map_count must allow that
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PLACE ((char *)0x10000000)
#define HOLES ((char *)0x100000000000)

char marker[] = "a marker in the data of the program";
char *heap_text;
static char bss[100000];

static void *other(void *unused)
{
	pause();
	return NULL;
}

static void fill(void)
{
	char *at = mmap(PLACE, 3 * 4096, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	char *shared = mmap(PLACE + 0x100000, 2 * 4096, PROT_READ | PROT_WRITE,
	                    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (at == MAP_FAILED || shared == MAP_FAILED)
		abort();
	for (int i = 0; i < 3; i++)
		memset(at + i * 4096, 'A' + i, 4096);
	strcpy(shared, "shared with nobody");
	strcpy(bss + 50000, "in the bss");
	heap_text = malloc(50000);
	if (heap_text != NULL)
		strcpy(heap_text, "text on the heap");
}

static void fill_holes(size_t len)
{
	char *holes = mmap(HOLES, len, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	if (holes == MAP_FAILED)
		abort();
	strcpy(holes + len - 8192, "far behind the holes");
}

/* COUNT areas of a page each: every other page is an area, and so is each between them. */
static void fill_many(size_t count)
{
	char *many = mmap(HOLES, count * 4096, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	if (many == MAP_FAILED)
		abort();
	strcpy(many + (count - 1) * 4096, "the last of many");
	for (size_t i = 0; i < count; i += 2)
		if (mprotect(many + i * 4096, 4096, PROT_READ) != 0)
			abort();
}

int main(int argc, char **argv)
{
	pthread_t thread;
	const char *mode = argc > 1 ? argv[1] : "wait";

	fill();
	bool many = strcmp(mode, "many") == 0, crash = many || strcmp(mode, "crash") == 0;
	if (many)
		fill_many(66000);
	else if (strcmp(mode, "wait") != 0)
		fill_holes(crash ? 4UL << 30 : 64UL << 30);
	if (pthread_create(&thread, NULL, other, NULL) != 0)
		abort();
	if (crash)
		*(volatile char *)8 = 1;
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
