/*
 * kvm_run.c - runs code on the virtual processor: user code, and the supervisor's stubs.
 */
#include "vm/cpu/kvm.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
	PAGE_FAULT = 14,
	DEBUG = 1,
	ERROR_WRITE = 1 << 1, /* of a page fault */
	ERROR_FETCH = 1 << 4,
	FLAG_TF = 1 << 8,
	FLAG_FIXED = 1 << 1,
	FLAG_IF = 1 << 9,
	STUB_TRIES = 1000,
};

/* What user code may change of the flags; the others are as in Linux. */
#define FLAGS_USER UINT64_C(0x254dd5)

int kvm_ioctl(int fd, unsigned long request, void *arg)
{
	int result;

	do
		result = ioctl(fd, request, arg);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : result;
}

/* --- Registers -------------------------------------------------------------------------------- */

/* The registers that KVM and we have under the same name, as initializers: those of FROM. */
#define COPY_REG(from, name) .name = (from)->name
#define COPY_REGS(from) \
	COPY_REG(from, rax), COPY_REG(from, rbx), COPY_REG(from, rcx), COPY_REG(from, rdx), \
	    COPY_REG(from, rsi), COPY_REG(from, rdi), COPY_REG(from, rsp), COPY_REG(from, rbp), \
	    COPY_REG(from, r8), COPY_REG(from, r9), COPY_REG(from, r10), COPY_REG(from, r11), \
	    COPY_REG(from, r12), COPY_REG(from, r13), COPY_REG(from, r14), COPY_REG(from, r15), \
	    COPY_REG(from, rip)

static void put_regs(struct kvm *kvm, uint64_t cr3, const struct vm_regs *from, bool step)
{
	struct kvm_regs *to = &kvm->run->s.regs.regs;
	struct kvm_sregs *sregs = &kvm->run->s.regs.sregs;

	*to = (struct kvm_regs){
	    COPY_REGS(from),
	    .rflags = (from->eflags & FLAGS_USER) | FLAG_FIXED | FLAG_IF | (step ? FLAG_TF : 0),
	};
	*sregs = kvm->user;
	sregs->cr3 = cr3;
	sregs->fs.base = from->fs_base;
	sregs->gs.base = from->gs_base;
	memset(&kvm->run->s.regs.events, 0, sizeof kvm->run->s.regs.events);
	kvm->run->kvm_dirty_regs = KVM_SYNC_X86_VALID_FIELDS;
}

static void get_regs(const struct kvm *kvm, struct vm_regs *to)
{
	const struct kvm_regs *from = &kvm->run->s.regs.regs;
	uint64_t orig_rax = to->orig_rax;

	*to = (struct vm_regs){
	    COPY_REGS(from),
	    .eflags = from->rflags,
	    .orig_rax = orig_rax,
	    .cs = USER_CS,
	    .ss = USER_DS,
	    .fs_base = kvm->run->s.regs.sregs.fs.base,
	    .gs_base = kvm->run->s.regs.sregs.gs.base,
	};
}

/* --- Running ---------------------------------------------------------------------------------- */

/* Until the host lets go. 0: see run->exit_reason; -EINTR; -EIO. */
static int run(struct kvm *kvm)
{
	if (ioctl(kvm->cpu, KVM_RUN, NULL) == 0)
		return 0;
	return errno == EINTR || errno == EAGAIN ? -EINTR : -EIO;
}

int kvm_run_stub(struct kvm *kvm, uint64_t cr3, unsigned code, uint64_t count)
{
	struct kvm_run *shared = kvm->run;

	shared->s.regs.regs = (struct kvm_regs){
	    .rip = supervisor_va(SUPERVISOR_CODE) + code,
	    .rsp = supervisor_va(SUPERVISOR_STACK) + VM_PAGE_SIZE,
	    .rsi = supervisor_va(SUPERVISOR_LIST),
	    .rcx = count,
	    .rdx = cr3,
	    .rflags = FLAG_FIXED,
	};
	shared->s.regs.sregs = kvm->kernel;
	shared->s.regs.sregs.cr3 = cr3;
	memset(&shared->s.regs.events, 0, sizeof shared->s.regs.events);
	shared->kvm_dirty_regs = KVM_SYNC_X86_VALID_FIELDS;
	/* A stub is short. It is not interrupted, but continued. */
	for (int i = 0; i < STUB_TRIES; i++) {
		int error = run(kvm);
		if (error == 0)
			return shared->exit_reason == KVM_EXIT_HLT ? 0 : -EIO;
		if (error != -EINTR)
			return error;
		__atomic_store_n(&shared->immediate_exit, 0, __ATOMIC_SEQ_CST);
		shared->kvm_dirty_regs = 0;
	}
	return -EIO;
}

