/*
 * fs.h - the types that all folders of fs/ share: the mount, what its files call, and who asks.
 *
 * The folders, from the ground up: base/, host/, run/, text/, ctl/, files/, daemon/. Each uses only
 * itself and those before it.
 */
#ifndef FS_FS_H
#define FS_FS_H

#include "vm/vm.h"

#include <glib.h>
#include <sys/types.h>

/*
 * One mount. Nothing but next_inode changes here once the mount answers; ctl and events lead to
 * data with locks of its own.
 */
struct fs_mount {
	struct vm_machine *machine;
	/* st_dev of the mount, as other programs see it; 0 until it is known */
	dev_t dev;
	uid_t daemon_uid;         /* the user who runs the daemon; only root can act as others */
	struct fs_ctl_store *ctl; /* ctl_store.c: the last result of each ctl file */
	struct fs_ctl_store *replays; /* replay_note.c: why traces failed; NULL: not kept */
	struct fs_events *events; /* eventfile.c: the readers of events */
	unsigned next_inode;      /* atomic: number of the next inode of a slow file (tree.h) */
	struct fs_waits *waits;   /* waits.c: who waits for programs; NULL without run */
	struct run *run;          /* fs/run/: the programs that run; NULL: none can */
	struct fs_budget *budget; /* budget.c: the memory of open files; NULL: no bound */
	const char *swap_name;    /* what swaps calls the swap file; NULL without one */
	int proc;                 /* the host's /proc (util/proc.h), or -1 */
	/* the same if its pids are those of callers, else -1: then it says nothing of them */
	int proc_pids;
	/* the host's /proc/self/mounts and mountinfo; 0 or less: not open */
	int mounts_fd, mountinfo_fd;
	bool own_clock; /* the machine has a clock of its own: nothing may change by itself */
};

/* Who sent a request, as FUSE reports it. */
struct fs_caller {
	uid_t uid;
	gid_t gid;
	pid_t pid; /* the thread; 0 if the daemon cannot see it */
	/* which table of descriptors it uses: the threads of a process share one; 0 if unknown */
	uint64_t files;
	/*
	 * Its supplementary groups (uint32_t), where somebody looked them up: ctlfile.c. NULL: not
	 * known, so it counts as in none.
	 */
	const GArray *groups;
	/* why they are not known if it is our fault (-EMFILE, -ENFILE, -ENOMEM), or 0 */
	int lack;
};

/*
 * Append the whole text of a file to OUT. PROCESS is NULL for files of the root. Returns 0 or a
 * negative errno; after an error OUT is not used. render.h declares the functions, tree.c names
 * them in its table.
 */
typedef int (*fs_render_fn)(GString *out, struct fs_mount *mount, struct vm_process *process);

/*
 * Append lines of a file that may be long to LINES, from the place lines->from on, until there are
 * enough. CALLER opened the file. The lines of one call are of one state, as far as the engine
 * gives one. Returns 0 or a negative errno: -ENOMEM if there was no room (lines->full).
 */
struct text_lines;
typedef int (*fs_lines_fn)(struct text_lines *lines, struct fs_mount *mount,
                           struct vm_process *process, const struct fs_caller *caller);

/* The same as fs_render_fn for a file that shows CALLER, who opened it, more than others. */
typedef int (*fs_view_fn)(GString *out, struct fs_mount *mount, struct vm_process *process,
                          const struct fs_caller *caller);

/* The same for a file of which a process has several: INDEX says which. -ENOENT: it is gone. */
typedef int (*fs_item_fn)(GString *out, struct fs_mount *mount, struct vm_process *process,
                          unsigned index);

/* The bytes of the text of PROCESS, found without its memory, or -1 if it has ended. */
typedef off_t (*fs_length_fn)(struct vm_process *process);

/*
 * Take the new value of a file that holds one value. TEXT has no blanks around it. PROCESS is NULL
 * for files of the root. Returns 0 or a negative errno.
 */
typedef int (*fs_store_fn)(struct fs_mount *mount, struct vm_process *process, const char *text);

/* The same where it counts who CALLER is that has opened the file. */
typedef int (*fs_store_as_fn)(struct fs_mount *mount, struct vm_process *process,
                              const struct fs_caller *caller, const char *text);

/*
 * Read a file of 64-bit words that CALLER opened: store up to COUNT words in WORDS, starting with
 * word number FIRST. Returns how many words were stored, 0 at the end of the file, or a negative
 * errno.
 */
typedef ssize_t (*fs_words_fn)(struct fs_mount *mount, struct vm_process *process,
                               const struct fs_caller *caller, uint64_t first, size_t count,
                               uint64_t *words);

/*
 * Append the text of a file in the own directory (own.h) of CALLER. Only pid, owner and name are
 * set in INFO.
 */
typedef void (*fs_own_fn)(GString *out, const struct fs_mount *mount,
                          const struct fs_caller *caller, const struct vm_process_info *info);

/*
 * Return the target of a symbolic link; free it with g_free. Returns NULL with *ERROR set to a
 * negative errno if there is none. INDEX is the number of the link where one row stands for
 * several.
 */
typedef char *(*fs_link_fn)(struct fs_mount *mount, struct vm_process *process, unsigned index,
                            const struct fs_caller *caller, int *error);

#endif
