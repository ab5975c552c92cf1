/*
 * call.h - requests that may take long: they may wait for a host file, or work for seconds.
 *
 * Such a request must not freeze the mount. libfuse has a number of threads, and a request holds
 * one until it ends. So each user may have some of them at a time; what comes beyond that waits in
 * a queue, without a thread. And a client that is killed must go at once, although the thread that
 * works for it may hang. So a request that is interrupted and does not end soon is answered with
 * EINTR by another thread. The thread that works for it finds that out when it wants to answer, and
 * drops what it has.
 *
 *     call_submit      from ops.c: runs the call in this thread, or puts it in the queue
 *     call_claim       in the functions of the class, before each answer
 *
 * While a call runs, the engine gives up long work if the call is interrupted (vm_interrupt).
 */
#ifndef FS_FILES_CALL_H
#define FS_FILES_CALL_H

#include "fs/files/file.h"

#include <pthread.h>

struct fs_call {
	fuse_req_t req;
	struct fs_handle *handle; /* a reference, which the call gives back with handle_put */
	struct fs_caller caller;
	/* Does the work and answers. BYTES has SIZE bytes for a write, else it is NULL. */
	void (*run)(const struct fs_call *call);
	const char *bytes;
	size_t size;
	off_t offset;
	int flags;
};

/* The calls of a mount. */
struct fs_calls;

/*
 * A thread is made for the answers. HANDLE_PUT gives back the reference of a call to its handle.
 * NULL with errno set: there can be no thread.
 */
struct fs_calls *calls_new(void (*handle_put)(struct fs_handle *handle));
/* No call may be running or waiting. */
void calls_free(struct fs_calls *calls);

/*
 * Run CALL, and before it returns others that wait; or let it wait, or answer it with EAGAIN if too
 * many of its user wait, ENOMEM if there is no memory for it. CALL is copied, its bytes too if it
 * must wait.
 */
void call_submit(struct fs_calls *calls, const struct fs_call *call);

/*
 * Whether the call that this thread runs is still to be answered. If so, the caller answers it now:
 * nobody else does any more. If not, its request is gone. In a thread that runs no call: true.
 */
bool call_claim(void);

/* Whether the call that this thread runs was interrupted, so that its work is for nobody. */
bool call_is_interrupted(void);

#endif
