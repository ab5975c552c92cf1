/*
 * kvm.c - the processor by /dev/kvm: a virtual machine with one processor, whose CR3 is the top
 * level table of the process that runs.
 *
 * An exception goes through the IDT to a stub, whose `hlt` ends the ioctl: what the exception has
 * pushed lies on the supervisor's stack. So does a system call, whose entry point (LSTAR) is such a
 * stub.
 *
 * Entries that have changed. A host that runs the tables by nested paging needs only a load of CR3.
 * A host that shadows them sees only what the virtual machine itself stores. So after a change a
 * stub stores each entry to itself and then loads CR3: that is what a kernel does, and right on
 * both. For many entries it is cheaper to take the tables from the virtual machine, and to give
 * them back.
 */
#include "vm/cpu/kvm.h"
#include "vm/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	MSR_STAR_USER = (USER32_CS & ~3) | 3,
	CPUID_ENTRIES = 256,
	/*
	 * a refresh of a slot costs as much as this many single entries, and one more for each ...
	 */
	CHEAP_CHANGES = 12,
	PAGES_PER_CHANGE = 2700, /* ... pages in the slot */
};

#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_FMASK 0xc0000084
/* What a syscall clears of the flags (syscall_init). */
#define SYSCALL_MASK 0x257fd5

#define CR0_BITS 0x80050033 /* PG AM WP NE ET MP PE */
#define CR4_BITS 0x50620    /* OSXSAVE FSGSBASE OSXMMEXCPT OSFXSR PAE */
#define EFER_BITS 0xd01     /* NXE LMA LME SCE */

/* --- Setting up ------------------------------------------------------------------------------- */

static struct kvm_segment segment(unsigned selector, unsigned type, unsigned dpl, bool code)
{
	return (struct kvm_segment){
	    .base = 0,
	    .limit = 0xffffffff,
	    .selector = (uint16_t)selector,
	    .type = (uint8_t)type,
	    .present = 1,
	    .dpl = (uint8_t)dpl,
	    .db = !code,
	    .s = 1,
	    .l = code,
	    .g = 1,
	};
}

/* The system registers that never change, and the segments of user code and of the stubs. */
static void fill_sregs(struct kvm *kvm, const struct kvm_sregs *first)
{
	struct kvm_sregs *sregs = &kvm->user;

	*sregs = *first;
	memset(sregs->interrupt_bitmap, 0, sizeof sregs->interrupt_bitmap);
	sregs->cr0 = CR0_BITS;
	sregs->cr4 = CR4_BITS;
	sregs->efer = EFER_BITS;
	sregs->gdt = (struct kvm_dtable){.base = supervisor_va(SUPERVISOR_GDT), .limit = 0x4f};
	sregs->idt = (struct kvm_dtable){.base = supervisor_va(SUPERVISOR_IDT),
	                                 .limit = EXCEPTIONS * 16 - 1};
	sregs->tr = (struct kvm_segment){.base = supervisor_va(SUPERVISOR_GDT) + GDT_TSS,
	                                 .limit = 103,
	                                 .selector = TSS_SELECTOR,
	                                 .type = 11,
	                                 .present = 1};
	sregs->ldt = (struct kvm_segment){.unusable = 1, .type = 2};
	sregs->cs = segment(USER_CS, 11, 3, true);
	sregs->ss = segment(USER_DS, 3, 3, false);
	sregs->ds = sregs->es = sregs->fs = sregs->gs = segment(0, 3, 3, false);
	sregs->ds.unusable = sregs->es.unusable = sregs->fs.unusable = sregs->gs.unusable = 1;
	kvm->kernel = *sregs;
	kvm->kernel.cs = segment(KERNEL_CS, 11, 0, true);
	kvm->kernel.ss = segment(KERNEL_DS, 3, 0, false);
}

static int set_msrs(struct kvm *kvm)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[3];
	} msrs = {.head.nmsrs = 3,
	          .entry = {
	              {.index = MSR_STAR,
	               .data = (uint64_t)MSR_STAR_USER << 48 | (uint64_t)KERNEL_CS << 32},
	              {.index = MSR_LSTAR, .data = supervisor_va(SUPERVISOR_CODE) + CODE_SYSCALL},
	              {.index = MSR_FMASK, .data = SYSCALL_MASK},
	          }};
	int done = kvm_ioctl(kvm->cpu, KVM_SET_MSRS, &msrs);

	return done == 3 ? 0 : done < 0 ? done : -ENOTSUP;
}

