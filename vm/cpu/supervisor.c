#include "vm/cpu/supervisor.h"
#include "vm/base/memory.h"
#include "vm/memory/pagetable.h"

#include <errno.h>
#include <string.h>

/* Type and rights of descriptors: Intel SDM vol. 3, 3.4.5 and 3.5. */
#define DESC_CODE64(dpl) (UINT64_C(0x00af9b000000ffff) | (uint64_t)(dpl) << 45)
#define DESC_DATA(dpl) (UINT64_C(0x00cf93000000ffff) | (uint64_t)(dpl) << 45)

enum {
	TSS_LEN = 104,
	TSS_RSP0 = 4,
	TSS_IST1 = 36,
	TSS_IOMAP = 102,
	GATE_INTERRUPT = 0x8e, /* present, DPL 0 */
	GATE_DPL3 = 0x60,
	IST = 1,
	BREAKPOINT = 3,
	OVERFLOW = 4,
};

/* Take each entry in the list (rsi, rcx of them), store it to itself, and load CR3 with rdx. */
static const uint8_t refresh_code[] = {
    0x48, 0x8b, 0x3e,       /* 1: mov (%rsi),%rdi */
    0x48, 0x8b, 0x07,       /*    mov (%rdi),%rax */
    0x48, 0x89, 0x07,       /*    mov %rax,(%rdi) */
    0x48, 0x83, 0xc6, 0x08, /*    add $8,%rsi */
    0x48, 0xff, 0xc9,       /*    dec %rcx */
    0x75, 0xee,             /*    jnz 1b */
    0x0f, 0x22, 0xda,       /*    mov %rdx,%cr3 */
    0xf4,                   /*    hlt */
};

void *supervisor_page(const struct vm_machine *machine, const struct supervisor *supervisor,
                      unsigned which)
{
	return machine_page(machine, machine->nr_frames + supervisor->first + which);
}

static void fill_code(uint8_t *page)
{
	const uint8_t hlt = 0xf4;

	for (unsigned vector = 0; vector < EXCEPTIONS; vector++)
		page[vector * CODE_STUB] = hlt;
	page[CODE_SYSCALL] = hlt;
	memcpy(page + CODE_REFRESH, refresh_code, sizeof refresh_code);
}

static void put16(uint8_t *at, uint64_t value)
{
	uint16_t word = (uint16_t)value;

	memcpy(at, &word, sizeof word);
}

static void put32(uint8_t *at, uint64_t value)
{
	uint32_t word = (uint32_t)value;

	memcpy(at, &word, sizeof word);
}

static void put64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof value);
}

static void fill_gdt(uint8_t *page)
{
	uint64_t tss = supervisor_va(SUPERVISOR_GDT) + GDT_TSS;
	uint64_t stack = supervisor_va(SUPERVISOR_STACK) + VM_PAGE_SIZE;

	put64(page + KERNEL_CS, DESC_CODE64(0));
	put64(page + KERNEL_DS, DESC_DATA(0));
	/*
	 * None for USER32_CS, where Linux has code of 32 bits: a syscall from there would enter the
	 * kernel at an address of its own.
	 */
	put64(page + (USER_DS & ~7), DESC_DATA(3));
	put64(page + (USER_CS & ~7), DESC_CODE64(3));
	put64(page + TSS_SELECTOR, (TSS_LEN - 1) | (tss & 0xffffff) << 16 | UINT64_C(0x8b) << 40 |
	                               (tss >> 24 & 0xff) << 56);
	put64(page + TSS_SELECTOR + 8, tss >> 32);
	put64(page + GDT_TSS + TSS_RSP0, stack);
	put64(page + GDT_TSS + TSS_IST1, stack);
	/* Behind the limit: no port may be used. */
	put16(page + GDT_TSS + TSS_IOMAP, 0xffff);
}

static void fill_idt(uint8_t *page)
{
	for (unsigned vector = 0; vector < EXCEPTIONS; vector++) {
		uint8_t *gate = page + (size_t)vector * 16;
		uint64_t stub = supervisor_va(SUPERVISOR_CODE) + vector * CODE_STUB;
		bool by_user = vector == BREAKPOINT || vector == OVERFLOW;
		put16(gate, stub);
		put16(gate + 2, KERNEL_CS);
		gate[4] = IST;
		gate[5] = (uint8_t)(GATE_INTERRUPT | (by_user ? GATE_DPL3 : 0));
		put16(gate + 6, stub >> 16);
		put32(gate + 8, stub >> 32);
	}
}

