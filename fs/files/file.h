/*
 * file.h - what a file of the mount is: a row of the table in tree.c, a node, an open file, and the
 * class that answers the requests of an open file.
 */
#ifndef FS_FILES_FILE_H
#define FS_FILES_FILE_H

#include "fs/base/budget.h"
#include "fs/fs.h"
#include "util/list.h"

#include <fuse3/fuse_lowlevel.h>
#include <sys/stat.h>

struct openfile_table;
struct tree_file;

/*
 * The size of a file for stat where the true one is not known, and of streams. It must not be 0:
 * the kernel ends a splice at the size that it was told, before it asks us. Programs (wc -c,
 * tail -c) read a file of one block to its end, since the files of sysfs are such. For a stream no
 * other size is right: wc -c relies on it, and counts nothing when it cannot seek.
 */
enum { SIZE_UNKNOWN = VM_PAGE_SIZE };

/* What the work to render a text grows with. By that, stat renders it or does not. */
enum text_work {
	WORK_LITTLE,
	WORK_AREAS,  /* the areas of the process */
	WORK_PAGES,  /* its pages and page tables */
	WORK_USAGE,  /* both, with much to say of each area */
	WORK_FRAMES, /* the frames in use */
	WORK_MUCH,   /* something else that may be much */
};

/* What an inode number stands for. */
struct tree_node {
	const struct tree_file *file;
	pid_t pid; /* 0 in the root */
	/* which of the nodes that a row has in one process: for a link in fd/, the descriptor */
	unsigned index;
	/* a reference to the process PID; NULL in the root and in a caller's own directory */
	struct vm_process *process;
};

/* An open file or directory. */
struct fs_handle {
	struct list_link link; /* in a list of the table of open files */
	const struct file_class *class;
	struct fs_mount *mount;
	struct tree_node node;
	struct fs_caller opener;
	int flags;                    /* of open(2) */
	struct openfile_table *table; /* it is in (openfile.h) */
	int refs;                     /* atomic: the open file, and calls that are under way */
	struct budget_share share;    /* for this structure, and what every class has about */
	void *state;                  /* belongs to the class */
};

/*
 * A kind of file. A function that is not possible is NULL. Each function that takes a request
 * answers it exactly once, whatever happens. After the answer the handle may be gone, even before
 * the function returns, because the caller can close the file at once.
 *
 * Who sends the request has the uid and gid of handle->opener: ops.c refuses others. Only a class
 * for which more than these two count needs CALLER.
 */
struct file_class {
	int (*open)(struct fs_handle *handle); /* sets up state; returns 0 or a negative errno */
	void (*release)(struct fs_handle *handle);
	void (*read)(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
	             size_t size, off_t offset, int flags); /* those of open(2) */
	void (*write)(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
	              const char *buf, size_t size, off_t offset);
	void (*flush)(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle);
	/* for SEEK_DATA and SEEK_HOLE */
	void (*seek)(fuse_req_t req, struct fs_handle *handle, off_t offset, int whence);
	/*
	 * NULL: always ready. If POLLHANDLE is not NULL, it belongs to the class from now on, which
	 * notifies it when the file becomes ready.
	 */
	void (*poll)(fuse_req_t req, struct fs_handle *handle, struct fuse_pollhandle *pollhandle);
	/*
	 * Fill in size and blocks. INFO (vm_process_summary) is NULL in the root. If it is NULL,
	 * the size is not known without the two functions below, and stat answers SIZE_UNKNOWN.
	 */
	void (*stat)(struct fs_mount *mount, const struct vm_process_info *info, struct stat *st);
	/* The bytes that CALLER would find in NODE now, or -1 if it takes too much to know them. */
	off_t (*measure)(struct fs_mount *mount, const struct tree_node *node,
	                 const struct fs_caller *caller);
	/* The bytes that HANDLE has for its reader, or -1 if it has nothing yet. */
	off_t (*size)(const struct fs_handle *handle);
	/* offsets mean nothing, so the file is not seekable */
	bool stream;
	/*
	 * Reads, writes and flushes may wait for a host file, or take long: they are calls
	 * (call.h), and each open has an inode of its own. The kernel holds the lock of an inode
	 * while it is written to; it must not be that of the next one who opens the file.
	 */
	bool slow;
	/* whether a read of HANDLE may take long, so that it is a call; NULL: as `slow` says */
	bool (*takes_long)(const struct fs_handle *handle);
	/* the kernel may keep pages of it, see op_read; otherwise it cannot be mapped or spliced */
	bool cached;
};

