/*
 * bytes.c - see bytes.h.
 *
 * A page is looked for under both locks, as vm_translate does it. If its bytes are in a frame, they
 * are copied there and then. If they are in a slot or a file, the slot is pinned or the file
 * referenced, both locks are dropped, and then it is read.
 */
#include "vm/look/bytes.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"
#include "vm/cache/view.h"
#include "vm/memory/pte.h"
#include "vm/memory/swap.h"
#include "vm/memory/walk.h"
#include "vm/space/area.h"

#include <string.h>

/* --- One page --------------------------------------------------------------------------------- */

/* A piece of one page that is wanted, and where it must be read if no frame has it. */
struct piece {
	uint64_t va;
	size_t len;
	uint8_t *to;
	uint32_t slot;        /* pinned, or VM_SLOT_NONE */
	struct vm_file *file; /* a reference, or NULL */
	uint64_t offset;      /* of the piece in FILE */
};

static uint64_t offset_in_page(uint64_t va)
{
	return va & (VM_PAGE_SIZE - 1);
}

static void copy_page_locked(const struct vm_machine *machine, uint64_t pfn, struct piece *piece)
{
	const uint8_t *page = machine_page(machine, pfn);

	memory_copy(piece->to, page + offset_in_page(piece->va), piece->len);
}

/* Copy from frame PFN, unless there is none or it is being read. Returns whether it did. */
static bool copy_frame_locked(const struct vm_machine *machine, vm_pfn pfn, struct piece *piece)
{
	if (pfn == VM_PFN_NONE || (machine->frames[pfn].flags & FRAME_BUSY))
		return false;
	copy_page_locked(machine, pfn, piece);
	return true;
}

static void find_in_slot_locked(struct vm_machine *machine, uint32_t slot, struct piece *piece)
{
	if (copy_frame_locked(machine, machine->swap.slots[slot].frame, piece))
		return;
	/* The medium does not have its zeros, but perhaps what was in the slot before. */
	if (machine->swap.slots[slot].blank)
		return;
	machine->swap.slots[slot].pins++;
	piece->slot = slot;
}

/* The process has no entry for the page, which is one of AREA's object. */
static void find_in_object_locked(const struct vm_area *area, struct piece *piece)
{
	struct vm_object *object = area->object;
	struct vm_machine *machine = object->machine;
	uint64_t index = area_index(area, piece->va);

	if (index >= object_size_pages(object))
		return;
	if (object->special != 0) {
		copy_page_locked(machine, machine->nr_frames + object->special + index, piece);
		return;
	}
	if (copy_frame_locked(machine, object_lookup_locked(object, index), piece))
		return;
	if (!object->shmem) {
		piece->file = vm_file_ref(area->file);
		piece->offset = (index << VM_PAGE_SHIFT) + offset_in_page(piece->va);
		return;
	}
	uint32_t slot = swap_find_locked(machine, object, index);
	if (slot != VM_SLOT_NONE)
		find_in_slot_locked(machine, slot, piece);
}

/* Copy PIECE, or say where to read it. Neither: it is zeros. PROCESS is locked for reading. */
static void find_piece_locked(struct vm_process *process, struct piece *piece)
{
	struct vm_machine *machine = process->machine;
	const struct vm_area *area = area_at(process->space, piece->va);
	vm_entry_id id = pagetable_entry_at_locked(process->space, piece->va, VM_PTE);
	uint64_t entry = id != 0 ? pte_get(machine, id) : 0;

	if (area == NULL || pte_is_guard(entry))
		return;
	if (entry & PTE_P)
		copy_page_locked(machine, pte_pfn(entry), piece);
	else if (pte_is_swap(entry))
		find_in_slot_locked(machine, (uint32_t)pte_slot(entry), piece);
	else if (area->object != NULL)
		find_in_object_locked(area, piece);
}

static void read_slot(struct vm_machine *machine, struct piece *piece)
{
	uint8_t page[VM_PAGE_SIZE];

	if (swap_read(machine, piece->slot, page) == 0)
		memcpy(piece->to, page + offset_in_page(piece->va), piece->len);
	machine_lock(machine);
	machine->swap.slots[piece->slot].pins--;
	swap_put_locked(machine, piece->slot);
	machine_unlock(machine);
}

static void look_piece(struct vm_process *process, struct piece *piece)
{
	struct vm_machine *machine = process->machine;

	memset(piece->to, 0, piece->len);
	if (piece->va >= VM_USER_END || process_enter(process) != 0)
		return;
	machine_lock(machine);
	find_piece_locked(process, piece);
	machine_unlock(machine);
	process_unlock(process);
	if (piece->slot != VM_SLOT_NONE)
		read_slot(machine, piece);
	if (piece->file == NULL)
		return;
	/* What lies past the end of the file stays 0, and so does what cannot be read. */
	if (vm_file_pread(piece->file, piece->to, piece->len, piece->offset) < 0)
		memset(piece->to, 0, piece->len);
	vm_file_unref(piece->file);
}

