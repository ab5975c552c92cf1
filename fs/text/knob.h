/*
 * knob.h - the files of sys/vm, which can be changed while the machine runs. Each has a function
 * that shows its value (fs_render_fn) and one that takes a new one (fs_store_fn). The latter
 * returns 0, -EINVAL for a value that is not allowed, or what vm_machine_set_knob or
 * vm_machine_set_policy returns.
 */
#ifndef FS_TEXT_KNOB_H
#define FS_TEXT_KNOB_H

#include "fs/fs.h"

#define KNOB(name) \
	int knob_show_##name(GString *out, struct fs_mount *mount, struct vm_process *process); \
	int knob_store_##name(struct fs_mount *mount, struct vm_process *process, const char *text)

KNOB(dirty_ratio);
KNOB(fork); /* share, copy */
KNOB(local_frames);
KNOB(max_map_count);
KNOB(mmap_min_addr);
KNOB(oom); /* fail, kill */
KNOB(overcommit);
KNOB(overcommit_ratio);
KNOB(policy);
KNOB(segv); /* report, kill */
KNOB(swappiness);
KNOB(writeback);

#undef KNOB

/*
 * Take 1, 2, 3 or 4, as Linux does. 1 and 3 drop the clean pages of the page cache. 2 and 4 drop
 * nothing, because the model has no such caches. Returns 0, or -EINVAL for other values.
 */
int knob_store_drop_caches(struct fs_mount *mount, struct vm_process *process, const char *text);

#endif
