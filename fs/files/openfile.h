/*
 * openfile.h - the open files of a mount: made at an open, found by inode number, gone after the
 * release and the last call that uses them.
 */
#ifndef FS_FILES_OPENFILE_H
#define FS_FILES_OPENFILE_H

#include "fs/files/file.h"

#include <pthread.h>

enum { OPENFILE_LISTS = 256 };

/* All open files and directories of a mount. */
struct openfile_table {
	pthread_mutex_t lock;
	/* of struct fs_handle, under lock: files by inode number, and directories */
	struct list_link lists[OPENFILE_LISTS], directories;
};

void openfile_table_init(struct openfile_table *table);
/* Close the files that clients left open. No request or call may be running. */
void openfile_table_close(struct openfile_table *table);

/* The class of FILE when it is open, or NULL for a link. */
const struct file_class *openfile_class(const struct tree_file *file);

/*
 * Open NODE of MOUNT for CALLER with FLAGS of open(2). On success *HANDLE has one reference, and
 * takes over that in NODE. Returns 0 or a negative errno.
 */
int openfile_new(struct openfile_table *table, struct fs_mount *mount, struct tree_node *node,
                 const struct fs_caller *caller, int flags, struct fs_handle **handle);

/* Another reference to HANDLE; drop one, the last of which closes it. */
void openfile_ref(struct fs_handle *handle);
void openfile_put(struct fs_handle *handle);

/* Whether CALLER has the uid and gid of who opened HANDLE. */
bool openfile_is_opener(const struct fs_handle *handle, const struct fs_caller *caller);

/* What is known from the open files of an inode. */
struct open_files {
	struct tree_node node; /* without a reference if no file is open */
	/* what they have for their readers; -1: nothing */
	off_t own;  /* the one that is asked for, or the last one that the asking thread opened */
	off_t last; /* the last one of all */
};

/*
 * Look at the open files of INO. Returns whether there are any. Directories are left out, so that
 * they are gone at once when their process ends. Free the node with tree_node_clear.
 *
 * If there are thousands, only the newest are looked at.
 *
 * A descriptor that came from somebody else says nothing to ASKER, and of a text that depends on
 * the reader only its own is of use.
 */
bool openfile_look(struct openfile_table *table, fuse_ino_t ino, const struct fs_caller *asker,
                   struct open_files *open);

#endif
