/*
 * object.c - objects and the hash table of the page cache (object.h). page_in.c reads pages,
 * write_back.c writes them.
 */
#include "vm/cache/object.h"
#include "util/nanoseconds.h"
#include "util/refstring.h"
#include "vm/base/account.h"
#include "vm/base/hash.h"
#include "vm/base/host.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/base/reason.h"
#include "vm/cache/twin.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/swap.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* --- The table of files ----------------------------------------------------------------------- */

/*
 * Its size is fixed, so that entering an object cannot fail. There are no more objects of host
 * files than the host gives descriptors.
 */
enum { FILE_BUCKETS = 1 << 16 };

bool object_table_init(struct vm_machine *machine)
{
	machine->files = machine_reserve(FILE_BUCKETS * sizeof *machine->files);
	return machine->files != NULL;
}

void object_table_fini(struct vm_machine *machine)
{
	machine_unreserve(machine->files, FILE_BUCKETS * sizeof *machine->files);
}

static struct vm_object **file_bucket(const struct vm_machine *machine, dev_t dev, ino_t ino)
{
	uint64_t hash =
	    ((uint64_t)ino + dev * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93);

	return &machine->files[(hash >> 32) % FILE_BUCKETS];
}

struct vm_object *object_find_locked(const struct vm_machine *machine, dev_t dev, ino_t ino)
{
	struct vm_object *object = *file_bucket(machine, dev, ino);

	while (object != NULL && (object->dev != dev || object->ino != ino))
		object = object->next_file;
	return object;
}

static void file_enter_locked(struct vm_object *object)
{
	struct vm_object **head = file_bucket(object->machine, object->dev, object->ino);

	object->next_file = *head;
	*head = object;
}

static void file_leave_locked(struct vm_object *object)
{
	struct vm_object **at = file_bucket(object->machine, object->dev, object->ino);

	while (*at != object)
		at = &(*at)->next_file;
	*at = object->next_file;
}

/* --- Objects ---------------------------------------------------------------------------------- */

static struct vm_object *object_alloc(struct vm_machine *machine)
{
	struct vm_object *object = g_try_new0(struct vm_object, 1);

	if (object == NULL)
		return NULL;
	object->machine = machine;
	list_init(&object->handles);
	list_init(&object->areas);
	list_init(&object->clean);
	list_init(&object->dirty);
	list_init(&object->slots);
	return object;
}

/* Give OBJECT a number and put it in the machine's list. */
static void enter_locked(struct vm_object *object)
{
	object->number = ++object->machine->next_object;
	list_append(&object->machine->objects, &object->link);
}

struct vm_object *object_of_file_locked(struct vm_machine *machine, const struct stat *status)
{
	struct vm_object *object = object_find_locked(machine, status->st_dev, status->st_ino);

	if (object != NULL)
		return object;
	object = object_alloc(machine);
	if (object == NULL)
		return NULL;
	object->dev = object->superblock = status->st_dev;
	object->ino = status->st_ino;
	object->size = (uint64_t)status->st_size;
	object_set_times_locked(object, status);
	object->settled = object_is_settled(status);
	enter_locked(object);
	file_enter_locked(object);
	return object;
}

struct vm_object *object_new_shmem(struct vm_machine *machine, uint64_t size, bool charged)
{
	struct vm_object *object = object_alloc(machine);

	if (object == NULL)
		return NULL;
	object->name = refstring_new("/dev/zero (deleted)");
	if (object->name == NULL) {
		g_free(object);
		return NULL;
	}
	object->shmem = true;
	object->size = size;
	object->files = 1;
	machine_lock(machine);
	/* As in Linux, files of shared anonymous memory are inodes of a device of their own. */
	object->dev = object->superblock = 1;
	enter_locked(object);
	object->ino = object->number;
	machine_unlock(machine);
	object->charged = charged ? object_size_pages(object) : 0;
	machine_account(machine, object->charged, 0);
	return object;
}

struct vm_object *object_new_view(const struct vm_object *source, struct vm_handle *handle)
{
	struct vm_machine *machine = source->machine;
	struct vm_object *object = object_alloc(machine);

	if (object == NULL)
		return NULL;
	object->view = true;
	object->size = VM_USER_END;
	object->files = 1;
	machine_lock(machine);
	object->dev = source->dev;
	object->ino = source->ino;
	if (source->name != NULL)
		object->name = refstring_new(source->name);
	list_append(&object->handles, &handle->link);
	enter_locked(object);
	machine_unlock(machine);
	return object;
}

struct vm_object *object_new_special(struct vm_machine *machine, const void *bytes, size_t len,
                                     int *error)
{
	uint32_t pages = (uint32_t)(page_align(len) >> VM_PAGE_SHIFT);
	struct vm_object *object = object_alloc(machine);

	*error = -ENOMEM;
	if (object == NULL)
		return NULL;
	machine_lock(machine);
	object->special = pagetable_alloc_special_locked(machine, pages);
	machine_unlock(machine);
	if (object->special == 0) {
		g_free(object);
		return NULL;
	}
	object->size = len;
	memcpy(machine_page(machine, machine->nr_frames + object->special), bytes, len);
	*error = 0;
	return object;
}

