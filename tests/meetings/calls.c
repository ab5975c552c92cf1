/*
 * calls.c - the calls that meet. Each touches pages of MEMORY, or the machine as a whole. A store
 * writes a byte of its own, so that the outcome shows whose came last.
 */
#include "tests/meetings/meetings.h"

#include <unistd.h>

#define LEN (MEETING_PAGES * PAGE)

/* Some calls end a process while another call uses it: they hold a reference of their own. */
static struct vm_process *hold(struct vm_process *process)
{
	return vm_process_ref(process);
}

#define ON(who, expression) \
	do { \
		struct vm_process *process = hold(w->who); \
		int64_t result = (expression); \
		vm_process_unref(process); \
		return result; \
	} while (0)

/* --- Accesses --------------------------------------------------------------------------------- */

static int64_t load_byte(struct vm_process *process, uint64_t va)
{
	uint8_t byte = 0;
	ssize_t got = load(process, va, &byte, 1);

	return got == 1 ? byte : got;
}

static int64_t store_byte(struct vm_process *process, uint64_t va, char byte)
{
	return vm_write(process, va, &byte, 1);
}

static int64_t parent_loads(struct world *w)
{
	ON(parent, load_byte(process, MEMORY));
}

static int64_t child_loads(struct world *w)
{
	ON(child, load_byte(process, MEMORY));
}

static int64_t parent_stores(struct world *w)
{
	ON(parent, store_byte(process, MEMORY, 'P'));
}

static int64_t child_stores(struct world *w)
{
	ON(child, store_byte(process, MEMORY, 'C'));
}

/* Another byte of the same page. */
static int64_t child_stores_end(struct world *w)
{
	ON(child, store_byte(process, MEMORY + PAGE - 1, 'E'));
}

/* The first byte of each page, in a byte of the word of its own. */
struct gathered {
	uint64_t word;
	unsigned pages;
};

static void add_bytes(void *ctx, const struct iovec *iov, int count)
{
	struct gathered *gathered = ctx;

	for (int i = 0; i < count; i++)
		for (size_t at = 0; at < iov[i].iov_len; at += PAGE) {
			unsigned shift = 8 * gathered->pages++;
			gathered->word &= ~(UINT64_C(0xff) << shift);
			gathered->word |= (uint64_t)((const uint8_t *)iov[i].iov_base)[at] << shift;
		}
}

/* All pages in one call, whose frames are pinned meanwhile. UNREAD for pages that were not read. */
static int64_t read_all(struct vm_process *process)
{
	struct gathered gathered = {.word = UINT64_MAX};

	vm_read(process, MEMORY, LEN, add_bytes, &gathered);
	return (int64_t)gathered.word;
}

static int64_t parent_reads(struct world *w)
{
	ON(parent, read_all(process));
}

/* --- Areas ------------------------------------------------------------------------------------ */

static int64_t parent_unmaps(struct world *w)
{
	ON(parent, vm_munmap(process, MEMORY, LEN));
}

static int64_t child_unmaps(struct world *w)
{
	ON(child, vm_munmap(process, MEMORY, LEN));
}

static int64_t parent_protects(struct world *w)
{
	ON(parent, vm_mprotect(process, MEMORY, LEN, PROT_READ));
}

static int64_t parent_moves(struct world *w)
{
	ON(parent, vm_mremap(process, MEMORY, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED, OTHER));
}

/* Linux, too, brings the pages in when the lock is dropped: the areas may have changed by then. */
static int64_t parent_locks(struct world *w)
{
	ON(parent, (vm_mlock(process, MEMORY, PAGE, 0), 0));
}

static int64_t parent_maps_over(struct world *w)
{
	ON(parent,
	   vm_mmap(process, MEMORY, PAGE, RW, PRIVATE_ANON | MAP_FIXED | MAP_POPULATE, NULL, 0));
}

/* --- Advice ----------------------------------------------------------------------------------- */

static int64_t parent_drops(struct world *w)
{
	ON(parent, vm_madvise(process, MEMORY, LEN, MADV_DONTNEED));
}

static int64_t parent_pages_out(struct world *w)
{
	ON(parent, (vm_madvise(process, MEMORY, LEN, MADV_PAGEOUT), 0));
}

static int64_t parent_wants(struct world *w)
{
	ON(parent, (vm_madvise(process, MEMORY, LEN, MADV_WILLNEED), 0));
}

static int64_t child_removes(struct world *w)
{
	ON(child, vm_madvise(process, MEMORY, PAGE, MADV_REMOVE));
}

