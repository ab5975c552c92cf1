/*
 * frames.c - the layout of physical memory for a picture. See frames.h.
 */
#include "fs/picture/frames.h"
#include "fs/text/rights.h"

#include <string.h>

enum {
	/* frames in use of one square that are looked at */
	ENOUGH = 64,
	/* a longer queue is not walked for its end */
	QUEUE_MAX = 20000,
};

/* --- Frames ----------------------------------------------------------------------------------- */

struct frame_walk {
	struct frames *frames;
	const struct fs_mount *mount;
	const struct fs_caller *caller;
	uint64_t next; /* where to go on; 0: at the end */
};

static void count_owner(struct frames *frames, pid_t pid)
{
	struct frame_owner *least = &frames->owners[0];

	for (unsigned i = 0; i < frames->owner_count; i++) {
		struct frame_owner *owner = &frames->owners[i];
		if (owner->pid == pid) {
			owner->frames++;
			return;
		}
		if (owner->frames < least->frames)
			least = owner;
	}
	if (frames->owner_count < FRAME_OWNERS)
		least = &frames->owners[frames->owner_count++];
	else if (--least->frames > 0)
		return;
	*least = (struct frame_owner){.pid = pid, .frames = 1};
}

static bool is_dirty(const struct vm_frame_info *frame)
{
	return frame->dirty || frame->writeback || frame->kind != VM_FRAME_FILE;
}

static bool add_frame(void *ctx, const struct vm_frame_info *frame)
{
	struct frame_walk *walk = ctx;
	struct frames *frames = walk->frames;

	uint64_t index = frames_index(frames, frame->pfn);
	if (frame->kind == VM_FRAME_FREE || index >= frames->cell_count)
		return true;
	struct frame_cell *cell = &frames->cells[index];
	cell->in_use++;
	cell->looked++;
	cell->frame = *frame;
	cell->visible = frame->pid != 0 && rights_trace(walk->mount, walk->caller, &frame->owner);
	if (frame->users > 1)
		cell->shared++;
	else if (is_dirty(frame))
		cell->dirty++;
	else
		cell->clean++;
	cell->anonymous += frame->kind == VM_FRAME_ANON && frame->users <= 1;
	if (frame->pid != 0)
		count_owner(frames, frame->pid);
	uint64_t end = frames_end(frames, index);
	cell->seen_to = frame->pfn + 1;
	if (cell->looked < ENOUGH || cell->seen_to >= end)
		return true;
	walk->next = end;
	return false;
}

/* Of CELL, number INDEX, only frames up to seen_to were looked at; the others count like them. */
static void estimate(struct frames *frames, unsigned index)
{
	struct frame_cell *cell = &frames->cells[index];
	uint64_t start = frames_start(frames, index), end = frames_end(frames, index);
	uint64_t seen = cell->seen_to - start;
	uint32_t *counts[] = {&cell->in_use, &cell->clean, &cell->dirty, &cell->shared,
	                      &cell->anonymous};

	if (cell->looked < ENOUGH || cell->seen_to >= end)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
		*counts[i] = (uint32_t)(*counts[i] * (end - start) / seen);
	frames->sampled = true;
}

static void look_at_frames(struct frames *frames, const struct fs_mount *mount,
                           const struct fs_caller *caller)
{
	struct frame_walk walk = {.frames = frames, .mount = mount, .caller = caller};
	uint64_t from;

	do {
		from = walk.next;
		walk.next = 0;
		vm_machine_frames(mount->machine, from, add_frame, &walk);
	} while (walk.next > from && walk.next < frames->machine.tables_at);
	for (unsigned i = 0; i < frames->cell_count; i++)
		estimate(frames, i);
}

/* --- Owners ----------------------------------------------------------------------------------- */

static int compare_owners(const void *a, const void *b)
{
	const struct frame_owner *left = a, *right = b;

	return left->pid < right->pid ? -1 : left->pid > right->pid;
}

static void name_owners(struct frames *frames, const struct fs_mount *mount)
{
	struct vm_process_info info;

	qsort(frames->owners, frames->owner_count, sizeof frames->owners[0], compare_owners);
	for (unsigned i = 0; i < frames->owner_count; i++) {
		struct vm_process *process = vm_process_find(mount->machine, frames->owners[i].pid);
		if (process == NULL)
			continue;
		vm_process_summary(process, &info);
		memcpy(frames->owners[i].comm, info.comm, sizeof frames->owners[i].comm);
		vm_process_unref(process);
	}
}

/* --- The queue -------------------------------------------------------------------------------- */

struct queue_walk {
	struct frames *frames;
	bool whole;
};

static bool add_page(void *ctx, const struct vm_queue_info *page)
{
	struct queue_walk *walk = ctx;

	/* A policy may remember pages that are in no frame. */
	if (page->pfn >= walk->frames->machine.tables_at)
		return walk->whole;
	if (page->position == 1)
		walk->frames->next = page->pfn;
	if (walk->whole)
		walk->frames->newest = page->pfn;
	return walk->whole;
}

static void look_at_queue(struct frames *frames, const struct fs_mount *mount)
{
	struct queue_walk walk = {
	    .frames = frames,
	    .whole = frames->machine.frames_total - frames->machine.frames_free <= QUEUE_MAX};

	frames->next = frames->newest = VM_NO_FRAME;
	frames->policy = vm_machine_policy(mount->machine);
	frames->has_hand = vm_machine_policy_has_hand(mount->machine);
	vm_machine_queue(mount->machine, 0, add_page, &walk);
}

/* --- All -------------------------------------------------------------------------------------- */

struct frames *frames_look(const struct fs_mount *mount, const struct fs_caller *caller)
{
	struct frames *frames = g_try_new0(struct frames, 1);

	if (frames == NULL)
		return NULL;
	vm_machine_info(mount->machine, &frames->machine);
	frames->per_cell = 1;
	while ((frames->machine.frames_total + frames->per_cell - 1) / frames->per_cell >
	       FRAME_CELLS)
		frames->per_cell *= 2;
	frames->cell_count =
	    (unsigned)((frames->machine.frames_total + frames->per_cell - 1) / frames->per_cell);
	look_at_frames(frames, mount, caller);
	look_at_queue(frames, mount);
	name_owners(frames, mount);
	return frames;
}

enum page_state frames_state(const struct frame_cell *cell)
{
	if (cell->in_use == 0)
		return STATE_FREE;
	if (cell->shared > cell->dirty && cell->shared > cell->clean)
		return STATE_SHARED;
	return cell->dirty >= cell->clean ? STATE_DIRTY : STATE_CLEAN;
}