/* PLACE helps to find the name of NUMBER. False: no more. */
typedef bool (*tree_add_fn)(void *ctx, int number, uint64_t place);

/* Bytes of the name of a node with a number, with its NUL. */
enum { TREE_NAME = 64 };

/* For a row that has several nodes in a directory: the name of each is a number. */
struct tree_numbers {
	bool pids; /* the number is the node's pid; otherwise it is its index */
	/*
	 * The lowest number above AFTER in a directory of PROCESS (NULL: the root), or -1. If NEXT
	 * is NULL, reading the directory shows none of them.
	 */
	int (*next)(struct fs_mount *mount, struct vm_process *process, int after);
	/*
	 * Whether NUMBER is one of them for CALLER. If CALLER is NULL, whether it can be one for
	 * anyone.
	 */
	bool (*has)(struct fs_mount *mount, struct vm_process *process,
	            const struct fs_caller *caller, int number);
	/* Instead of NEXT: call ADD (CTX) for each that CALLER has, until it answers false. */
	bool (*each)(struct fs_mount *mount, struct vm_process *process,
	             const struct fs_caller *caller, tree_add_fn add, void *ctx);
	/*
	 * NULL: names are decimal. Else store the name of NUMBER, which EACH has given with PLACE,
	 * in NAME, or "" if it is gone; and find the number of a name, or -1.
	 */
	void (*name)(struct vm_process *process, int number, uint64_t place,
	             char name[static TREE_NAME]);
	int (*number)(struct fs_mount *mount, struct vm_process *process,
	              const struct fs_caller *caller, const char *name);
	ino_t (*ino)(int number); /* NULL, or the inode number that programs see */
};

struct tree_file {
	const char *name;               /* NULL for the root, and for a row with numbers */
	const struct tree_file *parent; /* the directory that it is in */
	mode_t mode;                    /* including the file type */
	const struct file_class *class; /* NULL for directories and links */
	/* What the file shows. The class decides which member is used. */
	union {
		fs_render_fn render; /* textfile_class, valuefile_class */
		fs_words_fn words;   /* wordfile_class */
		fs_own_fn own;       /* ownfile_class */
		fs_link_fn link;     /* symbolic links */
		const char *fixed;   /* textfile_class with FIXED: the text */
	};
	fs_view_fn view;         /* textfile_class: NULL, or instead of `render` */
	fs_lines_fn lines;       /* textfile_class: NULL, or instead of `render` */
	fs_item_fn item;         /* the same, of a row that has several nodes */
	bool is_fixed;           /* the same: `fixed` */
	fs_store_fn store;       /* valuefile_class */
	fs_store_as_fn store_as; /* valuefile_class: NULL, or instead of `store` */
	/* Links of which the mode says something: its bits. NULL: what `mode` says. */
	mode_t (*link_mode)(struct vm_process *process, unsigned index);
	off_t link_size; /* st_size of a link: procfs has 64 for some */
	bool write_only; /* nobody may open it for reading, not even root (proc_sys_permission) */
	bool guarded;    /* it can only be opened or followed by who may look into the process */
	/*
	 * Of the text. If LENGTH is not NULL, stat uses that instead, and reads may take long:
	 * pages may have to go for those that are brought in.
	 */
	enum text_work work;
	fs_length_fn length;
	const struct tree_numbers *numbers; /* NULL for a row with a name */
};

#endif
