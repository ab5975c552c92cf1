/*
 * copy.c - copies between the daemon and memory of a process, for the system calls that it makes,
 * and for those who look at it.
 *
 * Each piece of a page is copied in one hold of the machine lock. Between two pieces other threads
 * may change the process, as on a machine with several processors.
 */
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/cache/object.h"
#include "vm/fault/fault.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/tlb.h"
#include "vm/memory/walk.h"
#include "vm/space/area.h"
#include "vm/vm_cpu.h"

#include <errno.h>
#include <string.h>

/* What is copied: into the process if FROM is not NULL, else out of it. */
struct piece {
	const uint8_t *from;
	uint8_t *to;
	size_t len;
};

/*
 * Copy PIECE, which lies in one page, at VA, if no fault is due. The process is locked for reading.
 */
static bool copy_piece(struct vm_process *process, uint64_t va, const struct piece *piece)
{
	struct vm_machine *machine = process->machine;
	bool store = piece->from != NULL, tlb;

	machine_lock(machine);
	uint64_t pfn = pagetable_access_locked(process->space, va,
	                                       store ? VM_ACCESS_WRITE : VM_ACCESS_READ, &tlb);
	if (pfn != VM_NO_FRAME) {
		uint8_t *at = (uint8_t *)machine_page(machine, pfn) + va % VM_PAGE_SIZE;
		if (store && frame_is_ram(machine, pfn))
			frame_not_blank_locked(&machine->frames[pfn]);
		memory_copy(store ? at : piece->to, store ? piece->from : at, piece->len);
		if (store && frame_is_ram(machine, pfn) && machine->frames[pfn].object != NULL)
			object_dirty_locked(&machine->frames[pfn]);
	}
	machine_unlock(machine);
	return pfn != VM_NO_FRAME;
}

/* Copy LEN bytes at VA: FROM or TO is NULL. */
static ssize_t copy(struct vm_process *process, uint64_t va, const uint8_t *from, uint8_t *to,
                    size_t len)
{
	enum vm_access access = from != NULL ? VM_ACCESS_WRITE : VM_ACCESS_READ;
	size_t done = 0;
	int error = 0;

	while (done < len && error == 0) {
		size_t in_page = VM_PAGE_SIZE - (va + done) % VM_PAGE_SIZE;
		struct piece piece = {from != NULL ? from + done : NULL,
		                      to != NULL ? to + done : NULL, MIN(len - done, in_page)};
		if ((error = process_enter(process)) != 0)
			break;
		bool copied = copy_piece(process, va + done, &piece);
		if (copied)
			done += piece.len;
		else
			error = fault_handle(process, va + done, access, FAULT_FOR_CALL, NULL);
		process_unlock(process);
	}
	return error == -ESRCH && done == 0 ? error : (ssize_t)done;
}

ssize_t vm_copy_in(struct vm_process *process, uint64_t va, void *buf, size_t len)
{
	return copy(process, va, NULL, buf, len);
}

ssize_t vm_copy_out(struct vm_process *process, uint64_t va, const void *buf, size_t len)
{
	return copy(process, va, buf, NULL, len);
}

/* --- For others ------------------------------------------------------------------------------- */

/*
 * Copy the LEN bytes at VA, which lie in one page, if that is present. Nobody's accessed bit is
 * set, and no TLB is asked. The process is locked for reading.
 */
static bool look_piece(struct vm_process *process, uint64_t va, uint8_t *to, size_t len)
{
	struct vm_machine *machine = process->machine;
	vm_entry_id ids[4];

	machine_lock(machine);
	bool whole = pagetable_walk_locked(process->space, va, ids) == 4;
	uint64_t entry = whole ? pte_get(machine, ids[3]) : 0;
	if (entry & PTE_P)
		memory_copy(
		    to, (uint8_t *)machine_page(machine, pte_pfn(entry)) + va % VM_PAGE_SIZE, len);
	machine_unlock(machine);
	return entry & PTE_P;
}

/* Whether others may see what is at VA: readable private anonymous memory (check_vma_flags). */
static bool may_look(struct vm_space *space, uint64_t va)
{
	const struct vm_area *area = va < VM_USER_END ? area_at(space, va) : NULL;

	return area != NULL && area->object == NULL && !area_is_device(area) &&
	       (area->flags & AREA_READ);
}

size_t vm_look(struct vm_process *process, uint64_t va, void *buf, size_t len)
{
	size_t done = 0;
	int error = 0;

	while (done < len && error == 0 && process_enter(process) == 0) {
		uint64_t at = va + done;
		size_t piece = MIN(len - done, VM_PAGE_SIZE - at % VM_PAGE_SIZE);
		if (!may_look(process->space, at))
			error = -EFAULT;
		else if (look_piece(process, at, (uint8_t *)buf + done, piece))
			done += piece;
		else
			error = fault_handle(process, at, VM_ACCESS_READ,
			                     FAULT_FOR_KERNEL | FAULT_FOR_OTHER, NULL);
		process_unlock(process);
	}
	return done;
}
