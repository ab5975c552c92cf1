/*
 * kvm_test.c - does the host's processor do what is needed? A tiny address space is made for it, of
 * pages that no process has:
 *
 *     0x400000  code: a load and a store
 *     0x401000  a page of data, which is exchanged, and taken away
 */
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/cpu/kvm.h"
#include "vm/memory/pagetable.h"

#include <string.h>

#define TEST_CODE UINT64_C(0x400000)
#define TEST_DATA (TEST_CODE + VM_PAGE_SIZE)

enum { PGD, PUD, PMD, PTE, CODE, DATA, OTHER, TEST_PAGES, STORE = 5 };

/* mov (%rdi),%rbx; syscall; at STORE: mov %rbx,(%rdi); syscall */
static const uint8_t code[] = {0x48, 0x8b, 0x1f, 0x0f, 0x05, 0x48, 0x89, 0x1f, 0x0f, 0x05};

struct scene {
	struct kvm *kvm;
	uint32_t first; /* number of the first page */
	uint64_t cr3;
	struct vm_regs regs;
	struct cpu_result result;
};

static void *scene_page(const struct scene *scene, unsigned which)
{
	return machine_page(scene->kvm->machine,
	                    scene->kvm->machine->nr_frames + scene->first + which);
}

static uint64_t *scene_entry(const struct scene *scene, unsigned table, uint64_t va)
{
	uint64_t *entries = scene_page(scene, table);

	return &entries[pagetable_index(va, (enum vm_level)(VM_PGD - table))];
}

/* Point the entry for VA in TABLE to page WHICH. */
static void point(const struct scene *scene, unsigned table, uint64_t va, unsigned which)
{
	*scene_entry(scene, table, va) =
	    pte_make(scene->kvm->machine->nr_frames + scene->first + which, PTE_TABLE);
}

static void build(struct scene *scene)
{
	struct vm_machine *machine = scene->kvm->machine;
	uint64_t *pgd, words[] = {1, 2};

	for (unsigned i = 0; i < TEST_PAGES; i++)
		memset(scene_page(scene, i), 0, VM_PAGE_SIZE);
	point(scene, PGD, TEST_CODE, PUD);
	point(scene, PUD, TEST_CODE, PMD);
	point(scene, PMD, TEST_CODE, PTE);
	point(scene, PTE, TEST_CODE, CODE);
	point(scene, PTE, TEST_DATA, DATA);
	pgd = scene_page(scene, PGD);
	pgd[pagetable_index(SUPERVISOR_BASE, VM_PGD)] =
	    pte_make(machine->nr_frames + scene->kvm->supervisor.pud, PTE_P | PTE_RW);
	memcpy(scene_page(scene, CODE), code, sizeof code);
	memcpy(scene_page(scene, DATA), &words[0], sizeof words[0]);
	memcpy(scene_page(scene, OTHER), &words[1], sizeof words[1]);
	scene->cr3 = (machine->nr_frames + scene->first) << VM_PAGE_SHIFT;
}

/* Run from offset START of the code. Whether user code stopped for STOP. */
static bool runs_to(struct scene *scene, unsigned start, enum vm_cpu_stop stop)
{
	scene->regs = (struct vm_regs){.rip = TEST_CODE + start, .rdi = TEST_DATA, .rbx = 7};
	for (int i = 0; i < 100; i++) {
		scene->result = (struct cpu_result){.stopped.stop = VM_CPU_INTERRUPTED};
		if (kvm_run_user(scene->kvm, scene->cr3, &scene->regs, false, &scene->result) != 0)
			return false;
		if (scene->result.stopped.stop != VM_CPU_INTERRUPTED)
			break;
		__atomic_store_n(&scene->kvm->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	}
	return scene->result.stopped.stop == stop;
}

/* Tell the processor that the entry of the data page has changed. */
static bool tell(struct scene *scene)
{
	vm_entry_id id = pagetable_id(scene->first + PTE, pagetable_index(TEST_DATA, VM_PTE));

	return kvm_refresh(scene->kvm, scene->cr3, &id, 1) == 0;
}

static const char *play(struct scene *scene)
{
	uint64_t *leaf = scene_entry(scene, PTE, TEST_DATA);
	bool forgot;

	if (!runs_to(scene, 0, VM_CPU_SYSCALL) || scene->regs.rbx != 1)
		return "it does not run user code";
	if (!(*leaf & PTE_A) || (*leaf & PTE_D))
		return "a load does not set the accessed bit, or sets the dirty bit";
	if (!runs_to(scene, STORE, VM_CPU_SYSCALL) || !(*leaf & PTE_D))
		return "a store does not set the dirty bit";
	point(scene, PTE, TEST_DATA, OTHER);
	if (!tell(scene) || !runs_to(scene, 0, VM_CPU_SYSCALL) || scene->regs.rbx != 2)
		return "it does not see a page-table entry that has changed";
	*leaf &= ~PTE_RW;
	if (!tell(scene) || !runs_to(scene, STORE, VM_CPU_FAULT) ||
	    scene->result.stopped.address != TEST_DATA ||
	    scene->result.stopped.access != VM_ACCESS_WRITE)
		return "it does not see that the right to write was taken away";
	*leaf = 0;
	if (!tell(scene) || !runs_to(scene, 0, VM_CPU_FAULT) ||
	    scene->result.stopped.access != VM_ACCESS_READ)
		return "it does not see that a page was taken away";
	point(scene, PTE, TEST_DATA, DATA);
	if (!runs_to(scene, 0, VM_CPU_SYSCALL) || scene->regs.rbx != 7)
		return "it does not see a new page";
	*leaf = 0;
	if (kvm_memory_update(scene->kvm, true, &forgot) != 0 || !runs_to(scene, 0, VM_CPU_FAULT))
		return "it does not forget entries with the memory that they were in";
	return NULL;
}

const char *kvm_test(struct kvm *kvm)
{
	struct scene scene = {.kvm = kvm};

	machine_lock(kvm->machine);
	scene.first = pagetable_alloc_special_locked(kvm->machine, TEST_PAGES);
	const char *fails = "there are no page-table pages for it";
	if (scene.first != 0) {
		build(&scene);
		fails = play(&scene);
	}
	machine_unlock(kvm->machine);
	return fails;
}
