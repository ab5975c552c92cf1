/*
 * waits.h - requests that wait for programs: for what they write, read, or become.
 *
 * Such a request keeps no thread of libfuse. It is put aside, and a thread of its own tries it
 * again whenever something about a program has changed (run_wait_locked), or when it is
 * interrupted.
 *
 *     waits_request    from read or write of a class: tries, and answers or lets it wait
 *     waits_poll       from poll of a class
 *
 * Lock: run->lock guards all here. No function of libfuse is called while it is held.
 */
#ifndef FS_FILES_WAITS_H
#define FS_FILES_WAITS_H

#include "fs/files/file.h"
#include "fs/run/run.h"

struct fs_waits;

/* A request. */
struct waiting {
	struct list_link link;
	struct fs_waits *waits;
	fuse_req_t req;
	struct fs_handle *handle; /* open until the request is answered */
	/*
	 * Try to do what is asked. True: `result` says what became of it. A read stores up to SIZE
	 * bytes in BYTES, a write takes them from there. run->lock held.
	 */
	bool (*try_locked)(struct waiting *waiting);
	bool writes;
	size_t size;
	char *bytes;
	ssize_t result;            /* bytes, or a negative errno */
	struct budget_share share; /* for all this */
	bool interrupted;
};

/*
 * Begin with REQ, which is the call of this thread (call.h). BUF: what is written, or NULL for a
 * read. FLAGS are those of open(2).
 */
void waits_request(fuse_req_t req, struct fs_handle *handle,
                   bool (*try_locked)(struct waiting *waiting), const char *buf, size_t size,
                   int flags);

/* Who polls an open file. It is all zero at first. */
struct waits_poll {
	struct list_link link;
	struct fs_handle *handle;
	struct fuse_pollhandle *pollhandle; /* or NULL: nobody waits */
	/* What is ready, as poll(2) says it. run->lock held. */
	unsigned (*ready_locked)(struct fs_handle *handle);
	unsigned told;
};

/* Answer REQ, and tell POLLHANDLE (or NULL) when more is ready. */
void waits_poll(fuse_req_t req, struct fs_handle *handle, struct waits_poll *poll,
                unsigned (*ready_locked)(struct fs_handle *handle),
                struct fuse_pollhandle *pollhandle);
/* At the release. */
void waits_poll_end(struct fs_mount *mount, struct waits_poll *poll);

/*
 * Writers of the console of process PID come (CHANGE 1) or go (-1). Returns how many there are
 * then.
 */
unsigned waits_count_writer(struct fs_waits *waits, pid_t pid, int change);

/* The requests of a mount, which has a `run`. NULL with errno set: there can be no thread. */
struct fs_waits *fs_waits_new(struct fs_mount *mount);
/* Answer all that wait, and let none wait from now on. */
void fs_waits_stop(struct fs_waits *waits);
/* After fs_waits_stop. NULL is fine. */
void fs_waits_free(struct fs_waits *waits);

#endif
