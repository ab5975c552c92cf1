/*
 * mmap.c - mmap and munmap. Linux: mm/mmap.c, arch/x86/kernel/sys_x86_64.c; the checks come in
 * Linux's order.
 */
#include "vm/calls/mmap.h"

#include "util/linux_constants.h"
#include "vm/base/account.h"
#include "vm/base/lock.h"
#include "vm/base/reason.h"
#include "vm/cache/file.h"
#include "vm/fault/access.h"
#include "vm/memory/pagetable.h"
#include "vm/space/area.h"
#include "vm/space/limits.h"
#include "vm/space/place.h"
#include "vm/space/space.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

/* Round a hint down to a page, and up to mmap_min_addr if it is below that (round_hint_to_min). */
static uint64_t round_hint(const struct vm_space *space, uint64_t addr)
{
	uint64_t lowest = machine_knob(space->process->machine, mmap_min_addr);

	addr = page_down(addr);
	return addr != 0 && addr < lowest ? page_align(lowest) : addr;
}

/* --- Checks ----------------------------------------------------------------------------------- */

/* The mapping that is asked for. */
struct request {
	uint64_t addr, len, offset; /* bytes */
	int prot, flags;
	struct vm_file *file; /* or NULL */
	bool is_bss;          /* see mmap_bss */
	unsigned area_flags;  /* AREA_, filled in by the checks */
};

/* Flags that MAP_SHARED_VALIDATE allows. MAP_SHARED ignores others (LEGACY_MAP_MASK). */
#define VALID_SHARED_FLAGS \
	(MAP_SHARED_VALIDATE | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | \
	 MAP_EXECUTABLE | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | \
	 MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT | MAP_ABOVE4G)

/*
 * Check the type of mapping against the access mode of the file and what its file system forbids,
 * and set the flags for that. -EOVERFLOW, -EINVAL, -EOPNOTSUPP, -EACCES, -EPERM, -ENODEV.
 */
static int check_file_type(struct request *request)
{
	int type = request->flags & MAP_TYPE, access = request->file->access;

	/* A file can have no larger offset (file_mmap_ok). */
	if (request->len > INT64_MAX || request->offset > INT64_MAX - request->len)
		return -EOVERFLOW;
	if (type != MAP_SHARED && type != MAP_SHARED_VALIDATE && type != MAP_PRIVATE)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (request->flags & ~VALID_SHARED_FLAGS))
		return -EOPNOTSUPP;
	if (type != MAP_PRIVATE) {
		if ((request->prot & PROT_WRITE) && access == O_RDONLY)
			return reason_set(-EACCES, VM_WHY_NO_WRITE, 0, 0, 0);
		request->area_flags |= AREA_MAYSHARE | AREA_SHARED;
		if (access == O_RDONLY)
			request->area_flags &= ~(unsigned)(AREA_MAYWRITE | AREA_SHARED);
	}
	if (access == O_WRONLY)
		return -EACCES;
	if (request->file->filesystem.noexec) {
		if (request->prot & PROT_EXEC)
			return reason_set(-EPERM, VM_WHY_NOEXEC, 0, 0, 0);
		request->area_flags &= ~(unsigned)AREA_MAYEXEC;
	}
	if (request->file->filesystem.unmappable)
		return -ENODEV;
	return request->flags & MAP_GROWSDOWN ? -EINVAL : 0;
}

/* The same without a file. -EINVAL. */
static int check_anonymous_type(struct request *request)
{
	int type = request->flags & MAP_TYPE;

	if (type == MAP_PRIVATE)
		return 0;
	if (type != MAP_SHARED || (request->flags & MAP_GROWSDOWN))
		return -EINVAL;
	request->area_flags |= AREA_MAYSHARE | AREA_SHARED;
	return 0;
}

static bool space_overcommits(const struct vm_space *space)
{
	return machine_knob(space->process->machine, overcommit_memory) != VM_OVERCOMMIT_NEVER;
}

static void set_area_flags(const struct vm_space *space, struct request *request)
{
	request->area_flags |=
	    area_flags_of_prot(request->prot) | AREA_MAYREAD | AREA_MAYWRITE | AREA_MAYEXEC;
	if (request->flags & MAP_GROWSDOWN)
		request->area_flags |= AREA_GROWSDOWN;
	if (request->flags & MAP_LOCKED)
		request->area_flags |= AREA_LOCKED;
	/* MAP_NORESERVE has no effect if overcommit is forbidden. */
	if ((request->flags & MAP_NORESERVE) && space_overcommits(space))
		request->area_flags |= AREA_NORESERVE;
	/*
	 * The stack of a thread merges only with another one. In Linux that follows from
	 * VM_NOHUGEPAGE, which MAP_STACK sets.
	 */
	if (request->flags & MAP_STACK)
		request->area_flags |= AREA_STACK;
}

