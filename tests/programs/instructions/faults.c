/*
 * faults.c - instructions that fault: pages, rights, addresses that are none, privileged
 * instructions, arithmetic, traps.
 */
#include "instructions.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A case that is a few instructions; %0 is the address of the arena. */
#define CASE(name, code) \
	static void name(void) \
	{ \
		__asm__ volatile(code \
		                 : \
		                 : "r"(arena) \
		                 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "xmm0", "memory", \
		                   "cc"); \
	}

/* --- Pages and rights ------------------------------------------------------------------------- */

CASE(load_null, "xorl %%eax, %%eax\n\tmovl (%%rax), %%eax")
CASE(store_null, "xorl %%eax, %%eax\n\tmovl %%eax, 8(%%rax)")
CASE(load_nothing, "movl 0x4010(%0), %%eax")
CASE(store_nothing, "movl %%eax, 0x4010(%0)")
CASE(load_none, "movl 0x1010(%0), %%eax")
CASE(store_none, "movl %%eax, 0x1010(%0)")
CASE(store_read_only, "movl %%eax, 0x3010(%0)")
CASE(load_across, "movq 0xffd(%0), %%rax")
CASE(store_across, "movq %%rax, 0xffd(%0)")
CASE(store_across_rights, "movq %%rax, 0x2ffd(%0)")
CASE(vector_across, "movdqu 0xff8(%0), %%xmm0")
CASE(vector_unaligned, "movaps 8(%0), %%xmm0")
CASE(xchg_read_only, "movl $1, %%eax\n\txchgl %%eax, 0x3010(%0)")
CASE(cmpxchg_read_only, "xorl %%eax, %%eax\n\tlock cmpxchgl %%ecx, 0x3010(%0)")
CASE(bit_read_only, "movl $3, %%eax\n\tlock btsl %%eax, 0x3010(%0)")
CASE(add_read_only, "addl $1, 0x3010(%0)")
CASE(push_nothing, "movq %%rsp, %%r8\n\tleaq 0x4008(%0), %%rsp\n\tsubq $-8, %%rsp\n\tpushq %%rax")
CASE(load_kernel, "movq $0xffffffff81000000, %%rax\n\tmovl (%%rax), %%eax")
CASE(store_kernel, "movq $0xffff888000000000, %%rax\n\tmovl %%eax, (%%rax)")
CASE(jump_kernel, "movq $0xffffffff81000000, %%rax\n\tjmp *%%rax")
CASE(jump_nothing, "leaq 0x4010(%0), %%rax\n\tjmp *%%rax")
CASE(jump_none, "leaq 0x1010(%0), %%rax\n\tjmp *%%rax")
CASE(jump_no_execute, "leaq 0x2010(%0), %%rax\n\tjmp *%%rax")
CASE(call_null, "xorl %%eax, %%eax\n\tcall *%%rax")
CASE(last_user_page, "movq $0x7ffffffff000, %%rax\n\tmovl (%%rax), %%eax")
CASE(prefetch_nothing, "prefetcht0 0x4010(%0)\n\tprefetcht0 0x1010(%0)")
CASE(flush_nothing, "clflush 0x4010(%0)")

