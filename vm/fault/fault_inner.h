/*
 * fault_inner.h - one fault on its way, between the handler (fault.c) and the kinds
 * (fault_kinds.c).
 */
#ifndef VM_FAULT_FAULT_INNER_H
#define VM_FAULT_FAULT_INNER_H

#include "vm/cache/object.h"

/*
 * What one pass comes to, besides 0 and negative errno: why it must be made again, and what is done
 * before.
 */
enum {
	PASS_GROW = 1, /* the stack may grow down to the address */
	PASS_PAGE_IN,  /* FILE's page INDEX must be read */
	PASS_SWAP_IN,  /* swap slot SLOT must be read */
	PASS_WAIT,     /* the page is on its way for somebody else */
	PASS_RECLAIM,  /* a frame must be made free */
};

struct fault {
	struct vm_process *process;
	struct vm_fault *record;
	struct vm_fault *tell; /* where the caller wants it, or NULL */
	unsigned flags;        /* FAULT_ */
	struct vm_area *area;  /* valid during a pass */
	vm_entry_id id;        /* the leaf entry, valid during a pass */
	/* between passes */
	struct vm_file *file; /* whose page INDEX is wanted, a reference */
	uint64_t index;
	uint32_t slot;  /* that is wanted, pinned; else VM_SLOT_NONE */
	vm_pfn page;    /* what was wanted has come, pinned; else VM_PFN_NONE */
	vm_pfn awaited; /* frame of a page that is on its way in for another thread, ... */
	struct vm_object
	    *awaited_object;    /* ... and which page that is, so that no other is taken */
	uint64_t awaited_index; /* for it */
	bool was_read;          /* it had to be read: the fault is major */
	bool grown;
};

/* The case for the area and the entry: 0, a negative errno with the record saying why, or PASS_. */
int fault_in_area_locked(struct fault *fault);

/*
 * What a read at FAULT's address would find, in its area and with ENTRY as its last-level entry: fills
 * in the record, and changes nothing else.
 */
void fault_predict_in_area_locked(struct fault *fault, uint64_t entry);

/* Say that FAULT is fatal, as KIND; returns ERROR. */
int fault_fail(struct fault *fault, enum vm_fault_kind kind, int error);

#endif
