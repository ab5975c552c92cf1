/*
 * look.c - what the machine shows of itself: areas, entries, processes, frames, objects.
 *
 * Nothing here changes anything. Long tables are read in pieces, so that the machine lock is held
 * for short times only. The pieces are then not of one moment.
 */
#include "vm/look/look.h"
#include "util/refstring.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/rmap.h"
#include "vm/memory/swap.h"
#include "vm/process/event.h"
#include "vm/space/area.h"
#include "vm/space/label.h"
#include "vm/space/threads.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* --- Areas ------------------------------------------------------------------------------------ */

/* The name that maps shows for an area without a file (get_vma_name). */
static const char *anonymous_name(const struct vm_area *area)
{
	const struct vm_space *space = area->space;

	if (area->name != NULL)
		return area->name;
	if (area->start < space->layout.brk && area->end > space->layout.start_brk)
		return "[heap]";
	if (area->start <= space->layout.start_stack && area->end >= space->layout.start_stack)
		return "[stack]";
	return NULL;
}

void look_area(const struct vm_area *area, struct look_name *name, struct vm_area_info *info)
{
	const struct vm_label *label = area->label;

	*info = (struct vm_area_info){.start = area->start, .end = area->end};
	area_perm(area, info->perm);
	if (label != NULL && label->name[0] != '\0') {
		info->offset = label_is_file(label) ? label_offset(label, area->pgoff) : 0;
		info->dev = label->dev;
		info->ino = label->ino;
		info->name = label->name;
		return;
	}
	if (area->file == NULL || label != NULL) {
		info->name = anonymous_name(area);
		return;
	}
	if (area->file != name->file) {
		g_free(name->text);
		name->text = vm_file_name(area->file);
		name->file = area->file;
	}
	info->offset = area->pgoff << VM_PAGE_SHIFT;
	info->dev = __atomic_load_n(&area->object->superblock, __ATOMIC_RELAXED);
	info->ino = area->object->ino;
	info->name = name->text;
	info->access = area->file->access;
}

int vm_process_areas(struct vm_process *process, uint64_t from, vm_area_fn fn, void *ctx)
{
	struct look_name name = {NULL, NULL};
	struct vm_area_info info;
	bool more = true;

	if (process_enter(process) != 0)
		return -ESRCH;
	const struct vm_area *area = area_find(process->space, from);
	for (; area != NULL && more; area = area->next) {
		look_area(area, &name, &info);
		more = fn(ctx, &info);
	}
	process_unlock(process);
	g_free(name.text);
	return 0;
}

/* Whether a copy of memory would include AREA: it can be read, and is not the clock page. */
static bool has_data(const struct vm_area *area)
{
	return (area->flags & AREA_ACCESS) && !area_is_device(area);
}

int64_t vm_process_seek(struct vm_process *process, uint64_t va, bool hole)
{
	int64_t result = -ENXIO;

	if (process_enter(process) != 0)
		return -ESRCH;
	const struct vm_area *area = area_find(process->space, va);
	if (hole && va < VM_USER_END) {
		/* The end of the last area with data that touches the one at VA. */
		for (; area != NULL && area->start <= va && has_data(area); area = area->next)
			va = area->end;
		result = (int64_t)va;
	} else if (!hole) {
		while (area != NULL && !has_data(area))
			area = area->next;
		if (area != NULL)
			result = (int64_t)MAX(va, area->start);
	}
	process_unlock(process);
	return result;
}

/* --- Page tables ------------------------------------------------------------------------------ */

/* Entries or frames that are read in one hold of the machine lock. */
enum { PIECE = 64 };

/* Entries that were read in one hold of the machine lock. */
struct piece {
	struct vm_entry_info entry[PIECE];
	int count;
};

/* Whether a write to the page would copy it: the area must be private and permit writes. */
static bool would_copy_locked(const struct vm_space *space, const struct vm_entry_info *info)
{
	const struct vm_machine *machine = space->process->machine;
	const struct vm_area *area = area_at(space, info->va);

	if (area == NULL || info->zero || !(area->flags & AREA_WRITE) ||
	    (area->flags & AREA_SHARED))
		return false;
	if (!frame_is_ram(machine, info->pfn) || machine->frames[info->pfn].object != NULL)
		return true;
	return info->users > 1 || (machine->frames[info->pfn].flags & FRAME_SWAPCACHE);
}

/* Describe entry ID of SPACE, which translates VA and is in use. */
static void describe_locked(const struct vm_space *space, vm_entry_id id, uint64_t va,
                            enum vm_level level, struct vm_entry_info *info)
{
	const struct vm_machine *machine = space->process->machine;
	uint64_t raw = pte_get(machine, id);