int object_past_end(const struct vm_object *object, uint64_t index)
{
	return reason_set(-EIO, VM_WHY_FILE_END, index << VM_PAGE_SHIFT, 0, object->size);
}

uint64_t object_size_pages(const struct vm_object *object)
{
	return page_align(object->size) >> VM_PAGE_SHIFT;
}

/* --- What was last seen of the file ----------------------------------------------------------- */

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Time stamps may be as coarse as this, in seconds: FAT's are. */
enum { COARSEST_STAMP = 2 };

bool object_is_settled(const struct stat *status)
{
	return status->st_ctim.tv_sec < ns_now(CLOCK_REALTIME) / NS_PER_SEC - COARSEST_STAMP;
}

bool object_stamp_equals_locked(const struct vm_object *object, const struct stat *status)
{
	return object->size == (uint64_t)status->st_size &&
	       same_time(&object->mtime, &status->st_mtim) &&
	       same_time(&object->ctime, &status->st_ctim);
}

void object_set_times_locked(struct vm_object *object, const struct stat *status)
{
	object->mtime = status->st_mtim;
	object->ctime = status->st_ctim;
}

void object_set_stamp_locked(struct vm_object *object, const struct stat *status)
{
	object->size = (uint64_t)status->st_size;
	object_set_times_locked(object, status);
	object->settled = false;
}

/* --- The cache -------------------------------------------------------------------------------- */

static vm_pfn *bucket(const struct vm_object *object, uint64_t index)
{
	return &object->machine->cache[hash_page(object, index) & object->machine->cache_mask];
}

const vm_pfn *object_prefetch_bucket(const struct vm_object *object, uint64_t index)
{
	const vm_pfn *at = bucket(object, index);

	__builtin_prefetch(at);
	return at;
}

void object_prefetch_frame_locked(const struct vm_machine *machine, const vm_pfn *bucket)
{
	if (*bucket != 0)
		__builtin_prefetch(&machine->frames[*bucket - 1]);
}

vm_pfn object_lookup_locked(const struct vm_object *object, uint64_t index)
{
	const struct vm_frame *frames = object->machine->frames;

	/* Chains hold frame numbers plus one, so a table of zeros is empty. */
	for (vm_pfn next = *bucket(object, index); next != 0; next = frames[next - 1].next)
		if (frames[next - 1].object == object && frames[next - 1].index == index)
			return next - 1;
	return VM_PFN_NONE;
}

/*
 * Where in the list of OBJECT's clean pages frame PFN goes. The order does not matter, but whoever
 * takes a page out changes its neighbours in the list: so they are those in memory too, if they can
 * be. During a walk over the list it must be the end, where the walk sees it.
 */
static struct list_link *place_locked(struct vm_object *object, vm_pfn pfn)
{
	struct vm_frame *below = pfn > 0 ? &object->machine->frames[pfn - 1] : NULL;

	if (object->walks == NULL && below != NULL && below->object == object &&
	    !(below->flags & FRAME_DIRTY) && !list_empty(&below->link))
		return &below->link;
	return object->clean.prev;
}

void object_insert_locked(struct vm_object *object, uint64_t index, vm_pfn pfn)
{
	struct vm_frame *frame = &object->machine->frames[pfn];
	vm_pfn *head = bucket(object, index);

	frame->index = index;
	frame->next = *head;
	*head = pfn + 1;
	list_insert_after(place_locked(object, pfn), &frame->link);
	object->pages++;
	frame_loaded_locked(object->machine, pfn);
}

void object_remove_locked(struct vm_object *object, vm_pfn pfn)
{
	struct vm_machine *machine = object->machine;
	struct vm_frame *frame = &machine->frames[pfn];
	vm_pfn *next = bucket(object, frame->index);

	while (*next != pfn + 1)
		next = &machine->frames[*next - 1].next;
	*next = frame->next;
	object_clean_locked(frame);
	if (!object->shmem)
		twin_drop_locked(machine, pfn);
	list_remove_walked(object->walks, &frame->link);
	object->pages--;
	/* Without an object the frame counts as anonymous until it is freed. */
	machine->count.frames[frame_kind(frame)]--;
	machine->count.frames[VM_FRAME_ANON]++;
	frame->object = NULL;
	frame_put_locked(machine, pfn);
}

/* Numbers in a piece of a list of pages. */
enum { PIECE = 2048 };

/* Append a piece to LIST. False: no memory. */
static bool add_piece(struct page_list *list)
{
	uint64_t *piece = g_try_new(uint64_t, PIECE);
	uint64_t **place = piece != NULL ? array_add(&list->pieces, sizeof *place) : NULL;

	if (place == NULL)
		g_free(piece);
	else
		*place = piece;
	return place != NULL;
}

/* Where number I of those after the first few is. */
static uint64_t *place_in_pieces(const struct page_list *list, uint64_t i)
{
	return &ARRAY_AT(&list->pieces, uint64_t *, i / PIECE)[i % PIECE];
}