void look_bytes(struct vm_process *process, uint64_t va, void *buf, size_t len)
{
	for (size_t done = 0; done < len;) {
		struct piece piece = {.va = va + done, .to = (uint8_t *)buf + done};
		piece.slot = VM_SLOT_NONE;
		piece.len = MIN(len - done, VM_PAGE_SIZE - offset_in_page(piece.va));
		look_piece(process, &piece);
		done += piece.len;
	}
}

/* --- Holes ------------------------------------------------------------------------------------ */

/* Whether ENTRY, of the last level, leads to bytes. */
static bool entry_has_bytes(const struct vm_machine *machine, uint64_t entry)
{
	bool zero = (entry & PTE_P) && pte_pfn(entry) == machine_zero_pfn(machine);

	return entry != 0 && !zero && !pte_is_guard(entry);
}

/* The first address of [VA, END) whose entry leads to bytes (HOLE: to none), or END. */
static uint64_t next_entry(struct vm_space *space, uint64_t va, uint64_t end, bool hole)
{
	struct vm_machine *machine = space->process->machine;
	enum vm_level level;
	vm_entry_id id;

	machine_lock(machine);
	for (uint64_t step = 0; va < end; step++) {
		uint64_t at = pagetable_next_locked(space, va, end, &id, &level);
		if (hole && at > va)
			break;
		va = at;
		if (va < end && entry_has_bytes(machine, pte_get(machine, id)) != hole)
			break;
		va += va < end ? VM_PAGE_SIZE : 0;
		machine_yield_locked(machine, step);
	}
	machine_unlock(machine);
	return va;
}

/* Whether untouched pages of AREA have bytes: those of files, and of shared memory with pages. */
static bool object_has_bytes(const struct vm_area *area)
{
	const struct vm_object *object = area->object;

	if (object == NULL)
		return false;
	if (!object->shmem)
		return true;
	machine_lock(object->machine);
	bool any = object->pages > 0 || !list_empty(&object->slots);
	machine_unlock(object->machine);
	return any;
}

/*
 * What a step of the search found: a place that ends it; or, if FILE is not NULL, a place where the
 * answer depends on the file, which must be asked without locks up to STOP.
 */
struct step {
	uint64_t at, stop;
	bool found;
	struct vm_file *file; /* a reference to a view, or NULL */
	uint64_t file_at;     /* of AT in the view */
};

/* The first step of the search from VA on. The process is locked for reading. */
static struct step step_in_area(struct vm_space *space, uint64_t va, uint64_t end, bool hole)
{
	const struct vm_area *area = area_find(space, va);

	if (area == NULL || area->start >= end)
		return (struct step){.at = hole ? va : end, .found = true};
	if (area->start > va)
		return (struct step){.at = hole ? va : area->start, .found = hole};
	uint64_t stop = MIN(end, area->end);
	uint64_t at = next_entry(space, va, stop, hole);
	if (!object_has_bytes(area))
		return (struct step){.at = at, .found = at < stop};
	if (area->file == NULL || !area->object->view || (!hole && at == va))
		return (struct step){.at = hole ? stop : va, .found = !hole};
	/* The entries say nothing of pages that were never touched. */
	return (struct step){.at = hole ? va : at,
	                     .stop = hole ? stop : at,
	                     .file = vm_file_ref(area->file),
	                     .file_at = area_index(area, va) << VM_PAGE_SHIFT};
}

/* Ask the file of STEP, which began at VA. */
static void step_in_view(struct step *step, struct vm_process *process, uint64_t va, bool hole)
{
	uint64_t len = step->stop - va;
	uint64_t found = view_next(step->file, step->file_at, step->file_at + len, hole);

	vm_file_unref(step->file);
	uint64_t at = va + (found - step->file_at);
	if (!hole) {
		/* Either the file has bytes there, or an entry has at STOP; or neither. */
		step->at = at;
		step->found = at < step->stop;
		return;
	}
	/* A page that the file does not have may be in a frame. */
	bool in_file = at >= step->stop;
	step->at = in_file ? step->stop : at;
	if (in_file || process_enter(process) != 0)
		return;
	step->found = next_entry(process->space, at, at + VM_PAGE_SIZE, true) == at;
	process_unlock(process);
	step->at += step->found ? 0 : VM_PAGE_SIZE;
}

uint64_t look_next(struct vm_process *process, uint64_t va, uint64_t end, bool hole)
{
	end = MIN(end, VM_USER_END);
	while (va < end) {
		if (process_enter(process) != 0)
			return hole ? va : end;
		struct step step = step_in_area(process->space, va, end, hole);
		process_unlock(process);
		if (step.file != NULL)
			step_in_view(&step, process, va, hole);
		if (step.found || vm_interrupted())
			return step.at;
		va = step.at;
	}
	return end;
}
