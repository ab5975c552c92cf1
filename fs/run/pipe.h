/*
 * pipe.h - pipes between programs. Linux: fs/pipe.c.
 */
#ifndef FS_RUN_PIPE_H
#define FS_RUN_PIPE_H

#include "fs/run/kind.h"

enum { PIPE_ROOM = 65536 }; /* bytes; 16 pages, as of Linux */

/*
 * Make a pipe of RUN that PLACE's user owns: ENDS[0] is read, ENDS[1] is written. 0, or -ENOMEM and
 * nothing was made.
 */
int pipe_new(struct run *run, const struct place *place, struct vm_file *ends[2]);
bool pipe_is(const struct vm_file *file);

#endif
