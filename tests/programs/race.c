/*
 * race.c - processes that race on shared memory: each changes mappings of it, stores to it, and
 * makes system calls with arguments in it, while the others change them.
 *
 *     race PROCESSES ROUNDS
 *
 * Faults are expected and passed over. Prints `done`.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 16 };

static sigjmp_buf again;
static uint64_t state;
static char *memory;

static void on_fault(int number)
{
	(void)number;
	siglongjmp(again, 1);
}

static unsigned below(unsigned limit)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(state >> 33) % limit;
}

static void round_of(int null, int zero)
{
	char *page = memory + (size_t)below(PAGES) * PAGE;
	struct iovec *vector = (struct iovec *)memory;
	static const int rights[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
	                             PROT_READ | PROT_WRITE};

	switch (below(9)) {
	case 0:
		mprotect(page, PAGE, rights[below(4)]);
		break;
	case 1:
		madvise(page, PAGE, below(2) ? MADV_DONTNEED : MADV_PAGEOUT);
		break;
	case 2:
		(void)!writev(null, vector, 8);
		break;
	case 3:
		(void)!readv(zero, vector, 8);
		break;
	case 4:
		vector[below(8)] = (struct iovec){page, below(2 * PAGE)};
		break;
	case 5:
		stat(memory + PAGE - 8, (struct stat *)page);
		break;
	case 6:
		memcpy(memory + PAGE - 8, below(2) ? "/dev/nul" : "/bin/tru", 8);
		break;
	case 7:
		(void)!read(zero, page, PAGE);
		break;
	default:
		memset(page, (int)below(256), PAGE);
	}
}

static void race(unsigned seed, int rounds)
{
	int null = open("/dev/null", O_WRONLY), zero = open("/dev/zero", O_RDONLY);
	volatile int i = 0;

	state = seed;
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	while (i < rounds) {
		i++;
		if (sigsetjmp(again, 1) == 0)
			round_of(null, zero);
		else
			mprotect(memory, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE);
	}
}

int main(int argc, char **argv)
{
	int processes = argc > 1 ? atoi(argv[1]) : 2, rounds = argc > 2 ? atoi(argv[2]) : 1000;
	int bad = 0, status;

	/* Vectors may name two pages more than there are. */
	memory = mmap(NULL, (size_t)(PAGES + 2) * PAGE, PROT_READ | PROT_WRITE,
	              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < processes; i++) {
		if (fork() == 0) {
			race((unsigned)i + 1, rounds);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		bad += status != 0;
	printf("%s\n", bad == 0 ? "done" : "a process died");
	return bad;
}
