#include "vm/cache/twin.h"
#include "vm/base/host.h"
#include "vm/base/memory.h"
#include "vm/base/pool.h"

#include <string.h>

struct vm_twin {
	/* bytes of the page that lay inside the file when it was last looked at; 0 to 4096 */
	unsigned inside;
	uint8_t bytes[VM_PAGE_SIZE];
	bool has_failed;        /* FAILED has a meaning */
	struct twin_map failed; /* bytes of which a write-back has failed */
};

/* How many bytes of FRAME's page lie inside its file, as last seen. */
static unsigned inside_locked(const struct vm_frame *frame)
{
	uint64_t offset = frame->index << VM_PAGE_SHIFT, size = frame->object->size;

	return size > offset ? (unsigned)MIN(size - offset, VM_PAGE_SIZE) : 0;
}

enum { WORD_BITS = 64 };

/* Add the bytes in MORE to MAP. */
static void add_map(struct twin_map *map, const struct twin_map *more)
{
	for (size_t i = 0; i < G_N_ELEMENTS(map->bits); i++)
		map->bits[i] |= more->bits[i];
}

/* --- Its life --------------------------------------------------------------------------------- */

bool twin_init(struct vm_machine *machine)
{
	machine->twins = machine_reserve(machine->nr_frames * sizeof *machine->twins);
	machine->twin_memory = machine_reserve(machine->nr_frames * sizeof *machine->twin_memory);
	if (machine->twins == NULL || machine->twin_memory == NULL ||
	    !pool_init(&machine->twin_pool, (uint32_t)machine->nr_frames, 0))
		return false;
	pool_add_part(&machine->twin_pool, machine->twin_memory, sizeof *machine->twin_memory);
	return true;
}

void twin_fini(struct vm_machine *machine)
{
	pool_fini(&machine->twin_pool);
	machine_unreserve(machine->twins, machine->nr_frames * sizeof *machine->twins);
	machine_unreserve(machine->twin_memory, machine->nr_frames * sizeof *machine->twin_memory);
}

void twin_take_locked(struct vm_machine *machine, vm_pfn pfn)
{
	bool cleared;

	/* It has one if it is being written, or a transfer still stores to it. */
	if (machine->twins[pfn] != NULL)
		return;
	/* There are as many as frames. */
	struct vm_twin *twin =
	    &machine->twin_memory[pool_take_locked(&machine->twin_pool, &cleared)];
	twin->inside = inside_locked(&machine->frames[pfn]);
	memcpy(twin->bytes, machine_page(machine, pfn), VM_PAGE_SIZE);
	twin->has_failed = false;
	machine->twins[pfn] = twin;
}

void twin_drop_locked(struct vm_machine *machine, vm_pfn pfn)
{
	struct vm_twin *twin = g_steal_pointer(&machine->twins[pfn]);

	if (twin != NULL)
		pool_put_locked(&machine->twin_pool, (uint32_t)(twin - machine->twin_memory));
}

void twin_written_locked(struct vm_machine *machine, vm_pfn pfn, const uint8_t *bytes)
{
	const struct vm_frame *frame = &machine->frames[pfn];
	struct vm_twin *twin = machine->twins[pfn];

	if (!(frame->flags & FRAME_DIRTY) && frame->storing == 0) {
		twin_drop_locked(machine, pfn);
		return;
	}
	twin->inside = inside_locked(frame);
	memcpy(twin->bytes, bytes, VM_PAGE_SIZE);
	twin->has_failed = false;
}

void twin_failed_locked(struct vm_machine *machine, vm_pfn pfn, const struct twin_map *map)
{
	struct vm_twin *twin = machine->twins[pfn];

	if (!twin->has_failed)
		twin->failed = *map;
	else
		add_map(&twin->failed, map);
	twin->has_failed = true;
}

void twin_store_locked(struct vm_machine *machine, vm_pfn pfn, unsigned start, const void *buf,
                       size_t len)
{
	struct vm_twin *twin = machine->twins[pfn];

	/* What others have read of it meanwhile may be older. */
	machine->frames[pfn].version++;
	memory_copy((uint8_t *)machine_page(machine, pfn) + start, buf, len);
	if (twin == NULL)
		return;
	memcpy(twin->bytes + start, buf, len);
	twin->inside =
	    MAX(twin->inside, MIN(inside_locked(&machine->frames[pfn]), start + (unsigned)len));
}

/* --- What was stored -------------------------------------------------------------------------- */

/* Drop from MAP all bytes from END on. */
static void cut_map(struct twin_map *map, unsigned end)
{
	for (unsigned i = end; i < VM_PAGE_SIZE; i = (i / WORD_BITS + 1) * WORD_BITS)
		map->bits[i / WORD_BITS] &= ~(UINT64_MAX << i % WORD_BITS);
}

