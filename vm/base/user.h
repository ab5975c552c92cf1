/*
 * user.h - what each user has of the machine, and how much each may have (struct user_struct and
 * ucounts of Linux).
 *
 * A resource is bounded for all users together. Root and the user who runs the daemon may have all
 * of it. Any other user may have half, and gets no more while three quarters of it are in use. So
 * one user cannot take everything from the others, and all of them together leave something to
 * those who can end their processes.
 *
 * A charge belongs to the user who made the thing: who asked for the process, who opened the file.
 *
 * Rule: counts are atomic, and are changed without a lock. The machine lock guards the table of
 * users and their references; functions named _locked expect it.
 */
#ifndef VM_BASE_USER_H
#define VM_BASE_USER_H

#include "vm/internal.h"

struct vm_user {
	uid_t uid;
	uint64_t held[VM_RESOURCES]; /* atomic */
	/* machine */
	unsigned refs;        /* processes, handles and environments that are charged to it */
	struct vm_user *next; /* in its bucket of machine->users */
};

/* A reference to the user UID, who is entered if he has nothing yet. NULL: no memory. */
struct vm_user *user_get_locked(struct vm_machine *machine, uid_t uid);
struct vm_user *user_ref_locked(struct vm_user *user);
/* Drop a reference. The last one, after which nothing may be charged to USER, frees him. */
void user_put_locked(struct vm_machine *machine, struct vm_user *user);

/*
 * Charge N units of WHAT to USER. No lock is needed. Linux: inc_rlimit_ucounts.
 *
 * => 0
 * => -ENOMEM: the host has hardly any memory left. Nothing is charged
 * => -ENOMEM (VM_AREAS, VM_NOTES, VM_SNAPSHOTS), -EAGAIN (VM_PROCESSES) or -ENFILE (VM_FDS,
 *    VM_HANDLES): he or all users together would have too much. Nothing is charged
 *
 * What a caller can make large is charged before it is allocated. So it never takes the last of the
 * host's memory, and the many small allocations that cannot fail find some.
 */
int user_charge(struct vm_machine *machine, struct vm_user *user, enum vm_resource what,
                uint64_t n);
/* Take back a charge of N units. */
void user_uncharge(struct vm_machine *machine, struct vm_user *user, enum vm_resource what,
                   uint64_t n);

/* How many units of WHAT all users together hold. */
uint64_t user_total(const struct vm_machine *machine, enum vm_resource what);

#endif
