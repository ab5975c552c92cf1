/* grow.c - memory that grows by its own faults: the handler of SIGSEGV makes each page. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

static int pages;

static void on_fault(int number, siginfo_t *info, void *context)
{
	uintptr_t address = (uintptr_t)info->si_addr & ~(uintptr_t)4095;

	(void)number, (void)context;
	mprotect((void *)address, 4096, PROT_READ | PROT_WRITE);
	pages++;
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = on_fault,
	                           .sa_flags = SA_SIGINFO};
	int *number = mmap((void *)0x10000000, 1 << 20, PROT_NONE,
	                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	sigaction(SIGSEGV, &action, NULL);
	for (int i = 0; i < 5000; i++)
		number[i] = i;
	printf("5000 numbers are in %d pages\n", pages);
	return 0;
}
