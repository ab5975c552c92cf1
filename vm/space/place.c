#include "vm/space/place.h"
#include "util/linux_constants.h"
#include "vm/base/reason.h"
#include "vm/memory/table.h"
#include "vm/space/area.h"

#include <errno.h>
#include <sys/mman.h>

enum { MAX_ERRNO = 4095 };

/*
 * The range for MAP_32BIT, and where the search from below starts when all below mmap_base is full.
 */
#define LOW_BASE UINT64_C(0x40000000)
#define LOW_END UINT64_C(0x80000000)
#define BOTTOM_UP_BASE page_align(VM_USER_END / 3)

static uint64_t find_gap(const struct vm_space *space, uint64_t len, int flags)
{
	if (flags & MAP_32BIT)
		return area_lowest_gap(space, len, LOW_BASE, LOW_END);
	uint64_t lowest = flags & MAP_ABOVE4G
	                      ? UINT64_C(1) << 32
	                      : machine_knob(space->process->machine, mmap_min_addr);
	uint64_t at = area_highest_gap(space, len, lowest, space->mmap_base);
	return at != AREA_NO_GAP ? at : area_lowest_gap(space, len, BOTTOM_UP_BASE, VM_USER_END);
}

static bool hint_is_free(const struct vm_space *space, uint64_t addr, uint64_t len, int flags)
{
	const struct vm_area *area = area_find(space, addr);
	uint64_t end = flags & MAP_32BIT ? LOW_END : VM_USER_END;

	return len <= end && addr <= end - len &&
	       (area == NULL || addr + len <= area_start_gap(area));
}

/* The hint ADDR if there is one and LEN bytes are free there, else a gap, or AREA_NO_GAP. */
static uint64_t find_room(const struct vm_space *space, uint64_t addr, uint64_t len, int flags)
{
	return addr != 0 && hint_is_free(space, addr, len, flags) ? addr
	                                                          : find_gap(space, len, flags);
}

/*
 * A place whose address and OFFSET (bytes) are equal modulo the size of a huge page. For that, look
 * for LEN bytes and one huge page more. If those are free at the hint, the hint is used without
 * alignment. AREA_NO_GAP: none, or the mapping cannot hold a huge page. Linux:
 * thp_get_unmapped_area, since 6.7 for anonymous memory too.
 */
static uint64_t find_aligned_room(const struct vm_space *space, uint64_t addr, uint64_t len,
                                  int flags, uint64_t offset)
{
	uint64_t huge = pagetable_span(VM_PMD), end = offset + len,
	         first = (offset + huge - 1) & -huge;

	if (end <= first || end - first < huge)
		return AREA_NO_GAP;
	uint64_t at = find_room(space, addr, len + huge, flags);
	if (at == AREA_NO_GAP || at == addr)
		return at;
	uint64_t skip = (offset - at) & (huge - 1);
	return at + (skip > 0 ? skip : huge);
}

static uint64_t choose_place(const struct vm_space *space, uint64_t addr, uint64_t len, int flags,
                             const struct vm_file *file, uint64_t offset)
{
	/*
	 * Shared anonymous memory is not aligned: it gets huge pages only if the administrator
	 * turns them on.
	 */
	bool whole =
	    file == NULL && !(flags & MAP_SHARED) && addr == 0 && len % pagetable_span(VM_PMD) == 0;
	bool aligned = file != NULL && file->filesystem.aligned;
	uint64_t at = aligned || whole
	                  ? find_aligned_room(space, addr, len, flags, aligned ? offset : 0)
	                  : AREA_NO_GAP;

	return at != AREA_NO_GAP ? at : find_room(space, addr, len, flags);
}

int64_t space_find_place(const struct vm_space *space, uint64_t addr, uint64_t len, int flags,
                         const struct vm_file *file, uint64_t offset)
{
	const struct vm_process *process = space->process;

	if (len > VM_USER_END)
		return reason_set(-ENOMEM, VM_WHY_PLACE, len, 0, 0);
	/* Callers take this for an errno (IS_ERR_VALUE). */
	if ((flags & MAP_FIXED) && addr >= (uint64_t)-MAX_ERRNO)
		return (int64_t)addr;
	if (!(flags & MAP_FIXED))
		addr = choose_place(space, addr, len, flags, file, offset);
	if (addr > VM_USER_END - len)
		return reason_set(-ENOMEM, VM_WHY_PLACE, len, 0, 0);
	if (addr & (VM_PAGE_SIZE - 1))
		return -EINVAL;
	uint64_t lowest = machine_knob(process->machine, mmap_min_addr);
	if (addr < lowest && process->cred.uid != 0)
		return reason_set(-EPERM, VM_WHY_MIN_ADDR, addr, 0, lowest);
	return (int64_t)addr;
}
