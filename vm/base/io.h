/*
 * io.h - the one place where the engine reads and writes host files, and where tests make that
 * fail.
 */
#ifndef VM_BASE_IO_H
#define VM_BASE_IO_H

#include "vm/internal.h"

/*
 * Read up to LEN bytes at OFFSET: the number read (less only at the end of the file), or a negative
 * errno.
 */
ssize_t io_read(struct vm_machine *machine, int fd, void *buf, size_t len, uint64_t offset);

/* Write all LEN bytes at OFFSET: 0 or a negative errno. */
int io_write(struct vm_machine *machine, int fd, const void *buf, size_t len, uint64_t offset);

/* The same, but what lies past the file's present end is left out: the file does not grow. */
int io_write_inside(struct vm_machine *machine, int fd, const void *buf, size_t len,
                    uint64_t offset);

#endif
