/*
 * segments.h - which memory of a process is in its core file, and of which files it is.
 */
#ifndef VM_CORE_SEGMENTS_H
#define VM_CORE_SEGMENTS_H

#include "vm/core/buffer.h"
#include "vm/internal.h"

/* A PT_LOAD: the area [START, END), of which the first DUMPED bytes are in the file at OFFSET. */
struct segment {
	uint64_t start, end, dumped, offset;
	uint32_t flags; /* PF_ */
};

struct segments {
	struct buffer list; /* struct segment, by address; the offsets are 0 */
	/* the contents of NT_FILE: start, end and page in the file of each, and the names */
	struct buffer ranges, names;
	uint64_t files;
};

/*
 * Collect the segments of PROCESS that FILTER (VM_CORE_) allows. 0, -ESRCH or -ENOMEM; clear
 * *SEGMENTS in any case. No lock is held.
 */
int segments_collect(struct segments *segments, struct vm_process *process, unsigned filter);
void segments_clear(struct segments *segments);

static inline size_t segments_count(const struct segments *segments)
{
	return segments->list.len / sizeof(struct segment);
}

#endif
