/*
 * check.h - what the files of the checker share: check.c, check_object.c, check_space.c,
 * check_user.c, check_report.c. The checker itself is vm_machine_check (vm.h).
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
	char *wrong;      /* a sentence about the first thing that is wrong, or NULL */
	/* collected from all processes, to be compared with what objects and the machine know: */
	/* areas that have an object, until they are found in its list */
	GHashTable *areas;
	/* struct vm_file * -> how often areas, descriptors and programs refer to it */
	GHashTable *files;
	/* struct vm_object * -> how many processes run it */
	GHashTable *programs;
	uint64_t committed, locked; /* pages */
	/* struct vm_user * -> struct vm_user whose HELD and REFS were counted; environments */
	GHashTable *charges;
};

/* Report, as printf does, that something is wrong. Only the first report is kept. */
void check_complain(struct check *check, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Report it if KEPT, a counter of WHAT ("dirty pages"), is not what was FOUND. */
void check_compare(struct check *check, const char *what, uint64_t kept, uint64_t found);

/*
 * Count the members of LIST. Reports it if links are not mutual or there are more than LIMIT
 * members; the count is then too small or too large.
 */
uint64_t check_list(struct check *check, const struct list_link *list, uint64_t limit);

/* check_user.c: N units of WHAT were found that are charged to USER. */
void check_note(struct check *check, struct vm_user *user, enum vm_resource what, uint64_t n);

/* check_user.c: a process has ENVIRON, which others may have, too. */
void check_environ(struct check *check, struct vm_environ *environ);

/* check_user.c: check what all users hold, after all processes and objects. */
void check_users(struct check *check);

/* check_space.c: check PROCESS, entered in the table as PID, its areas, and its entries. */
void check_process(struct check *check, pid_t pid, const struct vm_process *process);

/* check_object.c: check objects, files and the machine's sums, after all processes. */
void check_objects(struct check *check);

#endif
