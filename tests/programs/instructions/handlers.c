/*
 * handlers.c - signal handlers: what they see, what they may change, on which stack they run, and
 * that the interrupted code finds all its registers as they were.
 */
#include "instructions.h"

#include <cpuid.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int count;
static volatile uintptr_t seen;

/* --- Going on --------------------------------------------------------------------------------- */

static void skip_ud2(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	*reg(context, REG_RIP) += 2;
	count++;
}

static void skip(void)
{
	count = 0;
	handle(SIGILL, skip_ud2, 0);
	for (int i = 0; i < 5; i++)
		__asm__ volatile("ud2" ::: "memory");
	say("%d skipped", count);
}

static void change_registers(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	*reg(context, REG_RIP) += 2;
	*reg(context, REG_RAX) = 1111;
	*reg(context, REG_R15) = 2222;
	*reg(context, REG_EFL) |= 0x401; /* carry, direction */
}

static void changed(void)
{
	uint64_t rax, r15, flags;

	handle(SIGILL, change_registers, 0);
	__asm__ volatile("clc\n\tud2\n\tpushfq\n\tpopq %2\n\tcld\n\tmovq %%r15, %1"
	                 : "=a"(rax), "=&d"(r15), "=&c"(flags)
	                 :
	                 : "r15", "memory", "cc");
	say("rax %lu r15 %lu flags %lx", rax, r15, flags & 0xc01);
}

/* Flags that a handler must not set are not set. */
static void change_flags(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	*reg(context, REG_RIP) += 2;
	*reg(context, REG_EFL) = 0x3202 | 0x20000 | 0x80000; /* IOPL, VM, VIF */
}

static void changed_flags(void)
{
	uint64_t flags;

	handle(SIGILL, change_flags, 0);
	__asm__ volatile("ud2\n\tpushfq\n\tpopq %0" : "=&c"(flags) : : "memory", "cc");
	say("flags %lx", flags);
}

static void change_stack_selector(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	*reg(context, REG_RIP) += 2;
	*reg(context, REG_CSGSFS) |= 3;
}

static void changed_selector(void)
{
	handle(SIGILL, change_stack_selector, 0);
	__asm__ volatile("ud2" ::: "memory");
	say("goes on");
}

static void change_rip(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	*reg(context, REG_RIP) = (greg_t)0x8000000000000000;
}

static void bad_return(void)
{
	handle(SIGILL, change_rip, 0);
	__asm__ volatile("ud2" ::: "memory");
}

/* --- What it sees ----------------------------------------------------------------------------- */

static void look(int number, siginfo_t *info, void *context)
{
	greg_t *r = reg(context, 0);

	(void)info;
	say("signal %d, registers %lld %lld %lld %lld %lld %lld %lld %lld", number, r[REG_RAX],
	    r[REG_RBX], r[REG_RCX], r[REG_RDX], r[REG_RSI], r[REG_RDI], r[REG_R8], r[REG_R15]);
	say("cs %llx, mask %d, link %d, stack flags %d", r[REG_CSGSFS] & 0xffff,
	    sigismember(&((ucontext_t *)context)->uc_sigmask, SIGUSR1),
	    ((ucontext_t *)context)->uc_link != NULL, ((ucontext_t *)context)->uc_stack.ss_flags);
	r[REG_RIP] += 2;
}

static void looks(void)
{
	handle(SIGILL, look, 0);
	__asm__ volatile(
	    "movl $1, %%eax\n\tmovl $2, %%ebx\n\tmovl $3, %%ecx\n\tmovl $4, %%edx\n\t"
	    "movl $5, %%esi\n\tmovl $6, %%edi\n\tmovl $7, %%r8d\n\tmovl $8, %%r15d\n\tud2"
	    :
	    :
	    : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r15", "memory");
}

/* The stack is aligned for a call, and arguments are where they belong. */
static void look_at_stack(int number, siginfo_t *info, void *context)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	uintptr_t rsp = (uintptr_t)*reg(context, REG_RSP);

	say("frame %% 16 is %lu, red zone %s, siginfo %s, code %d", frame % 16,
	    frame + 16 + 128 <= rsp ? "kept" : "lost",
	    (uintptr_t)info > frame && (uintptr_t)info < rsp ? "on the stack" : "elsewhere",
	    info->si_code);
	say("signal %d, errno %d, fpu state %s", number, info->si_errno,
	    (uintptr_t)((ucontext_t *)context)->uc_mcontext.fpregs % 64 == 0 ? "aligned" : "not");
	*reg(context, REG_RIP) += 2;
}

