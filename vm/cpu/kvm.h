/*
 * kvm.h - what the files of the KVM way share.
 */
#ifndef VM_CPU_KVM_H
#define VM_CPU_KVM_H

#include "vm/cpu/cpu.h"
#include "vm/cpu/supervisor.h"

#include <linux/kvm.h>

struct kvm {
	struct vm_machine *machine;
	int vm, cpu;         /* descriptors; -1: not open */
	struct kvm_run *run; /* mapped; NULL: not yet */
	size_t run_len;
	size_t xsave_len; /* bytes that the ioctls on the FPU state read and write */
	bool xsave2;
	struct supervisor supervisor;
	struct kvm_sregs user, kernel; /* of user code (without CR3, bases), and of the stubs */
	/* table pages in the memory slot; doubled when more are used */
	uint64_t slot_tables;
	bool has_tables; /* the slot is there */
};

/* ioctl that is repeated after EINTR. Returns its result, or a negative errno. */
int kvm_ioctl(int fd, unsigned long request, void *arg);

/* Give the virtual machine its physical memory. 0 or a negative errno. Machine lock held. */
int kvm_memory_init(struct kvm *kvm);
/*
 * More table pages may be in use than the slot has. If it is replaced, the host forgets all that it
 * keeps of the tables, and *FORGOT becomes true. ALL: replace it in any case.
 */
int kvm_memory_update(struct kvm *kvm, bool all, bool *forgot);

/* Run the stub at offset CODE of the supervisor's page until its `hlt`. 0, or -EIO. */
int kvm_run_stub(struct kvm *kvm, uint64_t cr3, unsigned code, uint64_t count);

/* Run user code once: like cpu_way.enter_locked, in the address space whose table is at CR3. */
int kvm_run_user(struct kvm *kvm, uint64_t cr3, struct vm_regs *regs, bool step,
                 struct cpu_result *result);

/* Make the processor see the change of the COUNT entries IDS. */
int kvm_refresh(struct kvm *kvm, uint64_t cr3, const vm_entry_id *ids, unsigned count);

/*
 * Whether the processor does what is needed: it sees entries that have changed, and sets accessed
 * and dirty bits. NULL, or a sentence that says what it does not. Takes the machine lock.
 */
const char *kvm_test(struct kvm *kvm);

#endif
