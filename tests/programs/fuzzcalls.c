/*
 * fuzzcalls.c - random system calls with random arguments. It runs inside only: on a real machine
 * it may do harm. Children that it forks go on with calls of their own.
 *
 *     fuzzcalls SEED CALLS inside
 *
 * Host files change by its calls as by those of its owner, so it refuses to run as root.
 * Exits with 0 if it comes so far; it may also die by a signal of its own.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, PLACES = 8 };

static uint64_t state;
static char *place[PLACES]; /* memory for arguments that are addresses */
static int forks_left = 16;

static uint64_t random_number(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t below(uint64_t limit)
{
	return random_number() % limit;
}

/* An address: mostly memory of ours, some at its end, some nowhere, some the kernel's. */
static uint64_t random_address(void)
{
	uint64_t at = (uint64_t)(uintptr_t)place[below(PLACES)];

	switch (below(8)) {
	case 0:
		return random_number();
	case 1:
		return below(1 << 16);
	case 2:
		return 0x7fffffffe000 + below(0x3000);
	case 3:
		return at + 4 * PAGE - below(32);
	default:
		return at + below(4 * PAGE);
	}
}

static uint64_t random_argument(void)
{
	static const uint64_t edges[] = {0,
	                                 1,
	                                 2,
	                                 3,
	                                 4,
	                                 7,
	                                 8,
	                                 63,
	                                 64,
	                                 255,
	                                 4095,
	                                 4096,
	                                 4097,
	                                 65536,
	                                 1 << 21,
	                                 INT32_MAX,
	                                 UINT32_MAX,
	                                 INT64_MAX,
	                                 (uint64_t)INT64_MIN,
	                                 UINT64_MAX,
	                                 UINT64_MAX - 4095,
	                                 0x7ffffffff000};

	switch (below(6)) {
	case 0:
	case 1:
		return random_address();
	case 2:
		return below(16); /* a descriptor, a small number */
	case 3:
		return below(1u << below(32)); /* flags */
	case 4:
		return (uint64_t) - (int64_t)below(200);
	default:
		return edges[below(sizeof(edges) / sizeof(edges[0]))];
	}
}

/* Memory with random bytes, pointers among them, and with names of files. */
static void fill(void)
{
	static const char *const names[] = {"/etc/passwd",     "/dev/null", "/dev/zero", ".",
	                                    "/proc/self/maps", "/bin/true", "",          "/tmp"};

	for (int i = 0; i < PLACES; i++) {
		if (place[i] == NULL || below(20) == 0)
			place[i] = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (place[i] == MAP_FAILED)
			_exit(0);
	}
	for (int i = 0; i < PLACES; i++) {
		uint64_t *words = (uint64_t *)place[i];

		mprotect(place[i], 4 * PAGE, PROT_READ | PROT_WRITE);
		for (size_t j = 0; j < 4 * PAGE / 8; j += 1 + below(16))
			words[j] = below(3) ? random_argument() : random_number();
		if (below(2))
			snprintf(place[i] + below(PAGE), 32, "%s", names[below(8)]);
	}
}

/* Calls that would end it too soon, or wait for ever, are made rarely. */
static long random_call_number(void)
{
	for (;;) {
		long number = below(30) ? (long)below(460) : (long)random_argument();

		switch (number) {
		case SYS_exit:
		case SYS_exit_group:
		case SYS_kill:
		case SYS_tkill:
		case SYS_tgkill:
		case SYS_rt_sigsuspend:
		case SYS_pause:
		case SYS_rt_sigreturn:
		case SYS_execve:
		case SYS_execveat:
		case SYS_munmap:
			if (below(200) != 0)
				continue;
			break;
		case SYS_fork:
		case SYS_vfork:
		case SYS_clone:
		case SYS_clone3:
			if (forks_left-- <= 0)
				continue;
			break;
		default:
			break;
		}
		return number;
	}
}

static void on_alarm(int number)
{
	(void)number;
}

int main(int argc, char **argv)
{
	long calls = argc > 2 ? atol(argv[2]) : 0;
	struct sigaction action = {.sa_handler = on_alarm}; /* not SA_RESTART */
	sigset_t none;

	if (argc != 4 || strcmp(argv[3], "inside") != 0 || geteuid() == 0) {
		fprintf(stderr, "usage: fuzzcalls SEED CALLS inside; not as root\n");
		return 2;
	}
	state = strtoull(argv[1], NULL, 0);
	sigemptyset(&none);
	for (int i = 1; i < SIGRTMAX; i++)
		signal(i, below(3) ? SIG_IGN : SIG_DFL);
	for (long i = 0; i < calls; i++) {
		pid_t before = getpid();

		if (i % 16 == 0)
			fill();
		/* What waits is interrupted. */
		sigprocmask(SIG_SETMASK, &none, NULL);
		sigaction(SIGALRM, &action, NULL);
		ualarm(20000, 20000);
		syscall(random_call_number(), random_argument(), random_argument(),
		        random_argument(), random_argument(), random_argument(), random_argument());
		/* A child takes another way, and a short one: a parent may wait for it in vfork. */
		if (getpid() != before) {
			state ^= (uint64_t)getpid() << 32;
			forks_left /= 4;
			calls = i + 50;
		}
	}
	return 0;
}
