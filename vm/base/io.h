/*
 * io.h - whole transfers to and from media: host files, the swap file.
 *
 * Rule: no lock is held.
 */
#ifndef VM_BASE_IO_H
#define VM_BASE_IO_H

#include "vm/internal.h"

/*
 * Read up to LEN bytes at OFFSET: the number read (less only at the end), or a negative errno.
 * -EOVERFLOW: past what a file may hold.
 */
ssize_t io_read(const struct vm_medium *medium, void *buf, size_t len, uint64_t offset);

/* Write all LEN bytes at OFFSET: 0 or a negative errno. */
int io_write(const struct vm_medium *medium, const void *buf, size_t len, uint64_t offset);

/* The same, but what lies past the present end is left out: the file does not grow. */
int io_write_inside(const struct vm_medium *medium, const void *buf, size_t len, uint64_t offset);

#endif
