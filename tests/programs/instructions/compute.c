/*
 * compute.c - instructions that do not fault, and those that fault, are helped by a handler, and go
 * on: vectors, flags, strings, segments, atomics, code that changes.
 */
#include "instructions.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned char in[256], out[4096] __attribute__((aligned(64)));

static void fill_in(void)
{
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 7 + 3);
	memset(out, 0, sizeof(out));
}

/* --- What the processor says ------------------------------------------------------------------ */

static void identify(void)
{
	unsigned a = 0, b = 0, c = 0, d = 0;

	__get_cpuid(0, &a, &b, &c, &d);
	say("vendor %08x %08x %08x", b, d, c);
	__get_cpuid(1, &a, &b, &c, &d);
	say("signature %08x features %d%d%d%d%d%d%d%d", a, !!(c & bit_SSE3), !!(c & bit_SSE4_2),
	    !!(c & bit_POPCNT), !!(c & bit_AES), !!(c & bit_AVX), !!(c & bit_OSXSAVE),
	    !!(c & bit_CMPXCHG16B), !!(c & bit_MOVBE));
	__get_cpuid_count(7, 0, &a, &b, &c, &d);
	say("more %d%d%d%d%d%d", !!(b & bit_FSGSBASE), !!(b & bit_AVX2), !!(b & bit_BMI),
	    !!(b & bit_BMI2), !!(b & bit_AVX512F), !!(b & bit_ADX));
	__get_cpuid_count(13, 0, &a, &b, &c, &d);
	say("xcr0 may have %#x, xsave takes %u", a, b);
}

static void time_stamp(void)
{
	uint64_t last = 0, now;
	uint32_t low, high, processor;

	for (int i = 0; i < 1000; i++) {
		__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high));
		now = (uint64_t)high << 32 | low;
		if (now <= last)
			say("it goes back");
		last = now;
	}
	__asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(processor));
	say("it rises");
}

