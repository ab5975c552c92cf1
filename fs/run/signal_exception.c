/*
 * signal_exception.c - which signals the exceptions of the processor raise. Linux:
 * arch/x86/kernel/traps.c.
 */
#include "fs/run/program.h"

#include <string.h>

enum { INVALID_OPCODE = 6, GENERAL_PROTECTION = 13, FLAG_TRAP = 1 << 8 };

/* The state of the floating-point unit, as FXSAVE stores it. */
enum { FXSAVE_CONTROL = 0, FXSAVE_STATUS = 2, FXSAVE_MXCSR = 24 };

/* Exceptions of both units: bits of the status and of masks. */
enum {
	FPU_INVALID = 1 << 0,
	FPU_DENORMAL = 1 << 1,
	FPU_DIVIDE = 1 << 2,
	FPU_OVERFLOW = 1 << 3,
	FPU_UNDERFLOW = 1 << 4,
	FPU_INEXACT = 1 << 5,
	FPU_ALL = 0x3f,
};

static uint32_t read_word(const uint8_t *area, size_t offset, size_t size)
{
	uint32_t word = 0;

	memcpy(&word, area + offset, size);
	return word;
}

/* si_code of #MF or #XM (fpu__exception_code). 0: nothing is raised any more, and no signal. */
static int float_code(struct program *program, bool sse)
{
	size_t len;
	const uint8_t *area = vm_context_fpu(program->context, &len);
	uint32_t raised;

	if (sse) {
		uint32_t mxcsr = read_word(area, FXSAVE_MXCSR, 4);
		raised = ~(mxcsr >> 7) & mxcsr;
	} else {
		raised = read_word(area, FXSAVE_STATUS, 2) & ~read_word(area, FXSAVE_CONTROL, 2);
	}
	raised &= FPU_ALL;
	if (raised & FPU_INVALID)
		return FPE_FLTINV;
	if (raised & FPU_DIVIDE)
		return FPE_FLTDIV;
	if (raised & FPU_OVERFLOW)
		return FPE_FLTOVF;
	if (raised & (FPU_DENORMAL | FPU_UNDERFLOW))
		return FPE_FLTUND;
	return raised & FPU_INEXACT ? FPE_FLTRES : 0;
}

/*
 * A host that emulates instructions that raise a general protection fault may not know them, and
 * call them invalid opcodes: `int N`, for which no gate is open to user code, and those that load a
 * state of the FPU that cannot be. Whether it is one of them; *ERROR_CODE becomes that of the
 * fault.
 */
static bool is_general_protection(struct program *program, uint64_t *error_code)
{
	enum { INT = 0xcd, TWO_BYTES = 0x0f, GROUP_15 = 0xae, REX = 0x40, REX_MASK = 0xf0 };
	uint8_t bytes[4] = {0}, *code = bytes;

	vm_copy_in(program->process, vm_context_regs(program->context)->rip, bytes, sizeof bytes);
	*error_code = 0;
	if (code[0] == INT) {
		*error_code = (uint64_t)code[1] << 3 | 2;
		return true;
	}
	if ((code[0] & REX_MASK) == REX)
		code++;
	/* fxrstor, ldmxcsr, xrstor: 1, 2, 5 in the middle of the third byte */
	unsigned operation = code[2] >> 3 & 7;
	return code[0] == TWO_BYTES && code[1] == GROUP_15 &&
	       (operation == 1 || operation == 2 || operation == 5);
}

void signal_exception(struct program *program, unsigned vector, uint64_t error_code)
{
	/* by vector; a number of 0: SIGSEGV from the kernel, as for a general protection fault */
	static const struct {
		int number, code;
		bool address; /* si_addr is the instruction; else 0 */
	} raised[] = {
	    [0] = {SIGFPE, FPE_INTDIV, true},   [1] = {SIGTRAP, TRAP_TRACE, true},
	    [3] = {SIGTRAP, SI_KERNEL, false},  [6] = {SIGILL, ILL_ILLOPN, true},
	    [7] = {SIGILL, ILL_ILLOPN, true},   [11] = {SIGBUS, SI_KERNEL, false},
	    [12] = {SIGBUS, SI_KERNEL, false},  [16] = {SIGFPE, 0, true},
	    [17] = {SIGBUS, BUS_ADRALN, false}, [19] = {SIGFPE, 0, true},
	};
	if (vector == INVALID_OPCODE && is_general_protection(program, &error_code))
		vector = GENERAL_PROTECTION;
	bool known = vector < G_N_ELEMENTS(raised) && raised[vector].number != 0;
	int number = known ? raised[vector].number : SIGSEGV;
	int code = known ? raised[vector].code : SI_KERNEL;
	uint64_t address =
	    known && raised[vector].address ? vm_context_regs(program->context)->rip : 0;

	/* `int1` raises the same exception as a step, which needs the trap flag (get_si_code). */
	if (vector == 1 && !(vm_context_regs(program->context)->eflags & FLAG_TRAP))
		code = TRAP_BRKPT;
	if (vector == 16 || vector == 19) {
		code = float_code(program, vector == 19);
		if (code == 0)
			return;
	}
	signal_force(program, number, code, address, vector, error_code);
}
