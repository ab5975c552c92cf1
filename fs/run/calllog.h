/*
 * calllog.h - the last system calls of a program, as PID/calls shows them.
 */
#ifndef FS_RUN_CALLLOG_H
#define FS_RUN_CALLLOG_H

#include "fs/fs.h"

#include <pthread.h>

enum { CALL_LOG = 512 };

struct call;

/* The lines of the last CALL_LOG calls, without newlines; a ring. */
struct call_log {
	pthread_mutex_t lock;
	GQueue lines; /* of char * */
	size_t bytes; /* in all of them */
};

void call_log_init(struct call_log *log);
void call_log_clear(struct call_log *log);

/*
 * CALL is about to replace its memory (execve): keep its arguments as they are now, in call->text,
 * for call_log_note, which frees them. If the call fails, and is not noted, free them with g_free.
 */
void call_log_arguments(struct call *call);

/* CALL was made and answered RESULT (a result, a negative errno, an ERESTART code). No lock held:
 * strings and bytes are read from the caller's memory, without a fault (vm_peek). */
void call_log_note(struct call *call, int64_t result);
/* A call that does not return: exit_group, a signal. LINE is copied: "+++ exited with 7 +++". */
void call_log_line(struct call_log *log, const char *line);

/* Append all lines to OUT. */
void call_log_show(struct call_log *log, GString *out);

#endif
