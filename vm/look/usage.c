/*
 * usage.c - what areas have in memory, page by page: smaps, pagemap, kpagecount, kpageflags,
 * clear_refs. Linux: fs/proc/task_mmu.c, fs/proc/page.c.
 *
 * A range is walked one piece of a table at a time, and the machine lock is dropped between. The
 * process lock keeps the areas meanwhile, but pages may come and be evicted: sums are not of one
 * moment, as in Linux.
 */
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"
#include "vm/look/look.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable_range.h"
#include "vm/memory/rmap.h"
#include "vm/memory/swap.h"
#include "vm/memory/tlb.h"
#include "vm/reclaim/evictable.h"
#include "vm/space/area.h"

#include <errno.h>
#include <linux/kernel-page-flags.h>
#include <string.h>

/* Shares are counted in bytes x 4096 (PSS_SHIFT). */
enum { SHARE_SHIFT = 12 };

/* --- One page --------------------------------------------------------------------------------- */

/* Add the frame that ENTRY maps to USAGE (smaps_account). */
static void add_frame_locked(struct vm_area_usage *usage, const struct vm_area *area,
                             uint64_t entry)
{
	const struct vm_machine *machine = area->space->process->machine;
	vm_pfn pfn = (vm_pfn)pte_pfn(entry);
	const struct vm_frame *frame = &machine->frames[pfn];
	uint64_t users = rmap_frame_users_locked(machine, pfn);
	uint64_t share = ((uint64_t)VM_PAGE_SIZE << SHARE_SHIFT) / users;
	bool dirty = (entry & PTE_D) || (frame->flags & FRAME_DIRTY);
	uint64_t *by_kind[] = {&usage->pss_anon, &usage->pss_file, &usage->pss_shmem};
	uint64_t *by_use[] = {&usage->private_clean, &usage->private_dirty, &usage->shared_clean,
	                      &usage->shared_dirty};

	usage->rss += VM_PAGE_SIZE;
	usage->most_users = MAX(usage->most_users, users);
	usage->pss += share;
	*by_kind[frame_kind(frame)] += share;
	*by_use[2 * (users > 1) + dirty] += VM_PAGE_SIZE;
	if (dirty)
		usage->pss_dirty += share;
	if (entry & PTE_A)
		usage->referenced += VM_PAGE_SIZE;
	if (frame->object == NULL)
		usage->anonymous += VM_PAGE_SIZE;
	if ((frame->flags & FRAME_LAZYFREE) && !dirty)
		usage->lazy_free += VM_PAGE_SIZE;
	if (area->flags & AREA_LOCKED)
		usage->pss_locked += share;
}

/*
 * The same for a page of the vdso. Nobody counts who maps it, so each area of the vdso counts as
 * one that does.
 */
static void add_vdso(struct vm_area_usage *usage, const struct vm_area *area, uint64_t entry)
{
	uint64_t users = MAX(area->object->area_count, 1);
	uint64_t share = ((uint64_t)VM_PAGE_SIZE << SHARE_SHIFT) / users;

	usage->rss += VM_PAGE_SIZE;
	usage->most_users = MAX(usage->most_users, users);
	usage->pss += share;
	usage->pss_file += share;
	*(users > 1 ? &usage->shared_clean : &usage->private_clean) += VM_PAGE_SIZE;
	if (entry & PTE_A)
		usage->referenced += VM_PAGE_SIZE;
	if (area->flags & AREA_LOCKED)
		usage->pss_locked += share;
}

/* What a walk over the entries of AREA fills in. */
struct adding {
	struct vm_area_usage *usage;
	const struct vm_area *area;
};

static bool add_leaf(void *ctx, struct vm_space *space, vm_entry_id id, uint64_t va,
                     enum vm_level level)
{
	const struct vm_machine *machine = space->process->machine;
	const struct adding *adding = ctx;
	uint64_t entry = pte_get(machine, id);

	if (pte_is_swap(entry)) {
		uint64_t users = rmap_slot_users_locked(machine, pte_slot(entry));
		adding->usage->swap += VM_PAGE_SIZE;
		adding->usage->swap_pss += ((uint64_t)VM_PAGE_SIZE << SHARE_SHIFT) / users;
	} else if ((entry & PTE_P) && frame_is_ram(machine, pte_pfn(entry))) {
		add_frame_locked(adding->usage, adding->area, entry);
	} else if ((entry & PTE_P) && frame_is_vdso(machine, pte_pfn(entry))) {
		add_vdso(adding->usage, adding->area, entry);
	}
	return true;
}

/* --- Areas ------------------------------------------------------------------------------------ */

/*
 * Count the pages of shared anonymous memory in AREA that are in swap. The page tables do not show
 * them (shmem_swap_usage). The lock is dropped meanwhile.
 */
