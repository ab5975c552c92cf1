/*
 * mmap.c - mmap and munmap. Linux: mm/mmap.c, arch/x86/kernel/sys_x86_64.c; the checks come in
 * Linux's order.
 */
#include "vm/calls/mmap.h"
#include "vm/base/account.h"
#include "vm/base/lock.h"
#include "vm/cache/file.h"
#include "vm/fault/access.h"
#include "vm/memory/pagetable.h"
#include "vm/space/area.h"
#include "vm/space/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MAP_ABOVE4G
#define MAP_ABOVE4G 0x80 /* Linux 6.6 */
#endif

enum { MAX_ERRNO = 4095 };

/* --- Where ------------------------------------------------------------------------------------ */

/* The bottom of the search that MAP_32BIT asks for, and of the one when all above is full. */
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

/* At the hint ADDR if there is one and it is free, else in a gap. */
static uint64_t find_room(const struct vm_space *space, uint64_t addr, uint64_t len, int flags)
{
	return addr != 0 && hint_is_free(space, addr, len, flags) ? addr
	                                                          : find_gap(space, len, flags);
}

/*
 * Mappings that could hold huge pages are aligned to them (thp_get_unmapped_area, since 6.7 for
 * anonymous ones too), in room for a huge page more; but at the hint where that room is free there.
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
                             bool is_file, uint64_t offset)
{
	/* Shared anonymous memory has huge pages only where an administrator wants them. */
	bool whole = !(flags & MAP_SHARED) && addr == 0 && len % pagetable_span(VM_PMD) == 0;
	uint64_t at = is_file || whole
	                  ? find_aligned_room(space, addr, len, flags, is_file ? offset : 0)
	                  : AREA_NO_GAP;

	return at != AREA_NO_GAP ? at : find_room(space, addr, len, flags);
}

int64_t space_find_place(const struct vm_space *space, uint64_t addr, uint64_t len, int flags,
                         bool is_file, uint64_t offset)
{
	const struct vm_process *process = space->process;

	if (len > VM_USER_END)
		return -ENOMEM;
	/* A fixed address that looks like an errno is taken for one. */
	if ((flags & MAP_FIXED) && addr >= (uint64_t)-MAX_ERRNO)
		return (int64_t)addr;
	if (!(flags & MAP_FIXED))
		addr = choose_place(space, addr, len, flags, is_file, offset);
	if (addr > VM_USER_END - len)
		return -ENOMEM;
	if (addr & (VM_PAGE_SIZE - 1))
		return -EINVAL;
	if (addr < machine_knob(process->machine, mmap_min_addr) && process->cred.uid != 0)
		return -EPERM;
	return (int64_t)addr;
}

/* A hint is rounded down, and up out of the forbidden low pages (round_hint_to_min). */
static uint64_t round_hint(const struct vm_space *space, uint64_t addr)
{
	uint64_t lowest = machine_knob(space->process->machine, mmap_min_addr);

	addr = page_down(addr);
	return addr != 0 && addr < lowest ? page_align(lowest) : addr;
}

/* --- What ------------------------------------------------------------------------------------- */

unsigned area_flags_of_prot(int prot)
{
	return (prot & PROT_READ ? AREA_READ : 0u) | (prot & PROT_WRITE ? AREA_WRITE : 0u) |
	       (prot & PROT_EXEC ? AREA_EXEC : 0u);
}

bool space_is_accountable(unsigned flags)
{
	return (flags & (AREA_NORESERVE | AREA_SHARED | AREA_WRITE)) == AREA_WRITE;
}

/* A mapping on its way. */
struct request {
	uint64_t addr, len, offset; /* bytes */
	int prot, flags;
	struct vm_file *file; /* or NULL */
	unsigned area_flags;
};

/* What MAP_SHARED_VALIDATE knows; with plain MAP_SHARED others are ignored (LEGACY_MAP_MASK). */
#define VALID_SHARED_FLAGS \
	(MAP_SHARED_VALIDATE | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | \
	 MAP_EXECUTABLE | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | \
	 MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT | MAP_ABOVE4G)

static int check_file_type(struct request *request)
{
	int type = request->flags & MAP_TYPE, access = request->file->access;

	/* The file must be able to have that offset (file_mmap_ok). */
	if (request->len > INT64_MAX || request->offset > INT64_MAX - request->len)
		return -EOVERFLOW;
	if (type != MAP_SHARED && type != MAP_SHARED_VALIDATE && type != MAP_PRIVATE)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (request->flags & ~VALID_SHARED_FLAGS))
		return -EOPNOTSUPP;
	if (type != MAP_PRIVATE) {
		if ((request->prot & PROT_WRITE) && access == O_RDONLY)
			return -EACCES;
		request->area_flags |= AREA_MAYSHARE | AREA_SHARED;
		if (access == O_RDONLY)
			request->area_flags &= ~(unsigned)(AREA_MAYWRITE | AREA_SHARED);
	}
	if (access == O_WRONLY)
		return -EACCES;
	return request->flags & MAP_GROWSDOWN ? -EINVAL : 0;
}

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
	/* Not where overcommit is forbidden. */
	if ((request->flags & MAP_NORESERVE) && space_overcommits(space))
		request->area_flags |= AREA_NORESERVE;
	/*
	 * Linux says the same by VM_NOHUGEPAGE: a thread's stack merges with nothing but another
	 * one.
	 */
	if (request->flags & MAP_STACK)
		request->area_flags |= AREA_STACK;
}

static bool is_shared_anonymous(const struct request *request)
{
	return request->file == NULL && (request->area_flags & AREA_SHARED) &&
	       !(request->area_flags & AREA_NORESERVE);
}