void supervisor_map_tables_locked(struct vm_machine *machine, const struct supervisor *supervisor,
                                  uint64_t tables)
{
	uint64_t start = machine->nr_frames << VM_PAGE_SHIFT, span = pagetable_span(VM_PMD);
	uint64_t end = start + tables * VM_PAGE_SIZE, at = start & -span;

	for (uint32_t i = 0; at < end; i++, at += span)
		pte_init_locked(machine, pagetable_id(supervisor->pds, 0) + i,
		                pte_make(at >> VM_PAGE_SHIFT,
		                         PTE_P | PTE_RW | PTE_A | PTE_D | PTE_PS | PTE_NX));
}

int supervisor_init_locked(struct vm_machine *machine, struct supervisor *supervisor)
{
	uint64_t bytes = ((uint64_t)machine->nr_tables + 512) * VM_PAGE_SIZE;
	uint32_t gib = (uint32_t)((bytes + pagetable_span(VM_PUD) - 1) / pagetable_span(VM_PUD));
	uint32_t first = pagetable_alloc_special_locked(machine, SUPERVISOR_PAGES + 3 + gib);

	if (first == 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < SUPERVISOR_PAGES + 3 + gib; i++)
		memset(machine_page(machine, machine->nr_frames + first + i), 0, VM_PAGE_SIZE);
	uint32_t pmd = first + SUPERVISOR_PAGES + 1, pte = pmd + 1;
	*supervisor =
	    (struct supervisor){.first = first, .pud = first + SUPERVISOR_PAGES, .pds = pte + 1};
	fill_code(supervisor_page(machine, supervisor, SUPERVISOR_CODE));
	fill_gdt(supervisor_page(machine, supervisor, SUPERVISOR_GDT));
	fill_idt(supervisor_page(machine, supervisor, SUPERVISOR_IDT));
	pte_init_locked(machine, pagetable_id(supervisor->pud, 0),
	                pte_make(machine->nr_frames + pmd, PTE_P | PTE_RW | PTE_A));
	pte_init_locked(machine, pagetable_id(pmd, 0),
	                pte_make(machine->nr_frames + pte, PTE_P | PTE_RW | PTE_A));
	for (unsigned i = 0; i < SUPERVISOR_PAGES; i++)
		pte_init_locked(
		    machine, pagetable_id(pte, i),
		    pte_make(machine->nr_frames + first + i,
		             PTE_P | PTE_A | PTE_D | (i == SUPERVISOR_CODE ? 0 : PTE_RW | PTE_NX)));
	for (uint32_t i = 0; i < gib; i++)
		pte_init_locked(
		    machine, pagetable_id(supervisor->pud, i + 1),
		    pte_make(machine->nr_frames + supervisor->pds + i, PTE_P | PTE_RW | PTE_A));
	return 0;
}

void supervisor_attach_locked(const struct supervisor *supervisor, const struct vm_space *space)
{
	struct vm_machine *machine = space->process->machine;
	vm_entry_id id = pagetable_id(space->pgd, pagetable_index(SUPERVISOR_BASE, VM_PGD));

	if (pte_get(machine, id) == 0)
		pte_init_locked(
		    machine, id,
		    pte_make(machine->nr_frames + supervisor->pud, PTE_P | PTE_RW | PTE_A));
}

uint64_t supervisor_entry_va(const struct vm_machine *machine, vm_entry_id id)
{
	uint64_t start = (machine->nr_frames << VM_PAGE_SHIFT) & (pagetable_span(VM_PMD) - 1);

	return SUPERVISOR_TABLES + start + (uint64_t)id * sizeof(uint64_t);
}

const struct exception_frame *supervisor_frame(const struct vm_machine *machine,
                                               const struct supervisor *supervisor, unsigned vector,
                                               uint64_t *error_code)
{
	/* Those that push an error code: Intel SDM vol. 3, table 6-1, and AMD's. */
	static const uint32_t with_code = 1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 |
	                                  1u << 14 | 1u << 17 | 1u << 21 | 1u << 29 | 1u << 30;
	uint8_t *top =
	    (uint8_t *)supervisor_page(machine, supervisor, SUPERVISOR_STACK) + VM_PAGE_SIZE;
	struct exception_frame *frame =
	    (struct exception_frame *)(void *)(top - sizeof(struct exception_frame));

	*error_code = 0;
	if (with_code & 1u << vector)
		memcpy(error_code, (uint8_t *)frame - sizeof *error_code, sizeof *error_code);
	return frame;
}