static uint64_t swapped_shmem_locked(const struct vm_area *area)
{
	struct vm_object *object = area->object;
	struct vm_machine *machine = area->space->process->machine;
	uint64_t pages = 0, step = 0;
	struct list_walk walk;
	struct list_link *l;

	if (object == NULL || !object->shmem)
		return 0;
	list_walk_begin(&object->walks, &walk, &object->slots);
	while ((l = list_walk_step(&walk, &object->slots)) != NULL) {
		const struct vm_slot *slot = LIST_ENTRY(l, struct vm_slot, link);
		pages += slot->index >= area->pgoff && slot->index < area->pgoff + area_pages(area);
		machine_yield_locked(machine, step++);
	}
	list_walk_end(&object->walks, &walk);
	return pages;
}

/* Add all pages of AREA to USAGE. The process is locked; the machine lock is taken and dropped. */
static void add_area(struct vm_area_usage *usage, const struct vm_area *area)
{
	struct vm_machine *machine = area->space->process->machine;
	struct adding adding = {.usage = usage, .area = area};

	pagetable_each_leaf(area->space, area->start, area->end, add_leaf, &adding);
	machine_lock(machine);
	usage->swap += swapped_shmem_locked(area) * VM_PAGE_SIZE;
	machine_unlock(machine);
	if (area->flags & AREA_LOCKED)
		usage->locked = usage->pss_locked >> SHARE_SHIFT;
}

/* Flags that VmFlags shows besides those of an area: bits that AREA_ leaves free. */
enum {
	SHOWN_PFNMAP = 1u << 27,
	SHOWN_GUARD = 1u << 28,
	SHOWN_IO = 1u << 29,
	SHOWN_SOFT_DIRTY = 1u << 30
};

static unsigned flags_shown(const struct vm_area *area)
{
	return area->flags | (area_is_device(area) ? SHOWN_PFNMAP | SHOWN_IO | AREA_DONTDUMP : 0) |
	       (area->may_guard ? SHOWN_GUARD : 0) | (area->soft_dirty ? SHOWN_SOFT_DIRTY : 0);
}

/*
 * Write the words of VmFlags to TEXT, in the order of Linux's bits (show_smap_vma_flags). MAP_STACK
 * is shown as "nh", no huge pages, because that is the flag which it sets in Linux.
 */
static void put_vm_flags(const struct vm_area *area, char *text)
{
	static const struct {
		unsigned flag;
		const char *word;
	} words[] = {
	    {AREA_READ, "rd "},     {AREA_WRITE, "wr "},       {AREA_EXEC, "ex "},
	    {AREA_SHARED, "sh "},   {AREA_MAYREAD, "mr "},     {AREA_MAYWRITE, "mw "},
	    {AREA_MAYEXEC, "me "},  {AREA_MAYSHARE, "ms "},    {AREA_GROWSDOWN, "gd "},
	    {SHOWN_PFNMAP, "pf "},  {SHOWN_GUARD, "gu "},      {AREA_LOCKED, "lo "},
	    {SHOWN_IO, "io "},      {AREA_SEQ_READ, "sr "},    {AREA_RAND_READ, "rr "},
	    {AREA_DONTCOPY, "dc "}, {AREA_DONTEXPAND, "de "},  {AREA_LOCKONFAULT, "lf "},
	    {AREA_ACCOUNT, "ac "},  {AREA_NORESERVE, "nr "},   {AREA_WIPEONFORK, "wf "},
	    {AREA_DONTDUMP, "dd "}, {SHOWN_SOFT_DIRTY, "sd "}, {AREA_STACK, "nh "},
	};
	unsigned shown = flags_shown(area);

	text[0] = '\0';
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (shown & words[i].flag)
			strcat(text, words[i].word);
}

int vm_process_usage(struct vm_process *process, uint64_t from, vm_usage_fn fn, void *ctx)
{
	struct look_name name = {NULL, NULL};
	bool more = true;

	if (process_enter(process) != 0)
		return -ESRCH;
	const struct vm_area *area = area_find(process->space, from);
	for (; area != NULL && more; area = area->next) {
		struct vm_area_usage usage = {.rss = 0};
		look_area(area, &name, &usage.area);
		add_area(&usage, area);
		put_vm_flags(area, usage.vm_flags);
		more = fn(ctx, &usage);
	}
	process_unlock(process);
	g_free(name.text);
	return 0;
}

/* --- pagemap ---------------------------------------------------------------------------------- */

#define PM_SOFT_DIRTY (UINT64_C(1) << 55)
#define PM_EXCLUSIVE (UINT64_C(1) << 56)
#define PM_GUARD (UINT64_C(1) << 58)
#define PM_FILE (UINT64_C(1) << 61)
#define PM_SWAP (UINT64_C(1) << 62)
#define PM_PRESENT (UINT64_C(1) << 63)
/*
 * Of a page in swap, bits 0 to 4 are the number of the swap file (0, the only one), and the slot
 * follows. For a marker, Linux shows a number that no file can have (SWP_PTE_MARKER), and the kind
 * of marker in place of the slot (PTE_MARKER_GUARD).
 */
