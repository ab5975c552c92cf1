#include "vm/memory/tlb.h"
#include "vm/base/lock.h"
#include "vm/base/user.h"
#include "vm/memory/pte.h"
#include "vm/memory/rmap.h"

/* The copy of one translation. */
struct tlb_entry {
	uint64_t page; /* VA >> 12 */
	uint64_t pfn;
	uint64_t used; /* the TLB's clock at the last use; 0: not valid */
	bool writable, executable, dirty;
};

struct vm_tlb {
	uint64_t hits, misses, flushes, clock;
	uint64_t retry; /* page number, plus one, of tlb_retry_locked; 0: none */
	uint64_t
	    flushed; /* the clock at the last flush of all: entries used before are not valid */
	unsigned sets, ways;
	unsigned mask; /* sets - 1 where that is a power of two, else 0 */
	struct tlb_entry entry[];
};

/* Bytes that a TLB takes. */
static size_t tlb_size(const struct vm_config *config)
{
	return sizeof(struct vm_tlb) +
	       (size_t)config->tlb_sets * config->tlb_ways * sizeof(struct tlb_entry);
}

/*
 * Make the TLB of PROCESS, which has none. NULL: none is simulated, or there is no memory for it,
 * or its user has too much.
 */
static struct vm_tlb *make_locked(struct vm_process *process)
{
	const struct vm_config *config = &process->machine->config;

	if (!tlb_is_simulated(process->machine) ||
	    user_charge(process->machine, process->user, VM_NOTES, tlb_size(config)) != 0)
		return NULL;
	process->tlb = g_try_malloc0(tlb_size(config));
	if (process->tlb == NULL) {
		user_uncharge(process->machine, process->user, VM_NOTES, tlb_size(config));
	} else {
		process->tlb->sets = config->tlb_sets;
		process->tlb->ways = config->tlb_ways;
		process->tlb->mask =
		    config->tlb_sets & (config->tlb_sets - 1) ? 0 : config->tlb_sets - 1;
	}
	return process->tlb;
}

/* The TLB of SPACE's process, which is made at its first use, or NULL. */
static struct vm_tlb *get_locked(struct vm_space *space)
{
	struct vm_tlb *tlb = space->process->tlb;

	return tlb != NULL ? tlb : make_locked(space->process);
}

static struct tlb_entry *set_of(struct vm_tlb *tlb, uint64_t va)
{
	uint64_t page = va >> VM_PAGE_SHIFT;
	uint64_t set = tlb->mask != 0 ? page & tlb->mask : page % tlb->sets; /* slow: a division */

	return &tlb->entry[set * tlb->ways];
}

static bool is_valid(const struct vm_tlb *tlb, const struct tlb_entry *entry)
{
	return entry->used > tlb->flushed;
}

/*
 * The entry of SET for VA, or NULL. There is at most one. In which way it is nobody can foresee, so
 * the host's processor is spared the guess: no branch depends on it.
 */
static inline __attribute__((always_inline)) struct tlb_entry *find_in(const struct vm_tlb *tlb,
                                                                       struct tlb_entry *set,
                                                                       unsigned ways, uint64_t va)
{
	struct tlb_entry *found = NULL;

#pragma GCC unroll 4
	for (unsigned way = 0; way < ways; way++) {
		bool is_it = (set[way].page == va >> VM_PAGE_SHIFT) & is_valid(tlb, &set[way]);
		found = is_it ? &set[way] : found;
	}
	return found;
}

/* The same; a TLB with the usual number of ways gets code of its own. */
static struct tlb_entry *find(const struct vm_tlb *tlb, struct tlb_entry *set, uint64_t va)
{
	return tlb->ways == 4 ? find_in(tlb, set, 4, va) : find_in(tlb, set, tlb->ways, va);
}

/*
 * Whether ENTRY permits ACCESS without a walk. A store needs an entry that is dirty: as in
 * hardware, the first store walks the tables to set the dirty bit (and here also soft-dirty).
 */
static bool serves(const struct tlb_entry *entry, enum vm_access access)
{
	if (access == VM_ACCESS_WRITE)
		return entry->writable && entry->dirty;
	return access != VM_ACCESS_EXEC || entry->executable;
}

uint64_t tlb_lookup_locked(struct vm_space *space, uint64_t va, enum vm_access access,
                           struct tlb_look *look)
{
	struct vm_tlb *tlb = get_locked(space);

	look->tlb = tlb;
	if (tlb == NULL)
		return VM_NO_FRAME;
	look->set = set_of(tlb, va);
	look->entry = find(tlb, look->set, va);
	bool counts = tlb->retry != (va >> VM_PAGE_SHIFT) + 1;
	tlb->retry = 0;
	if (look->entry == NULL || !serves(look->entry, access)) {
		tlb->misses += counts;
		return VM_NO_FRAME;
	}
	tlb->hits += counts;
	look->entry->used = ++tlb->clock;
	return look->entry->pfn;
}

void tlb_retry_locked(struct vm_space *space, uint64_t va)
{
	struct vm_tlb *tlb = get_locked(space);

	if (tlb != NULL)
		tlb->retry = (va >> VM_PAGE_SHIFT) + 1;
}

/*
 * The first entry of SET that is not valid, or else the least recently used. As in find, no branch
 * depends on which.
 */
static inline __attribute__((always_inline)) struct tlb_entry *victim_in(const struct vm_tlb *tlb,
                                                                         struct tlb_entry *set,
                                                                         unsigned ways)
{
	struct tlb_entry *victim = NULL;
	uint64_t oldest = UINT64_MAX;

#pragma GCC unroll 4
	for (unsigned way = 0; way < ways; way++) {
		/* Those that are not valid are equally old. */
		uint64_t used = MAX(set[way].used, tlb->flushed);
		victim = used < oldest ? &set[way] : victim;
		oldest = MIN(used, oldest);
	}
	return victim;
}