	*info = (struct vm_entry_info){.va = va,
	                               .rights = pte_rights(raw),
	                               .level = level,
	                               .index = id % VM_TABLE_ENTRIES,
	                               .raw = raw,
	                               .pfn = pte_pfn(raw),
	                               .kind = VM_ENTRY_TABLE,
	                               .users = 1};
	if (level == VM_PTE && pte_is_guard(raw)) {
		info->kind = VM_ENTRY_GUARD;
		info->pfn = 0;
	} else if (level == VM_PTE && pte_is_swap(raw)) {
		info->kind = VM_ENTRY_SWAP;
		info->pfn = pte_slot(raw);
		info->users = rmap_slot_users_locked(machine, pte_slot(raw));
	} else if (level == VM_PTE) {
		info->kind = VM_ENTRY_PAGE;
		info->zero = info->pfn == machine_zero_pfn(machine);
		if (frame_is_ram(machine, info->pfn))
			info->users = rmap_frame_users_locked(machine, (vm_pfn)info->pfn);
		info->cow = would_copy_locked(space, info);
	} else if (raw & PTE_PS) {
		info->kind = VM_ENTRY_HUGE;
	} else {
		info->users = rmap_table_users_locked(machine, pte_table(machine, raw));
	}
}

/*
 * Read the entries in use among the PIECE entries from *INDEX on, in the table of LEVEL that serves
 * VA, and advance *INDEX. None, if there is no such table: it may have been freed since the last
 * piece, because faults change tables while the process is locked for reading.
 */
static void read_piece(const struct vm_space *space, uint64_t va, enum vm_level level,
                       unsigned *index, struct piece *piece)
{
	struct vm_machine *machine = space->process->machine;
	uint64_t span = pagetable_span(level), base = va & -(span * VM_TABLE_ENTRIES);
	unsigned stop = MIN(*index + PIECE, VM_TABLE_ENTRIES);
	vm_entry_id ids[4];

	piece->count = 0;
	machine_lock(machine);
	bool there = pagetable_walk_locked(space, va, ids) > VM_PGD - (int)level;
	uint32_t table = there ? pagetable_of(ids[VM_PGD - level]) : 0;
	for (; there && *index < stop; ++*index) {
		vm_entry_id id = pagetable_id(table, *index);
		uint64_t at = base + *index * span;
		/* The upper half's addresses are sign-extended from bit 47. */
		at = (uint64_t)((int64_t)(at << 16) >> 16);
		if (pte_get(machine, id) != 0)
			describe_locked(space, id, at, level, &piece->entry[piece->count++]);
	}
	machine_unlock(machine);
	*index = stop;
}

/* A walk over entries: what to call, and the place of the first entry for it. */
struct entry_walk {
	const struct vm_space *space;
	uint64_t from;
	vm_entry_fn fn;
	void *ctx;
};

/*
 * Call the function of WALK for the entries of the table of LEVEL that serves VA, each followed by
 * those of the table that it points to. ABOVE: what the entries above the table allow, PROT_ bits.
 * The walk begins INSIDE the table, or shows all of it. False
 * if the function gave the walk up. The process is locked for reading; the machine lock is not held
 * during the function.
 */
static bool show_table(const struct entry_walk *walk, uint64_t va, enum vm_level level, bool inside,
                       int above)
{
	unsigned index = inside ? walk->from / pagetable_span(level) % VM_TABLE_ENTRIES : 0;
	struct piece piece;

	while (index < VM_TABLE_ENTRIES) {
		read_piece(walk->space, va, level, &index, &piece);
		for (int i = 0; i < piece.count; i++) {
			struct vm_entry_info *entry = &piece.entry[i];
			entry->effective = entry->rights & above;
			bool before = vm_entry_place(entry) < walk->from;
			if (!before && !walk->fn(walk->ctx, entry))
				return false;
			/* Of those before the place only the table around it is looked into. */
			if (entry->kind == VM_ENTRY_TABLE &&
			    !show_table(walk, entry->va, (enum vm_level)(level - 1), before,
			                entry->effective))
				return false;
		}
	}
	return true;
}

int vm_process_entries(struct vm_process *process, uint64_t from, vm_entry_fn fn, void *ctx)
{
	struct entry_walk walk = {.from = from, .fn = fn, .ctx = ctx};

	if (process_enter(process) != 0)
		return -ESRCH;
	walk.space = process->space;
	show_table(&walk, 0, VM_PGD, true, PROT_READ | PROT_WRITE | PROT_EXEC);
	process_unlock(process);
	return 0;
}

