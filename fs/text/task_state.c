/*
 * task_state.c - see task_state.h.
 */
#include "fs/text/task_state.h"

#include "fs/run/run.h"

#include <string.h>

struct task_state task_state_none(const struct vm_process_info *info)
{
	return (struct task_state){.letter = 'S',
	                           .umask = 022,
	                           .call = -1,
	                           .group = info->group,
	                           .session = info->session};
}

static void fill_signals_locked(struct task_state *state, const struct signals *signals)
{
	state->pending = signals->pending;
	state->blocked = signals->blocked;
	for (int i = 0; i < SIGNALS; i++) {
		uint64_t handler = signals->action[i].handler;
		if (handler == (uint64_t)(uintptr_t)SIG_IGN)
			state->ignored |= UINT64_C(1) << i;
		else if (handler != (uint64_t)(uintptr_t)SIG_DFL)
			state->caught |= UINT64_C(1) << i;
	}
}

static void fill_calls_locked(struct task_state *state, const struct program *program)
{
	const struct program_io *io = &program->io;

	state->runs = program->state == PROGRAM_ON_CPU || program->state == PROGRAM_READY;
	state->persona = __atomic_load_n(&program->persona, __ATOMIC_RELAXED);
	state->rchar = __atomic_load_n(&io->rchar, __ATOMIC_RELAXED);
	state->wchar = __atomic_load_n(&io->wchar, __ATOMIC_RELAXED);
	state->syscr = __atomic_load_n(&io->syscr, __ATOMIC_RELAXED);
	state->syscw = __atomic_load_n(&io->syscw, __ATOMIC_RELAXED);
	if (program->state != PROGRAM_BLOCKED || !program->call_due)
		return;
	const struct vm_regs *regs = vm_context_regs(program->context);
	const uint64_t arg[] = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9};
	state->call = (int64_t)regs->orig_rax;
	memcpy(state->arg, arg, sizeof arg);
}

static void fill_locked(struct task_state *state, const struct program *program)
{
	state->letter = program_letter(program);
	state->group = program->group;
	state->session = program->session;
	fill_signals_locked(state, &program->signals);
	state->user = program->used.user;
	state->system = program->used.system;
	state->children_user = program->children_used.user;
	state->children_system = program->children_used.system;
	if (program->state == PROGRAM_ENDED)
		state->status = program->status;
	fill_calls_locked(state, program);
	if (program->place != NULL)
		state->umask = __atomic_load_n(&program->place->umask, __ATOMIC_RELAXED);
}

/* While the program is on the processor, its registers are those with which it went there. */
static void fill_registers_locked(struct vm_process_info *info, const struct program *program)
{
	if (info->zombie || program->state == PROGRAM_ENDED)
		return;
	if (program->state == PROGRAM_ON_CPU) {
		info->layout.pc = __atomic_load_n(&program->last_pc, __ATOMIC_RELAXED);
		info->layout.sp = __atomic_load_n(&program->last_sp, __ATOMIC_RELAXED);
		return;
	}
	const struct vm_regs *regs = vm_context_regs(program->context);
	info->layout.pc = regs->rip;
	info->layout.sp = regs->rsp;
}

struct task_state task_state_of(struct fs_mount *mount, struct vm_process_info *info)
{
	struct task_state state = task_state_none(info);

	if (info->zombie)
		state.letter = 'Z';
	if (mount->run == NULL)
		return state;
	run_lock(mount->run);
	run_count_locked(mount->run);
	struct program *program = program_find_locked(mount->run, info->pid);
	if (program != NULL) {
		fill_locked(&state, program);
		fill_registers_locked(info, program);
		program_unref(program);
	}
	run_unlock(mount->run);
	return state;
}