static void segments(void)
{
	uint16_t cs, ss, ds, es, fs, gs;

	__asm__("mov %%cs, %0\n\tmov %%ss, %1\n\tmov %%ds, %2\n\tmov %%es, %3\n\t"
	        "mov %%fs, %4\n\tmov %%gs, %5"
	        : "=r"(cs), "=r"(ss), "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
	say("cs %x ss %x ds %x es %x fs %x gs %x", cs, ss, ds, es, fs, gs);
	ds = 0x2b;
	__asm__ volatile("mov %0, %%ds\n\tmov %0, %%es" : : "r"(ds));
	getppid();
	__asm__ volatile("mov %%ds, %0" : "=r"(ds));
	say("ds %x", ds);
	ds = 0;
	__asm__ volatile("mov %0, %%ds\n\tmov %0, %%es" : : "r"(ds));
}

static void segment_bases(void)
{
	uint64_t base, value = 0x1122334455667788, got;

	syscall(SYS_arch_prctl, ARCH_SET_GS, &value);
	__asm__ volatile("movq %%gs:0, %0" : "=r"(got));
	__asm__ volatile("rdgsbase %0" : "=r"(base));
	say("gs by arch_prctl: %lx, base %s", got, base == (uint64_t)&value ? "right" : "wrong");
	value = 42;
	__asm__ volatile("wrgsbase %0" : : "r"((uint64_t)&value - 64));
	getppid();
	__asm__ volatile("movq %%gs:64, %0" : "=r"(got));
	say("gs by wrgsbase: %lx", got);
	syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
	say("arch_prctl %s", base == (uint64_t)&value - 64 ? "agrees" : "does not agree");
	__asm__ volatile("rdfsbase %0" : "=r"(base));
	syscall(SYS_arch_prctl, ARCH_GET_FS, &got);
	say("fs %s", base == got ? "agrees" : "does not agree");
	__asm__ volatile("movq %%fs:0, %0" : "=r"(got));
	say("fs:0 %s", base == got ? "is its base" : "is not its base");
	say("arch_prctl of the kernel's half %ld",
	    syscall(SYS_arch_prctl, ARCH_SET_GS, 0xffff888000000000) == -1 ? -1L : 0L);
	syscall(SYS_arch_prctl, ARCH_SET_GS, 0);
}

/* What a system call leaves of the registers. */
static void call_registers(void)
{
	uint64_t rax = SYS_getppid, rcx = 1, r11 = 2, next, flags, kept, r[6];

	__asm__ volatile("movq $11, %%rdi\n\tmovq $12, %%rsi\n\tmovq $13, %%rdx\n\t"
	                 "movq $14, %%r10\n\tmovq $15, %%r8\n\tmovq $16, %%r9\n\t"
	                 "stc\n\tpushfq\n\tpopq %[flags]\n\t"
	                 "leaq 1f(%%rip), %[next]\n\tsyscall\n1:\n\t"
	                 "pushfq\n\tpopq %[kept]\n\t"
	                 "movq %%rdi, (%[r])\n\tmovq %%rsi, 8(%[r])\n\tmovq %%rdx, 16(%[r])\n\t"
	                 "movq %%r10, 24(%[r])\n\tmovq %%r8, 32(%[r])\n\tmovq %%r9, 40(%[r])\n\t"
	                 "movq %%r11, %[flags2]"
	                 : "+a"(rax), "=&c"(rcx), [flags] "=&b"(flags), [kept] "=&r"(kept),
	                   [next] "=&r"(next), [flags2] "=&r"(r11)
	                 : [r] "r"(r)
	                 : "rdi", "rsi", "rdx", "r8", "r9", "r10", "r11", "memory");
	say("rcx %s, r11 %s, flags %s", rcx == next ? "next" : "other",
	    r11 == flags ? "flags" : "other", kept == flags ? "kept" : "other");
	say("others %lu %lu %lu %lu %lu %lu", r[0], r[1], r[2], r[3], r[4], r[5]);
	if (syscall(-1) != -1 || errno != ENOSYS || syscall(100000) != -1 || errno != ENOSYS)
		say("a call that is none: errno %d", errno);
}

static void flags(void)
{
	uint64_t before, after, lahf;

	__asm__ volatile(
	    "pushfq\n\tpopq %0\n\tmovq %0, %1\n\torq $0x247fd7, %1\n\tandq $~0x100, %1\n\t"
	    "pushq %1\n\tpopfq\n\tpushfq\n\tpopq %1\n\tpushq %0\n\tpopfq\n\tcld"
	    : "=&r"(before), "=&r"(after)
	    :
	    : "cc", "memory");
	say("from %lx to %lx", before & 0x47700, after);
	__asm__ volatile("movl $0xff00, %%eax\n\tsahf\n\txorl %%eax, %%eax\n\t"
	                 "movl $0xd500, %%eax\n\tsahf\n\tlahf"
	                 : "=a"(lahf)
	                 :
	                 : "cc");
	say("lahf %lx", lahf);
}

/* --- Vectors ---------------------------------------------------------------------------------- */

static bool has(unsigned leaf, unsigned reg, unsigned mask)
{
	unsigned r[4];

	__cpuid_count(leaf, 0, r[0], r[1], r[2], r[3]);
	return (r[reg] & mask) != 0;
}

static void sse(void)
{
	fill_in();
	__asm__ volatile("movdqu (%0), %%xmm0\n\tmovdqu 16(%0), %%xmm1\n\tpshufb %%xmm1, %%xmm0\n\t"
	                 "paddb %%xmm1, %%xmm0\n\tmovdqa %%xmm0, (%1)\n\t"
	                 "crc32q %%rax, %%rax\n\tpcmpistri $8, %%xmm1, %%xmm0"
	                 :
	                 : "r"(in), "r"(out), "a"(0x12345678)
	                 : "rcx", "xmm0", "xmm1", "memory", "cc");
	say_bytes("sse", out, 16);
}

static void avx2(void)
{
	if (!has(7, 1, bit_AVX2))
		return;
	fill_in();
	__asm__ volatile("vmovdqu (%0), %%ymm0\n\tvmovdqu 32(%0), %%ymm1\n\t"
	                 "vpaddd %%ymm0, %%ymm1, %%ymm2\n\tvpmuludq %%ymm2, %%ymm1, %%ymm3\n\t"
	                 "vpermq $0x1b, %%ymm3, %%ymm3\n\tvmovdqa %%ymm2, (%1)\n\t"
	                 "vmovdqa %%ymm3, 32(%1)\n\tvzeroupper"
	                 :
	                 : "r"(in), "r"(out)
	                 : "xmm0", "xmm1", "xmm2", "xmm3", "memory");
	say_bytes("avx2", out, 64);
}

static void avx512(void)
{
	if (!has(7, 1, bit_AVX512F))
		return;
	fill_in();
	__asm__ volatile("vmovdqu64 (%0), %%zmm16\n\tvmovdqu64 64(%0), %%zmm31\n\t"
	                 "movl $0x5a5a, %%eax\n\tkmovw %%eax, %%k1\n\t"
	                 "vpaddd %%zmm16, %%zmm31, %%zmm1%{%%k1%}\n\t"
	                 "vpcmpgtd %%zmm16, %%zmm31, %%k2\n\tkmovw %%k2, %%eax\n\t"
	                 "vmovdqa64 %%zmm1, (%1)\n\tmovl %%eax, 64(%1)\n\tvzeroupper"
	                 :
	                 : "r"(in), "r"(out)
	                 : "rax", "xmm1", "memory");
	say_bytes("kmask", out + 64, 4);
	for (int i = 0; i < 16; i++) {
		if (!(0x5a5a >> i & 1))
			memset(out + 4 * i, 0, 4);
	}
	say_bytes("avx512", out, 64);
}

/* Lanes that are masked out do not fault; others do. */
static void masked(void)
{
	unsigned mask[4] = {0x80000000, 0x80000000, 0, 0};
	int index[4] __attribute__((aligned(16))) = {0, 1, 2, 2048};

	if (!has(7, 1, bit_AVX2))
		return;
	__asm__ volatile("vmovdqu (%1), %%xmm1\n\tvmaskmovps (%0), %%xmm1, %%xmm0\n\t"
	                 "vmovdqa %%xmm0, (%2)"
	                 :
	                 : "r"(arena + PAGE - 8), "r"(mask), "r"(out)
	                 : "xmm0", "xmm1", "memory");
	say_bytes("masked load at the end of a page", out, 16);
	index[3] = 1024;
	__asm__ volatile("vpcmpeqd %%xmm1, %%xmm1, %%xmm1\n\tvmovdqa (%1), %%xmm2\n\t"
	                 "vpgatherdd %%xmm1, (%0,%%xmm2,4), %%xmm0"
	                 :
	                 : "r"(arena), "r"(index)
	                 : "xmm0", "xmm1", "xmm2", "memory");
}

static void crypto(void)
{
	fill_in();
	if (!has(1, 2, bit_AES) || !has(1, 2, bit_PCLMUL))
		return;
	__asm__ volatile("movdqu (%0), %%xmm0\n\tmovdqu 16(%0), %%xmm1\n\taesenc %%xmm1, %%xmm0\n\t"
	                 "pclmulqdq $0x11, %%xmm1, %%xmm0\n\tmovdqa %%xmm0, (%1)"
	                 :
	                 : "r"(in), "r"(out)
	                 : "xmm0", "xmm1", "memory");
	say_bytes("aes and pclmul", out, 16);
}

static void x87_values(void)
{
	long double x = 0;
	uint16_t status, control;

	__asm__ volatile("fninit\n\tfldpi\n\tfsqrt\n\tfld1\n\tfpatan\n\tfstpt %0\n\tfnstsw %1\n\t"
	                 "fnstcw %2"
	                 : "=m"(x), "=m"(status), "=m"(control));
	say_bytes("atan", &x, 10);
	say("status %x control %x", status, control);
}

static void save_legacy(void)
{
	memset(out, 0, sizeof(out));
	fill_in();
	__asm__ volatile(
	    "fninit\n\tfld1\n\tfldz\n\tmovdqu (%0), %%xmm5\n\tfxsave64 (%1)\n\t"
	    "pxor %%xmm5, %%xmm5\n\tfninit\n\tfxrstor64 (%1)\n\tmovdqa %%xmm5, 1024(%1)\n\t"
	    "fnstsw 1040(%1)\n\tfninit"
	    :
	    : "r"(in), "r"(out)
	    : "xmm5", "memory");
	say("control %02x%02x tags %02x mxcsr %02x%02x", out[1], out[0], out[4], out[25], out[24]);
	say_bytes("xmm5", out + 160 + 80, 16);
	say_bytes("restored", out + 1024, 18);
}

static void save_extended(void)
{
	uint32_t low, high;

	if (!has(1, 2, bit_OSXSAVE))
		return;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	say("xcr0 %x", low & 0xff);
	fill_in();
	__asm__ volatile("vmovdqu (%0), %%ymm7\n\txsave64 (%1)\n\tvzeroall\n\txrstor64 (%1)\n\t"
	                 "vmovdqu %%ymm7, 3584(%1)\n\tvzeroupper"
	                 :
	                 : "r"(in), "r"(out), "a"(7), "d"(0)
	                 : "memory", "xmm7");
	say("saved %x", out[512] & 6);
	say_bytes("ymm7", out + 3584, 32);
	/* The state of a component that was never used is not stored, and comes back as zeros. */
	memset(out, 0, 1024);
	out[512] = 0;
	__asm__ volatile("xrstor64 (%1)\n\tvmovdqu %%ymm7, 3584(%1)\n\tvzeroupper\n\tldmxcsr %2"
	                 :
	                 : "r"(in), "r"(out), "m"((uint32_t){0x1f80}), "a"(6), "d"(0)
	                 : "memory", "xmm7");
	say_bytes("nothing restored", out + 3584, 32);
}

/* A header with reserved bits cannot be restored. */
static void restore_bad(void)
{
	memset(out, 0, sizeof(out));
	out[512 + 7] = 0x40;
	__asm__ volatile("xrstor64 (%0)" : : "r"(out), "a"(7), "d"(0) : "memory");
}

/* --- Integers --------------------------------------------------------------------------------- */

static void bits(void)
{
	uint64_t x = 0x123456789abcdef0, a, b, c, d;

	if (!has(7, 1, bit_BMI2))
		return;
	__asm__ volatile("pdep %4, %5, %0\n\tpext %4, %5, %1\n\tandn %4, %5, %2\n\tlzcnt %4, %3"
	                 : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d)
	                 : "r"(x), "r"(0x0f0f0f0f00ff00ffUL)
	                 : "cc");
	say("pdep %lx pext %lx andn %lx lzcnt %lx", a, b, c, d);
	__asm__ volatile("popcnt %4, %0\n\ttzcnt %4, %1\n\tblsr %4, %2\n\tmovbe %5, %3"
	                 : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d)
	                 : "r"(x), "m"(x)
	                 : "cc");
	say("popcnt %lx tzcnt %lx blsr %lx movbe %lx", a, b, c, d);
}

