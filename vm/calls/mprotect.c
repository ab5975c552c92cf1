/*
 * mprotect.c - change the rights of areas and of their page-table entries. Linux: mm/mprotect.c.
 */
#include "util/linux_constants.h"
#include "vm/base/account.h"
#include "vm/base/lock.h"
#include "vm/base/reason.h"
#include "vm/fault/access.h"
#include "vm/fault/fault.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/swap.h"
#include "vm/memory/tlb.h"
#include "vm/space/area.h"
#include "vm/space/limits.h"
#include "vm/space/protect.h"

#include <errno.h>
#include <sys/mman.h>

/* The flags of AREA once it has the rights PROT. */
static unsigned new_flags(const struct vm_area *area, int prot)
{
	unsigned flags = (area->flags & ~(unsigned)AREA_ACCESS) | area_flags_of_prot(prot);

	/*
	 * Private memory is charged as soon as it is writable. It stays charged when it is no
	 * longer writable, unless it was never touched.
	 */
	if (!(flags & AREA_WRITE) && area->object == NULL && area->anon_vma == 0)
		return flags & ~(unsigned)AREA_ACCOUNT;
	return area_is_accountable(flags) ? flags | AREA_ACCOUNT : flags;
}

/* Whether RLIMIT_DATA and overcommit allow that PAGES of AREA get FLAGS. */
static bool has_room(const struct vm_area *area, unsigned flags, uint64_t pages)
{
	struct vm_space *space = area->space;
	bool becomes_data = (flags & ~area->flags & AREA_WRITE) && !(flags & AREA_SHARED);
	bool charge = (flags & AREA_ACCOUNT) && !(area->flags & AREA_ACCOUNT);

	if (becomes_data && !limits_allow_pages(space, flags, pages) &&
	    limits_allow_pages(space, area->flags, pages))
		return false;
	return !charge || machine_may_commit(space, pages);
}

/*
 * Whether pages must be copied at once: locked private memory becomes writable, and no later write
 * may have to wait for a copy.
 */
static bool copies_at_once(unsigned before, unsigned after)
{
	unsigned locked = before & (AREA_WRITE | AREA_SHARED | AREA_LOCKED | AREA_LOCKONFAULT);

	return locked == AREA_LOCKED && (after & AREA_WRITE);
}

/* A range to populate when no lock is held any more. */
struct piece {
	uint64_t start, end;
	unsigned flags;
};

/*
 * Append PIECE to PIECES. Without memory it is left out: its pages are then copied when they are
 * stored to.
 */
static void add_piece(struct array *pieces, const struct piece *piece)
{
	struct piece *added = array_add(pieces, sizeof *added);

	if (added != NULL)
		*added = *piece;
}

/*
 * Change the rights of [START, END), inside AREA (mprotect_fixup). If its pages must be copied, it
 * is appended to PIECES. -EACCES, -ENOMEM, -EINVAL (a part of a special area).
 */
static int protect_one(struct vm_area *area, uint64_t start, uint64_t end, int prot,
                       struct array *pieces)
{
	struct piece piece = {start, end, new_flags(area, prot)};
	unsigned may = (area->flags / AREA_MAYREAD) & AREA_ACCESS, old = area->flags;

	if (piece.flags & AREA_ACCESS & ~may)
		return reason_set(-EACCES,
		                  piece.flags & AREA_WRITE & ~may ? VM_WHY_NO_WRITE : VM_WHY_NOEXEC,
		                  0, 0, 0);
	if (!has_room(area, piece.flags, (end - start) >> VM_PAGE_SHIFT))
		return -ENOMEM;
	int error = protect_area(area, start, end, piece.flags);
	if (error == 0 && copies_at_once(old, piece.flags))
		add_piece(pieces, &piece);
	return error;
}

/* As in Linux, areas before the first failure have changed. -ENOMEM also for a hole. */
static int protect(struct vm_space *space, uint64_t start, uint64_t end, int prot,
                   struct array *pieces)
{
	int error = 0;

	for (uint64_t va = start, next; error == 0 && va < end; va = next) {
		struct vm_area *area = area_at(space, va);
		if (area == NULL)
			return reason_set(-ENOMEM, VM_WHY_HOLE, va, 0, 0);
		next = MIN(end, area->end);
		error = protect_one(area, va, next, prot, pieces);
	}
	return error;
}

/*
 * Bring in and copy the pages of PIECES, and free it. No lock is held, so areas may have changed.
 * Failures are ignored: the call has succeeded.
 */
static void populate(struct vm_process *process, struct array *pieces)
{
	for (size_t i = 0; i < pieces->len; i++) {
		const struct piece *piece = &ARRAY_AT(pieces, struct piece, i);
		access_populate(process, piece->start, piece->end - piece->start, piece->flags);
	}
	array_clear(pieces);
}

/* PROT_GROWSDOWN: let the range begin where the stack in it begins. -ENOMEM, -EINVAL: no stack. */
static int stretch_down(struct vm_space *space, uint64_t *start, uint64_t end)
{
	const struct vm_area *area = area_find(space, *start);

	if (area == NULL || area->start >= end)
		return reason_set(-ENOMEM, VM_WHY_HOLE, *start, 0, 0);
	if (!(area->flags & AREA_GROWSDOWN))
		return -EINVAL;
	*start = area->start;
	return 0;
}

int vm_mprotect(struct vm_process *process, uint64_t addr, uint64_t len, int prot)
{
	uint64_t end = addr + page_align(len);
	struct array pieces = {0};
	int result = 0;

	if ((prot & (PROT_GROWSDOWN | PROT_GROWSUP)) == (PROT_GROWSDOWN | PROT_GROWSUP) ||
	    (addr & (VM_PAGE_SIZE - 1)))
		return -EINVAL;
	if (len == 0)
		return 0;
	if (end <= addr)
		return -ENOMEM;
	if (prot & ~(PROT_GROWSDOWN | PROT_GROWSUP | PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	process_write_lock(process);
	if (process->space == NULL)
		result = -ESRCH;
	else if (prot & PROT_GROWSDOWN)
		result = stretch_down(process->space, &addr, end);
	else if (prot & PROT_GROWSUP)
		/* on x86 no area grows up */
		result = area_at(process->space, addr) != NULL ? -EINVAL : -ENOMEM;
	if (result == 0)
		result = protect(process->space, addr, end, prot, &pieces);
	process_unlock(process);
	populate(process, &pieces);
	return result;
}
