/*
 * fs.h - what the rooms of fs/ share: the mount, its files, and who calls.
 */
#ifndef FS_FS_H
#define FS_FS_H

#include "vm/vm.h"

#include <glib.h>
#include <sys/types.h>

/* One mount. Read-only once it answers, but for what the named rooms keep in it. */
struct fs_mount {
	struct vm_machine *machine;
	dev_t dev;                /* st_dev of the mount as the daemon's callers see it; 0 until known */
	uid_t daemon_uid;         /* who runs the daemon: only root can act as others */
	struct fs_ctl_store *ctl; /* ctl.c: the last result of each ctl file */
};

/* Who sent a request, as FUSE reports it. */
struct fs_caller {
	uid_t uid;
	gid_t gid;
	pid_t pid; /* the thread; 0 if unknown */
};

/*
 * Render a text file whole: append it to OUT. PROCESS is NULL for files of the root. Returns 0 or a negative errno.
 * The functions stand in render.h, the table that names them in tree.c.
 */
typedef int (*fs_render_fn)(GString *out, struct fs_mount *mount, struct vm_process *process);

/* Target of a symbolic link, to be freed with g_free, or NULL with *ERROR set (a negative errno). */
typedef char *(*fs_link_fn)(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller,
                            int *error);

#endif
