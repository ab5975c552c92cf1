/*
 * context.c - the registers of a program while it does not run.
 */
#include "vm/cpu/cpu.h"

#include <cpuid.h>
#include <string.h>

enum {
	LEGACY_FCW = 0, /* offsets in the area of XSAVE: Intel SDM vol. 1, 13.4 */
	LEGACY_MXCSR = 24,
	HEADER = 512,
	HEADER_LEN = 64,
	KVM_ROOM = 4096, /* the least that KVM reads and writes */
	USER_CS = 0x33,
	USER_DS = 0x2b,
	FLAGS_START = 0x202,
	FCW_START = 0x37f,
	MXCSR_START = 0x1f80,
	MXCSR_VALID = 0xffff,
};

/* The length of the area for the features that this host has switched on. */
static size_t xsave_len(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid_count(0xd, 0, &a, &b, &c, &d) || b < HEADER + HEADER_LEN)
		return HEADER + HEADER_LEN;
	return b;
}

static struct vm_context *context_alloc(struct vm_machine *machine)
{
	struct vm_context *context = g_try_new0(struct vm_context, 1);

	if (context == NULL)
		return NULL;
	context->machine = machine;
	context->fpu_len = xsave_len();
	context->fpu_room = MAX(context->fpu_len, KVM_ROOM);
	context->fpu = g_try_malloc0(context->fpu_room);
	if (context->fpu == NULL)
		g_clear_pointer(&context, g_free);
	return context;
}

struct vm_context *vm_context_new(struct vm_machine *machine)
{
	struct vm_context *context = context_alloc(machine);

	if (context != NULL)
		vm_context_reset(context, 0, 0);
	return context;
}

struct vm_context *vm_context_copy(const struct vm_context *context)
{
	struct vm_context *copy = context_alloc(context->machine);

	if (copy == NULL)
		return NULL;
	/* It may be the one that the processor has. Its area is brought up to date, no more. */
	context_unload((struct vm_context *)context);
	copy->regs = context->regs;
	memcpy(copy->fpu, context->fpu, context->fpu_room);
	return copy;
}

/* The processor does not have CONTEXT any more. SAVE: its FPU state goes into its area. */
static void unload(struct vm_context *context, bool save)
{
	struct vm_cpu *cpu = context->machine->cpu;

	if (cpu == NULL)
		return;
	pthread_mutex_lock(&cpu->fpu_lock);
	if (cpu->loaded == context) {
		if (save)
			cpu->way->save_fpu(cpu, context);
		cpu->loaded = NULL;
	}
	pthread_mutex_unlock(&cpu->fpu_lock);
}

void context_unload(struct vm_context *context)
{
	unload(context, true);
}

void vm_context_free(struct vm_context *context)
{
	if (context == NULL)
		return;
	unload(context, false);
	g_free(context->fpu);
	g_free(context);
}

void context_fill_fpu(uint8_t *area)
{
	const uint16_t fcw = FCW_START;
	const uint32_t mxcsr = MXCSR_START;
	const uint64_t features = 3; /* x87 and SSE; the others are in their first state */

	memcpy(area + LEGACY_FCW, &fcw, sizeof fcw);
	memcpy(area + LEGACY_MXCSR, &mxcsr, sizeof mxcsr);
	memcpy(area + HEADER, &features, sizeof features);
}

void vm_context_reset(struct vm_context *context, uint64_t rip, uint64_t rsp)
{
	unload(context, false);
	context->regs = (struct vm_regs){.rip = rip,
	                                 .rsp = rsp,
	                                 .orig_rax = UINT64_MAX,
	                                 .eflags = FLAGS_START,
	                                 .cs = USER_CS,
	                                 .ss = USER_DS};
	memset(context->fpu, 0, context->fpu_room);
	context_fill_fpu(context->fpu);
}

struct vm_regs *vm_context_regs(struct vm_context *context)
{
	return &context->regs;
}

void *vm_context_fpu(struct vm_context *context, size_t *len)
{
	context_unload(context);
	*len = context->fpu_len;
	return context->fpu;
}

/* The features that the host has switched on (XCR0), and programs may use. */
static uint64_t xcr0(void)
{
	uint32_t low, high;

	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return ((uint64_t)high << 32 | low) & ~CPU_FEATURES_NOT;
}

bool vm_context_mend_fpu(struct vm_context *context)
{
	uint8_t header[HEADER_LEN], rest[HEADER_LEN - sizeof(uint64_t)] = {0};
	uint32_t mxcsr;
	uint64_t features;

	memcpy(&mxcsr, context->fpu + LEGACY_MXCSR, sizeof mxcsr);
	memcpy(header, context->fpu + HEADER, HEADER_LEN);
	memcpy(&features, header, sizeof features);
	bool right = (mxcsr & ~(uint32_t)MXCSR_VALID) == 0 && (features & ~xcr0()) == 0 &&
	             memcmp(header + sizeof features, rest, sizeof rest) == 0;
	mxcsr &= MXCSR_VALID;
	features &= xcr0();
	memcpy(context->fpu + LEGACY_MXCSR, &mxcsr, sizeof mxcsr);
	memset(context->fpu + HEADER, 0, HEADER_LEN);
	memcpy(context->fpu + HEADER, &features, sizeof features);
	return right;
}