/* User code has made a system call: RCX and R11 say where it was, and its flags. */
static void to_syscall(struct vm_regs *regs, struct cpu_result *result)
{
	regs->rip = regs->rcx;
	regs->eflags = (regs->r11 & FLAGS_USER) | FLAG_FIXED | FLAG_IF;
	result->stopped.stop = VM_CPU_SYSCALL;
}

static void to_fault(struct kvm *kvm, struct cpu_result *result)
{
	uint64_t code = result->stopped.error_code;

	result->stopped.stop = VM_CPU_FAULT;
	result->stopped.address = kvm->run->s.regs.sregs.cr2;
	result->stopped.access = code & ERROR_WRITE   ? VM_ACCESS_WRITE
	                         : code & ERROR_FETCH ? VM_ACCESS_EXEC
	                                              : VM_ACCESS_READ;
}

/* The stub of exception VECTOR was reached: find out what happened to user code. */
static void to_exception(struct kvm *kvm, unsigned vector, struct vm_regs *regs,
                         struct cpu_result *result)
{
	uint64_t syscall = supervisor_va(SUPERVISOR_CODE) + CODE_SYSCALL;
	const struct exception_frame *frame =
	    supervisor_frame(kvm->machine, &kvm->supervisor, vector, &result->stopped.error_code);

	regs->rip = frame->rip;
	regs->rsp = frame->rsp;
	regs->eflags = frame->eflags;
	result->stopped.vector = vector;
	result->stopped.stop = VM_CPU_EXCEPTION;
	result->stepped = vector == DEBUG;
	if (vector != PAGE_FAULT)
		return;
	/* A host without nested paging enters a system call in user mode, which faults. */
	if (frame->rip == syscall && kvm->run->s.regs.sregs.cr2 == syscall)
		to_syscall(regs, result);
	else
		to_fault(kvm, result);
}

/* Whether the processor is in the supervisor's code. */
static bool in_stub(const struct kvm *kvm)
{
	return (kvm->run->s.regs.sregs.cs.selector & 3) == 0;
}

/* The processor stands at or behind a `hlt`. 0, or -EIO: it is not one of ours. */
static int at_stub(struct kvm *kvm, struct vm_regs *regs, struct cpu_result *result)
{
	uint64_t offset = regs->rip - supervisor_va(SUPERVISOR_CODE);

	if (offset >= CODE_SYSCALL && offset <= CODE_SYSCALL + 1) {
		to_syscall(regs, result);
		return 0;
	}
	if (offset >= EXCEPTIONS * CODE_STUB)
		return -EIO;
	to_exception(kvm, (unsigned)offset / CODE_STUB, regs, result);
	return 0;
}

int kvm_run_user(struct kvm *kvm, uint64_t cr3, struct vm_regs *regs, bool step,
                 struct cpu_result *result)
{
	/* Some processors refuse to go there at all, instead of faulting. */
	if (!vm_is_canonical(regs->rip)) {
		result->stopped = (struct vm_cpu_exit){.stop = VM_CPU_EXCEPTION, .vector = 13};
		return 0;
	}
	put_regs(kvm, cr3, regs, step);
	int error = run(kvm);
	if (error == -EIO)
		return error;
	get_regs(kvm, regs);
	if (in_stub(kvm))
		return at_stub(kvm, regs, result);
	/* A trap may wait to be delivered, and would strike whatever runs next. */
	const struct kvm_vcpu_events *events = &kvm->run->s.regs.events;
	if ((events->exception.injected || events->exception.pending) &&
	    events->exception.nr == DEBUG) {
		result->stopped.stop = VM_CPU_EXCEPTION;
		result->stopped.vector = DEBUG;
		result->stepped = true;
		return 0;
	}
	return error == -EINTR || kvm->run->exit_reason == KVM_EXIT_INTR ? 0 : -EIO;
}

int kvm_refresh(struct kvm *kvm, uint64_t cr3, const vm_entry_id *ids, unsigned count)
{
	uint64_t *list = supervisor_page(kvm->machine, &kvm->supervisor, SUPERVISOR_LIST);

	for (unsigned i = 0; i < count; i++)
		list[i] = supervisor_entry_va(kvm->machine, ids[i]);
	return kvm_run_stub(kvm, cr3, CODE_REFRESH, count);
}