/*
 * Find the bytes in which A and B, two pages, differ. In each aligned word of eight bytes, all
 * bytes from the first to the last that differ count: somebody who reads the file then finds the
 * old word or the new one, and not half of each.
 */
static void find_differences(struct twin_map *map, const uint8_t *a, const uint8_t *b)
{
	for (unsigned i = 0; i < VM_PAGE_SIZE; i += sizeof(uint64_t)) {
		uint64_t x, y;
		memcpy(&x, a + i, sizeof x);
		memcpy(&y, b + i, sizeof y);
		if (x == y)
			continue;
		int first = __builtin_ctzll(x ^ y) / 8, last = 7 - __builtin_clzll(x ^ y) / 8;
		for (int j = first; j <= last; j++)
			map->bits[i / WORD_BITS] |= UINT64_C(1) << (i % WORD_BITS + (unsigned)j);
	}
}

void twin_compare_locked(const struct vm_machine *machine, vm_pfn pfn, const uint8_t *bytes,
                         struct twin_map *map)
{
	const struct vm_twin *twin = machine->twins[pfn];

	memset(map, 0, sizeof *map);
	find_differences(map, bytes, twin->bytes);
	if (twin->has_failed)
		add_map(map, &twin->failed);
	cut_map(map, twin->inside);
}

/* The first byte at or behind FROM that is in MAP; if FLIP is all ones, that is not. 4096: none. */
static unsigned next_byte(const struct twin_map *map, unsigned from, uint64_t flip)
{
	for (; from < VM_PAGE_SIZE; from = (from / WORD_BITS + 1) * WORD_BITS) {
		uint64_t word = (map->bits[from / WORD_BITS] ^ flip) >> from % WORD_BITS;
		if (word != 0)
			return from + (unsigned)__builtin_ctzll(word);
	}
	return VM_PAGE_SIZE;
}

bool twin_next_piece(const struct twin_map *map, unsigned from, unsigned *start, unsigned *end)
{
	*start = next_byte(map, from, 0);
	*end = next_byte(map, *start, UINT64_MAX);
	return *start < *end;
}

void twin_fill(const struct twin_map *map, uint8_t *bytes, const uint8_t *file)
{
	unsigned done = 0, start, end;

	while (twin_next_piece(map, done, &start, &end)) {
		memcpy(bytes + done, file + done, start - done);
		done = end;
	}
	memcpy(bytes + done, file + done, VM_PAGE_SIZE - done);
}

/* --- What others wrote ------------------------------------------------------------------------ */

bool twin_can_take_over_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	return !(frame->flags & FRAME_WRITEBACK) && frame->storing == 0;
}

void twin_take_over_locked(struct vm_machine *machine, vm_pfn pfn, const uint8_t *bytes)
{
	uint8_t *page = machine_page(machine, pfn), merged[VM_PAGE_SIZE];
	struct vm_twin *twin = machine->twins[pfn];
	struct twin_map map;

	/* What others have read of it meanwhile may be older. */
	machine->frames[pfn].version++;
	if (twin == NULL) {
		memory_copy(page, bytes, VM_PAGE_SIZE);
		return;
	}
	memcpy(merged, page, VM_PAGE_SIZE);
	twin_compare_locked(machine, pfn, merged, &map);
	twin_fill(&map, merged, bytes);
	memory_copy(page, merged, VM_PAGE_SIZE);
	twin->inside = inside_locked(&machine->frames[pfn]);
	memcpy(twin->bytes, bytes, VM_PAGE_SIZE);
}

void twin_grow_locked(struct vm_machine *machine, vm_pfn pfn)
{
	struct vm_twin *twin = machine->twins[pfn];

	if (twin == NULL)
		return;
	memcpy(twin->bytes + twin->inside, (uint8_t *)machine_page(machine, pfn) + twin->inside,
	       VM_PAGE_SIZE - twin->inside);
	twin->inside = inside_locked(&machine->frames[pfn]);
}

void twin_cut_locked(struct vm_machine *machine, vm_pfn pfn, unsigned end)
{
	struct vm_twin *twin = machine->twins[pfn];

	/* What is being read at this moment is out of date. */
	machine->frames[pfn].version++;

	memset((uint8_t *)machine_page(machine, pfn) + end, 0, VM_PAGE_SIZE - end);
	if (twin == NULL)
		return;
	twin->inside = MIN(twin->inside, end);
	memset(twin->bytes + end, 0, VM_PAGE_SIZE - end);
}
