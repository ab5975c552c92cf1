/*
 * ops.h - the requests of FUSE, from inode numbers and handles to files of the tree.
 */
#ifndef FS_FILES_OPS_H
#define FS_FILES_OPS_H

#include "fs/files/openfile.h"

#include <fuse3/fuse_lowlevel.h>

/* What a FUSE session serves. It is the user data of the session. */
struct ops_server {
	struct fs_mount mount;
	void (*ready)(void *ctx); /* called once, as soon as the mount answers */
	void *ready_ctx;

	struct fs_calls *calls; /* call.h */
	struct openfile_table handles;
};

extern const struct fuse_lowlevel_ops ops_table;

/* Set up the table of open files; the caller sets the rest. */
void ops_server_init(struct ops_server *server);

/* Make the calls, before requests come. False with errno set: there can be no thread for them. */
bool ops_server_start(struct ops_server *server);

/* Close the files that clients left open. No request may be running. */
void ops_server_close(struct ops_server *server);

#endif
