/*
 * directory.h - directories (file_class). A read at offset 0 takes a list of the entries, and later
 * reads use it, so that offsets stay valid while processes come and go.
 *
 * The table in tree.c does not name this class, since directories are read from the table. ops.c
 * gives it to them.
 */
#ifndef FS_FILES_DIRECTORY_H
#define FS_FILES_DIRECTORY_H

#include "fs/files/file.h"

extern const struct file_class directory_class;

/*
 * Answer REQ with as many entries as fit into SIZE bytes, starting with entry number OFFSET. With
 * PLUS their attributes are sent too. ENOENT if the process of the directory has ended, ENOMEM
 * without memory.
 */
void directory_read(fuse_req_t req, struct fs_handle *handle, size_t size, off_t offset, bool plus);

#endif
