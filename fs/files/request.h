/*
 * request.h - what a request of FUSE says about itself.
 */
#ifndef FS_FILES_REQUEST_H
#define FS_FILES_REQUEST_H

#include "fs/fs.h"

#include <fuse3/fuse_lowlevel.h>

/* Who sent REQ. FI is that of an open file, or NULL. */
struct fs_caller request_caller(fuse_req_t req, const struct fuse_file_info *fi);

#endif
