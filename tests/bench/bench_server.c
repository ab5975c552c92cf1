/*
 * bench_server.c - what the mount is compared with: a FUSE server that is built in the same way,
 * with the same options and threads, but does nothing. Its only file, `mem`, answers each read from
 * one buffer, and each write at once.
 *
 *     bench_server [OPTIONS] MOUNTPOINT      in the foreground
 */
#include "fs/daemon/loop.h"
#include "fs/daemon/options.h"
#include "fs/daemon/signals.h"

#include <errno.h>
#include <fuse3/fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_INO = FUSE_ROOT_ID + 1, TRANSFER_MAX = 1 << 20 };

static char buffer[TRANSFER_MAX];

static struct stat attributes(fuse_ino_t ino)
{
	struct stat st = {.st_ino = ino, .st_uid = getuid(), .st_gid = getgid(), .st_nlink = 1};

	st.st_mode = ino == FILE_INO ? S_IFREG | 0600 : S_IFDIR | 0555;
	st.st_size = ino == FILE_INO ? (off_t)VM_USER_END : 0;
	return st;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = {
	    .ino = FILE_INO, .attr = attributes(FILE_INO), .entry_timeout = 60};

	if (strcmp(name, "mem") == 0)
		fuse_reply_entry(req, &entry);
	else
		fuse_reply_err(req, ENOENT);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = attributes(ino);

	fuse_reply_attr(req, &st, 0);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fi->direct_io = 1;
	fi->noflush = 1;
	fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
	fuse_reply_buf(req, buffer, MIN(size, TRANSFER_MAX));
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t offset,
                     struct fuse_file_info *fi)
{
	fuse_reply_write(req, size);
}

static const struct fuse_lowlevel_ops ops = {.lookup = op_lookup,
                                             .getattr = op_getattr,
                                             .open = op_open,
                                             .read = op_read,
                                             .write = op_write};

int main(int argc, char **argv)
{
	enum loop_end end = LOOP_FAILED;
	struct options options;
	GError *error = NULL;
	sigset_t ends;

	if (!options_parse(&options, argc, argv, &error)) {
		fprintf(stderr, "bench_server: %s\n", error->message);
		return EXIT_FAILURE;
	}
	memset(buffer, 1, sizeof buffer);
	signals_settle(&ends, true);
	loop_block_signals();
	struct fuse_session *session = fuse_session_new(&options.session, &ops, sizeof ops, NULL);
	if (session != NULL && fuse_session_mount(session, options.mountpoint) == 0) {
		end = loop_run(session, &options.fuse, &ends);
		fuse_session_unmount(session);
	}
	if (session != NULL)
		fuse_session_destroy(session);
	options_clear(&options);
	return end == LOOP_ENDED ? EXIT_SUCCESS : EXIT_FAILURE;
}
