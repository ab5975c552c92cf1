/*
 * io.h - transfers to and from media: host files and the swap file. A short transfer is continued,
 * and one that a signal interrupted (-EINTR) is repeated, but not for ever: then it fails with
 * -EIO.
 *
 * Rule: no lock is held.
 */
#ifndef VM_BASE_IO_H
#define VM_BASE_IO_H

#include "vm/internal.h"

/*
 * Read up to LEN bytes at OFFSET (bytes). Returns the number read, which is less than LEN only at
 * the end of the medium, or a negative errno of the medium. -EOVERFLOW: OFFSET + LEN is larger than
 * any file (INT64_MAX).
 */
ssize_t io_read(const struct vm_medium *medium, void *buf, size_t len, uint64_t offset);

/*
 * Write all LEN bytes at OFFSET. Returns 0 or a negative errno of the medium; some bytes may have
 * been written then. -EIO: the medium takes no more bytes.
 */
int io_write(const struct vm_medium *medium, const void *buf, size_t len, uint64_t offset);

/*
 * The same, but bytes past the present end of the medium are left out, so that it does not grow.
 * Returns 0 also when bytes were left out.
 */
int io_write_inside(const struct vm_medium *medium, const void *buf, size_t len, uint64_t offset);

#endif
