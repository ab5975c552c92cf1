/*
 * control.c - see control.h.
 */
#include "fs/run/control.h"

#include "util/nanoseconds.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>

/* How often a command that waits looks whether it was interrupted. */
enum { LOOK_MS = 50 };

/* --- Running ---------------------------------------------------------------------------------- */

bool control_rests_locked(const struct program *program)
{
	return program->state == PROGRAM_STOPPED || program->state == PROGRAM_ENDED;
}

void control_go_locked(struct program *program, const struct control_how *how)
{
	program->stop_wanted = false;
	program->steps = how->steps;
	program->has_until = how->at != NULL;
	program->until = how->at != NULL ? *how->at : 0;
	program->until_call = how->call;
	run_ready_locked(program);
}

void control_stop_locked(struct program *program)
{
	if (control_rests_locked(program))
		return;
	program->stop_wanted = true;
	run_attend_locked(program);
}

int control_await_locked(struct program *program)
{
	struct run *run = program->run;
	int64_t now = ns_now(CLOCK_MONOTONIC), end = now + CONTROL_PATIENCE_MS * NS_PER_MS;

	while (!control_rests_locked(program)) {
		now = ns_now(CLOCK_MONOTONIC);
		if (now >= end)
			return -EBUSY;
		run_wait_locked(run, MIN(end, now + LOOK_MS * NS_PER_MS));
		/* Who asks must not hold a lock. */
		run_unlock(run);
		bool interrupted = vm_interrupted();
		run_lock(run);
		if (interrupted)
			return -EINTR;
	}
	return 0;
}

void control_exec(struct program *program)
{
	struct vm_process_info info;

	vm_process_info(program->process, &info);
	run_lock(program->run);
	vm_context_reset(program->context, info.layout.pc, info.layout.sp);
	signals_exec(&program->signals);
	program->call_due = program->again = false;
	program->clear_tid = 0;
	program->execed = true;
	program->stop = STOP_NEW;
	run_unlock(program->run);
}

int control_fork_locked(struct program *child, const struct program *parent)
{
	/* Somebody may have let it run since the caller looked. */
	if (!control_rests_locked(parent))
		return -EBUSY;
	struct vm_context *context = vm_context_copy(parent->context);
	if (context == NULL)
		return -ENOMEM;
	vm_context_free(child->context);
	child->context = context;
	child->call_due = parent->call_due;
	signals_fork(&child->signals, &parent->signals);
	return 0;
}

/* --- Registers -------------------------------------------------------------------------------- */

/* What setreg may do with a register. */
enum settable { SET_NO, SET_ANY, SET_ADDRESS, SET_FLAGS };

static const struct {
	const char *name;
	size_t offset;
	enum settable settable;
} registers[] = {
    {"rax", offsetof(struct vm_regs, rax), SET_ANY},
    {"rbx", offsetof(struct vm_regs, rbx), SET_ANY},
    {"rcx", offsetof(struct vm_regs, rcx), SET_ANY},
    {"rdx", offsetof(struct vm_regs, rdx), SET_ANY},
    {"rsi", offsetof(struct vm_regs, rsi), SET_ANY},
    {"rdi", offsetof(struct vm_regs, rdi), SET_ANY},
    {"rbp", offsetof(struct vm_regs, rbp), SET_ANY},
    {"rsp", offsetof(struct vm_regs, rsp), SET_ADDRESS},
    {"r8", offsetof(struct vm_regs, r8), SET_ANY},
    {"r9", offsetof(struct vm_regs, r9), SET_ANY},
    {"r10", offsetof(struct vm_regs, r10), SET_ANY},
    {"r11", offsetof(struct vm_regs, r11), SET_ANY},
    {"r12", offsetof(struct vm_regs, r12), SET_ANY},
    {"r13", offsetof(struct vm_regs, r13), SET_ANY},
    {"r14", offsetof(struct vm_regs, r14), SET_ANY},
    {"r15", offsetof(struct vm_regs, r15), SET_ANY},
    {"rip", offsetof(struct vm_regs, rip), SET_ADDRESS},
    {"eflags", offsetof(struct vm_regs, eflags), SET_FLAGS},
    {"cs", offsetof(struct vm_regs, cs), SET_NO},
    {"ss", offsetof(struct vm_regs, ss), SET_NO},
    {"ds", offsetof(struct vm_regs, ds), SET_NO},
    {"es", offsetof(struct vm_regs, es), SET_NO},
    {"fs", offsetof(struct vm_regs, fs), SET_NO},
    {"gs", offsetof(struct vm_regs, gs), SET_NO},
    {"fs_base", offsetof(struct vm_regs, fs_base), SET_ADDRESS},
    {"gs_base", offsetof(struct vm_regs, gs_base), SET_ADDRESS},
    {"orig_rax", offsetof(struct vm_regs, orig_rax), SET_NO},
};

/* CF PF AF ZF SF TF DF OF: what user code may change. */
#define USER_FLAGS UINT64_C(0xdd5)

/* User addresses end here (vm.h: four levels). */
#define USER_END UINT64_C(0x7ffffffff000)

const char *control_reg_name(unsigned index)
{
	return index < G_N_ELEMENTS(registers) ? registers[index].name : NULL;
}

uint64_t control_reg_value(const struct vm_regs *regs, unsigned index)
{
	uint64_t value;

	memcpy(&value, (const char *)regs + registers[index].offset, sizeof(value));
	return value;
}

