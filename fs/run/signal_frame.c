/*
 * signal_frame.c - the frame of a handler:
 *
 *     end of the stack, or rsp - 128 (what lies there may be in use: the red zone)
 *         the state of the floating-point unit, then FP_XSTATE_MAGIC2; at a multiple of 64
 *         struct frame; at a multiple of 16, less 8, as after a call
 */
#include "fs/run/signal_frame.h"
#include "fs/run/run.h"

#include <cpuid.h>
#include <errno.h>
#include <string.h>

enum {
	RED_ZONE = 128,
	USER_CS = 0x33,
	USER_SS = 0x2b,
	LEGACY = 512, /* bytes of the area of FXSAVE, before the header of XSAVE */
	HEADER = 64,
	SW_RESERVED = 464, /* where struct sw_bytes is in the area of FXSAVE */
	VECTOR_FAULT = 14,
};

/* What says how long the state is, in bytes that FXSAVE leaves alone (struct _fpx_sw_bytes). */
struct sw_bytes {
	uint32_t magic1, extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size, padding[7];
};

#define MAGIC1 UINT32_C(0x46505853)
#define MAGIC2 UINT32_C(0x46505845)

enum { UC_XSTATE = 1, UC_SS = 2, UC_STRICT_SS = 4 }; /* uc_flags */

/* Flags that a program may set (FIX_EFLAGS): AC OF DF TF SF ZF AF PF CF RF. */
#define FLAGS_FREE UINT64_C(0x50dd5)
#define FLAG_TF UINT64_C(0x100)
#define FLAG_DF UINT64_C(0x400)
#define FLAG_RF UINT64_C(0x10000)
/* Those that user code always has: IF, and the bit that is 1. */
#define FLAGS_ALWAYS UINT64_C(0x202)

struct frame {
	uint64_t restorer;
	uint64_t flags, link;
	struct {
		uint64_t sp;
		int32_t flags, unused;
		uint64_t size;
	} stack;
	struct {
		uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx,
		    rsp, rip, eflags;
		uint16_t cs, gs, fs, ss;
		uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
	} context;
	uint64_t mask;
	siginfo_t info;
};

G_STATIC_ASSERT(sizeof(struct frame) == 440);

/* --- The alternate stack ---------------------------------------------------------------------- */

bool signal_on_stack(const struct signals *signals, uint64_t sp)
{
	/* One that disarms itself does not count as in use. */
	if (signals->stack_flags & SS_AUTODISARM)
		return false;
	return sp > signals->stack && sp - signals->stack <= signals->stack_size;
}