/* Whether it is shared anonymous memory that overcommit charges, as a whole. */
static bool is_shared_anonymous(const struct request *request)
{
	return request->file == NULL && (request->area_flags & AREA_SHARED) &&
	       !(request->area_flags & AREA_NORESERVE);
}

/*
 * Count the pages of the range that are mapped now, in areas that have all of FLAGS
 * (count_vma_pages_range).
 */
static uint64_t pages_replaced(const struct vm_space *space, const struct request *request,
                               unsigned flags)
{
	uint64_t end = request->addr + request->len, replaced = 0;

	for (const struct vm_area *area = area_find(space, request->addr);
	     area != NULL && area->start < end; area = area->next)
		if ((area->flags & flags) == flags)
			replaced += (MIN(area->end, end) - MAX(area->start, request->addr)) >>
			            VM_PAGE_SHIFT;
	return replaced;
}

/*
 * Check RLIMIT_AS, RLIMIT_DATA and overcommit. Pages that the mapping replaces are not counted,
 * because mmap_region unmaps them before it charges. -ENOMEM.
 */
static int check_room(struct vm_space *space, const struct request *request)
{
	uint64_t pages = request->len >> VM_PAGE_SHIFT;
	/* Shared anonymous memory is charged, too, as a whole: its object keeps the charge. */
	bool charged = (request->area_flags & AREA_ACCOUNT) || is_shared_anonymous(request);

	if (!limits_allow_pages(space, request->area_flags,
	                        pages - pages_replaced(space, request, 0)))
		return -ENOMEM;
	if (charged &&
	    !machine_may_commit(space, pages - pages_replaced(space, request, AREA_ACCOUNT)))
		return -ENOMEM;
	return 0;
}

/*
 * The checks before anything is changed (do_mmap). On success the address is chosen and area_flags
 * is complete. -ENOMEM, -EEXIST, -EPERM, -EAGAIN, and the errors of space_find_place and of the
 * type checks.
 */
static int check(struct vm_space *space, struct request *request)
{
	uint64_t most = machine_knob(space->process->machine, max_map_count);
	if (space->area_count > most)
		return reason_set(-ENOMEM, VM_WHY_AREAS, 0, space->area_count, most);
	int64_t at = space_find_place(space, request->addr, request->len, request->flags,
	                              request->file, request->offset);
	if (at < 0)
		return (int)at;
	request->addr = (uint64_t)at;
	if ((request->flags & MAP_FIXED_NOREPLACE) &&
	    area_overlap(space, request->addr, request->addr + request->len) != NULL)
		return -EEXIST;
	set_area_flags(space, request);
	request->area_flags |= space->lock_future;
	if ((request->flags & MAP_LOCKED) && !limits_can_lock(space->process))
		return -EPERM;
	if ((request->area_flags & AREA_LOCKED) &&
	    !limits_allow_lock(space, request->len >> VM_PAGE_SHIFT))
		return reason_turn(-ENOMEM, -EAGAIN);
	int error =
	    request->file != NULL ? check_file_type(request) : check_anonymous_type(request);
	if (error != 0)
		return error;
	if (area_is_accountable(request->area_flags))
		request->area_flags |= AREA_ACCOUNT;
	return 0;
}

/* --- The calls -------------------------------------------------------------------------------- */

/*
 * Make the area that REQUEST asks for, not yet in the space. Shared anonymous memory gets an object
 * of its own. NULL: no memory.
 */
static struct vm_area *make_area(struct vm_space *space, const struct request *request)
{
	struct vm_file *file = request->file != NULL ? vm_file_ref(request->file) : NULL;
	uint64_t pgoff =
	    file != NULL ? request->offset >> VM_PAGE_SHIFT : request->addr >> VM_PAGE_SHIFT;