/* As find. */
static struct tlb_entry *victim_of(const struct vm_tlb *tlb, struct tlb_entry *set)
{
	return tlb->ways == 4 ? victim_in(tlb, set, 4) : victim_in(tlb, set, tlb->ways);
}

void tlb_fill_locked(const struct tlb_look *look, uint64_t va, uint64_t leaf, bool writable)
{
	struct vm_tlb *tlb = look->tlb;

	if (tlb == NULL)
		return;
	struct tlb_entry *entry = look->entry != NULL ? look->entry : victim_of(tlb, look->set);
	*entry = (struct tlb_entry){.page = va >> VM_PAGE_SHIFT,
	                            .pfn = pte_pfn(leaf),
	                            .used = ++tlb->clock,
	                            .writable = writable,
	                            .executable = !(leaf & PTE_NX),
	                            .dirty = (leaf & PTE_D) && !(leaf & PTE_SOFT_CLEAN)};
}

void tlb_flush_page_locked(struct vm_space *space, uint64_t va)
{
	struct vm_tlb *tlb = space->process->tlb;
	struct tlb_entry *entry = tlb != NULL ? find(tlb, set_of(tlb, va), va) : NULL;

	if (entry == NULL)
		return;
	entry->used = 0;
	tlb->flushes++;
}

void tlb_flush_all_locked(struct vm_space *space)
{
	struct vm_tlb *tlb = space->process->tlb;

	if (tlb == NULL)
		return;
	/* In one step, however large it is. */
	tlb->flushed = tlb->clock;
	tlb->flushes++;
}

void tlb_reset_locked(struct vm_process *process)
{
	struct vm_tlb *tlb = process->tlb;

	if (tlb == NULL)
		return;
	tlb->flushed = tlb->clock;
	tlb->hits = tlb->misses = tlb->flushes = tlb->retry = 0;
}

static void flush_page(void *ctx, struct vm_space *space)
{
	tlb_flush_page_locked(space, *(const uint64_t *)ctx);
}

void tlb_flush_entry_locked(struct vm_machine *machine, vm_entry_id id)
{
	uint64_t va;

	if (!tlb_is_simulated(machine))
		return;
	va = pagetable_entry_va(machine, id);
	rmap_table_spaces_locked(machine, pagetable_of(id), flush_page, &va);
}

void tlb_free(struct vm_process *process)
{
	if (process->tlb == NULL)
		return;
	g_free(process->tlb);
	user_uncharge(process->machine, process->user, VM_NOTES,
	              tlb_size(&process->machine->config));
}

/* --- Looking ---------------------------------------------------------------------------------- */

/* Entries that are copied in one hold of the machine lock. */
enum { COPY_PIECE = 1024 };

/*
 * A copy of the entries of TLB, in which those that are not valid have USED 0. The lock is dropped
 * now and then, so the copy is not of one moment. NULL: no memory.
 */
static struct tlb_entry *copy_entries_locked(struct vm_machine *machine, const struct vm_tlb *tlb)
{
	size_t entries = (size_t)tlb->sets * tlb->ways;
	struct tlb_entry *copy = g_try_new(struct tlb_entry, entries);
	uint64_t spent = 0;

	for (size_t i = 0; copy != NULL && i < entries; i++) {
		copy[i] = tlb->entry[i];
		copy[i].used = is_valid(tlb, &tlb->entry[i]) ? copy[i].used : 0;
		if (i % COPY_PIECE == COPY_PIECE - 1)
			machine_spend_locked(machine, &spent, HOLD_STEPS);
	}
	return copy;
}

/* Call FN for ENTRY, which is valid: entry I of a TLB with WAYS ways. */
static void report(const struct tlb_entry *entry, unsigned i, unsigned ways, vm_tlb_fn fn,
                   void *ctx)
{
	struct vm_tlb_entry info = {.set = i / ways,
	                            .way = i % ways,
	                            .va = entry->page << VM_PAGE_SHIFT,
	                            .pfn = entry->pfn,
	                            .writable = entry->writable,
	                            .executable = entry->executable,
	                            .dirty = entry->dirty};

	fn(ctx, &info);
}

void vm_process_tlb(struct vm_process *process, struct vm_tlb_info *info, vm_tlb_fn fn, void *ctx)
{
	struct vm_machine *machine = process->machine;

	/* Copy the entries, so that FN is called without the lock. */
	machine_lock(machine);
	const struct vm_tlb *tlb = process->tlb;
	size_t entries = (size_t)machine->config.tlb_sets * machine->config.tlb_ways;
	*info = (struct vm_tlb_info){.sets = machine->config.tlb_sets,
	                             .ways = machine->config.tlb_ways};
	struct tlb_entry *copy = NULL;
	if (tlb != NULL) {
		info->hits = tlb->hits;
		info->misses = tlb->misses;
		info->flushes = tlb->flushes;
		copy = copy_entries_locked(machine, tlb);
	}
	machine_unlock(machine);
	for (size_t i = 0; fn != NULL && copy != NULL && i < entries; i++) {
		if (copy[i].used != 0)
			report(&copy[i], (unsigned)i, info->ways, fn, ctx);
	}
	g_free(copy);
}

void tlb_each_locked(const struct vm_space *space, vm_tlb_fn fn, void *ctx)
{
	const struct vm_tlb *tlb = space->process->tlb;

	for (unsigned i = 0; tlb != NULL && i < tlb->sets * tlb->ways; i++)
		if (is_valid(tlb, &tlb->entry[i]))
			report(&tlb->entry[i], i, tlb->ways, fn, ctx);
}
