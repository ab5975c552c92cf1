/*
 * tree.h - the files of a mount: ONE table in tree.c, and the inode numbers that stand for its rows.
 *
 * A node is a row of the table, in a process or in the root. Its inode number is made of the two, so that nothing has
 * to be kept for nodes that the kernel knows, and a number never means anything else later: pids are not used again.
 *
 *      63            32 31             8 7        0
 *     +----------------+----------------+----------+
 *     | pid, 0: root   | 0              | row + 1  |     the root directory is row 0, thus 1
 *     +----------------+----------------+----------+
 *
 * To add a file, write its functions and add a row.
 */
#ifndef FS_TREE_H
#define FS_TREE_H

#include "fs/fs.h"
#include "util/list.h"

#include <fuse3/fuse_lowlevel.h>
#include <sys/stat.h>

struct tree_file;

/* An open file or directory. */
struct fs_handle {
	struct list_link link; /* ops.c: all that are open */
	struct fs_mount *mount;
	const struct tree_file *file;
	struct vm_process *process; /* a reference, or NULL in the root */
	void *state;                /* the class's own */
};

/*
 * A kind of file; what it cannot do is NULL. Each function that takes a request answers it, exactly once, whatever
 * happens. With the answer the handle may be gone: the caller can have closed the file before the function returns.
 */
struct file_class {
	int (*open)(struct fs_handle *handle); /* sets up state; 0 or a negative errno */
	void (*release)(struct fs_handle *handle);
	void (*read)(fuse_req_t req, struct fs_handle *handle, size_t size, off_t offset);
	void (*write)(fuse_req_t req, struct fs_handle *handle, const char *buf, size_t size, off_t offset);
	void (*flush)(fuse_req_t req, struct fs_handle *handle);
	void (*seek)(fuse_req_t req, struct fs_handle *handle, off_t offset, int whence); /* SEEK_DATA, SEEK_HOLE */
	void (*stat)(const struct vm_process_info *info, struct stat *st);                /* size and blocks */
	bool stream; /* offsets mean nothing: not seekable */
};

struct tree_file {
	const char *name;               /* NULL for the root, and for a process's directory, whose name is the pid */
	const struct tree_file *parent; /* the directory it stands in */
	mode_t mode;                    /* with the type */
	const struct file_class *class; /* of all but links */
	fs_render_fn render;            /* those of textfile_class */
	fs_link_fn link;                /* symbolic links */
};

/* A row of the table in a process (a reference, NULL in the root). */
struct tree_node {
	const struct tree_file *file;
	struct vm_process *process;
};

/* The node that INO stands for; false if its process has ended. tree_node_clear it. */
bool tree_find(struct fs_mount *mount, fuse_ino_t ino, struct tree_node *node);

/* The node called NAME in the directory DIR; false if there is none. tree_node_clear it. */
bool tree_lookup(struct fs_mount *mount, const struct tree_node *dir, const char *name, struct tree_node *node);

void tree_node_clear(struct tree_node *node);

fuse_ino_t tree_ino(const struct tree_file *file, pid_t pid);

/* The attributes of FILE in PROCESS, which may have ended. */
void tree_stat(struct fs_mount *mount, const struct tree_file *file, struct vm_process *process, struct stat *st);

/* How long, in seconds, the attributes of a file in PROCESS stay true. */
double tree_attr_timeout(const struct vm_process *process);

/* What a lookup of FILE in PROCESS answers. */
void tree_entry(struct fs_mount *mount, const struct tree_file *file, struct vm_process *process,
                struct fuse_entry_param *entry);

/* The file with a name that comes after PREVIOUS in the directory DIR (NULL: the first), or NULL after the last. */
const struct tree_file *tree_next(const struct tree_file *dir, const struct tree_file *previous);

/* The row of every process's directory, and whether it belongs in DIR, which it does in the root alone. */
const struct tree_file *tree_process_dir(void);
bool tree_has_processes(const struct tree_file *dir);

#endif
