#include "vm/base/pool.h"
#include "vm/base/host.h"
#include "vm/base/lock.h"

#include <sys/mman.h>

/* Links hold numbers plus one, so that reserved memory, which is all zeros, is empty. */

bool pool_init(struct vm_pool *pool, uint32_t total, uint32_t first)
{
	*pool = (struct vm_pool){.total = total, .used = first};
	pool->links = machine_reserve(total * sizeof *pool->links);
	return pool->links != NULL;
}

void pool_fini(struct vm_pool *pool)
{
	machine_unreserve(pool->links, pool->total * sizeof *pool->links);
}

void pool_add_part(struct vm_pool *pool, void *memory, size_t size)
{
	g_assert(pool->parts < VM_POOL_PARTS);
	pool->part[pool->parts++] = (struct vm_pool_part){memory, size};
}

uint32_t pool_take_locked(struct vm_pool *pool, bool *cleared)
{
	uint32_t top = pool->top;

	if (top == 0) {
		*cleared = true;
		return pool->used < pool->total ? pool->used++ : VM_POOL_NONE;
	}
	pool->top = pool->links[top - 1].below;
	if (pool->top != 0)
		pool->links[pool->top - 1].above = 0;
	if (pool->first == top)
		pool->first = 0;
	*cleared = pool->given == pool->count;
	pool->given -= *cleared;
	pool->count--;
	pool->least = MIN(pool->least, pool->count);
	return top - 1;
}

uint32_t pool_take_row_locked(struct vm_pool *pool, uint32_t count)
{
	uint32_t first = pool->used;

	if (count > pool->total - first)
		return VM_POOL_NONE;
	pool->used += count;
	return first;
}

void pool_put_locked(struct vm_pool *pool, uint32_t number)
{
	if (pool->given == pool->count)
		pool->first = number + 1;
	if (pool->top != 0)
		pool->links[pool->top - 1].above = number + 1;
	pool->links[number] = (struct vm_pool_link){.below = pool->top, .above = 0};
	pool->top = number + 1;
	pool->count++;
}

/* --- Giving back ------------------------------------------------------------------------------ */

/* Things are looked at in groups of this many neighbours, so that small parts fill whole pages. */
enum { GROUP = 64 };

/* Runs of neighbours that are given back in one hold of the lock. Each is some system calls. */
enum { HOLD_RUNS = 4 };

/* The most that is given back in one call, so that the caller is not kept for long: 256 MiB. */
enum { MOST_AT_ONCE = 1 << 16 };

/* Give back the whole pages among the memory of the COUNT things from FIRST on. False: refused. */
static bool release_run(const struct vm_pool *pool, uint32_t first, uint32_t count)
{
	for (unsigned i = 0; i < pool->parts; i++) {
		const struct vm_pool_part *part = &pool->part[i];
		uintptr_t start = (uintptr_t)part->memory + first * part->size;
		uintptr_t from = page_align(start), to = page_down(start + count * part->size);
		if (from < to && madvise((void *)from, to - from, MADV_DONTNEED) != 0)
			return false;
	}
	return true;
}

/*
 * Whether NEXT continues the run of the COUNT numbers that ends with LAST, upwards (STEP 1) or
 * downwards (STEP -1), within one group.
 */
static bool continues(uint32_t last, uint32_t next, int step)
{
	return next == last + (uint32_t)step && next / GROUP == last / GROUP;
}

/*
 * Give back the lowest of the stack that has memory, and those above it that continue a run with
 * it, up to LEFT in all. Returns how many, 0 if the host refuses.
 */
static uint32_t give_run_locked(struct vm_pool *pool, uint32_t left)
{
	uint32_t first = pool->first - 1, last = first, count = 1;
	uint32_t above = pool->links[first].above;
	int step = above != 0 && above - 1 > first ? 1 : -1;

	while (count < left && above != 0 && continues(last, above - 1, step)) {
		last = above - 1;
		above = pool->links[last].above;
		count++;
	}
	if (!release_run(pool, MIN(first, last), count))
		return 0;
	pool->first = above;
	pool->given += count;
	return count;
}

void pool_give_back_locked(struct vm_machine *machine, struct vm_pool *pool)
{
	uint32_t cold = pool->least, done = 0, runs = 0;

	pool->least = pool->count;
	/* What is taken meanwhile lowers LEAST: only what lies below it is still untouched. */
	while (done < MOST_AT_ONCE && pool->given < MIN(cold, pool->least)) {
		uint32_t count = give_run_locked(pool, MIN(cold, pool->least) - pool->given);
		if (count == 0)
			return;
		done += count;
		if (++runs % HOLD_RUNS == 0) {
			machine_unlock(machine);
			machine_lock(machine);
		}
	}
}
