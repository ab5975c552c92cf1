/*
 * tree.h - the files of a mount: ONE table in tree.c, and the inode numbers that stand for its
 * rows.
 *
 * A node is a row of the table, in a process or in the root. Its inode number is made of what tells
 * it apart, so that nothing has to be kept for nodes that the kernel knows, and a number never
 * means anything else later: pids are not used again.
 *
 *      63            32 31             8 7        0
 *     +----------------+----------------+----------+
 *     | pid, 0: root   | index          | row + 1  |     the root directory is row 0, thus 1
 *     +----------------+----------------+----------+
 *
 * To add a file, write its functions and add a row.
 */
#ifndef FS_FILES_TREE_H
#define FS_FILES_TREE_H

#include "fs/fs.h"
#include "util/list.h"

#include <fuse3/fuse_lowlevel.h>
#include <sys/stat.h>

struct tree_file;

/* What an inode number stands for. */
struct tree_node {
	const struct tree_file *file;
	pid_t pid; /* 0 in the root */
	/* tells nodes of one row in one process apart: the descriptor of a link in fd/ */
	unsigned index;
	/* the process PID, a reference; NULL in the root and in a caller's own directory */
	struct vm_process *process;
};

/* An open file or directory. */
struct fs_handle {
	struct list_link link; /* ops.c: all that are open */
	struct fs_mount *mount;
	struct tree_node node;
	struct fs_caller opener;
	void *state; /* the class's own */
};

/*
 * A kind of file; what it cannot do is NULL. Each function that takes a request answers it, exactly
 * once, whatever happens. With the answer the handle may be gone: the caller can have closed the
 * file before the function returns.
 */
struct file_class {
	int (*open)(struct fs_handle *handle); /* sets up state; 0 or a negative errno */
	void (*release)(struct fs_handle *handle);
	void (*read)(fuse_req_t req, struct fs_handle *handle, size_t size, off_t offset,
	             int flags); /* open(2)'s flags */
	void (*write)(fuse_req_t req, struct fs_handle *handle, const char *buf, size_t size,
	              off_t offset);
	void (*flush)(fuse_req_t req, struct fs_handle *handle);
	/* SEEK_DATA, SEEK_HOLE */
	void (*seek)(fuse_req_t req, struct fs_handle *handle, off_t offset, int whence);
	/*
	 * NULL: always ready. POLLHANDLE, NULL or the class's own from now on, asks to be told of a
	 * change.
	 */
	void (*poll)(fuse_req_t req, struct fs_handle *handle, struct fuse_pollhandle *pollhandle);
	void (*stat)(const struct vm_process_info *info, struct stat *st); /* size and blocks */
	/* offsets mean nothing: not seekable */
	bool stream;
};

/*
 * How nodes that stand in a directory once for each of something, and have no other name, are
 * numbered.
 */
struct tree_numbers {
	bool pids; /* the number is the node's pid, else its index */
	/*
	 * The numbers, ascending, in a directory of PROCESS (NULL: the root): a GArray of int that
	 * the caller frees. NULL: hidden.
	 */
	GArray *(*list)(struct fs_mount *mount, struct vm_process *process);
	/* Whether NUMBER is one of them, for CALLER (NULL: for whoever). */
	bool (*has)(struct fs_mount *mount, struct vm_process *process,
	            const struct fs_caller *caller, int number);
};

struct tree_file {
	const char *name;               /* NULL for the root, and for what has numbers */
	const struct tree_file *parent; /* the directory it stands in */
	mode_t mode;                    /* with the type */
	const struct file_class *class; /* of all but links */
	/* What it shows, as its class wants it. */
	union {
		fs_render_fn render; /* textfile_class, valuefile_class */
		fs_words_fn words;   /* wordfile_class */
		fs_own_fn own;       /* ownfile_class */
		fs_link_fn link;     /* symbolic links */
	};
	fs_store_fn store;                  /* valuefile_class */
	const struct tree_numbers *numbers; /* or NULL */
};

/* The node that INO stands for; false if there is none any more. tree_node_clear it. */
bool tree_find(struct fs_mount *mount, fuse_ino_t ino, struct tree_node *node);

/* What CALLER finds under NAME in the directory DIR; false if there is none. tree_node_clear it. */
bool tree_lookup(struct fs_mount *mount, const struct tree_node *dir, const char *name,
                 const struct fs_caller *caller, struct tree_node *node);

/*
 * The node of FILE in the directory DIR, by its NUMBER if it has numbers. It need not exist; no
 * reference is taken.
 */
struct tree_node tree_child(const struct tree_node *dir, const struct tree_file *file, int number);

struct tree_node tree_node_copy(const struct tree_node *node);
void tree_node_clear(struct tree_node *node);

fuse_ino_t tree_ino(const struct tree_node *node);

/* The attributes of a node, whose process may have ended. */
void tree_stat(struct fs_mount *mount, const struct tree_node *node, struct stat *st);

/* How long, in seconds, the attributes of a node stay true. */
double tree_attr_timeout(const struct tree_node *node);

/* What a lookup of a node answers. */
void tree_entry(struct fs_mount *mount, const struct tree_node *node,
                struct fuse_entry_param *entry);

/*
 * The row that comes after PREVIOUS in the directory DIR (NULL: the first), or NULL after the last.
 */
const struct tree_file *tree_next(const struct tree_file *dir, const struct tree_file *previous);

/* The directory that DIR stands in; the root stands in itself. No reference is taken. */
struct tree_node tree_parent(const struct tree_node *dir);

#endif