static void atomics(void)
{
	static uint64_t pair[2] __attribute__((aligned(16))) = {1, 2};
	uint64_t *across = (uint64_t *)(arena + 6 * PAGE - 4);
	uint64_t low = 1, high = 2, value = 5;
	char *two = pages(2, PROT_READ | PROT_WRITE);

	__asm__ volatile("lock cmpxchg16b %0"
	                 : "+m"(pair), "+a"(low), "+d"(high)
	                 : "b"(3UL), "c"(4UL)
	                 : "cc");
	say("cmpxchg16b %lu %lu", pair[0], pair[1]);
	low = 9;
	__asm__ volatile("lock cmpxchg16b %0"
	                 : "+m"(pair), "+a"(low), "+d"(high)
	                 : "b"(7UL), "c"(8UL)
	                 : "cc");
	say("cmpxchg16b that fails %lu %lu, found %lu %lu", pair[0], pair[1], low, high);
	across = (uint64_t *)(two + PAGE - 4);
	__asm__ volatile("lock xaddq %1, %0\n\tlock incq %0\n\txchgq %1, %0"
	                 : "+m"(*across), "+r"(value)
	                 :
	                 : "memory", "cc");
	say("across two pages %lu %lu", *across, value);
}

static void pushes(void)
{
	uint64_t a, b, c;

	__asm__ volatile("pushq $-5\n\tpushw $7\n\tmovq 2(%%rsp), %0\n\tmovzwq (%%rsp), %1\n\t"
	                 "addq $2, %%rsp\n\tmovq %%rsp, %2\n\tpushq %%rsp\n\tsubq (%%rsp), %2\n\t"
	                 "addq $16, %%rsp"
	                 : "=&r"(a), "=&r"(b), "=&r"(c)
	                 :
	                 : "memory", "cc");
	say("%ld %ld %ld", a, b, c);
	__asm__ volatile("movq %%rsp, %1\n\tmovq %%rbp, %2\n\tenter $32, $0\n\tmovq %%rbp, %0\n\t"
	                 "subq %%rsp, %0\n\tleave\n\tsubq %%rsp, %1\n\tsubq %%rbp, %2"
	                 : "=&r"(a), "=&r"(b), "=&r"(c)
	                 :
	                 : "memory", "cc");
	say("enter %ld %ld %ld", a, b, c);
}