static void stack_frame(void)
{
	handle(SIGILL, look_at_stack, 0);
	__asm__ volatile("ud2" ::: "memory");
}

static void red_zone(void)
{
	uint64_t a, b;

	handle(SIGILL, skip_ud2, 0);
	__asm__ volatile("movq $111, -8(%%rsp)\n\tmovq $222, -128(%%rsp)\n\tud2\n\t"
	                 "movq -8(%%rsp), %0\n\tmovq -128(%%rsp), %1"
	                 : "=&r"(a), "=&r"(b)
	                 :
	                 : "memory");
	say("%lu %lu", a, b);
}

/* --- Registers survive ------------------------------------------------------------------------ */

static unsigned char before[32 * 64], after[32 * 64];

static void clobber(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	__asm__ volatile("vzeroall\n\tfninit\n\tfldpi" ::: "memory");
	*reg(context, REG_RIP) += 2;
}

#define EACH_OF_16(X) \
	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define LOAD_YMM(n) "vmovdqu " #n "*32(%0), %%ymm" #n "\n\t"
#define STORE_YMM(n) "vmovdqu %%ymm" #n ", " #n "*32(%1)\n\t"
#define LOAD_ZMM(n) \
	"vmovdqu64 " #n "*64(%0), %%zmm" #n "\n\tvmovdqu64 1024+" #n "*64(%0), %%zmm16\n\t"
#define STORE_ZMM(n) "vmovdqu64 %%zmm" #n ", " #n "*64(%1)\n\t"

static void fill_before(void)
{
	for (size_t i = 0; i < sizeof(before); i++)
		before[i] = (unsigned char)(i * 13 + 5);
	memset(after, 0, sizeof(after));
}