enum { PM_SLOT_SHIFT = 5, PM_MARKER_TYPE = 31, PM_MARKER_GUARD = 4 };

/* The word of /proc/PID/pagemap for ENTRY (pte_to_pagemap_entry). */
static uint64_t pagemap_word_locked(const struct vm_machine *machine, uint64_t entry)
{
	uint64_t pfn = pte_pfn(entry), soft_dirty = entry & PTE_SOFT_CLEAN ? 0 : PM_SOFT_DIRTY;

	if (pte_is_swap(entry))
		return (uint64_t)pte_slot(entry) << PM_SLOT_SHIFT | PM_SWAP | soft_dirty;
	if (pte_is_guard(entry))
		return PM_MARKER_TYPE | PM_MARKER_GUARD << PM_SLOT_SHIFT | PM_GUARD | PM_SWAP;
	if (!(entry & PTE_P))
		return 0;
	uint64_t word = pfn | PM_PRESENT | soft_dirty;
	if (!frame_is_ram(machine, pfn))
		return word;
	if (machine->frames[pfn].object != NULL)
		word |= PM_FILE;
	return rmap_frame_users_locked(machine, (vm_pfn)pfn) == 1 ? word | PM_EXCLUSIVE : word;
}

/* The words of a range of pages, which a walk fills in. */
struct words {
	uint64_t first; /* page number */
	uint64_t *words;
};

static bool fill_word(void *ctx, struct vm_space *space, vm_entry_id id, uint64_t va,
                      enum vm_level level)
{
	const struct vm_machine *machine = space->process->machine;
	const struct words *words = ctx;

	words->words[(va >> VM_PAGE_SHIFT) - words->first] =
	    pagemap_word_locked(machine, pte_get(machine, id));
	return true;
}

/* Fill in the words of COUNT pages from FIRST on: 0 where there is no entry. */
static void fill_words(struct vm_space *space, uint64_t first, size_t count, uint64_t *words)
{
	struct words filling = {.first = first, .words = words};
	uint64_t last = VM_USER_END >> VM_PAGE_SHIFT;
	uint64_t start = MIN(first, last), end = MIN(first + MIN(count, last), last);

	memset(words, 0, count * sizeof *words);
	pagetable_each_leaf(space, start << VM_PAGE_SHIFT, end << VM_PAGE_SHIFT, fill_word,
	                    &filling);
}

/*
 * Pages of an area that is new since the last clear_refs count as soft-dirty, present or not
 * (VM_SOFTDIRTY).
 */
static void mark_new_areas(const struct vm_space *space, uint64_t first, size_t count,
                           uint64_t *words)
{
	uint64_t end = first + count;
	const struct vm_area *area = area_find(space, first << VM_PAGE_SHIFT);

	for (; area != NULL && area->start >> VM_PAGE_SHIFT < end; area = area->next)
		for (uint64_t page = MAX(first, area->start >> VM_PAGE_SHIFT);
		     area->soft_dirty && page < MIN(end, area->end >> VM_PAGE_SHIFT); page++)
			words[page - first] |= PM_SOFT_DIRTY;
}

int vm_process_pagemap(struct vm_process *process, uint64_t first, size_t count, uint64_t *words)
{
	if (process_enter(process) != 0)
		return -ESRCH;
	fill_words(process->space, first, count, words);
	mark_new_areas(process->space, first, count, words);
	process_unlock(process);
	return 0;
}

/* --- kpagecount, kpageflags ------------------------------------------------------------------- */

void vm_machine_page_counts(struct vm_machine *machine, uint64_t pfn, size_t count, uint64_t *words)
{
	machine_lock(machine);
	for (size_t i = 0; i < count; i++) {
		words[i] = pfn + i < machine->frame_pool.used
		               ? rmap_frame_users_locked(machine, (vm_pfn)(pfn + i))
		               : 0;
		machine_yield_locked(machine, i);
	}
	machine_unlock(machine);
}

/* Bits that the header does not have: they are for those who debug the kernel. */
enum { KPF_RESERVED = 32, KPF_MLOCKED = 33 };

/*
 * The KPF_ bits of frame PFN (stable_page_flags). PG_referenced is never set: Linux does not set it
 * at the first touch, and what a policy knows of uses is another thing (`queue`).
 */