/* --- Processes -------------------------------------------------------------------------------- */

/* Fill in what SPACE, whose process is locked, says of the process. */
static void show_space(const struct vm_space *space, struct vm_process_info *info)
{
	info->vm_total = space->total_pages;
	info->vm_peak = space->peak_pages;
	info->vm_data = space->data_pages;
	info->vm_stack = space->stack_pages;
	info->vm_locked = space->locked_pages;
	info->vm_exec =
	    (page_align(space->layout.end_code) - page_down(space->layout.start_code)) >>
	    VM_PAGE_SHIFT;
	info->vm_exec = MIN(info->vm_exec, space->exec_pages);
	info->vm_lib = space->exec_pages - info->vm_exec;
	info->areas = space->area_count;
	info->layout = space->layout;
	info->kernel_only = space->kernel_only;
	info->threads = space->threads != NULL ? space->threads->count : 1;
	info->cr3 = (space->process->machine->nr_frames + space->pgd) << VM_PAGE_SHIFT;
}

static void show_counts_locked(const struct vm_space *space, struct vm_process_info *info)
{
	info->rss_anon = space->rss[VM_FRAME_ANON];
	info->rss_file = space->rss[VM_FRAME_FILE];
	info->rss_shmem = space->rss[VM_FRAME_SHMEM];
	info->rss_peak = space->rss_peak;
	info->swap = space->swap;
	info->tables = space->tables;
}

void vm_process_summary(struct vm_process *process, struct vm_process_info *info)
{
	struct vm_machine *machine = process->machine;

	*info = (struct vm_process_info){
	    .pid = process->pid, .cred = process->cred, .start = process->start, .threads = 1};
	machine_lock(machine);
	if (process->oom_space != NULL)
		show_counts_locked(process->oom_space, info);
	g_strlcpy(info->comm, process->comm, sizeof info->comm);
	info->ppid = process->ppid;
	info->zombie = process->zombie;
	info->group = process->group;
	info->session = process->session;
	info->oom_adj = process->oom_adj;
	info->dump_filter = process->dump_filter;
	info->minor_faults = process->minor_faults;
	info->major_faults = process->major_faults;
	info->evicted = process->evicted;
	info->last_record = event_last_locked(process);
	info->child_minor_faults = process->child_minor_faults;
	info->child_major_faults = process->child_major_faults;
	info->last_signal = process->last_signal;
	info->last_code = process->last_code;
	info->last_address = process->last_address;
	machine_unlock(machine);
}

void vm_process_info(struct vm_process *process, struct vm_process_info *info)
{
	process_read_lock(process);
	vm_process_summary(process, info);
	if (process->space != NULL)
		show_space(process->space, info);
	for (size_t i = 0; i < process->fds.len; i++)
		info->fds += ARRAY_AT(&process->fds, struct vm_file *, i) != NULL;
	process_unlock(process);
}

char *vm_process_exe(struct vm_process *process)
{
	if (process_enter(process) != 0)
		return NULL;
	char *name = process->space->exe != NULL ? vm_file_name(process->space->exe) : NULL;
	process_unlock(process);
	return name;
}

uint64_t *vm_process_auxv(struct vm_process *process, size_t *len)
{
	uint64_t *copy = NULL;

	*len = 0;
	if (process_enter(process) != 0)
		return NULL;
	const struct vm_space *space = process->space;
	if (space->auxv_len > 0) {
		*len = space->auxv_len * sizeof *copy;
		copy = g_try_malloc(*len);
		if (copy != NULL)
			memcpy(copy, space->auxv, *len);
		else
			*len = 0;
	}
	process_unlock(process);
	return copy;
}

/* --- Frames and objects ----------------------------------------------------------------------- */

/* Describe frame PFN. False if it is not in use. */
static bool describe_frame_locked(struct vm_machine *machine, vm_pfn pfn,
                                  struct vm_frame_info *info)
{
	const struct vm_frame *frame = &machine->frames[pfn];