	if (file == NULL && (request->area_flags & AREA_SHARED)) {
		bool charged = !(request->area_flags & AREA_NORESERVE);
		file = file_new_shmem(space->process->machine, request->len, charged);
		pgoff = 0;
		if (file == NULL)
			return NULL;
	}
	struct vm_area *area = area_new(space, request->addr, request->addr + request->len,
	                                request->area_flags, file, pgoff);
	if (file != NULL)
		vm_file_unref(file);
	return area;
}

/*
 * Merge AREA, which is new, with its neighbours. A file system like overlayfs gives the area
 * another file once it is there, so nothing that was mapped before has the same
 * (backing_file_mmap). Later changes can merge such areas.
 */
static void merge_new(const struct vm_area *area, const struct request *request)
{
	if (request->file == NULL || !request->file->filesystem.separate)
		area_merge(area->space, area->start, area->end - (request->is_bss ? 1 : 0));
}

/*
 * Replace what is mapped there by the new area (mmap_region). The process is write-locked. Returns
 * the address or a negative errno. After an error the same addresses are mapped as before, but
 * areas may have been split.
 */
static int64_t map(struct vm_space *space, struct request *request, struct vm_area **dead)
{
	int error = check(space, request);

	if (error != 0)
		return error;
	/* As in Linux, areas that are split here stay split if a later check fails. */
	error = space_isolate_for_unmap(space, request->addr, request->addr + request->len);
	if (error == 0)
		error = check_room(space, request);
	if (error != 0)
		return error;
	struct vm_area *area = make_area(space, request);
	if (area == NULL)
		return -ENOMEM;
	error = space_unmap(space, area->start, area->end, dead);
	if (error != 0) {
		area_discard(area, dead);
		return error;
	}
	area_insert(area);
	merge_new(area, request);
	return (int64_t)request->addr;
}

/* Check what does not depend on the address space, then map LEN bytes, rounded up to pages. */
static int64_t map_request(struct vm_process *process, struct request *request, uint64_t len)
{
	struct vm_area *dead = NULL;
	int64_t result = -ESRCH;
	int flags = request->flags;

	if (request->offset & (VM_PAGE_SIZE - 1))
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS) && request->file == NULL)
		return -EBADF;
	/*
	 * There is no hugetlbfs, so neither its files nor its memory can be mapped
	 * (ksys_mmap_pgoff).
	 */
	if ((flags & MAP_HUGETLB) || len == 0)
		return -EINVAL;
	request->len = page_align(len);
	if (request->len == 0)
		return reason_set(-ENOMEM, VM_WHY_PLACE, len, 0, 0);
	if (flags & MAP_FIXED_NOREPLACE)
		request->flags |= MAP_FIXED;
	process_write_lock(process);
	if (process->space != NULL) {
		if (!(request->flags & MAP_FIXED))
			request->addr = round_hint(process->space, request->addr);
		result = map(process->space, request, &dead);
	}
	process_unlock(process);
	area_release(dead);
	/*
	 * No lock is held now, and the mapping may have been changed by another thread. The call
	 * succeeds even if pages cannot be brought in (mm_populate).
	 */
	bool wanted = (request->area_flags & AREA_LOCKED) ||
	              (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
	if (result >= 0 && wanted && !(request->area_flags & AREA_LOCKONFAULT))
		access_populate(process, request->addr, request->len, request->area_flags);
	return result;
}

int64_t vm_mmap(struct vm_process *process, uint64_t addr, uint64_t len, int prot, int flags,
                struct vm_file *file, uint64_t offset)
{
	struct request request = {.addr = addr,
	                          .offset = offset,
	                          .prot = prot,
	                          .flags = flags,
	                          .file = flags & MAP_ANONYMOUS ? NULL : file};

	return map_request(process, &request, len);
}

int64_t mmap_bss(struct vm_process *process, uint64_t addr, uint64_t len, int prot)
{
	struct request request = {.addr = addr,
	                          .prot = prot,
	                          .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	                          .is_bss = true};

	return map_request(process, &request, len);
}

int vm_munmap(struct vm_process *process, uint64_t addr, uint64_t len)
{
	struct vm_area *dead = NULL;
	int result = -ESRCH;

	if ((addr & (VM_PAGE_SIZE - 1)) || addr > VM_USER_END || len > VM_USER_END - addr ||
	    len == 0)
		return -EINVAL;
	process_write_lock(process);
	if (process->space != NULL)
		result = space_unmap(process->space, addr, addr + page_align(len), &dead);
	process_unlock(process);
	area_release(dead);
	return result;
}