static uint64_t flags_of_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	static const struct {
		unsigned flag;
		int bit;
	} bits[] = {{FRAME_BUSY, KPF_LOCKED},
	            {FRAME_DIRTY, KPF_DIRTY},
	            {FRAME_WRITEBACK, KPF_WRITEBACK},
	            {FRAME_SWAPCACHE, KPF_SWAPCACHE}};
	const struct vm_frame *frame = &machine->frames[pfn];
	uint64_t word = UINT64_C(1) << KPF_LRU;

	if (pfn == 0)
		return UINT64_C(1) << KPF_RESERVED;
	if (!frame_in_use(frame))
		return UINT64_C(1) << KPF_BUDDY;
	for (size_t i = 0; i < G_N_ELEMENTS(bits); i++)
		word |= frame->flags & bits[i].flag ? UINT64_C(1) << bits[i].bit : 0;
	word |= frame->mapped > 0 ? UINT64_C(1) << KPF_MMAP : 0;
	word |= frame->flags & FRAME_BUSY ? 0 : UINT64_C(1) << KPF_UPTODATE;
	word |= frame->object == NULL ? UINT64_C(1) << KPF_ANON : 0;
	if (evictable_is_mlocked(machine, frame))
		word |= UINT64_C(1) << KPF_UNEVICTABLE | UINT64_C(1) << KPF_MLOCKED;
	/*
	 * An anonymous page is the only copy, unless it is in the swap cache, or was given up
	 * (folio_mark_lazyfree).
	 */
	if (frame_kind(frame) != VM_FRAME_FILE && !evictable_without_swap_locked(machine, pfn))
		word |= UINT64_C(1) << KPF_SWAPBACKED |
		        (frame->flags & FRAME_SWAPCACHE ? 0 : UINT64_C(1) << KPF_DIRTY);
	return word;
}

void vm_machine_page_flags(struct vm_machine *machine, uint64_t pfn, size_t count, uint64_t *words)
{
	machine_lock(machine);
	for (size_t i = 0; i < count; i++) {
		uint64_t at = pfn + i;
		words[i] = UINT64_C(1) << KPF_NOPAGE;
		if (at < machine->nr_frames)
			words[i] = at < machine->frame_pool.used
			               ? flags_of_locked(machine, (vm_pfn)at)
			               : UINT64_C(1) << KPF_BUDDY;
		else if (at == machine_zero_pfn(machine))
			words[i] = UINT64_C(1) << KPF_ZERO_PAGE;
		else if (at < machine->nr_frames + machine->table_pool.used)
			words[i] = UINT64_C(1) << KPF_PGTABLE;
		machine_yield_locked(machine, i);
	}
	machine_unlock(machine);
}

/* --- clear_refs ------------------------------------------------------------------------------- */

enum { CLEAR_ALL = 1, CLEAR_ANON, CLEAR_FILE, CLEAR_SOFT_DIRTY, CLEAR_PEAK };

static bool clear_leaf(void *ctx, struct vm_space *space, vm_entry_id id, uint64_t va,
                       enum vm_level level)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t entry = pte_get(machine, id);
	int what = *(const int *)ctx;

	if (entry == 0 || pte_is_guard(entry))
		return true;
	/* A page that is soft-clean loses the right to write, so that the next store is noticed. */
	if (what == CLEAR_SOFT_DIRTY)
		pte_change_locked(machine, id, PTE_SOFT_CLEAN, entry & PTE_P ? PTE_RW : 0);
	else
		pte_change_locked(machine, id, 0, PTE_A);
	/* As in Linux, the TLB is flushed even if there was nothing to clear. */
	tlb_flush_page_locked(space, va);
	return true;
}

/*
 * Clear what WHAT says in all areas of SPACE. The process is write-locked. -ENOMEM: no table page;
 * earlier areas have been cleared.
 */
static int clear_space(struct vm_space *space, int what)
{
	for (struct vm_area *area = space->first; area != NULL; area = area->next) {
		if ((what == CLEAR_ANON && area->file != NULL) ||
		    (what == CLEAR_FILE && area->file == NULL))
			continue;
		int error = pagetable_own_range(space, area->start, area->end, VM_PTE);
		if (error != 0)
			return error;
		pagetable_each_leaf(space, area->start, area->end, clear_leaf, &what);
		if (what == CLEAR_SOFT_DIRTY)
			area->soft_dirty = false;
	}
	return 0;
}

int vm_process_clear_refs(struct vm_process *process, int what)
{
	int error = -ESRCH;

	if (what < CLEAR_ALL || what > CLEAR_PEAK)
		return -EINVAL;
	process_write_lock(process);
	struct vm_space *space = process->space;
	if (space != NULL && what != CLEAR_PEAK)
		error = clear_space(space, what);
	if (space != NULL && what == CLEAR_PEAK) {
		machine_lock(process->machine);
		space->rss_peak = space->rss[0] + space->rss[1] + space->rss[2];
		machine_unlock(process->machine);
		error = 0;
	}
	process_unlock(process);
	return error;
}
