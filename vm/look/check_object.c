/*
 * check_object.c - check objects and files. Their lists are compared with each other, with what
 * processes refer to, and with the machine's sums.
 *
 * Files and handles may have more users than were found, because callers of the engine hold
 * references, too.
 */
#include "vm/cache/object.h"
#include "vm/look/check.h"
#include "vm/memory/swap.h"

#include <fcntl.h>

/* Sums over all objects. */
struct sums {
	uint64_t dirty, writers, slots, charged;
};

/* --- What an object lists --------------------------------------------------------------------- */

/* Count LIST, whose frames must belong to OBJECT and must all be dirty, or all clean. */
static uint64_t check_pages(struct check *check, const struct vm_object *object,
                            const struct list_link *list, bool dirty)
{
	uint64_t length = check_list(check, list, check->machine->nr_frames);

	for (const struct list_link *l = list->next; l != list && check->wrong == NULL;
	     l = l->next) {
		const struct vm_frame *frame = LIST_ENTRY(l, struct vm_frame, link);
		if (frame->object != object || !!(frame->flags & FRAME_DIRTY) != dirty)
			check_complain(check, "page %lu in a list of object %lu", frame->index,
			               object->number);
		bool written = dirty || (frame->flags & FRAME_WRITEBACK) || frame->storing > 0;
		if (!written && check->machine->twins[frame - check->machine->frames] != NULL)
			check_complain(check, "clean page %lu of object %lu has a twin",
			               frame->index, object->number);
	}
	return length;
}

/*
 * Check the list of areas that map OBJECT, and remove them from check->areas. An area that is left
 * there at the end is in no list.
 */
static void check_areas(struct check *check, const struct vm_object *object)
{
	uint64_t length = check_list(check, &object->areas, g_hash_table_size(check->areas));

	if (object->area_count != length)
		check_complain(check, "object %lu: %lu areas, counted %lu", object->number,
		               object->area_count, length);
	for (const struct list_link *l = object->areas.next;
	     l != &object->areas && check->wrong == NULL; l = l->next) {
		struct vm_area *area = LIST_ENTRY(l, struct vm_area, object_link);
		if (!g_hash_table_remove(check->areas, area) || area->object != object)
			check_complain(check, "object %lu: an area that is not its own",
			               object->number);
	}
}

static uint64_t check_object_slots(struct check *check, const struct vm_object *object)
{
	uint64_t length = check_list(check, &object->slots, check->machine->swap.touched);

	for (const struct list_link *l = object->slots.next;
	     l != &object->slots && check->wrong == NULL; l = l->next) {
		const struct vm_slot *slot = LIST_ENTRY(l, struct vm_slot, link);
		if (slot->object != object ||
		    swap_find_locked(check->machine, object, slot->index) !=
		        slot - check->machine->swap.slots)
			check_complain(check, "object %lu: a slot that is not its own",
			               object->number);
	}
	return length;
}

static void check_object(struct check *check, const struct vm_object *object, struct sums *sums)
{
	uint64_t dirty = check_pages(check, object, &object->dirty, true);
	uint64_t pages = dirty + check_pages(check, object, &object->clean, false);

	if (object->pages != pages || object->dirty_pages != dirty)
		check_complain(check, "object %lu: %lu pages, %lu dirty, counted %lu, %lu",
		               object->number, object->pages, object->dirty_pages, pages, dirty);
	check_areas(check, object);
	if (!object->shmem && !object->view &&
	    object_find_locked(check->machine, object->dev, object->ino) != object)
		check_complain(check, "object %lu is not found by its file", object->number);
	sums->slots += check_object_slots(check, object);
	sums->dirty += dirty;
	sums->writers += object->writers;
	sums->charged += object->charged;
}

/* --- Who refers to it ------------------------------------------------------------------------- */

/* Count the files of OBJECT that processes refer to; if HANDLE is not NULL, only those with it. */
static guint count_files(struct check *check, const struct vm_object *object,
                         const struct vm_handle *handle)
{
	guint count = 0;
	GHashTableIter iter;
	gpointer key, refs;

	g_hash_table_iter_init(&iter, check->files);
	while (g_hash_table_iter_next(&iter, &key, &refs)) {
		const struct vm_file *file = key;
		count += file->object == object && (handle == NULL || file->handle == handle);
	}
	return count;
}

