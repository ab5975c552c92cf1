/*
 * victim.h - whose page it is that goes to make room.
 *
 * A page is described before it is taken from its entries, because they tell whose it is. If it
 * went in the end, that is recorded.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_RECLAIM_VICTIM_H
#define VM_RECLAIM_VICTIM_H

#include "vm/internal.h"

struct victim {
	bool dirty; /* a store has reached it since it came into its frame */
	pid_t pid;  /* of a process that has it, or 0 */
	bool seen;  /* somebody sees the record; else only its kind and its slot are ever set */
	/* who evicts the page sets kind, and the slot to which it went */
	struct vm_fault record;
	char *file; /* a reference to the name of its file, a GRefString, or NULL */
};

/* Describe the page in PFN, a frame in use. End with one of the two functions below. */
void victim_describe_locked(struct vm_machine *machine, vm_pfn pfn, struct victim *victim);

/* It stays. */
void victim_forget(struct victim *victim);

/*
 * It went: record that. NEEDS: who needs the frame, or NULL. *PARTY, unless PARTY is NULL or nobody
 * sees records, becomes whose page it was, with a reference to the name in it; the name before is
 * dropped.
 */
void victim_report_locked(struct vm_machine *machine, struct victim *victim,
                          const struct vm_party *needs, struct vm_party *party);

#endif
