/*
 * hostthreads.h - the threads of a process of the host, and what /proc tells of their registers.
 */
#ifndef FS_HOST_HOSTTHREADS_H
#define FS_HOST_HOSTTHREADS_H

#include "vm/vm_core.h"

/*
 * Add the threads of the process PID of the host to IMAGE, the first one first, with the rights of
 * the calling thread. PROC is the host's /proc (util/proc.h). A thread that is in no system call
 * has no registers. 0 or -ENOMEM.
 */
int hostthreads_read(int proc, pid_t pid, struct vm_image *image);

#endif