/* What user code may use of the FPU state: what host and KVM both have. */
static int set_xcr0(struct kvm *kvm, const struct kvm_cpuid2 *cpuid)
{
	uint32_t low, high;
	uint64_t has = 3;

	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	for (unsigned i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 0xd && cpuid->entries[i].index == 0)
			has = (uint64_t)cpuid->entries[i].edx << 32 | cpuid->entries[i].eax;
	struct kvm_xcrs xcrs = {
	    .nr_xcrs = 1,
	    .xcrs[0] = {.xcr = 0, .value = ((uint64_t)high << 32 | low) & has & ~CPU_FEATURES_NOT},
	};
	return kvm_ioctl(kvm->cpu, KVM_SET_XCRS, &xcrs);
}

static int set_cpuid(struct kvm *kvm, int dev)
{
	g_autofree struct kvm_cpuid2 *cpuid =
	    g_malloc0(sizeof *cpuid + CPUID_ENTRIES * sizeof cpuid->entries[0]);

	cpuid->nent = CPUID_ENTRIES;
	int error = kvm_ioctl(dev, KVM_GET_SUPPORTED_CPUID, cpuid);
	if (error == 0)
		error = kvm_ioctl(kvm->cpu, KVM_SET_CPUID2, cpuid);
	return error < 0 ? error : set_xcr0(kvm, cpuid);
}

static int open_cpu(struct kvm *kvm, int dev)
{
	struct kvm_sregs sregs;
	int len = kvm_ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, NULL);
	int error;

	kvm->cpu = kvm_ioctl(kvm->vm, KVM_CREATE_VCPU, NULL);
	if (kvm->cpu < 0 || len < 0)
		return kvm->cpu < 0 ? kvm->cpu : len;
	kvm->run_len = (size_t)len;
	kvm->run = mmap(NULL, kvm->run_len, PROT_READ | PROT_WRITE, MAP_SHARED, kvm->cpu, 0);
	if (kvm->run == MAP_FAILED) {
		kvm->run = NULL;
		return -errno;
	}
	if ((error = set_cpuid(kvm, dev)) < 0 ||
	    (error = kvm_ioctl(kvm->cpu, KVM_GET_SREGS, &sregs)) < 0)
		return error;
	fill_sregs(kvm, &sregs);
	if ((error = kvm_ioctl(kvm->cpu, KVM_SET_SREGS, &kvm->kernel)) < 0)
		return error;
	kvm->run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
	return set_msrs(kvm);
}

static int check_extensions(struct kvm *kvm, int dev)
{
	int sync = kvm_ioctl(dev, KVM_CHECK_EXTENSION, (void *)KVM_CAP_SYNC_REGS);
	int leave = kvm_ioctl(dev, KVM_CHECK_EXTENSION, (void *)KVM_CAP_IMMEDIATE_EXIT);
	int xsave2 = kvm_ioctl(dev, KVM_CHECK_EXTENSION, (void *)KVM_CAP_XSAVE2);

	kvm->xsave2 = xsave2 > 0;
	kvm->xsave_len = kvm->xsave2 ? (size_t)xsave2 : sizeof(struct kvm_xsave);
	if (kvm_ioctl(dev, KVM_GET_API_VERSION, NULL) != KVM_API_VERSION || leave <= 0 ||
	    (sync & KVM_SYNC_X86_VALID_FIELDS) != KVM_SYNC_X86_VALID_FIELDS)
		return -ENOTSUP;
	return 0;
}

static void kvm_free(struct kvm *kvm)
{
	if (kvm->run != NULL)
		munmap(kvm->run, kvm->run_len);
	if (kvm->cpu >= 0)
		close(kvm->cpu);
	if (kvm->vm >= 0)
		close(kvm->vm);
	g_free(kvm);
}

static int build(struct kvm *kvm, int dev, char **why)
{
	struct vm_machine *machine = kvm->machine;
	int error = check_extensions(kvm, dev);

	if (error == 0)
		error = kvm->vm = kvm_ioctl(dev, KVM_CREATE_VM, NULL);
	if (error < 0) {
		*why = g_strdup_printf("KVM of this host is too old, or refuses: %s",
		                       g_strerror(-error));
		return error;
	}
	machine_lock(machine);
	error = supervisor_init_locked(machine, &kvm->supervisor);
	machine_unlock(machine);
	if (error != 0) {
		*why = g_strdup("no page-table pages are left for the processor");
		return error;
	}
	machine_lock(machine);
	error = kvm_memory_init(kvm);
	machine_unlock(machine);
	if (error == 0)
		error = open_cpu(kvm, dev);
	if (error < 0)
		*why =
		    g_strdup_printf("KVM cannot make a virtual processor: %s", g_strerror(-error));
	return error;
}