	if (!frame_in_use(frame))
		return false;
	*info = (struct vm_frame_info){.pfn = pfn,
	                               .last = pfn,
	                               .kind = frame_kind(frame),
	                               .pins = frame->pins,
	                               .index = frame->index,
	                               .dirty = frame->flags & FRAME_DIRTY,
	                               .writeback = frame->flags & FRAME_WRITEBACK,
	                               .users = rmap_frame_users_locked(machine, pfn)};
	if (frame->object != NULL)
		info->object = frame->object->number;
	if (frame->rmap != 0) {
		const struct vm_space *space =
		    rmap_any_space_locked(machine, pagetable_of(frame->rmap));
		if (space != NULL) {
			info->pid = space->process->pid;
			info->owner = space->process->cred;
		}
		info->va = pagetable_entry_va(machine, frame->rmap);
	}
	return true;
}

/* Call FN for the free frames from FIRST up to and without END, if there are any. */
static bool show_free(uint64_t first, uint64_t end, vm_frame_fn fn, void *ctx)
{
	struct vm_frame_info run = {.pfn = first, .last = end - 1, .kind = VM_FRAME_FREE};

	return first >= end || fn(ctx, &run);
}

void vm_machine_frames(struct vm_machine *machine, uint64_t from, vm_frame_fn fn, void *ctx)
{
	struct vm_frame_info info[PIECE];
	uint64_t pfn = MAX(from, 1), free = pfn; /* where a run of free frames may begin */
	bool more = true, wanted = true;

	while (more && wanted) {
		int count = 0;
		machine_lock(machine);
		for (uint64_t stop = pfn + PIECE; pfn < stop && pfn < machine->frame_pool.used;
		     pfn++)
			count += describe_frame_locked(machine, (vm_pfn)pfn, &info[count]);
		more = pfn < machine->frame_pool.used;
		machine_unlock(machine);
		for (int i = 0; i < count && wanted; i++) {
			wanted = show_free(free, info[i].pfn, fn, ctx) && fn(ctx, &info[i]);
			free = info[i].pfn + 1;
		}
	}
	if (wanted)
		show_free(free, machine->nr_frames, fn, ctx);
}

void vm_machine_physical(struct vm_machine *machine, uint64_t address, size_t len, void *buf)
{
	uint64_t pages = machine->nr_frames + (uint64_t)machine->nr_tables;
	char *to = buf;

	for (size_t piece; len > 0; len -= piece, address += piece, to += piece) {
		uint64_t page = address >> VM_PAGE_SHIFT, inside = address % VM_PAGE_SIZE;
		piece = MIN(len, VM_PAGE_SIZE - inside);
		if (page >= pages) {
			memset(to, 0, piece);
			continue;
		}
		/* Frames change without the lock, too, as in a real machine. */
		machine_lock(machine);
		memory_copy(to, (const char *)machine_page(machine, page) + inside, piece);
		machine_unlock(machine);
	}
}

/* What is shown of an object, with a reference to its name. */
struct object_row {
	struct vm_object_info info;
	char *name; /* util/refstring.h, or NULL */
};

/* A walk over objects, which stands at OBJECT. */
struct object_walk {
	struct vm_object *object; /* a reference; NULL: before the first or after the last */
	struct object_row row[PIECE];
	int count;
};

static struct object_row describe_object_locked(const struct vm_object *object)
{
	return (struct object_row){
	    .info = {.number = object->number,
	             .shmem = object->shmem,
	             .dev = object->dev,
	             .ino = object->ino,
	             .size = object->size,
	             .areas = object->area_count,
	             .pages = object->pages,
	             .dirty = object->dirty_pages},
	    .name = object->name != NULL ? refstring_acquire(object->name) : NULL,
	};
}

/* Fill in the rows of the next objects from number FROM on: none after the last. */
static void read_objects(struct vm_machine *machine, uint64_t from, struct object_walk *walk)
{
	uint64_t step = 0;

	walk->count = 0;
	machine_lock(machine);
	do {
		walk->object = object_next_locked(machine, walk->object);
		if (walk->object != NULL && walk->object->number >= from)
			walk->row[walk->count++] = describe_object_locked(walk->object);
		machine_yield_locked(machine, step++);
	} while (walk->object != NULL && walk->count < PIECE);
	machine_unlock(machine);
}

void vm_machine_objects(struct vm_machine *machine, uint64_t from, vm_object_fn fn, void *ctx)
{
	struct object_walk walk = {.object = NULL};
	bool more = true;

	do {
		read_objects(machine, from, &walk);
		for (int i = 0; i < walk.count; i++) {
			walk.row[i].info.name = walk.row[i].name;
			more = more && fn(ctx, &walk.row[i].info);
			refstring_release(walk.row[i].name);
		}
	} while (more && walk.object != NULL);
	if (walk.object == NULL)
		return;
	machine_lock(machine);
	object_put_locked(walk.object);
	machine_unlock(machine);
}
