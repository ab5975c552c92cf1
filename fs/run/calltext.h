/*
 * calltext.h - a system call as strace prints it.
 */
#ifndef FS_RUN_CALLTEXT_H
#define FS_RUN_CALLTEXT_H

#include "fs/run/syscall.h"

/*
 * Append the name of CALL and its arguments in parentheses: by the letters of its row (syscall.h),
 * or all six in hex if it has none. What is in memory is read by vm_peek, so it touches nothing.
 * RESULT is what the call answered: what it has stored is shown only if it has.
 */
void call_text_arguments(GString *out, const struct call *call, int64_t result);

/* Append what stands behind the equals sign: `3`, `-1 ENOENT (No such file or directory)`, `?`. */
void call_text_result(GString *out, const struct call *call, int64_t result);

#endif
