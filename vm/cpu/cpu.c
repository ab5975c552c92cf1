#include "vm/cpu/cpu.h"
#include "vm/base/guest.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/exec/vdso.h"
#include "vm/memory/pagetable.h"

#include <errno.h>
#include <string.h>

enum {
	FLAG_TF = 1 << 8,
	/*
	 * How many times user code stays out for others, 2 ms at most each time, before it runs
	 * even if some wait; and if somebody looks at the machine.
	 */
	MOST_STAYS = 3,
	MOST_HELD = 50,
};

/* --- Opening and closing ---------------------------------------------------------------------- */

void cpu_note_change(void *ctx, vm_entry_id id)
{
	struct vm_cpu *cpu = ctx;

	if (cpu->change_count >= cpu->change_most)
		cpu->all = true;
	else
		cpu->changes[cpu->change_count++] = id;
}

int vm_cpu_open(struct vm_machine *machine, char **why)
{
	*why = NULL;
	if (machine->cpu != NULL)
		return 0;
	struct vm_cpu *cpu = g_new0(struct vm_cpu, 1);
	cpu->machine = machine;
	cpu->way = &cpu_kvm;
	cpu->change_most = CPU_CHANGES;
	pthread_mutex_init(&cpu->fpu_lock, NULL);
	guest_init();
	int error = cpu->way->open(cpu, why);
	if (error != 0) {
		pthread_mutex_destroy(&cpu->fpu_lock);
		g_free(cpu);
		return error;
	}
	vdso_patch(machine);
	pte_watch(machine, cpu_note_change, cpu);
	machine_lock(machine);
	machine->cpu = cpu;
	machine_unlock(machine);
	return 0;
}

void vm_cpu_close(struct vm_machine *machine)
{
	struct vm_cpu *cpu = machine->cpu;

	if (cpu == NULL)
		return;
	pte_watch(machine, NULL, NULL);
	machine_lock(machine);
	machine->cpu = NULL;
	machine->guest.leave = NULL;
	machine_unlock(machine);
	cpu->way->close(cpu);
	pthread_mutex_destroy(&cpu->fpu_lock);
	g_free(cpu);
}

/* --- Running ---------------------------------------------------------------------------------- */

void vm_cpu_kick(struct vm_machine *machine)
{
	if (machine->cpu == NULL)
		return;
	__atomic_store_n(&machine->cpu->kicked, true, __ATOMIC_SEQ_CST);
	guest_kick(machine);
}

void vm_cpu_hold(struct vm_machine *machine)
{
	__atomic_add_fetch(&machine->guest.holds, 1, __ATOMIC_SEQ_CST);
	guest_kick(machine);
}

void vm_cpu_release(struct vm_machine *machine)
{
	__atomic_sub_fetch(&machine->guest.holds, 1, __ATOMIC_SEQ_CST);
}

void vm_cpu_breathe(struct vm_machine *machine)
{
	guest_kick(machine);
}

static void load_context(struct vm_cpu *cpu, struct vm_context *context)
{
	pthread_mutex_lock(&cpu->fpu_lock);
	if (cpu->loaded != context) {
		if (cpu->loaded != NULL)
			cpu->way->save_fpu(cpu, cpu->loaded);
		cpu->way->load_fpu(cpu, context);
		cpu->loaded = context;
	}
	pthread_mutex_unlock(&cpu->fpu_lock);
}

/*
 * Take the machine lock to run user code of PROCESS. *SPACE becomes its address space.
 *
 * => 0: the lock is held, user code may run, the processor knows of all changes
 * => -ESRCH: the process has ended; -EIO. The lock is not held
 */
static int begin(struct vm_process *process, struct vm_space **space)
{
	struct vm_machine *machine = process->machine;
	struct vm_cpu *cpu = machine->cpu;

	for (unsigned stays = 0;; stays++) {
		machine_lock(machine);
		/* Not process->space, for which the lock of the process is needed, too. */
		*space = process->oom_space;
		int error = *space == NULL ? -ESRCH : 0;
		if (error == 0 && (cpu->all || cpu->change_count > 0)) {
			error = cpu->way->refresh_locked(cpu, *space);
			/* After a failure nothing is known of what it still has. */
			cpu->change_count = 0;
			cpu->all = error != 0;
		}
		if (error == 0) {
			unsigned most = guest_is_held(machine) ? MOST_HELD : MOST_STAYS;
			if (guest_enter_locked(machine, stays >= most))
				return 0;
		}
		machine_unlock(machine);
		if (error != 0)
			return error;
		guest_stay_out(machine);
	}
}

/* --- Breakpoints ------------------------------------------------------------------------------ */

/*
 * A breakpoint is the instruction int3 in place of the first byte of another one. It is there only
 * while user code runs: the thread that runs it holds the machine lock from before it is put there
 * until it is taken away. So nobody else ever sees it, and the page need not be the process's own.
 * If the page is not there, user code faults before it gets to the address.
 */
