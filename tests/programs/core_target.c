/*
 * core_target.c - a process to make core files of: two threads, and memory of every kind, with
 * known contents.
 *
 *     core_target wait      print "ready" and wait for a signal
 *     core_target holes     the same, with 64 GiB of memory that it does not use
 *     core_target crash     with 4 GiB of it, since the kernel looks at each page: store to
 *                           address 8
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

int main(int argc, char **argv)
{
	pthread_t thread;

	fill();
	bool crash = argc > 1 && strcmp(argv[1], "crash") == 0;
	if (argc > 1 && strcmp(argv[1], "wait") != 0)
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
