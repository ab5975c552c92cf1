/*
 * task_state.h - what status and stat show of a process that runs a program, and what is 0 in all
 * others.
 */
#ifndef FS_TEXT_TASK_STATE_H
#define FS_TEXT_TASK_STATE_H

#include "fs/fs.h"

struct task_state {
	char letter; /* R S T Z */
	pid_t group, session;
	uint64_t pending, blocked, ignored, caught;           /* signals; bit N - 1: signal N */
	int64_t user, system, children_user, children_system; /* ns of the processor */
	mode_t umask;
	int status; /* of a zombie, that of wait4(2) */
	bool runs;  /* it is in user code, or waits for its turn there */
	/* the system call that it sleeps in, with its arguments; -1: none */
	int64_t call;
	uint64_t arg[6];
	unsigned persona;
	/* bytes that its calls have read and written, and how many calls those were */
	uint64_t rchar, wchar, syscr, syscw;
};

/* Of a process without a program: it sleeps. */
struct task_state task_state_none(const struct vm_process_info *info);
/* The state of the process of INFO. If it runs a program, INFO gets the registers of that. */
struct task_state task_state_of(struct fs_mount *mount, struct vm_process_info *info);

#endif
