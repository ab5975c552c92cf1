#include "vm/cache/twin.h"
#include "vm/base/memory.h"

#include <string.h>

struct vm_twin {
	/* Bytes of the page that lay inside the file when it was last looked at; 0 to 4096. */
	unsigned inside;
	uint8_t bytes[VM_PAGE_SIZE];
};

/* How many bytes of FRAME's page lie inside its file, as last seen. */
static unsigned inside_locked(const struct vm_frame *frame)
{
	uint64_t offset = frame->index << VM_PAGE_SHIFT, size = frame->object->size;

	return size > offset ? (unsigned)MIN(size - offset, VM_PAGE_SIZE) : 0;
}

/* --- Its life --------------------------------------------------------------------------------- */

void twin_take_locked(struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	/*
	 * If it is being written or stored to, its bytes are not all the file's. Then it has a twin
	 * already, or there was no memory for one.
	 */
	if (machine->twins[pfn] != NULL || (frame->flags & FRAME_WRITEBACK) || frame->storing > 0)
		return;
	struct vm_twin *twin = g_try_malloc(sizeof *twin);
	if (twin == NULL)
		return;
	twin->inside = inside_locked(frame);
	memcpy(twin->bytes, machine_page(machine, pfn), VM_PAGE_SIZE);
	machine->twins[pfn] = twin;
}

void twin_drop_locked(struct vm_machine *machine, vm_pfn pfn)
{
	g_clear_pointer(&machine->twins[pfn], g_free);
}

void twin_written_locked(struct vm_machine *machine, vm_pfn pfn, const uint8_t *bytes)
{
	const struct vm_frame *frame = &machine->frames[pfn];
	struct vm_twin *twin = machine->twins[pfn];

	if (twin == NULL)
		return;
	if (!(frame->flags & FRAME_DIRTY) && frame->storing == 0) {
		twin_drop_locked(machine, pfn);
		return;
	}
	twin->inside = inside_locked(frame);
	memcpy(twin->bytes, bytes, VM_PAGE_SIZE);
}

/* --- What was stored -------------------------------------------------------------------------- */

static void add_bytes(struct twin_map *map, unsigned start, unsigned end)
{
	for (unsigned i = start; i < end; i++)
		map->bits[i / 64] |= UINT64_C(1) << i % 64;
}

static bool has_byte(const struct twin_map *map, unsigned i)
{
	return map->bits[i / 64] >> i % 64 & 1;
}

/* Add to MAP the bytes before END in which A and B, two pages, differ. */
static void add_differences(struct twin_map *map, const uint8_t *a, const uint8_t *b, unsigned end)
{
	for (unsigned i = 0; i < end; i += 8) {
		/* Most words are the same. */
		if (memcmp(a + i, b + i, 8) == 0)
			continue;
		for (unsigned j = i; j < MIN(i + 8, end); j++)
			if (a[j] != b[j])
				add_bytes(map, j, j + 1);
	}
}

void twin_compare_locked(const struct vm_machine *machine, vm_pfn pfn, const uint8_t *bytes,
                         struct twin_map *map)
{
	const struct vm_twin *twin = machine->twins[pfn];

	*map = (struct twin_map){{0}};
	if (twin == NULL)
		add_bytes(map, 0, inside_locked(&machine->frames[pfn]));
	else
		add_differences(map, bytes, twin->bytes, twin->inside);
}

bool twin_next_piece(const struct twin_map *map, unsigned from, unsigned *start, unsigned *end)
{
	while (from < VM_PAGE_SIZE && !has_byte(map, from))
		/* Skip empty words. */
		from = map->bits[from / 64] == 0 ? (from / 64 + 1) * 64 : from + 1;
	*start = from;
	while (from < VM_PAGE_SIZE && has_byte(map, from))
		from++;
	*end = from;
	return *start < *end;
}

void twin_fill(const struct twin_map *map, uint8_t *bytes, const uint8_t *file)
{
	for (unsigned i = 0; i < VM_PAGE_SIZE; i++) {
		if (i % 64 == 0 && map->bits[i / 64] == 0) {
			memcpy(bytes + i, file + i, 64);
			i += 63;
		} else if (!has_byte(map, i)) {
			bytes[i] = file[i];
		}
	}
}

/* --- What others wrote ------------------------------------------------------------------------ */

bool twin_can_take_over_locked(const struct vm_machine *machine, vm_pfn pfn)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	if ((frame->flags & FRAME_WRITEBACK) || frame->storing > 0)
		return false;
	return !(frame->flags & FRAME_DIRTY) || machine->twins[pfn] != NULL;
}

void twin_take_over_locked(struct vm_machine *machine, vm_pfn pfn, const uint8_t *bytes)
{
	uint8_t *page = machine_page(machine, pfn), merged[VM_PAGE_SIZE];
	struct vm_twin *twin = machine->twins[pfn];
	struct twin_map map;

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

void twin_cut_locked(struct vm_machine *machine, vm_pfn pfn, unsigned end)
{
	struct vm_twin *twin = machine->twins[pfn];

	memset((uint8_t *)machine_page(machine, pfn) + end, 0, VM_PAGE_SIZE - end);
	if (twin == NULL)
		return;
	twin->inside = MIN(twin->inside, end);
	memset(twin->bytes + end, 0, VM_PAGE_SIZE - end);
}