static void beyond_file(void)
{
	char path[] = "/tmp/instructions.XXXXXX";
	int fd = mkstemp(path);
	volatile char *at;

	if (fd < 0 || unlink(path) != 0 || ftruncate(fd, 100) != 0)
		say("no file");
	at = mmap(arena + 4 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
	          MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
	close(fd);
	at[0] = 1;
	say("within the last page %d", at[PAGE - 1]);
	munmap((char *)at, PAGE);
	at[PAGE + 1] = 1;
}

static void beyond_file_end(void)
{
	munmap(arena + 4 * PAGE, 2 * PAGE);
}

/* --- Addresses that are none ------------------------------------------------------------------ */

CASE(load_noncanonical, "movq $0x8000000000000000, %%rax\n\tmovl (%%rax), %%eax")
CASE(store_noncanonical, "movq $0x800000000000, %%rax\n\tmovl %%eax, (%%rax)")
CASE(push_noncanonical, "movq %%rsp, %%r8\n\tmovq $0x800000000008, %%rax\n\txchgq %%rax, %%rsp\n\t"
                        "pushq %%rax")
CASE(base_noncanonical, "pushq %%rbp\n\tmovq $0x800000000008, %%rbp\n\tmovq %%rsp, %%rdi\n\t"
                        "movl (%%rbp), %%eax\n\tpopq %%rbp")
CASE(jump_noncanonical, "movq $0x800000000000, %%rax\n\tjmp *%%rax")
CASE(return_noncanonical, "movq $0x1234000000000000, %%rax\n\tpushq %%rax\n\tret")

/* --- Not for user code ------------------------------------------------------------------------ */

CASE(halt, "hlt")
CASE(clear_interrupts, "cli")
CASE(set_interrupts, "sti")
CASE(port_in, "movl $0x80, %%edx\n\tinb %%dx, %%al")
CASE(port_out, "outb %%al, $0x80")
CASE(port_in_string, "movl $0x80, %%edx\n\tmovq %0, %%rdi\n\tinsb")
CASE(write_cr0, "movq %%rax, %%cr0")
CASE(read_cr3, "movq %%cr3, %%rax")
CASE(write_dr7, "movq %%rax, %%dr7")
CASE(load_gdt, "lgdt (%0)")
CASE(load_idt, "lidt (%0)")
CASE(load_tr, "xorl %%eax, %%eax\n\tltr %%ax")
CASE(read_msr, "movl $0x10, %%ecx\n\trdmsr")
CASE(write_msr, "movl $0xc0000080, %%ecx\n\twrmsr")
CASE(invalidate_page, "invlpg (%0)")
CASE(invalidate_cache, "invd")
CASE(write_back_cache, "wbinvd")
CASE(swap_gs, "swapgs")
CASE(clear_task_switched, "clts")
CASE(system_return, "sysretq")
CASE(set_xcr0, "xorl %%ecx, %%ecx\n\txsetbv")
CASE(load_segment, "movl $0x1234, %%eax\n\tmovl %%eax, %%ds")
CASE(load_kernel_segment, "movl $0x10, %%eax\n\tmovl %%eax, %%es")
CASE(load_stack_segment, "xorl %%eax, %%eax\n\tmovl %%eax, %%ss")
CASE(far_return, "pushq $0x10\n\tleaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tlretq\n1:")
CASE(bad_iret, "movq %%rsp, %%rax\n\tpushq $0x2b\n\tpushq %%rax\n\tpushfq\n\tpushq $0x10\n\t"
               "leaq 1f(%%rip), %%rcx\n\tpushq %%rcx\n\tiretq\n1:")
CASE(interrupt_0, "int $0")
CASE(interrupt_2, "int $2")
CASE(interrupt_4, "int $4")
CASE(interrupt_13, "int $13")
CASE(interrupt_14, "int $14")
CASE(interrupt_33, "int $33")
CASE(interrupt_255, "int $255")

/* --- Undefined -------------------------------------------------------------------------------- */

CASE(undefined_0, ".byte 0x0f, 0xff, 0xc0")
CASE(undefined_1, ".byte 0x0f, 0xb9, 0xc0")
CASE(undefined_2, "ud2")
CASE(lock_register, ".byte 0xf0, 0x01, 0xc0")
CASE(lock_nop, ".byte 0xf0, 0x90")
CASE(no_long_mode, ".byte 0x06")
CASE(into, ".byte 0xce")
CASE(daa, ".byte 0x27")
CASE(system_exit, "sysexitl")
CASE(resume, "rsm")
CASE(too_long, ".fill 15, 1, 0x66\n\tnop")

/* The instruction begins in a page that may be run, and ends in one that may not. */
static void fetch_across(void)
{
	char *at = mmap(arena + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	at[PAGE - 2] = (char)0x48; /* movabs $..., %rax */
	at[PAGE - 1] = (char)0xb8;
	((void (*)(void))(arena + 5 * PAGE - 2))();
}

/* --- Arithmetic ------------------------------------------------------------------------------- */

CASE(divide_by_0, "xorl %%ecx, %%ecx\n\tmovl $1, %%eax\n\tcltd\n\tidivl %%ecx")
CASE(divide_overflow, "movl $0x80000000, %%eax\n\tcltd\n\tmovl $-1, %%ecx\n\tidivl %%ecx")
CASE(divide_wide, "movl $1, %%edx\n\tmovl $1, %%ecx\n\tdivl %%ecx")

/* Unmask the exceptions of MASK in MXCSR. */
static void unmask(uint32_t mask)
{
	uint32_t mxcsr = 0x1f80 & ~mask;

	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}
static void mask_again(void)
{
	unmask(0);
}
#define VECTOR_FAULT(name, bit, x, y, code) \
	static void name(void) \
	{ \
		double a = x, b = y; \
\
		unmask(bit); \
		__asm__ volatile("movsd %0, %%xmm0\n\tmovsd %1, %%xmm1\n\t" code \
		                 : \
		                 : "m"(a), "m"(b) \
		                 : "xmm0", "xmm1", "eax"); \
	}
VECTOR_FAULT(vector_divide, 0x200, 1, 0, "divsd %%xmm1, %%xmm0")
VECTOR_FAULT(vector_invalid, 0x80, 0, 0, "divsd %%xmm1, %%xmm0")
VECTOR_FAULT(vector_overflow, 0x400, 1e300, 1e300, "mulsd %%xmm1, %%xmm0")
VECTOR_FAULT(vector_underflow, 0x800, 1e-300, 1e-300, "mulsd %%xmm1, %%xmm0")
VECTOR_FAULT(vector_inexact, 0x1000, 1, 3, "divsd %%xmm1, %%xmm0")
VECTOR_FAULT(vector_denormal, 0x100, 1e-310, 1, "addsd %%xmm1, %%xmm0")

static void bad_mxcsr(void)
{
	uint32_t mxcsr = 0xffffffff;

	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}

/* The fault comes at the next x87 instruction that waits. */
static void x87_divide(void)
{
	uint16_t control = 0x037f & ~4;

	__asm__ volatile("fninit\n\tfldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" : : "m"(control));
}
static void x87_stack(void)
{
	uint16_t control = 0x037f & ~1;

	__asm__ volatile("fninit\n\tfldcw %0\n\tfaddp\n\tfwait" : : "m"(control));
}

CASE(alignment, "pushfq\n\torl $0x40000, (%%rsp)\n\tpopfq\n\tmovl 1(%0), %%eax")
CASE(alignment_fine, "pushfq\n\torl $0x40000, (%%rsp)\n\tpopfq\n\tmovl 4(%0), %%eax\n\t"
                     "pushfq\n\tandl $~0x40000, (%%rsp)\n\tpopfq")
CASE(alignment_off, "pushfq\n\tandl $~0x40000, (%%rsp)\n\tpopfq")

/* --- Traps ------------------------------------------------------------------------------------ */

CASE(breakpoint, "int3")
CASE(breakpoint_long, "int $3")
CASE(debug_trap, ".byte 0xf1")
CASE(single_step, "pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\tnop")
CASE(step_into_fault, "pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\tmovl 0x4010(%0), %%eax")

const struct test fault_tests[] = {
    {"load from 0", load_null},
    {"store to 0", store_null},
    {"load where nothing is", load_nothing},
    {"store where nothing is", store_nothing},
    {"load without rights", load_none},
    {"store without rights", store_none},
    {"store to a read-only page", store_read_only},
    {"load across two pages", load_across},
    {"store across two pages", store_across},
    {"store across, read-only", store_across_rights},
    {"vector across two pages", vector_across},
    {"vector that must be aligned", vector_unaligned},
    {"xchg, read-only", xchg_read_only},
    {"cmpxchg that fails, read-only", cmpxchg_read_only},
    {"lock bts, read-only", bit_read_only},
    {"add, read-only", add_read_only},
    {"load from the kernel", load_kernel},
    {"store to the kernel", store_kernel},
    {"jump to the kernel", jump_kernel},
    {"jump where nothing is", jump_nothing},
    {"jump without rights", jump_none},
    {"jump to data", jump_no_execute},
    {"call 0", call_null},
    {"load behind the user's half", last_user_page},
    {"prefetch", prefetch_nothing},
    {"clflush", flush_nothing},
    {"push where nothing is", push_nothing},
    {"beyond a file", beyond_file},
    {"beyond a file, end", beyond_file_end},
    {"load, not canonical", load_noncanonical},
    {"store, not canonical", store_noncanonical},
    {"push, not canonical", push_noncanonical},
    {"stack load, not canonical", base_noncanonical},
    {"jump, not canonical", jump_noncanonical},
    {"return, not canonical", return_noncanonical},
    {"hlt", halt},
    {"cli", clear_interrupts},
    {"sti", set_interrupts},
    {"in", port_in},
    {"out", port_out},
    {"ins", port_in_string},
    {"mov to cr0", write_cr0},
    {"mov from cr3", read_cr3},
    {"mov to dr7", write_dr7},
    {"lgdt", load_gdt},
    {"lidt", load_idt},
    {"ltr", load_tr},
    {"rdmsr", read_msr},
    {"wrmsr", write_msr},
    {"invlpg", invalidate_page},
    {"invd", invalidate_cache},
    {"wbinvd", write_back_cache},
    {"swapgs", swap_gs},
    {"clts", clear_task_switched},
    {"sysret", system_return},
    {"xsetbv", set_xcr0},
    {"mov to ds", load_segment},
    {"mov to es, kernel's", load_kernel_segment},
    {"mov to ss, null", load_stack_segment},
    {"far return", far_return},
    {"iret to the kernel's segment", bad_iret},
    {"int 0", interrupt_0},
    {"int 2", interrupt_2},
    {"int 4", interrupt_4},
    {"int 13", interrupt_13},
    {"int 14", interrupt_14},
    {"int 33", interrupt_33},
    {"int 255", interrupt_255},
    {"ud0", undefined_0},
    {"ud1", undefined_1},
    {"ud2", undefined_2},
    {"lock of a register", lock_register},
    {"lock nop", lock_nop},
    {"push es", no_long_mode},
    {"into", into},
    {"daa", daa},
    {"sysexit", system_exit},
    {"rsm", resume},
    {"too long", too_long},
    {"fetch across two pages", fetch_across},
    {"fetch across, end", beyond_file_end},
    {"divide by 0", divide_by_0},
    {"divide, overflow", divide_overflow},
    {"divide, wide", divide_wide},
    {"divsd", vector_divide},
    {"divsd, invalid", vector_invalid},
    {"mulsd, overflow", vector_overflow},
    {"mulsd, underflow", vector_underflow},
    {"divsd, inexact", vector_inexact},
    {"addsd, denormal", vector_denormal},
    {"mxcsr again", mask_again},
    {"ldmxcsr", bad_mxcsr},
    {"x87 divide", x87_divide},
    {"x87 stack", x87_stack},
    {"alignment check", alignment},
    {"alignment is right", alignment_fine},
    {"alignment check off", alignment_off},
    {"int3", breakpoint},
    {"int 3", breakpoint_long},
    {"int1", debug_trap},
    {"single step", single_step},
    {"single step into a fault", step_into_fault},
    {NULL, NULL},
};