/* Append INDEX to LIST. False: no memory. */
static bool add_page(struct page_list *list, uint64_t index)
{
	if (list->few_len < G_N_ELEMENTS(list->few)) {
		list->few[list->few_len++] = index;
		return true;
	}
	if (list->more_len == list->pieces.len * PIECE && !add_piece(list))
		return false;
	*place_in_pieces(list, list->more_len++) = index;
	return true;
}

uint64_t page_list_length(const struct page_list *list)
{
	return list->few_len + list->more_len;
}

uint64_t page_list_at(const struct page_list *list, uint64_t i)
{
	return i < list->few_len ? list->few[i] : *place_in_pieces(list, i - list->few_len);
}

void page_list_clear(struct page_list *list)
{
	for (size_t i = 0; i < list->pieces.len; i++)
		g_free(ARRAY_AT(&list->pieces, uint64_t *, i));
	array_clear(&list->pieces);
	list->few_len = list->more_len = 0;
	list->cut = false;
}

void object_list_pages_locked(struct vm_object *object, struct list_link *list, unsigned flags,
                              uint64_t first, uint64_t last, struct page_list *pages)
{
	struct list_walk walk;
	struct list_link *l;
	uint64_t step = 0;

	list_walk_begin(&object->walks, &walk, list);
	while (!pages->cut && (l = list_walk_step(&walk, list)) != NULL) {
		const struct vm_frame *frame = LIST_ENTRY(l, struct vm_frame, link);
		if ((flags == 0 || (frame->flags & flags)) && frame->index >= first &&
		    frame->index < last)
			pages->cut = !add_page(pages, frame->index);
		machine_yield_locked(object->machine, step++);
	}
	list_walk_end(&object->walks, &walk);
}

bool object_in_hole_locked(const struct vm_object *object, uint64_t index)
{
	return index >= object->hole_first && index < object->hole_last;
}

/* Move FRAME to LIST, one of its object's. */
static void move_locked(struct vm_frame *frame, struct list_link *list)
{
	struct vm_object *object = frame->object;

	list_remove_walked(object->walks, &frame->link);
	list_append(list, &frame->link);
	object->hole_moves += object_in_hole_locked(object, frame->index);
}

void object_dirty_locked(struct vm_frame *frame)
{
	struct vm_machine *machine = frame->object->machine;

	if (frame->object->shmem || (frame->flags & FRAME_DIRTY))
		return;
	twin_take_locked(machine, (vm_pfn)(frame - machine->frames));
	frame->flags |= FRAME_DIRTY;
	frame->version++;
	move_locked(frame, &frame->object->dirty);
	frame->object->dirty_pages++;
	machine->count.dirty++;
}

void object_clean_locked(struct vm_frame *frame)
{
	if (!(frame->flags & FRAME_DIRTY))
		return;
	frame->flags &= (uint16_t)~FRAME_DIRTY;
	frame->version++;
	move_locked(frame, &frame->object->clean);
	frame->object->dirty_pages--;
	frame->object->machine->count.dirty--;
}

/* Free OBJECT, which has no page left and no reference. */
static void free_locked(struct vm_object *object)
{
	list_remove(&object->link);
	if (object->shmem)
		object->machine->count.committed -= object->charged;
	else if (!object->view)
		file_leave_locked(object);
	refstring_release(object->name);
	g_free(object);
}

/* Drop one page or swap slot of OBJECT. False: there is none. */
static bool drop_one_locked(struct vm_object *object)
{
	struct vm_machine *machine = object->machine;
	struct list_link *list = list_empty(&object->clean) ? &object->dirty : &object->clean;

	if (!list_empty(list)) {
		struct vm_frame *frame = LIST_ENTRY(list->next, struct vm_frame, link);
		object_remove_locked(object, (vm_pfn)(frame - machine->frames));
	} else if (!list_empty(&object->slots)) {
		struct vm_slot *slot = LIST_ENTRY(object->slots.next, struct vm_slot, link);
		swap_forget_locked(machine, (uint32_t)(slot - machine->swap.slots));
	} else {
		return false;
	}
	return true;
}

void object_put_locked(struct vm_object *object)
{
	uint64_t step = 0;

	/*
	 * The caller's reference keeps the object while the lock is dropped. Whoever takes another
	 * one meanwhile (opens the file again, evicts a page) keeps what is left.
	 */
	while (object->files == 1 && drop_one_locked(object))
		machine_yield_locked(object->machine, step++);
	if (--object->files == 0)
		free_locked(object);
}

struct vm_object *object_next_locked(struct vm_machine *machine, struct vm_object *object)
{
	struct list_link *link = object != NULL ? object->link.next : machine->objects.next;
	struct vm_object *next = NULL;

	if (link != &machine->objects) {
		next = LIST_ENTRY(link, struct vm_object, link);
		next->files++;
	}
	/* This may drop the lock, so NEXT has its reference before. */
	if (object != NULL)
		object_put_locked(object);
	return next;
}