static char *why_no_device(int error)
{
	if (error == ENOENT || error == ENODEV || error == ENXIO)
		return g_strdup(
		    "the host has no /dev/kvm: load the module kvm_intel or kvm_amd, or, "
		    "in a virtual machine, allow nested virtualisation");
	if (error == EACCES || error == EPERM)
		return g_strdup(
		    "the daemon may not open /dev/kvm: its user must be in the group of "
		    "that device (usually kvm)");
	return g_strdup_printf("/dev/kvm cannot be opened: %s", g_strerror(error));
}

static int kvm_open(struct vm_cpu *cpu, char **why)
{
	int dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (dev < 0) {
		int error = errno;
		*why = why_no_device(error);
		return -ENODEV;
	}
	struct kvm *kvm = g_new0(struct kvm, 1);
	kvm->machine = cpu->machine;
	kvm->vm = kvm->cpu = -1;
	int error = build(kvm, dev, why);
	close(dev);
	if (error == 0) {
		cpu->machine->guest.leave = &kvm->run->immediate_exit;
		const char *fails = kvm_test(kvm);
		if (fails != NULL) {
			*why = g_strdup_printf("KVM of this host fails a test: %s", fails);
			error = -ENOTSUP;
		}
	}
	if (error < 0) {
		cpu->machine->guest.leave = NULL;
		kvm_free(kvm);
		return error;
	}
	cpu->state = kvm;
	return 0;
}

static void kvm_close(struct vm_cpu *cpu)
{
	kvm_free(cpu->state);
}

/*
 * --- The way ------------------------------------------------------------------------------------
 */

static int kvm_enter(struct vm_cpu *cpu, struct vm_space *space, struct vm_regs *regs, bool step,
                     struct cpu_result *result)
{
	struct kvm *kvm = cpu->state;

	bool forgot;

	/* New tables are not told, because they take nothing from anybody. */
	int error = kvm_memory_update(kvm, false, &forgot);
	if (error < 0)
		return -EIO;
	supervisor_attach_locked(&kvm->supervisor, space);
	return kvm_run_user(kvm, (kvm->machine->nr_frames + space->pgd) << VM_PAGE_SHIFT, regs,
	                    step, result);
}

static int kvm_refresh_changes(struct vm_cpu *cpu, const struct vm_space *space)
{
	struct kvm *kvm = cpu->state;
	uint64_t cr3 = (kvm->machine->nr_frames + space->pgd) << VM_PAGE_SHIFT;
	bool forgot;
	int error = kvm_memory_update(kvm, cpu->all, &forgot);

	cpu->change_most =
	    (unsigned)MIN(CPU_CHANGES, CHEAP_CHANGES + kvm->slot_tables / PAGES_PER_CHANGE);
	if (error < 0 || forgot)
		return error < 0 ? -EIO : 0;
	supervisor_attach_locked(&kvm->supervisor, space);
	return kvm_refresh(kvm, cr3, cpu->changes, cpu->change_count);
}

/* --- The FPU ---------------------------------------------------------------------------------- */

static void kvm_load_fpu(struct vm_cpu *cpu, const struct vm_context *context)
{
	struct kvm *kvm = cpu->state;
	g_autofree uint8_t *area = g_malloc0(MAX(kvm->xsave_len, context->fpu_room));

	memcpy(area, context->fpu, context->fpu_room);
	if (kvm_ioctl(kvm->cpu, KVM_SET_XSAVE, area) == 0)
		return;
	/* It has what the virtual processor has not. Nobody may see the registers of another one. */
	memset(area, 0, MAX(kvm->xsave_len, context->fpu_room));
	context_fill_fpu(area);
	kvm_ioctl(kvm->cpu, KVM_SET_XSAVE, area);
}

static void kvm_save_fpu(struct vm_cpu *cpu, struct vm_context *context)
{
	struct kvm *kvm = cpu->state;
	g_autofree uint8_t *area = g_malloc0(MAX(kvm->xsave_len, context->fpu_room));

	if (kvm_ioctl(kvm->cpu, kvm->xsave2 ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, area) == 0)
		memcpy(context->fpu, area, MIN(context->fpu_room, kvm->xsave_len));
}

const struct cpu_way cpu_kvm = {
    .open = kvm_open,
    .close = kvm_close,
    .refresh_locked = kvm_refresh_changes,
    .enter_locked = kvm_enter,
    .load_fpu = kvm_load_fpu,
    .save_fpu = kvm_save_fpu,
};