/* Check that OBJECT and its handles have at least the users that were found. */
static void check_object_users(struct check *check, const struct vm_object *object)
{
	guint kept = object->kept != NULL, in_handles = 0;
	guint files = count_files(check, object, NULL);

	if (object->files == 0 || object->files < files + kept)
		check_complain(check, "object %lu: %u files, counted %u", object->number,
		               object->files, files);
	check_list(check, &object->handles, object->files);
	for (const struct list_link *l = object->handles.next;
	     l != &object->handles && check->wrong == NULL; l = l->next) {
		const struct vm_handle *handle = LIST_ENTRY(l, struct vm_handle, link);
		guint users = count_files(check, object, handle);
		check_note(check, handle->user, VM_HANDLES, 1);
		in_handles += users;
		if (handle->users == 0 || handle->users < users + (handle == object->kept))
			check_complain(check, "object %lu: a handle of %u users, counted %u",
			               object->number, handle->users, users);
	}
	if (!object->shmem && in_handles != files)
		check_complain(check, "object %lu: %u files have handles of %u", object->number,
		               in_handles, files);
}

/*
 * Check that OBJECT counts the writers or the programs that were found. Callers of the engine may
 * hold more writers, and execs under way count as programs.
 */
static void check_write_count(struct check *check, const struct vm_object *object)
{
	int programs = (int)GPOINTER_TO_UINT(g_hash_table_lookup(check->programs, object));
	int writers = 0;
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, check->files);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		const struct vm_file *file = key;
		writers += file->object == object && file->access != O_RDONLY;
	}
	if (object->shmem)
		writers = 0;
	if ((writers > 0 && object->write_count < writers) ||
	    (programs > 0 && object->write_count > -programs))
		check_complain(check,
		               "object %lu: a write count of %d, with %d writers and %d "
		               "programs",
		               object->number, object->write_count, writers, programs);
}

static void check_files(struct check *check)
{
	GHashTableIter iter;
	gpointer key, refs;

	g_hash_table_iter_init(&iter, check->files);
	while (g_hash_table_iter_next(&iter, &key, &refs)) {
		const struct vm_file *file = key;
		if (file->user != NULL)
			check_note(check, file->user, file->what, file->charged);
		if (file->refs < (int)GPOINTER_TO_UINT(refs))
			check_complain(check, "a file of object %lu: %d references, counted %u",
			               file->object != NULL ? file->object->number : 0, file->refs,
			               GPOINTER_TO_UINT(refs));
	}
}

/* --- All of them ------------------------------------------------------------------------------ */

static uint64_t slots_of_objects(const struct vm_swap *swap)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < swap->touched; i++)
		count += swap->slots[i].object != NULL;
	return count;
}

void check_objects(struct check *check)
{
	const struct vm_machine *machine = check->machine;
	struct sums sums = {.dirty = 0};

	check_list(check, &machine->objects, machine->next_object);
	for (const struct list_link *l = machine->objects.next;
	     l != &machine->objects && check->wrong == NULL; l = l->next) {
		const struct vm_object *object = LIST_ENTRY(l, struct vm_object, link);
		check_object(check, object, &sums);
		check_object_users(check, object);
		check_write_count(check, object);
	}
	if (machine->vdso != NULL)
		check_areas(check, machine->vdso);
	check_files(check);
	if (g_hash_table_size(check->areas) > 0)
		check_complain(check, "%u areas stand in no object's list",
		               g_hash_table_size(check->areas));
	check_compare(check, "dirty pages", machine->count.dirty, sums.dirty);
	check_compare(check, "pages under write-back", machine->count.writeback, sums.writers);
	check_compare(check, "slots of objects", slots_of_objects(&machine->swap), sums.slots);
	check_compare(check, "pages committed", machine->count.committed,
	              check->committed + sums.charged);
	check_compare(check, "pages locked", machine->count.locked, check->locked);
}
