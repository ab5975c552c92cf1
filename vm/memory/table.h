/*
 * table.h - page-table pages: the arithmetic of levels and indices, and allocating table pages.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_MEMORY_TABLE_H
#define VM_MEMORY_TABLE_H

#include "vm/internal.h"

enum {
	VM_TABLE_ENTRIES = 512,
	/* level of pages that are no tables: the zero page, the vdso's */
	VM_TABLE_SPECIAL = 0xff,
};

/* Bytes that one entry of LEVEL translates. */
static inline uint64_t pagetable_span(enum vm_level level)
{
	return UINT64_C(1) << (VM_PAGE_SHIFT + 9 * (unsigned)level);
}

/* The index of the entry for VA in a table of LEVEL: 0 to 511. */
static inline unsigned pagetable_index(uint64_t va, enum vm_level level)
{
	return (va >> (VM_PAGE_SHIFT + 9 * (unsigned)level)) & (VM_TABLE_ENTRIES - 1);
}

/* The end of the range that the entry of LEVEL for VA translates, or END if that is lower. */
static inline uint64_t pagetable_stop(uint64_t va, uint64_t end, enum vm_level level)
{
	uint64_t span = pagetable_span(level);

	return MIN((va & -span) + span, end);
}

/* The number of the table that contains entry ID. */
static inline uint32_t pagetable_of(vm_entry_id id)
{
	return id / VM_TABLE_ENTRIES;
}

/* The descriptor of that table. */
static inline struct vm_table *pagetable_at(const struct vm_machine *machine, vm_entry_id id)
{
	return &machine->tables[pagetable_of(id)];
}

/* The number of the entry at INDEX (0 to 511) in table TABLE. */
static inline vm_entry_id pagetable_id(uint32_t table, unsigned index)
{
	return table * VM_TABLE_ENTRIES + index;
}

/* The lowest address that entry ID translates. Of a top-level table: not sign-extended. */
static inline uint64_t pagetable_entry_va(const struct vm_machine *machine, vm_entry_id id)
{
	const struct vm_table *table = pagetable_at(machine, id);

	return table->va + (id % VM_TABLE_ENTRIES) * pagetable_span((enum vm_level)table->level);
}

/*
 * Allocate a cleared table of LEVEL, one of whose entries translates VA. Returns its number, or 0
 * if none is left.
 */
uint32_t pagetable_alloc_locked(struct vm_machine *machine, enum vm_level level, uint64_t va);

/* Free TABLE, to which no entry points. */
void pagetable_free_locked(struct vm_machine *machine, uint32_t table);

/*
 * Allocate COUNT consecutive pages of the table region for something else than tables. They are
 * never freed. Returns the number of the first, or 0 if there are not so many left.
 */
uint32_t pagetable_alloc_special_locked(struct vm_machine *machine, uint32_t count);

#endif