/* --- Strings, with faults in their middle ----------------------------------------------------- */

static char *string_at;
static int string_faults;

/* Make the page that is missing. */
static void map_page(int number, siginfo_t *info, void *context)
{
	char *page = (char *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1));

	(void)number;
	string_faults++;
	say("fault at +%#lx, %#lx left", (long)((char *)info->si_addr - string_at),
	    (unsigned long)*reg(context, REG_RCX));
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

static void string_start(void)
{
	string_faults = 0;
	string_at = pages(8, PROT_NONE);
	handle(SIGSEGV, map_page, 0);
}

static void string_end(void)
{
	say("%d faults", string_faults);
	mprotect(string_at, 8 * PAGE, PROT_READ);
	say_bytes("memory", string_at, 8 * PAGE);
	munmap(string_at, 8 * PAGE);
}

static void string_store(void)
{
	void *to;
	long left = 3000;

	string_start();
	to = string_at + 100;
	__asm__ volatile("rep stosq" : "+D"(to), "+c"(left) : "a"(0x0123456789abcdef) : "memory");
	say("left %ld at +%ld", left, (long)((char *)to - string_at));
	string_end();
}

static void string_move(void)
{
	void *to;
	const void *from = arena + 2 * PAGE;
	long left = 2 * PAGE - 100;

	string_start();
	to = string_at + PAGE - 10;
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(left) : : "memory");
	say("left %ld at +%ld", left, (long)((char *)to - string_at));
	string_end();
}