int control_set_reg_locked(struct program *program, const char *name, uint64_t value)
{
	struct vm_regs *regs = vm_context_regs(program->context);
	unsigned index = 0;

	while (index < G_N_ELEMENTS(registers) && strcmp(registers[index].name, name) != 0)
		index++;
	if (index == G_N_ELEMENTS(registers) || registers[index].settable == SET_NO)
		return -EINVAL;
	if (registers[index].settable == SET_ADDRESS && value > USER_END)
		return -ERANGE;
	if (registers[index].settable == SET_FLAGS)
		value = (regs->eflags & ~USER_FLAGS) | (value & USER_FLAGS);
	memcpy((char *)regs + registers[index].offset, &value, sizeof(value));
	/* A system call in which it was stopped is not made again somewhere else. */
	if (registers[index].offset == offsetof(struct vm_regs, rip))
		program->call_due = program->again = false;
	return 0;
}

/* Only the legacy part, which every processor has. It stays as it is while PROGRAM runs. */
static void take_fpu_locked(const struct program *program, struct vm_thread *thread)
{
	size_t len;

	if (program->state == PROGRAM_ON_CPU)
		return;
	const void *fpu = vm_context_fpu(program->context, &len);
	memcpy(thread->fpu, fpu, MIN(len, sizeof thread->fpu));
}

void control_thread(struct run *run, struct vm_process *process, struct vm_thread *thread)
{
	struct program *program = NULL;
	struct vm_process_info info;

	/* This makes the program leave the processor for a moment, if it is there. */
	vm_process_info(process, &info);
	if (vm_process_thread(process, 0, thread))
		return;
	*thread = (struct vm_thread){.tid = info.pid,
	                             .regs = {.rip = info.layout.pc, .rsp = info.layout.sp}};
	if (run == NULL)
		return;
	run_lock(run);
	program = program_find_locked(run, info.pid);
	if (program != NULL && program->process == process && program->context != NULL &&
	    program->state != PROGRAM_ENDED) {
		thread->regs = *vm_context_regs(program->context);
		take_fpu_locked(program, thread);
	}
	run_unlock(run);
	if (program != NULL)
		program_unref(program);
}

void control_regs(struct run *run, struct vm_process *process, struct vm_regs *regs)
{
	struct vm_thread thread;

	control_thread(run, process, &thread);
	*regs = thread.regs;
}

/* --- How it stands ---------------------------------------------------------------------------- */

/* The name of an si_code that a fault gives, or NULL. */
static const char *code_name(int number, int code)
{
	static const struct {
		int number, code;
		const char *name;
	} codes[] = {
	    {SIGSEGV, SEGV_MAPERR, "SEGV_MAPERR"}, {SIGSEGV, SEGV_ACCERR, "SEGV_ACCERR"},
	    {SIGBUS, BUS_ADRALN, "BUS_ADRALN"},    {SIGBUS, BUS_ADRERR, "BUS_ADRERR"},
	    {SIGBUS, BUS_OBJERR, "BUS_OBJERR"},    {SIGFPE, FPE_INTDIV, "FPE_INTDIV"},
	    {SIGFPE, FPE_INTOVF, "FPE_INTOVF"},    {SIGFPE, FPE_FLTDIV, "FPE_FLTDIV"},
	    {SIGFPE, FPE_FLTOVF, "FPE_FLTOVF"},    {SIGFPE, FPE_FLTUND, "FPE_FLTUND"},
	    {SIGFPE, FPE_FLTRES, "FPE_FLTRES"},    {SIGFPE, FPE_FLTINV, "FPE_FLTINV"},
	    {SIGILL, ILL_ILLOPC, "ILL_ILLOPC"},    {SIGILL, ILL_ILLOPN, "ILL_ILLOPN"},
	    {SIGILL, ILL_PRVOPC, "ILL_PRVOPC"},    {SIGTRAP, TRAP_BRKPT, "TRAP_BRKPT"},
	    {SIGTRAP, TRAP_TRACE, "TRAP_TRACE"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
		if (codes[i].number == number && codes[i].code == code)
			return codes[i].name;
	return NULL;
}

/* The signal that ended PROGRAM, with what a fault has more. Its siginfo stays where it was. */
static void add_signal_locked(const struct program *program, int number, GString *out)
{
	const siginfo_t *info = &program->signals.info[number - 1];
	const char *name = code_name(number, info->si_code);

	g_string_append_printf(out, "signal %d", number);
	if (info->si_signo == number && name != NULL)
		g_string_append_printf(out, " %s 0x%" PRIxPTR, name, (uintptr_t)info->si_addr);
}

void control_status_locked(struct program *program, GString *out)
{
	int status = program->status;

	if (program->state == PROGRAM_ENDED && WIFSIGNALED(status))
		add_signal_locked(program, CLAMP(WTERMSIG(status), 1, SIGNALS), out);
	else if (program->state == PROGRAM_ENDED)
		g_string_append_printf(out, "exited %d", WEXITSTATUS(status));
	else if (program->stop == STOP_STEPPED)
		g_string_append(out, "stepped");
	else if (program->stop == STOP_UNTIL)
		g_string_append_printf(out, "until 0x%" PRIx64,
		                       vm_context_regs(program->context)->rip);
	else
		g_string_append(out, "stopped");
}