/*
 * Pages that are mapped where the mapping goes, those in areas with all of FLAGS
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
 * Limits and charge. What the mapping replaces is given back first (mmap_region unmaps before it
 * charges).
 */
static int check_room(struct vm_space *space, const struct request *request)
{
	uint64_t pages = request->len >> VM_PAGE_SHIFT;
	/* Shared anonymous memory is charged too, as a whole, by its object. */
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
 * Everything that may refuse the mapping before anything is changed (do_mmap). The address is
 * chosen on success.
 */
static int check(struct vm_space *space, struct request *request)
{
	if (space->area_count > machine_knob(space->process->machine, max_map_count))
		return -ENOMEM;
	int64_t at = space_find_place(space, request->addr, request->len, request->flags,
	                              request->file != NULL, request->offset);
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
		return -EAGAIN;
	int error =
	    request->file != NULL ? check_file_type(request) : check_anonymous_type(request);
	if (error != 0)
		return error;
	if (space_is_accountable(request->area_flags))
		request->area_flags |= AREA_ACCOUNT;
	return 0;
}

/* --- The calls -------------------------------------------------------------------------------- */

/*
 * Part the areas at START and END for an unmap between; only a hole in one area needs another one
 * more.
 */
static int part_for_unmap(struct vm_space *space, uint64_t start, uint64_t end)
{
	const struct vm_area *first = area_at(space, start);
	bool cuts_hole = first != NULL && first->start < start && first->end > end;

	if (cuts_hole && space->area_count >= machine_knob(space->process->machine, max_map_count))
		return -ENOMEM;
	return area_isolate_unlimited(space, start, end);
}

int space_unmap(struct vm_space *space, uint64_t start, uint64_t end, GPtrArray **files)
{
	struct vm_area *area;
	int error;

	if (area_overlap(space, start, end) == NULL)
		return 0;
	error = pagetable_own_range(space, start, end, VM_PMD);
	if (error == 0)
		error = part_for_unmap(space, start, end);
	if (error != 0) {
		area_merge(space, start, end);
		return error;
	}
	pagetable_clear_range(space, start, end);
	while ((area = area_overlap(space, start, end)) != NULL)
		file_list_add(files, area_delete(area));
	return 0;
}

/*
 * The area that REQUEST asks for, not yet in the space; shared anonymous memory gets an object of
 * its own.
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

/* Replace what is mapped there by the new area (mmap_region). */
static int64_t map(struct vm_space *space, struct request *request, GPtrArray **files)
{
	int error = check(space, request);

	if (error != 0)
		return error;
	/* What is parted here stays so where there is no room: as in Linux. */
	error = part_for_unmap(space, request->addr, request->addr + request->len);
	if (error == 0)
		error = check_room(space, request);
	if (error != 0)
		return error;
	struct vm_area *area = make_area(space, request);
	if (area == NULL)
		return -ENOMEM;
	error = space_unmap(space, area->start, area->end, files);
	if (error != 0) {
		file_list_add(files, area->file);
		g_free(area);
		return error;
	}
	area_insert(area);
	area_merge(space, area->start, area->end);
	return (int64_t)request->addr;
}

int64_t vm_mmap(struct vm_process *process, uint64_t addr, uint64_t len, int prot, int flags,
                struct vm_file *file, uint64_t offset)
{
	struct request request = {.addr = addr,
	                          .len = page_align(len),
	                          .offset = offset,
	                          .prot = prot,
	                          .flags = flags,
	                          .file = flags & MAP_ANONYMOUS ? NULL : file};
	GPtrArray *files = NULL;
	int64_t result = -ESRCH;

	if (offset & (VM_PAGE_SIZE - 1))
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS) && file == NULL)
		return -EBADF;
	/*
	 * There is no hugetlbfs: neither a file of it nor its memory can be mapped
	 * (ksys_mmap_pgoff).
	 */
	if (flags & MAP_HUGETLB)
		return -EINVAL;
	if (len == 0)
		return -EINVAL;
	if (request.len == 0)
		return -ENOMEM;
	if (flags & MAP_FIXED_NOREPLACE)
		request.flags |= MAP_FIXED;
	process_write_lock(process);
	if (process->space != NULL) {
		if (!(request.flags & MAP_FIXED))
			request.addr = round_hint(process->space, addr);
		result = map(process->space, &request, &files);
	}
	process_unlock(process);
	file_list_release(files);
	/* Failures are no failure of the call (mm_populate). */
	bool wanted = (request.area_flags & AREA_LOCKED) ||
	              (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
	if (result >= 0 && wanted && !(request.area_flags & AREA_LOCKONFAULT))
		access_populate(process, request.addr, request.len, request.area_flags);
	return result;
}

int vm_munmap(struct vm_process *process, uint64_t addr, uint64_t len)
{
	GPtrArray *files = NULL;
	int result = -ESRCH;

	if ((addr & (VM_PAGE_SIZE - 1)) || addr > VM_USER_END || len > VM_USER_END - addr ||
	    len == 0)
		return -EINVAL;
	process_write_lock(process);
	if (process->space != NULL)
		result = space_unmap(process->space, addr, addr + page_align(len), &files);
	process_unlock(process);
	file_list_release(files);
	return result;
}

int64_t space_map_special(struct vm_space *space, uint64_t addr, uint64_t len, unsigned flags,
                          const char *name, struct vm_object *object, uint64_t pgoff)
{
	int64_t at = space_find_place(space, addr, len, 0, false, 0);

	if (at < 0)
		return at;
	struct vm_area *area = area_new(space, (uint64_t)at, (uint64_t)at + len,
	                                flags | AREA_SPECIAL | AREA_DONTEXPAND, NULL, pgoff);
	if (area == NULL)
		return -ENOMEM;
	area->name = name;
	area->object = object;
	area_insert(area);
	return at;
}
