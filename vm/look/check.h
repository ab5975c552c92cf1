/*
 * check.h - what the rooms of the checker share: check.c, check_object.c, check_space.c.
 *
 * Rule: the machine lock is held, and no call is under way in any process.
 */
#ifndef VM_LOOK_CHECK_H
#define VM_LOOK_CHECK_H

#include "vm/internal.h"

struct check {
	struct vm_machine *machine;
	uint32_t *mapped; /* entries found, by frame */
	uint32_t *held;   /* entries found, by swap slot */
	uint32_t *users;  /* entries found, by table */
	char *wrong;      /* the first thing found, or NULL */
	/* found in processes, compared with what objects and the machine know */
	/* that have an object, and have not been seen in its list yet */
	GHashTable *areas;
	/* struct vm_file * -> how often areas, descriptors and programs refer to it */
	GHashTable *files;
	uint64_t committed, locked; /* pages */
};

/* Something is wrong. Only the first is kept. */
void check_complain(struct check *check, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* KEPT, of which WHAT tells what it counts, must be what was FOUND. */
void check_compare(struct check *check, const char *what, uint64_t kept, uint64_t found);

/* The length of LIST, whose links must be mutual. A longer one than LIMIT is not believed. */
uint64_t check_list(struct check *check, const struct list_link *list, uint64_t limit);

/* check_space.c: a process, its areas, and the entries that it reaches. */
void check_process(struct check *check, pid_t pid, const struct vm_process *process);

/* check_object.c: objects and files, after all processes. */
void check_objects(struct check *check);

#endif
