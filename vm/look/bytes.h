/*
 * bytes.h - the bytes of a process's memory, read without an access: nothing becomes resident, no
 * bit of an entry is set, nothing is counted or recorded. What is in swap or in a host file is read
 * from there, past the page cache.
 *
 * Rule: no lock is held. Each page is of one moment, but two pages may be of two.
 */
#ifndef VM_LOOK_BYTES_H
#define VM_LOOK_BYTES_H

#include "vm/internal.h"

/*
 * Copy LEN bytes at VA to BUF, whatever the rights of the areas. What cannot be read is 0: no area,
 * past the end of the file, a guard page, an error of reading. Linux: dump_user_range.
 */
void look_bytes(struct vm_process *process, uint64_t va, void *buf, size_t len);

/*
 * The first address of [VA, END) whose page has bytes (HOLE: has none, and reads as zeros), or END.
 * VA and END are multiples of the page size. Pages of files count as bytes, whatever is in them.
 */
uint64_t look_next(struct vm_process *process, uint64_t va, uint64_t end, bool hole);

#endif
