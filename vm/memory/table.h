/*
 * table.h - page-table pages: their geometry, and which are in use.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_MEMORY_TABLE_H
#define VM_MEMORY_TABLE_H

#include "vm/internal.h"

enum {
	VM_TABLE_ENTRIES = 512,
	VM_TABLE_SPECIAL = 0xff, /* level of the zero page and the vdso's pages: no tables at all */
};

/* Bytes that one entry of LEVEL translates. */
static inline uint64_t pagetable_span(enum vm_level level)
{
	return UINT64_C(1) << (VM_PAGE_SHIFT + 9 * (unsigned)level);
}

static inline unsigned pagetable_index(uint64_t va, enum vm_level level)
{
	return (va >> (VM_PAGE_SHIFT + 9 * (unsigned)level)) & (VM_TABLE_ENTRIES - 1);
}

/* The end of the range around VA that one entry of LEVEL translates, or END if that comes first. */
static inline uint64_t pagetable_stop(uint64_t va, uint64_t end, enum vm_level level)
{
	uint64_t span = pagetable_span(level);

	return MIN((va & -span) + span, end);
}

/* The table that entry ID stands in. */
static inline uint32_t pagetable_of(vm_entry_id id)
{
	return id / VM_TABLE_ENTRIES;
}

static inline struct vm_table *pagetable_at(const struct vm_machine *machine, vm_entry_id id)
{
	return &machine->tables[pagetable_of(id)];
}

static inline vm_entry_id pagetable_id(uint32_t table, unsigned index)
{
	return table * VM_TABLE_ENTRIES + index;
}

/* The lowest address that entry ID translates. */
uint64_t pagetable_entry_va(const struct vm_machine *machine, vm_entry_id id);

/* A cleared table page of LEVEL that serves VA, or 0 if there is none left. */
uint32_t pagetable_alloc_locked(struct vm_machine *machine, enum vm_level level, uint64_t va);

/* Free a table that no entry points to. */
void pagetable_free_locked(struct vm_machine *machine, uint32_t table);

/*
 * COUNT consecutive pages of the table region that are no tables. The number of the first one, or 0
 * if there are not so many left.
 */
uint32_t pagetable_alloc_special_locked(struct vm_machine *machine, uint32_t count);

#endif
