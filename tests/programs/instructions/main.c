/*
 * main.c - single instructions and faults: each case prints a line or some. See instructions.h.
 *
 *     instructions [WORD]       WORD: only cases the name of which contains it
 */
#include "instructions.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

char *arena;
static const char *current; /* the name of the case */
static sigjmp_buf after_fault;

void say(const char *format, ...)
{
	va_list args;

	printf("%s: ", current);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

void say_bytes(const char *what, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	uint64_t sum = 0xcbf29ce484222325;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ at[i]) * 0x100000001b3;
	say("%s %016lx", what, sum);
}

void *pages(size_t count, int rights)
{
	void *at = mmap(NULL, count * PAGE, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return at;
}

void handle(int number, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags};

	sigaction(number, &action, NULL);
}

/* ADDRESS in a form that does not depend on where things are. */
static const char *address_text(char text[static 64], uintptr_t address, uintptr_t rip)
{
	uintptr_t offset = address - (uintptr_t)arena;

	if (address == rip)
		return "of the instruction";
	if (offset < 6 * PAGE)
		snprintf(text, 64, "arena+%#lx", offset);
	else if (address < PAGE || address >= 0x7ffffffff000)
		snprintf(text, 64, "%#lx", address);
	else
		snprintf(text, 64, "elsewhere");
	return text;
}

/* How far the code went, 0 if it is no code of this program. */
static long distance(uintptr_t rip)
{
	extern const char __executable_start, etext;

	if (rip < (uintptr_t)&__executable_start || rip >= (uintptr_t)&etext)
		return 0;
	return (long)(rip - (uintptr_t)&__executable_start);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	uintptr_t rip = (uintptr_t)*reg(context, REG_RIP);
	long trap = (long)*reg(context, REG_TRAPNO);
	char text[64], cr2[64];

	/* The alignment check must not strike here, too. */
	__asm__ volatile("pushfq\n\tandl $~0x40000, (%%rsp)\n\tpopfq" ::: "memory", "cc");
	say("signal %d code %d address %s trap %ld error %#lx cr2 %s at %#lx flags %#lx", number,
	    info->si_code, address_text(text, (uintptr_t)info->si_addr, rip), trap,
	    (unsigned long)*reg(context, REG_ERR),
	    trap == 14 ? address_text(cr2, (uintptr_t)*reg(context, REG_CR2), rip) : "-",
	    distance(rip), (unsigned long)(*reg(context, REG_EFL) & 0x50700));
	siglongjmp(after_fault, 1);
}

void take_faults(void)
{
	static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		handle(numbers[i], on_fault, SA_NODEFER | SA_ONSTACK);
}

static void run_one(const struct test *test)
{
	current = test->name;
	take_faults();
	if (sigsetjmp(after_fault, 0) == 0) {
		test->fn();
		say("done");
	}
	__asm__ volatile("cld\n\tfninit" ::: "memory", "cc");
}

static void run(const struct test *tests, const char *word)
{
	for (; tests->name != NULL; tests++) {
		if (strstr(tests->name, word) != NULL)
			run_one(tests);
	}
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	stack_t stack = {.ss_sp = pages(64, PROT_READ | PROT_WRITE), .ss_size = 64 * PAGE};

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaltstack(&stack, NULL);
	arena = pages(6, PROT_READ | PROT_WRITE);
	memset(arena, 0x5a, 4 * PAGE);
	munmap(arena + 4 * PAGE, 2 * PAGE);
	mprotect(arena + PAGE, PAGE, PROT_NONE);
	mprotect(arena + 3 * PAGE, PAGE, PROT_READ);
	run(fault_tests, word);
	run(compute_tests, word);
	run(handler_tests, word);
	return 0;
}
