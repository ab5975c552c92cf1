/*
 * fault_inner.h - the state of a fault while it is handled, shared by the handler (fault.c) and
 * the kinds of fault (fault_kinds.c).
 */
#ifndef VM_FAULT_FAULT_INNER_H
#define VM_FAULT_FAULT_INNER_H

#include "vm/base/record.h"
#include "vm/reclaim/reclaim.h"

/*
 * Results of a pass other than 0 and a negative errno. The fault has to start again from the top,
 * after something was done with no lock held.
 */
enum {
	PASS_GROW = 1, /* grow a stack down to the address */
	PASS_PAGE_IN,  /* read page INDEX of FILE into the page cache */
	PASS_SWAP_IN,  /* read swap slot SLOT */
	PASS_WAIT,     /* wait until another thread has read the page into frame AWAITED */
	PASS_RECLAIM,  /* make a frame free */
	PASS_WRITE,    /* write a dirty page of FILE: there are too many (cache/dirty.h) */
	PASS_OWN,      /* evict pages of the process's own: it holds too many frames */
};

struct fault {
	struct vm_process *process;
	struct vm_fault *record;
	struct vm_fault *tell; /* where the caller wants a copy of the record, or NULL */
	unsigned flags;        /* FAULT_ */
	struct vm_area *area;  /* valid during a pass */
	vm_entry_id id;        /* the last-level entry, in a table of the space's own; valid ... */
	uint64_t hold;         /* ... during this hold of the machine lock (machine_hold_locked) */
	/* between passes */
	/* PASS_PAGE_IN, PASS_WRITE: the file to read, or to write, a reference; else NULL */
	struct vm_file *file;
	uint64_t index; /* the page of FILE that is wanted */
	uint32_t slot;  /* PASS_SWAP_IN: the slot to read, pinned */
	vm_pfn page;    /* for the next pass: what was read or found, pinned; else VM_PFN_NONE */
	vm_pfn awaited; /* PASS_WAIT: the frame that another thread fills, ... */
	/* ... and with which page: another one may be on its way into the frame later */
	struct vm_object *awaited_object;
	uint64_t awaited_index;
	struct reclaim reclaim; /* what went so far to make a frame free, and who needs it */
	bool was_read;          /* PAGE had to be read: the fault is major */
	bool grown;             /* growing a stack was tried, which is done once only */
	bool has_made_room;     /* PASS_OWN was done as far as it can be */
	bool has_written; /* a dirty page was written for this store, so it may make one dirty */
};

/* Whether somebody will see the record of FAULT. Else it need not say more than what happened. */
static inline bool fault_is_seen_locked(const struct fault *fault)
{
	return fault->tell != NULL || record_is_wanted_locked(fault->process->machine);
}

/*
 * Handle the fault in its area, by the case that the area and the last-level entry are. The process
 * is locked for reading, the machine lock is held, and fault->area covers the address. The machine
 * lock may be dropped where a page that can go is searched for, and then PASS_RECLAIM is returned.
 *
 * => 0: the page is mapped, and the record is complete.
 * => -EFAULT, -EACCES, -EIO, -ENOMEM: the fault is fatal, and the record says why.
 * => PASS_PAGE_IN, PASS_SWAP_IN, PASS_WAIT, PASS_RECLAIM, PASS_WRITE, PASS_OWN: do that without
 *    locks, then start again. No page is mapped yet.
 */
int fault_in_area_locked(struct fault *fault);

/*
 * Fill in the record with what a read at FAULT's address would find in fault->area, if the
 * last-level entry were ENTRY (0: empty, or no table). Nothing else is changed. The process is
 * locked for reading.
 */
void fault_predict_in_area_locked(struct fault *fault, uint64_t entry);

/* Record that FAULT is fatal, of the kind KIND. Returns ERROR. */
int fault_fail(struct fault *fault, enum vm_fault_kind kind, int error);

/*
 * legal.c. Whether AREA is a stack that can grow down to START without coming too close to the area
 * below; and whether limits and overcommit allow that. The machine lock is not held.
 */
bool fault_may_reach(const struct vm_area *area, uint64_t start);
bool fault_may_grow(const struct vm_area *area, uint64_t start);

/*
 * The area that covers the fault's address and permits the access; *VERDICT is left alone. Or NULL,
 * with *VERDICT PASS_GROW, or the errno of a fatal fault, which the record describes.
 *
 * The process is locked for reading. The machine lock may be dropped.
 */
struct vm_area *fault_legal_area_locked(struct fault *fault, int *verdict);

#endif
