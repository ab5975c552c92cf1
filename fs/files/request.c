/*
 * request.c - what a request of FUSE says about itself.
 */
#include "fs/files/request.h"

struct fs_caller request_caller(fuse_req_t req, const struct fuse_file_info *fi)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	/* What the kernel calls the owner of locks is a number for the table of descriptors. */
	return (struct fs_caller){.uid = ctx->uid,
	                          .gid = ctx->gid,
	                          .pid = ctx->pid,
	                          .files = fi != NULL ? fi->lock_owner : 0};
}
