/*
 * request.h - what a request of FUSE says about itself.
 */
#ifndef FS_FILES_REQUEST_H
#define FS_FILES_REQUEST_H

#include "fs/fs.h"

#include <fuse3/fuse_lowlevel.h>

/* Who sent REQ. */
struct fs_caller request_caller(fuse_req_t req);

#endif