enum { INT3 = 0xcc, BREAKPOINT_VECTOR = 3 };

/* Where the byte at VA of SPACE is in the daemon's memory. NULL: it cannot be executed now. */
static uint8_t *code_at_locked(const struct vm_space *space, uint64_t va)
{
	struct vm_machine *machine = space->process->machine;
	vm_entry_id id = pagetable_entry_at_locked(space, va, VM_PTE);
	uint64_t entry = id != 0 ? pte_get(machine, id) : 0;

	if (va >= VM_USER_END || !(pte_rights(entry) & PROT_EXEC))
		return NULL;
	return (uint8_t *)machine_page(machine, pte_pfn(entry)) + va % VM_PAGE_SIZE;
}

/* Like the way's enter_locked, but user code stops at cpu->breakpoint if cpu->breaks. */
static int enter_locked(struct vm_cpu *cpu, struct vm_space *space, struct vm_regs *regs, bool step,
                        struct cpu_result *result)
{
	uint8_t *at = cpu->breaks ? code_at_locked(space, cpu->breakpoint) : NULL, byte = INT3;

	if (at != NULL) {
		byte = *at;
		*at = INT3;
	}
	int error = cpu->way->enter_locked(cpu, space, regs, step, result);
	/* The program may have stored to it meanwhile. */
	if (at != NULL && *at == INT3)
		*at = byte;
	return error;
}

/* --- Until it stops --------------------------------------------------------------------------- */

static bool is_interruption(const struct cpu_result *result)
{
	return result->stopped.stop == VM_CPU_INTERRUPTED && !result->stepped;
}

/*
 * Run until user code stops for another reason than that somebody wants the machine lock. STEP: for
 * one instruction.
 */
static int run_once(struct vm_process *process, struct vm_context *context, bool step,
                    struct cpu_result *result)
{
	struct vm_machine *machine = process->machine;
	struct vm_cpu *cpu = machine->cpu;
	struct vm_space *space;

	for (;;) {
		int error = begin(process, &space);
		if (error != 0)
			return error;
		*result = (struct cpu_result){.stopped.stop = VM_CPU_INTERRUPTED};
		/* A kick before this is one of now. A later one ends user code. */
		if (!__atomic_load_n(&cpu->kicked, __ATOMIC_SEQ_CST))
			error = enter_locked(cpu, space, &context->regs, step, result);
		guest_leave_locked(machine);
		machine_unlock(machine);
		if (error != 0 || !is_interruption(result))
			return error;
		if (__atomic_exchange_n(&cpu->kicked, false, __ATOMIC_SEQ_CST))
			return 0;
		guest_stay_out(machine);
	}
}

/* Run one instruction. A trap flag of the program's own stays its own. */
static int run_step(struct vm_process *process, struct vm_context *context,
                    struct vm_cpu_exit *stopped)
{
	struct cpu_result result;
	bool own = context->regs.eflags & FLAG_TF;
	int error = run_once(process, context, true, &result);

	*stopped = result.stopped;
	/* Also if it was interrupted before the instruction: the flag was not the program's. */
	if (!own)
		context->regs.eflags &= ~(uint64_t)FLAG_TF;
	if (error == 0 && result.stepped && !own)
		stopped->stop = VM_CPU_STEPPED;
	return error;
}

/* Run up to BREAKPOINT. AWAY: if it starts there, not there. */
static int run_to(struct vm_process *process, struct vm_context *context, uint64_t breakpoint,
                  bool away, struct vm_cpu_exit *stopped)
{
	struct vm_cpu *cpu = process->machine->cpu;
	struct cpu_result result;
	int error = 0;

	if (context->regs.rip == breakpoint && away) {
		error = run_step(process, context, stopped);
		if (error != 0 || stopped->stop != VM_CPU_STEPPED)
			return error;
	}
	stopped->stop = VM_CPU_BREAKPOINT;
	if (context->regs.rip == breakpoint)
		return 0;
	cpu->breaks = true;
	cpu->breakpoint = breakpoint;
	error = run_once(process, context, false, &result);
	cpu->breaks = false;
	*stopped = result.stopped;
	if (error == 0 && stopped->stop == VM_CPU_EXCEPTION &&
	    stopped->vector == BREAKPOINT_VECTOR && context->regs.rip == breakpoint + 1) {
		stopped->stop = VM_CPU_BREAKPOINT;
		context->regs.rip = breakpoint;
	}
	return error;
}

int vm_cpu_run(struct vm_process *process, struct vm_context *context, unsigned how,
               uint64_t breakpoint, struct vm_cpu_exit *stopped)
{
	struct cpu_result result;

	guest_init();
	load_context(process->machine->cpu, context);
	if (how & VM_CPU_STEP)
		return run_step(process, context, stopped);
	if (how & VM_CPU_BREAK)
		return run_to(process, context, breakpoint, how & VM_CPU_AWAY, stopped);
	int error = run_once(process, context, false, &result);
	*stopped = result.stopped;
	return error;
}
