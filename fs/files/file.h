/*
 * file.h - what a file of the mount is: a row of the table in tree.c, a node, an open handle, and
 * the class that says how an open file answers requests.
 */
#ifndef FS_FILES_FILE_H
#define FS_FILES_FILE_H

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
	const struct file_class *class;
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
	const struct file_class *class; /* of all but directories and links */
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

#endif
