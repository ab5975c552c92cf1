/*
 * cpu.h - the processor of a machine, and the way in which the host provides it.
 *
 * cpu.c has what does not depend on the way: which entries have changed since user code ran last,
 * whose registers are loaded, when user code has to give way. A way (struct cpu_way) makes user
 * code run: kvm.c, by /dev/kvm. Another one could be a process of the host whose mappings serve as
 * a TLB.
 *
 * Rule: the thread that calls vm_cpu_run is the only one that uses the processor. Functions whose
 * names end in _locked expect the machine lock.
 */
#ifndef VM_CPU_CPU_H
#define VM_CPU_CPU_H

#include "vm/internal.h"
#include "vm/vm_cpu.h"

/* The most entries that can be told one by one. */
enum { CPU_CHANGES = 512 };

struct vm_context {
	struct vm_machine *machine;
	struct vm_regs regs;
	/* the area of XSAVE, in the standard format; behind it, zeros */
	uint8_t *fpu;
	size_t fpu_len, fpu_room; /* bytes in use; bytes allocated */
};

struct vm_cpu {
	struct vm_machine *machine;
	const struct cpu_way *way;
	void *state; /* the way's own */
	/* guards LOADED, and the contents of its FPU area */
	pthread_mutex_t fpu_lock;
	struct vm_context *loaded; /* whose FPU state the processor has, or NULL */
	bool kicked;               /* vm_cpu_kick; atomic */
	bool breaks;               /* user code stops at BREAKPOINT */
	uint64_t breakpoint;
	/* machine */
	vm_entry_id changes[CPU_CHANGES];   /* entries that have lost something */
	unsigned change_count, change_most; /* most: from there on ALL is cheaper */
	bool all;                           /* more than can be told one by one */
};

/* What the way makes of a run of user code. */
struct cpu_result {
	struct vm_cpu_exit stopped;
	bool stepped; /* the trap after one instruction */
};

struct cpu_way {
	/*
	 * Set up cpu->state and machine->guest.leave. Returns 0 or a negative
	 * errno with *WHY. No lock is held.
	 */
	int (*open)(struct vm_cpu *cpu, char **why);
	void (*close)(struct vm_cpu *cpu);
	/* The host's processor forgets what it keeps of the entries that have changed. */
	int (*refresh_locked)(struct vm_cpu *cpu, const struct vm_space *space);
	/*
	 * Run user code of SPACE with REGS until it stops. STEP: for one instruction. The machine
	 * lock is held by this thread all the time. 0, or -EIO.
	 */
	int (*enter_locked)(struct vm_cpu *cpu, struct vm_space *space, struct vm_regs *regs,
	                    bool step, struct cpu_result *result);
	/* Move the FPU state between CONTEXT and the processor. */
	void (*load_fpu)(struct vm_cpu *cpu, const struct vm_context *context);
	void (*save_fpu)(struct vm_cpu *cpu, struct vm_context *context);
};

extern const struct cpu_way cpu_kvm;

/* The watcher of entries (pte_watch), with CTX the struct vm_cpu: entry ID has lost something. */
void cpu_note_change(void *ctx, vm_entry_id id);

/* Features that programs do not get, because a process must ask the host for them: AMX. */
#define CPU_FEATURES_NOT (UINT64_C(3) << 17)

/* Fill AREA, which is all 0, with the FPU state of a new program. */
void context_fill_fpu(uint8_t *area);

/* CONTEXT's FPU area becomes valid, if the processor has it. */
void context_unload(struct vm_context *context);

#endif