static void string_move_down(void)
{
	void *to;
	const void *from = arena + 4 * PAGE - 8;
	long left = 2 * PAGE / 8;

	string_start();
	to = string_at + 5 * PAGE + 60;
	__asm__ volatile("std\n\trep movsq\n\tcld"
	                 : "+D"(to), "+S"(from), "+c"(left)
	                 :
	                 : "memory", "cc");
	say("left %ld at +%ld", left, (long)((char *)to - string_at));
	string_end();
}

static void string_scan(void)
{
	const char *at;
	long left = 3 * PAGE;

	string_start();
	at = string_at + 10;
	__asm__ volatile("repe scasb" : "+D"(at), "+c"(left) : "a"(0) : "memory", "cc");
	say("left %ld at +%ld", left, (long)(at - string_at));
	string_end();
}

static void string_compare(void)
{
	const char *at, *with = arena;
	long left = PAGE;

	string_start();
	at = string_at + PAGE - 4;
	mprotect(string_at, PAGE, PROT_READ | PROT_WRITE);
	memset(string_at, 0x5a, PAGE);
	__asm__ volatile("repe cmpsb" : "+D"(at), "+S"(with), "+c"(left) : : "memory", "cc");
	say("left %ld at +%ld", left, (long)(at - string_at));
	string_end();
}