static void vectors_survive(void)
{
	unsigned a, b, c, d;

	__cpuid_count(7, 0, a, b, c, d);
	handle(SIGILL, clobber, 0);
	fill_before();
	if (!(b & bit_AVX2))
		return;
	__asm__ volatile(EACH_OF_16(LOAD_YMM) "ud2\n\t" EACH_OF_16(STORE_YMM) "vzeroupper"
	                 :
	                 : "r"(before), "r"(after)
	                 : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
	                   "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	say("ymm %s", memcmp(before, after, 16 * 32) == 0 ? "kept" : "lost");
	if (!(b & bit_AVX512F))
		return;
	__asm__ volatile(
	    "movl $0x1234, %%eax\n\tkmovw %%eax, %%k3\n\t" EACH_OF_16(
	        LOAD_ZMM) "ud2\n\t" EACH_OF_16(STORE_ZMM) "vmovdqu64 %%zmm16, 1024(%1)\n\t"
	                                                  "kmovw %%k3, %%eax\n\t"
	                                                  "movw %%ax, 1088(%1)\n\t"
	                                                  "vzeroupper"
	    :
	    : "r"(before), "r"(after)
	    : "rax", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
	      "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	say("zmm %s, zmm16 %s, mask %02x%02x",
	    memcmp(before, after, 16 * 64) == 0 ? "kept" : "lost",
	    memcmp(before + 1024 + 15 * 64, after + 1024, 64) == 0 ? "kept" : "lost", after[1089],
	    after[1088]);
}

static void x87_survives(void)
{
	double value;
	uint32_t mxcsr = 0x9fc0, got;

	handle(SIGILL, clobber, 0);
	__asm__ volatile("fninit\n\tfld1\n\tldmxcsr %2\n\tud2\n\tstmxcsr %1\n\tfstpl %0"
	                 : "=m"(value), "=m"(got)
	                 : "m"(mxcsr)
	                 : "memory");
	mxcsr = 0x1f80;
	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
	say("x87 %g mxcsr %x", value, got);
}

/* A handler changes the state of the unit in its frame. */
static uint32_t vector_control;

static void change_vector(int number, siginfo_t *info, void *context)
{
	struct _libc_fpstate *state = ((ucontext_t *)context)->uc_mcontext.fpregs;

	(void)number, (void)info;
	state->_xmm[3].element[0] = 0xabcdef;
	state->mxcsr = vector_control;
	*reg(context, REG_RIP) += 2;
}

static void change_and_look(uint32_t control)
{
	uint32_t value, mxcsr;

	vector_control = control;
	handle(SIGILL, change_vector, 0);
	__asm__ volatile("pxor %%xmm3, %%xmm3\n\tud2\n\tmovd %%xmm3, %0\n\tstmxcsr %1"
	                 : "=r"(value), "=m"(mxcsr)
	                 :
	                 : "xmm3", "memory");
	say("xmm3 %x mxcsr %x", value, mxcsr);
}

static void vector_changed(void)
{
	change_and_look(0x9fc0);
	change_and_look(0x1f80);
}

/* Reserved bits in it. */
static void vector_broken(void)
{
	change_and_look(0xffff1f80);
}

/* --- Stacks ----------------------------------------------------------------------------------- */

static void see_stack(int number, siginfo_t *info, void *context)
{
	stack_t stack;

	(void)number, (void)info;
	sigaltstack(NULL, &stack);
	say("flags %d, %s", stack.ss_flags,
	    (uintptr_t)&stack - (uintptr_t)stack.ss_sp < stack.ss_size ? "on it" : "elsewhere");
	say("changing it: %d", sigaltstack(&stack, NULL));
	*reg(context, REG_RIP) += 2;
}

static void alternate_stack(void)
{
	stack_t stack, small = {.ss_sp = arena, .ss_size = 100};

	handle(SIGILL, see_stack, SA_ONSTACK);
	__asm__ volatile("ud2" ::: "memory");
	handle(SIGILL, see_stack, 0);
	__asm__ volatile("ud2" ::: "memory");
	sigaltstack(NULL, &stack);
	say("flags %d size %zu, a small one: %d", stack.ss_flags, stack.ss_size,
	    sigaltstack(&small, NULL));
}

/* As deep as the stack goes. */
static int __attribute__((noinline)) recurse(int depth)
{
	volatile char page[PAGE];

	page[0] = (char)depth;
	count = depth;
	return depth > 100000 ? 0 : recurse(depth + 1) + page[0];
}

static sigjmp_buf overflow_over;

static void on_overflow(int number, siginfo_t *info, void *context)
{
	uintptr_t rsp = (uintptr_t)*reg(context, REG_RSP), at = (uintptr_t)info->si_addr;

	say("signal %d code %d, %s the stack pointer", number, info->si_code,
	    at + 2 * PAGE > rsp && at < rsp + 2 * PAGE ? "near" : "far from");
	siglongjmp(overflow_over, 1);
}

static void overflow(void)
{
	handle(SIGSEGV, on_overflow, SA_ONSTACK | SA_NODEFER);
	if (sigsetjmp(overflow_over, 0) == 0)
		recurse(0);
	say("%s", count > 1900 && count < 2100 ? "after some 8 MiB" : "at another depth");
}

/* Without a stack to run on, the handler cannot: SIGSEGV ends the process. */
static void no_stack(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct rlimit none = {0, 0};

		setrlimit(RLIMIT_CORE, &none);
		handle(SIGSEGV, on_overflow, 0);
		recurse(0);
		_exit(0);
	}
	waitpid(child, &status, 0);
	say("status %x", (unsigned)status & 0x7f);
}

static void growth(void)
{
	char *here = __builtin_frame_address(0);

	/* Far below the stack pointer, and within the limit. */
	*(volatile char *)(here - 0x100000) = 1;
	say("grown");
}

/* --- Several ---------------------------------------------------------------------------------- */

static void inner(int number, siginfo_t *info, void *context)
{
	(void)info;
	say("inner %d", number);
	*reg(context, REG_RIP) += 2;
}

static void outer(int number, siginfo_t *info, void *context)
{
	(void)info;
	say("outer %d", number);
	__asm__ volatile("ud2" ::: "memory");
	say("outer again");
	mprotect((void *)((uintptr_t)seen & ~(uintptr_t)(PAGE - 1)), PAGE, PROT_READ | PROT_WRITE);
	(void)context;
}

