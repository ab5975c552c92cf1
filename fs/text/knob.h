/*
 * knob.h - sys/vm: what can be changed while the machine runs, a function to show each value
 * (fs_render_fn) and one to take a new one (fs_store_fn).
 */
#ifndef FS_TEXT_KNOB_H
#define FS_TEXT_KNOB_H

#include "fs/fs.h"

#define KNOB(name) \
	int knob_show_##name(GString *out, struct fs_mount *mount, struct vm_process *process); \
	int knob_store_##name(struct fs_mount *mount, struct vm_process *process, const char *text)

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
 * 1 drops clean pages of the page cache, as 3 does; 2 and 4 are taken, as under Linux, but there is
 * nothing for them to do.
 */
int knob_store_drop_caches(struct fs_mount *mount, struct vm_process *process, const char *text);

#endif
