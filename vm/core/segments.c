/*
 * segments.c - see segments.h. Linux: vma_dump_size and fill_files_note of fs/coredump.c and
 * fs/binfmt_elf.c.
 *
 * No host file is read here, so that it never waits: whether a file is an ELF file is seen from
 * what is in memory of it, or from the process executing it.
 */
#include "vm/core/segments.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/cache/file.h"
#include "vm/cache/object.h"
#include "vm/cache/view.h"
#include "vm/memory/pte.h"
#include "vm/memory/walk.h"
#include "vm/space/area.h"
#include "vm/space/label.h"
#include "vm/vm_core.h"

#include <elf.h>

/* --- How much of an area ---------------------------------------------------------------------- */

/* One collection: what is asked for, and what is known of the files. */
struct collection {
	struct segments *segments;
	unsigned filter;
	GHashTable *executed; /* the objects that the process maps executable */
	/* the name of the last file, so that neighbours of one file ask once */
	const struct vm_file *file;
	char *name;
};

/* The objects that SPACE maps executable, as keys. */
static GHashTable *executed_objects(const struct vm_space *space)
{
	GHashTable *objects = g_hash_table_new(NULL, NULL);

	for (const struct vm_area *area = space->first; area != NULL; area = area->next)
		if (area->object != NULL && (area->flags & AREA_EXEC))
			g_hash_table_add(objects, area->object);
	return objects;
}

/* The contents of the first page of AREA, or NULL: it is not in memory. */
static const void *first_page_locked(const struct vm_area *area)
{
	const struct vm_machine *machine = area->object->machine;
	vm_entry_id id = pagetable_entry_at_locked(area->space, area->start, VM_PTE);
	uint64_t entry = id != 0 ? pte_get(machine, id) : 0;

	if (entry & PTE_P)
		return machine_page(machine, pte_pfn(entry));
	vm_pfn pfn = object_lookup_locked(area->object, area->pgoff);
	bool there = pfn != VM_PFN_NONE && !(machine->frames[pfn].flags & FRAME_BUSY);
	return there ? machine_page(machine, pfn) : NULL;
}

static bool begins_with_elf(const struct collection *collection, const struct vm_area *area)
{
	bool is_elf = false;

	if (g_hash_table_contains(collection->executed, area->object))
		return true;

	machine_lock(area->object->machine);
	const void *page = first_page_locked(area);
	if (page != NULL) {
		char magic[8];
		memory_copy(magic, page, sizeof magic);
		is_elf = memcmp(magic, ELFMAG, SELFMAG) == 0;
	}
	machine_unlock(area->object->machine);
	return is_elf;
}

/* Whether nobody can find the file of AREA, called NAME: an unlinked one, or shared memory. */
static bool is_nameless(const struct vm_area *area, const char *name)
{
	return area->object->shmem || g_str_has_suffix(name, " (deleted)");
}

/* How much of AREA, which maps the file of the core that it was loaded from: what was in there. */
static uint64_t loaded_size(const struct vm_area *area, bool touched)
{
	uint64_t place = area->pgoff << VM_PAGE_SHIFT, len = area->end - area->start;

	return touched ? len : page_align(view_extent(area->file, place, place + len));
}

/* The bytes of AREA that are in the core. NAME is that of its file, or NULL. */
static uint64_t dump_size(const struct collection *collection, const struct vm_area *area,
                          const char *name)
{
	unsigned filter = collection->filter;
	uint64_t whole = area->end - area->start;
	bool touched = area->anon_vma != 0 && (filter & VM_CORE_ANON_PRIVATE);

	if (area->flags & AREA_SPECIAL)
		return whole;
	if (area->flags & AREA_DONTDUMP)
		return 0;
	if (area->object != NULL && area->object->view)
		return loaded_size(area, touched);
	if (area->flags & AREA_SHARED)
		return filter & (is_nameless(area, name) ? VM_CORE_ANON_SHARED
		                                         : VM_CORE_MAPPED_SHARED)
		           ? whole
		           : 0;
	if (touched)
		return whole;
	if (name == NULL)
		return 0;
	if (filter & VM_CORE_MAPPED_PRIVATE)
		return whole;
	/* What a process was loaded from may name a file that nothing of the area maps. */
	bool header = (filter & VM_CORE_ELF_HEADERS) && area->object != NULL && area->pgoff == 0 &&
	              (area->flags & AREA_READ) && begins_with_elf(collection, area);
	return header ? VM_PAGE_SIZE : 0;
}

/* --- The areas -------------------------------------------------------------------------------- */

/* The name of the file that AREA maps, as maps shows it; or NULL. */
static const char *name_of(struct collection *collection, const struct vm_area *area)
{
	if (area->label != NULL)
		return label_is_file(area->label) ? area->label->name : NULL;
	if (area->file == NULL)
		return NULL;
	if (area->file != collection->file) {
		g_free(collection->name);
		collection->name = vm_file_name(area->file);
		collection->file = area->file;
	}
	return collection->name;
}

static void add_file(struct segments *segments, const struct vm_area *area, const char *name)
{
	uint64_t page = area->label != NULL
	                    ? label_offset(area->label, area->pgoff) >> VM_PAGE_SHIFT
	                    : area->pgoff;
	const uint64_t range[] = {area->start, area->end, page};

	buffer_add(&segments->ranges, range, sizeof range);
	buffer_add(&segments->names, name, strlen(name) + 1);
	segments->files++;
}

static void add_area(struct collection *collection, const struct vm_area *area)
{
	const char *name = name_of(collection, area);
	const struct segment segment = {.start = area->start,
	                                .end = area->end,
	                                .dumped = dump_size(collection, area, name),
	                                .flags = (area->flags & AREA_READ ? PF_R : 0u) |
	                                         (area->flags & AREA_WRITE ? PF_W : 0u) |
	                                         (area->flags & AREA_EXEC ? PF_X : 0u)};

	buffer_add(&collection->segments->list, &segment, sizeof segment);
	if (name != NULL && name[0] != '\0')
		add_file(collection->segments, area, name);
}

int segments_collect(struct segments *segments, struct vm_process *process, unsigned filter)
{
	struct collection collection = {.segments = segments, .filter = filter};

	*segments = (struct segments){.files = 0};
	if (process_enter(process) != 0)
		return -ESRCH;
	collection.executed = executed_objects(process->space);
	for (const struct vm_area *area = process->space->first; area != NULL; area = area->next)
		add_area(&collection, area);
	process_unlock(process);
	g_hash_table_unref(collection.executed);
	g_free(collection.name);
	bool failed = segments->list.failed || segments->ranges.failed || segments->names.failed;
	return failed ? -ENOMEM : 0;
}

void segments_clear(struct segments *segments)
{
	buffer_clear(&segments->list);
	buffer_clear(&segments->ranges);
	buffer_clear(&segments->names);
}
