/*
 * directory.h - directories (file_class): what stands in one is settled at each read at offset 0,
 * so that offsets stay true while processes come and go.
 *
 * The table in tree.c does not name this class: directories are read from the table.
 */
#ifndef FS_FILES_DIRECTORY_H
#define FS_FILES_DIRECTORY_H

#include "fs/files/file.h"

extern const struct file_class directory_class;

/*
 * Answer REQ with the entries from the OFFSETth on that fit into SIZE bytes; with PLUS also their
 * attributes.
 */
void directory_read(fuse_req_t req, struct fs_handle *handle, size_t size, off_t offset, bool plus);

#endif
