/*
 * frames.h - the layout of physical memory for a picture: how many frames a square stands for, and
 * what is in each square.
 *
 * There are at most FRAME_CELLS squares. Of a square that stands for many frames only some in use
 * are looked at, and the others count like them: `sampled`.
 */
#ifndef FS_PICTURE_FRAMES_H
#define FS_PICTURE_FRAMES_H

#include "fs/fs.h"
#include "fs/picture/palette.h"

enum { FRAME_CELLS = 2048, FRAME_OWNERS = 8 };

/* A square: one frame, or several. */
struct frame_cell {
	uint32_t in_use;
	uint32_t clean, dirty, shared, anonymous; /* of those in use; anonymous is not shared */
	uint32_t looked;
	uint64_t seen_to; /* the frame after the last one that was looked at */
	/* of the last one that was looked at */
	struct vm_frame_info frame;
	bool visible; /* the reader may look into its process */
};

/* Who has many frames. */
struct frame_owner {
	pid_t pid;
	uint64_t frames;
	char comm[16];
};

struct frames {
	struct vm_machine_info machine;
	const char *policy;
	bool has_hand;
	uint64_t per_cell; /* frames */
	unsigned cell_count;
	struct frame_cell cells[FRAME_CELLS];
	struct frame_owner owners[FRAME_OWNERS];
	unsigned owner_count;
	uint64_t next, newest; /* the ends of the queue, or VM_NO_FRAME */
	bool sampled;
};

/* What MOUNT has, as CALLER may see it. Free it with g_free. NULL: no memory. */
struct frames *frames_look(const struct fs_mount *mount, const struct fs_caller *caller);

/* Frames are numbered from 1 on: the square of frame PFN, ... */
static inline uint64_t frames_index(const struct frames *frames, uint64_t pfn)
{
	return (pfn - 1) / frames->per_cell;
}

/* ... the first frame of square INDEX, and the one after its last. */
static inline uint64_t frames_start(const struct frames *frames, uint64_t index)
{
	return 1 + index * frames->per_cell;
}

static inline uint64_t frames_end(const struct frames *frames, uint64_t index)
{
	return MIN(frames_start(frames, index + 1), frames->machine.tables_at);
}

/* The state in which the square CELL is shown. */
enum page_state frames_state(const struct frame_cell *cell);

/* The accent of PID, 0 to FRAME_OWNERS - 1, the same in all pictures. */
static inline unsigned owner_accent(pid_t pid)
{
	return (unsigned)(pid - 1) % FRAME_OWNERS;
}

#endif
