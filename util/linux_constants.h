/*
 * linux_constants.h - constants of Linux on x86-64 that the headers of an older C library lack.
 *
 * It includes the headers that define them, so it does not matter where it is included.
 */
#ifndef UTIL_LINUX_CONSTANTS_H
#define UTIL_LINUX_CONSTANTS_H

#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/* --- mmap, mprotect, mremap ------------------------------------------------------------------- */

#ifndef PROT_SEM
#define PROT_SEM 0x8
#endif

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08 /* Linux 6.11 */
#endif
#ifndef MAP_ABOVE4G
#define MAP_ABOVE4G 0x80 /* Linux 6.6 */
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000 /* Linux 4.17 */
#endif

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4 /* Linux 5.7 */
#endif

/* --- madvise ---------------------------------------------------------------------------------- */

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24 /* Linux 5.18 */
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif
#ifndef MADV_GUARD_REMOVE
#define MADV_GUARD_REMOVE 103 /* Linux 6.13 */
#endif

/* --- Signals ---------------------------------------------------------------------------------- */

#ifndef SA_RESTORER
#define SA_RESTORER 0x4000000 /* of the kernel, which the C library keeps to itself */
#endif

/* --- The auxiliary vector --------------------------------------------------------------------- */

#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27 /* Linux 6.3 */
#endif
#ifndef AT_RSEQ_ALIGN
#define AT_RSEQ_ALIGN 28 /* Linux 6.3 */
#endif

#endif
