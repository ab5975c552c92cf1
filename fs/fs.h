/*
 * fs.h - what the rooms of fs/ share: the mount, its files, and who calls.
 */
#ifndef FS_FS_H
#define FS_FS_H

#include "vm/vm.h"

#include <glib.h>
#include <sys/types.h>

/* Descriptors that one process can have, as the engine's vm_process_open has it. */
#define FS_MAX_FDS 1024

/* One mount. Read-only once it answers, but for what the named rooms keep in it. */
struct fs_mount {
	struct vm_machine *machine;
	/* st_dev of the mount as the daemon's callers see it; 0 until known */
	dev_t dev;
	uid_t daemon_uid;         /* who runs the daemon: only root can act as others */
	struct fs_ctl_store *ctl; /* ctl.c: the last result of each ctl file */
	struct fs_events *events; /* eventfile.c: who reads events */
	const char *swap_name;    /* the swap file's, as swaps shows it; NULL without one */
	int mounts_fd;            /* the host's table of mounts, for mounts; 0 without one */
};

/* Who sent a request, as FUSE reports it. */
struct fs_caller {
	uid_t uid;
	gid_t gid;
	pid_t pid; /* the thread; 0 if unknown */
};

/*
 * Render a text file whole: append it to OUT. PROCESS is NULL for files of the root. Returns 0 or a
 * negative errno. The functions stand in render.h, the table that names them in tree.c.
 */
typedef int (*fs_render_fn)(GString *out, struct fs_mount *mount, struct vm_process *process);

/*
 * Take TEXT, the value that was written to a file of one value, without blanks around it. 0 or a
 * negative errno.
 */
typedef int (*fs_store_fn)(struct fs_mount *mount, struct vm_process *process, const char *text);

/*
 * Store up to COUNT words of a file of 64-bit words, from the one numbered FIRST on, in WORDS.
 * Returns how many, 0 at the end of the file, or a negative errno.
 */
typedef ssize_t (*fs_words_fn)(struct fs_mount *mount, struct vm_process *process, uint64_t first,
                               size_t count, uint64_t *words);

/*
 * Append the text of a file in a caller's own directory (own.h), of which no more than pid and
 * owner are known.
 */
typedef void (*fs_own_fn)(GString *out, const struct vm_process_info *info);

/*
 * Target of a symbolic link, to be freed with g_free, or NULL with *ERROR set (a negative errno).
 * INDEX tells links of one row apart.
 */
typedef char *(*fs_link_fn)(struct fs_mount *mount, struct vm_process *process, unsigned index,
                            const struct fs_caller *caller, int *error);

#endif