int signal_set_stack_locked(struct signals *signals, uint64_t sp, const stack_t *stack)
{
	int mode = stack->ss_flags & (int)~SS_AUTODISARM;

	if (signal_on_stack(signals, sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode != SS_DISABLE && stack->ss_size < SIGNAL_STACK_LEAST)
		return -ENOMEM;
	signals->stack = mode != SS_DISABLE ? (uint64_t)(uintptr_t)stack->ss_sp : 0;
	signals->stack_size = mode != SS_DISABLE ? stack->ss_size : 0;
	signals->stack_flags = stack->ss_flags;
	return 0;
}

/* --- The floating-point unit ------------------------------------------------------------------ */

/* The state components that an area of LEN bytes has room for. */
static uint64_t components_in(size_t len)
{
	uint64_t found = 3;
	unsigned low, high, size, offset, unused;

	if (!__get_cpuid_count(0xd, 0, &low, &unused, &unused, &high))
		return found;
	uint64_t host = low | (uint64_t)high << 32;
	for (unsigned i = 2; i < 63; i++) {
		if (!(host >> i & 1) ||
		    !__get_cpuid_count(0xd, i, &size, &offset, &unused, &unused))
			continue;
		if (size > 0 && (size_t)offset + size <= len)
			found |= UINT64_C(1) << i;
	}
	return found;
}

/* Where the area of LEN bytes goes below SP. */
static uint64_t place_fpu(uint64_t sp, size_t len)
{
	return (sp - len - sizeof(uint32_t)) & ~UINT64_C(63);
}

static int copy_out(struct program *program, uint64_t va, const void *buf, size_t len)
{
	return vm_copy_out(program->process, va, buf, len) == (ssize_t)len ? 0 : -EFAULT;
}

static int copy_in(struct program *program, uint64_t va, void *buf, size_t len)
{
	return vm_copy_in(program->process, va, buf, len) == (ssize_t)len ? 0 : -EFAULT;
}

/* Store the state at VA, with what lets the program and sigreturn find its end. */
static int push_fpu(struct program *program, uint64_t va)
{
	static const uint32_t magic2 = MAGIC2;
	size_t len;
	const uint8_t *area = vm_context_fpu(program->context, &len);
	g_autofree uint8_t *copy = g_memdup2(area, len);
	const struct sw_bytes sw = {
	    .magic1 = MAGIC1,
	    .extended_size = (uint32_t)len + sizeof(uint32_t),
	    .xfeatures = components_in(len),
	    .xstate_size = (uint32_t)len,
	};
	uint64_t present;

	memcpy(copy + SW_RESERVED, &sw, sizeof sw);
	/* Who changes x87 or SSE state in the frame need not set its bit (save_xstate_epilog). */
	memcpy(&present, copy + LEGACY, sizeof present);
	present |= 3;
	memcpy(copy + LEGACY, &present, sizeof present);
	if (copy_out(program, va, copy, len) != 0)
		return -EFAULT;
	return copy_out(program, va + len, &magic2, sizeof magic2);
}

/* AREA of LEN bytes becomes the state after FNINIT, with no component in use. */
static void init_fpu(uint8_t *area, size_t len)
{
	const uint16_t control = 0x37f;
	const uint32_t mxcsr = 0x1f80;

	memset(area, 0, len);
	memcpy(area, &control, sizeof control);
	memcpy(area + 24, &mxcsr, sizeof mxcsr);
}

/* The bytes of XSAVE state at VA, whose legacy part is LEGACY_PART; 0: there is no more. */
static size_t extended_size(struct program *program, uint64_t va, const uint8_t *legacy_part,
                            size_t most)
{
	struct sw_bytes sw;
	uint32_t magic2 = 0;

	memcpy(&sw, legacy_part + SW_RESERVED, sizeof sw);
	if (sw.magic1 != MAGIC1 || sw.xstate_size < LEGACY + HEADER || sw.xstate_size > most ||
	    sw.xstate_size > sw.extended_size)
		return 0;
	if (copy_in(program, va + sw.xstate_size, &magic2, sizeof magic2) != 0 || magic2 != MAGIC2)
		return 0;
	return sw.xstate_size;
}

/* Load the state at VA; 0: the one of a new program (fpu__restore_sig). */
static int pop_fpu(struct program *program, uint64_t va)
{
	size_t len;
	uint8_t *area = vm_context_fpu(program->context, &len);
	g_autofree uint8_t *copy = g_malloc(len);
	uint64_t present = 3, mask = UINT64_MAX;

	init_fpu(copy, len);
	if (va != 0) {
		if (copy_in(program, va, copy, LEGACY) != 0)
			return -EFAULT;
		size_t size = extended_size(program, va, copy, len);
		if (size > 0) {
			struct sw_bytes sw;
			memcpy(&sw, copy + SW_RESERVED, sizeof sw);
			if (copy_in(program, va, copy, size) != 0)
				return -EFAULT;
			memcpy(&present, copy + LEGACY, sizeof present);
			mask = sw.xfeatures & components_in(size);
		}
		memset(copy + SW_RESERVED, 0, LEGACY - SW_RESERVED);
		if (size == 0) {
			memset(copy + LEGACY, 0, HEADER);
			memcpy(copy + LEGACY, &present, sizeof present);
		}
	}
	memcpy(area, copy, len);
	if (!vm_context_mend_fpu(program->context)) {
		init_fpu(area, len);
		return -EFAULT;
	}
	/* What the frame says that it has not is as in a new program. */
	memcpy(&present, area + LEGACY, sizeof present);
	present &= mask;
	memcpy(area + LEGACY, &present, sizeof present);
	return 0;
}

/* --- The frame -------------------------------------------------------------------------------- */

static void fill_frame(struct frame *frame, const struct program *program,
                       const struct delivery *delivery, const struct vm_regs *regs)
{
	const struct signals *signals = &program->signals;

	frame->restorer = delivery->action.restorer;
	frame->flags = UC_XSTATE | UC_SS | UC_STRICT_SS;
	frame->stack.sp = signals->stack;
	frame->stack.flags = signals->stack_flags;
	frame->stack.size = signals->stack_size;
#define SAVE(name) frame->context.name = regs->name
	SAVE(r8), SAVE(r9), SAVE(r10), SAVE(r11), SAVE(r12), SAVE(r13), SAVE(r14), SAVE(r15);
	SAVE(rdi), SAVE(rsi), SAVE(rbp), SAVE(rbx), SAVE(rdx), SAVE(rax), SAVE(rcx), SAVE(rsp);
	SAVE(rip), SAVE(eflags);
#undef SAVE
	frame->context.cs = USER_CS;
	frame->context.ss = USER_SS;
	frame->context.err = signals->trap_error;
	frame->context.trapno = signals->trap_vector;
	frame->context.cr2 = signals->trap_address;
	frame->context.oldmask = delivery->mask;
	frame->mask = delivery->mask;
	frame->info = delivery->info;
}

/*
 * Where the frame goes, and at *FPU its floating-point state. 0: it does not fit on the alternate
 * stack. Linux: get_sigframe.
 */
static uint64_t place_frame(const struct program *program, const struct delivery *delivery,
                            uint64_t sp, uint64_t *fpu)
{
	const struct signals *signals = &program->signals;
	bool nested = signal_on_stack(signals, sp), enters = false;
	size_t len;

	sp -= RED_ZONE;
	if ((delivery->action.flags & SA_ONSTACK) && signals->stack_size > 0 &&
	    !signal_on_stack(signals, sp)) {
		sp = signals->stack + signals->stack_size;
		enters = true;
	}
	vm_context_fpu(program->context, &len);
	*fpu = place_fpu(sp, len);
	sp = ((*fpu - sizeof(struct frame)) & ~UINT64_C(15)) - 8;
	if ((nested || enters) &&
	    !(sp > signals->stack && sp - signals->stack <= signals->stack_size))
		return 0;
	return sp;
}

int signal_frame_push(struct program *program, const struct delivery *delivery)
{
	struct vm_regs *regs = vm_context_regs(program->context);
	struct frame frame = {0};
	uint64_t fpu, sp = place_frame(program, delivery, regs->rsp, &fpu);

	if (sp == 0 || !(delivery->action.flags & SA_RESTORER))
		return -EFAULT;
	fill_frame(&frame, program, delivery, regs);
	frame.context.fpstate = fpu;
	if (push_fpu(program, fpu) != 0 || copy_out(program, sp, &frame, sizeof frame) != 0)
		return -EFAULT;
	regs->rdi = (uint64_t)delivery->number;
	regs->rsi = sp + offsetof(struct frame, info);
	regs->rdx = sp + offsetof(struct frame, flags);
	regs->rax = 0;
	regs->rsp = sp;
	regs->rip = delivery->action.handler;
	regs->cs = USER_CS;
	regs->ss = USER_SS;
	regs->eflags &= ~(FLAG_DF | FLAG_RF | FLAG_TF);
	return 0;
}

static void take_regs(struct vm_regs *regs, const struct frame *frame)
{
#define LOAD(name) regs->name = frame->context.name
	LOAD(r8), LOAD(r9), LOAD(r10), LOAD(r11), LOAD(r12), LOAD(r13), LOAD(r14), LOAD(r15);
	LOAD(rdi), LOAD(rsi), LOAD(rbp), LOAD(rbx), LOAD(rdx), LOAD(rax), LOAD(rcx), LOAD(rsp);
	LOAD(rip);
#undef LOAD
	regs->eflags = (frame->context.eflags & FLAGS_FREE) | FLAGS_ALWAYS;
	regs->cs = USER_CS;
	regs->ss = USER_SS;
	/* No call is made again that was interrupted before this. */
	regs->orig_rax = UINT64_MAX;
}

int signal_frame_pop(struct program *program, uint64_t *mask)
{
	struct vm_regs *regs = vm_context_regs(program->context);
	struct frame frame;

	/* The handler's return has taken the restorer from the stack. */
	if (copy_in(program, regs->rsp - 8, &frame, sizeof frame) != 0)
		return -EFAULT;
	*mask = frame.mask;
	take_regs(regs, &frame);
	/* As in Linux, the registers are those of the frame, even if this fails. */
	if (pop_fpu(program, frame.context.fpstate) != 0)
		return -EFAULT;
	const stack_t stack = {.ss_sp = (void *)(uintptr_t)frame.stack.sp,
	                       .ss_flags = frame.stack.flags,
	                       .ss_size = frame.stack.size};
	run_lock(program->run);
	/* As in Linux, one that is not right is left out. */
	signal_set_stack_locked(&program->signals, regs->rsp, &stack);
	run_unlock(program->run);
	return 0;
}