static void nested(void)
{
	char *at = pages(1, PROT_NONE);

	seen = (uintptr_t)at;
	handle(SIGSEGV, outer, 0);
	handle(SIGILL, inner, 0);
	*(volatile char *)at = 1;
	say("stored %d", *at);
}

/* A fault whose signal is blocked ends the process. */
static void blocked(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct rlimit none = {0, 0};
		sigset_t set;

		setrlimit(RLIMIT_CORE, &none);
		handle(SIGSEGV, on_overflow, 0);
		sigemptyset(&set);
		sigaddset(&set, SIGSEGV);
		sigprocmask(SIG_BLOCK, &set, NULL);
		*(volatile char *)(arena + PAGE) = 1;
		_exit(0);
	}
	waitpid(child, &status, 0);
	say("status %x", (unsigned)status & 0x7f);
}

static void once(int number, siginfo_t *info, void *context)
{
	struct sigaction now;

	(void)info;
	sigaction(number, NULL, &now);
	say("action is %s", now.sa_handler == SIG_DFL ? "the default" : "a handler");
	*reg(context, REG_RIP) += 2;
}

static void reset_hand(void)
{
	handle(SIGILL, once, SA_RESETHAND);
	__asm__ volatile("ud2" ::: "memory");
}

/* Heap that grows by its own faults. */
static void grow(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	count++;
	mprotect((void *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1)), PAGE,
	         PROT_READ | PROT_WRITE);
}

static void growing(void)
{
	char *at = pages(64, PROT_NONE);
	int sum = 0;

	count = 0;
	handle(SIGSEGV, grow, 0);
	for (int i = 0; i < 64 * PAGE; i += 512)
		at[i] = (char)i;
	for (int i = 0; i < 64 * PAGE; i += 512)
		sum += at[i];
	say("%d faults, sum %d", count, sum);
}

/* --- Single steps ----------------------------------------------------------------------------- */

static void step(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	count++;
	seen += (uintptr_t)*reg(context, REG_RIP) & 0xf;
	if (count == 12)
		*reg(context, REG_EFL) &= ~0x100LL;
}

static void steps(void)
{
	count = 0;
	handle(SIGTRAP, step, 0);
	__asm__ volatile(
	    ".balign 16\n\tpushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\tmovl $3, %%ecx\n"
	    "1:\n\tdecl %%ecx\n\tjnz 1b\n\tpushq $1\n\tpopq %%rax\n\tnop\n\tnop\n\tnop\n\t"
	    "nop\n\tnop\n\tnop"
	    :
	    :
	    : "rax", "rcx", "memory", "cc");
	say("%d steps", count);
}

/* rep movs is a step an iteration. */
static void step_string(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	count++;
	if (*reg(context, REG_RCX) == 0 && count > 5)
		*reg(context, REG_EFL) &= ~0x100LL;
}

static void string_steps(void)
{
	char from[16] = "abcdefghij", to[16] = "";
	void *source = from, *target = to;
	long left = 10;

	count = 0;
	handle(SIGTRAP, step_string, 0);
	__asm__ volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\trep movsb\n\tnop\n\tnop"
	                 : "+D"(target), "+S"(source), "+c"(left)
	                 :
	                 : "memory", "cc");
	say("%s, %d steps", to, count);
}

const struct test handler_tests[] = {
    {"skip", skip},
    {"registers changed", changed},
    {"flags changed", changed_flags},
    {"selector changed", changed_selector},
    {"bad return", bad_return},
    {"context", looks},
    {"frame", stack_frame},
    {"red zone", red_zone},
    {"vectors survive", vectors_survive},
    {"x87 survives", x87_survives},
    {"vector changed", vector_changed},
    {"vector broken", vector_broken},
    {"alternate stack", alternate_stack},
    {"stack growth", growth},
    {"stack overflow", overflow},
    {"no stack", no_stack},
    {"nested", nested},
    {"blocked", blocked},
    {"reset", reset_hand},
    {"growing memory", growing},
    {"steps", steps},
    {"steps in a string", string_steps},
    {NULL, NULL},
};
