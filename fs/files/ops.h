/*
 * ops.h - the requests of FUSE, from inode numbers and handles to files of the tree.
 */
#ifndef FS_FILES_OPS_H
#define FS_FILES_OPS_H

#include "fs/fs.h"
#include "util/list.h"

#include <fuse3/fuse_lowlevel.h>
#include <pthread.h>

enum { OPS_HANDLE_LISTS = 256 };

/* What a FUSE session serves. It is the user data of the session. */
struct ops_server {
	struct fs_mount mount;
	void (*ready)(void *ctx); /* called once, as soon as the mount answers */
	void *ready_ctx;

	struct fs_calls *calls; /* call.h */
	pthread_mutex_t lock;
	/* of struct fs_handle, all that are open, by inode number; under lock */
	struct list_link handles[OPS_HANDLE_LISTS];
};

extern const struct fuse_lowlevel_ops ops_table;

/* Set up the lock and the list; the caller sets the rest. */
void ops_server_init(struct ops_server *server);

/* Make the calls, before requests come. False with errno set: there can be no thread for them. */
bool ops_server_start(struct ops_server *server);

/* Close the files that clients left open. No request may be running. */
void ops_server_close(struct ops_server *server);

#endif