/* --- Files ------------------------------------------------------------------------------------ */

/* After msync of a range the file has what was stored before. The answer: a bit for each page that
 * still has its first letter. */
static int64_t sync_and_look(struct world *w, struct vm_process *process, uint64_t offset,
                             uint64_t len)
{
	int error = vm_msync(process, MEMORY + offset, len, MS_SYNC);
	int64_t stale = 0;

	for (uint64_t at = offset; error == 0 && w->path != NULL && at < offset + len; at += PAGE)
		if (file_byte(w->path, at) == 'a' + (int)(at / PAGE))
			stale |= INT64_C(1) << at / PAGE;
	return error != 0 ? error : stale;
}

static int64_t parent_syncs(struct world *w)
{
	ON(parent, sync_and_look(w, process, 0, LEN));
}

static int64_t child_syncs_last(struct world *w)
{
	ON(child, sync_and_look(w, process, LEN - PAGE, PAGE));
}

static int64_t child_invalidates(struct world *w)
{
	ON(child, vm_msync(process, MEMORY, LEN, MS_INVALIDATE));
}

static int64_t file_shrinks(struct world *w)
{
	if (w->path != NULL)
		resize_file(w->path, PAGE);
	return 0;
}

/* --- Processes and the machine ---------------------------------------------------------------- */

static int64_t parent_forks(struct world *w)
{
	struct vm_process *parent = hold(w->parent), *none = NULL;
	int error = 0;
	struct vm_process *born = vm_fork(parent, &w->p.f.cred, &error);

	/* Both calls may be forks. */
	if (!__atomic_compare_exchange_n(&w->born[0], &none, born, false, __ATOMIC_ACQ_REL,
	                                 __ATOMIC_ACQUIRE))
		w->born[1] = born;
	vm_process_unref(parent);
	return error;
}

static int64_t parent_exits(struct world *w)
{
	ON(parent, vm_process_exit(process, 0));
}

static int64_t child_exits(struct world *w)
{
	ON(child, vm_process_exit(process, 0));
}

static int64_t machine_syncs(struct world *w)
{
	vm_machine_sync(w->p.f.machine);
	return 0;
}

/* How many pages go depends on the moment. */
static int64_t machine_reclaims(struct world *w)
{
	vm_machine_reclaim(w->p.f.machine, 4);
	return 0;
}

static int64_t machine_drops_caches(struct world *w)
{
	vm_machine_drop_caches(w->p.f.machine);
	return 0;
}

/* Whether all of swap finds room depends on the moment. */
static int64_t machine_swaps_off(struct world *w)
{
	vm_machine_swapoff(w->p.f.machine);
	return 0;
}

const struct call calls[] = {
    {"parent loads", parent_loads},
    {"child loads", child_loads},
    {"parent stores P", parent_stores},
    {"child stores C", child_stores},
    {"child stores E at the page's end", child_stores_end},
    {"parent reads all", parent_reads, .answers = ANSWER_BYTES},
    {"parent unmaps", parent_unmaps},
    {"child unmaps", child_unmaps},
    {"parent mprotect r--", parent_protects},
    {"parent mremap", parent_moves},
    {"parent mlock", parent_locks},
    {"parent maps over, populate", parent_maps_over},
    {"parent MADV_DONTNEED", parent_drops},
    {"parent MADV_PAGEOUT", parent_pages_out},
    {"parent MADV_WILLNEED", parent_wants},
    {"child MADV_REMOVE", child_removes},
    {"parent msync sync", parent_syncs, .answers = ANSWER_STALE},
    {"child msync sync of the last page", child_syncs_last, .answers = ANSWER_STALE},
    {"child msync invalidate", child_invalidates},
    {"file shrinks to a page", file_shrinks},
    {"parent forks", parent_forks},
    {"parent exits", parent_exits},
    {"child exits", child_exits},
    {"machine sync", machine_syncs},
    {"machine reclaim", machine_reclaims},
    {"machine drop_caches", machine_drops_caches},
    {"machine swapoff", machine_swaps_off},
    {"parent unmaps, then child stores C", parent_unmaps, .then = child_stores},
    {"parent exits, then child stores C", parent_exits, .then = child_stores},
    {"parent stores P, then msync sync", parent_stores, .then = parent_syncs,
     .answers = ANSWER_STALE},
    {"child stores C, then msync invalidate", child_stores, .then = child_invalidates},
    {"reclaim, then child stores C", machine_reclaims, .then = child_stores},
};
const unsigned call_count = G_N_ELEMENTS(calls);