/* --- Code ------------------------------------------------------------------------------------- */

typedef int code_fn(void);

static void put_code(char *at, int number)
{
	*at = (char)0xb8; /* mov $number, %eax; ret */
	memcpy(at + 1, &number, 4);
	at[5] = (char)0xc3;
}

static void code_changes(void)
{
	char *at = pages(1, PROT_READ | PROT_WRITE | PROT_EXEC);
	int sum = 0;

	for (int i = 0; i < 1000; i++) {
		put_code(at, i);
		sum += ((code_fn *)at)();
	}
	say("sum %d", sum);
}

/* The next instruction is stored to by the one before it. */
static void code_changes_itself(void)
{
	char *at = pages(1, PROT_READ | PROT_WRITE | PROT_EXEC);
	/* movb $7, 1(%rip) [the 1 of the next]; mov $1, %eax; ret */
	static const unsigned char code[] = {0xc6, 0x05, 0x01, 0, 0, 0, 7, 0xb8, 1, 0, 0, 0, 0xc3};

	memcpy(at, code, sizeof(code));
	say("%d", ((code_fn *)at)());
}

static void code_protected(void)
{
	char *at = pages(1, PROT_READ | PROT_WRITE);

	for (int i = 0; i < 3; i++) {
		mprotect(at, PAGE, PROT_READ | PROT_WRITE);
		put_code(at, 100 + i);
		mprotect(at, PAGE, PROT_READ | PROT_EXEC);
		say("%d", ((code_fn *)at)());
	}
	mprotect(at, PAGE, PROT_READ);
	((code_fn *)at)();
}

/* The same memory once to write and once to run. */
static void code_twice(void)
{
	char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *run = mremap(at, 0, PAGE, MREMAP_MAYMOVE);
	int sum = 0;

	if (run == MAP_FAILED || mprotect(run, PAGE, PROT_READ | PROT_EXEC) != 0) {
		say("not mapped twice");
		return;
	}
	for (int i = 0; i < 100; i++) {
		put_code(at, i);
		sum += ((code_fn *)run)();
	}
	say("sum %d", sum);
}

const struct test compute_tests[] = {
    {"cpuid", identify},
    {"rdtsc", time_stamp},
    {"segments", segments},
    {"segment bases", segment_bases},
    {"system call", call_registers},
    {"flags", flags},
    {"sse", sse},
    {"avx2", avx2},
    {"avx512", avx512},
    {"masked lanes", masked},
    {"aes", crypto},
    {"x87", x87_values},
    {"fxsave", save_legacy},
    {"xsave", save_extended},
    {"xrstor of a bad header", restore_bad},
    {"bits", bits},
    {"atomics", atomics},
    {"push and enter", pushes},
    {"rep stos", string_store},
    {"rep movs", string_move},
    {"rep movs, downwards", string_move_down},
    {"rep scas", string_scan},
    {"rep cmps", string_compare},
    {"code that changes", code_changes},
    {"code that changes itself", code_changes_itself},
    {"code that is protected", code_protected},
    {"code mapped twice", code_twice},
    {NULL, NULL},
};
