/*
 * area.h - the set of areas of an address space: an ordered map from address to area.
 *
 * A balanced (AVL) tree over non-overlapping areas, threaded as a list in address order, in which
 * every node knows the largest free gap below any area of its subtree. So find, insert, remove,
 * split, merge and "highest gap of at least LEN" take O(log n); the last once more for each stack
 * whose guard gap is met.
 *
 * Every call that changes a range does it in three steps: isolate the range, change what lies
 * inside, merge; but for what Linux leaves as it is (mremap with MREMAP_DONTUNMAP). Splitting and
 * merging happen nowhere but here.
 *
 * Rule: the process is write-locked for all that changes the set, read-locked for what looks.
 */
#ifndef VM_SPACE_AREA_H
#define VM_SPACE_AREA_H

#include "vm/internal.h"

#define AREA_NO_GAP UINT64_MAX

/* A stack keeps this far from what lies below it (stack_guard_gap: 256 pages). */
#define AREA_GUARD_GAP (UINT64_C(256) << VM_PAGE_SHIFT)

/* The first area that ends above VA, or NULL. */
struct vm_area *area_find(const struct vm_space *space, uint64_t va);

/* The area that covers VA, or NULL. */
struct vm_area *area_at(const struct vm_space *space, uint64_t va);

/* The first area that overlaps [START, END), or NULL. */
struct vm_area *area_overlap(const struct vm_space *space, uint64_t start, uint64_t end);

/*
 * A new area in no set yet. A reference to FILE is taken, and OBJECT is FILE's or, for special
 * areas, one that outlives the machine. NULL for lack of memory.
 */
struct vm_area *area_new(struct vm_space *space, uint64_t start, uint64_t end, unsigned flags,
                         struct vm_file *file, uint64_t pgoff);

/*
 * A new area of SPACE, in no set yet, that is as AREA in all but its range and numbering (PGOFF).
 * NULL for lack of memory.
 */
struct vm_area *area_copy(const struct vm_area *area, struct vm_space *space, uint64_t start,
                          uint64_t end, uint64_t pgoff);

/* Put AREA into its space, whose range must be free there. */
void area_insert(struct vm_area *area);

/*
 * Take AREA out of its space and free it. Returns the reference to its file (or NULL), which the
 * caller releases with file_release_mapping() when no lock is held any more: it may be the last.
 */
struct vm_file *area_delete(struct vm_area *area);

/* Move AREA's ends without meeting a neighbour; PGOFF follows START. */
void area_set_range(struct vm_area *area, uint64_t start, uint64_t end);

/* Change AREA's flags; the space's counters follow. */
void area_set_flags(struct vm_area *area, unsigned flags);

/*
 * Split areas so that none crosses START or END. -ENOMEM past max_map_count or for lack of memory,
 * -EINVAL for an area of the kernel's own (a split at START alone may then have happened: harmless,
 * the next merge heals it).
 */
int area_isolate(struct vm_space *space, uint64_t start, uint64_t end);

/*
 * The same without the limit: what munmap does, which checks it only where it cuts a hole into one
 * area.
 */
int area_isolate_unlimited(struct vm_space *space, uint64_t start, uint64_t end);

/*
 * Isolate the part [START, END) of AREA, which is to get FLAGS. A part that a neighbour then takes
 * in needs no area of its own, so there the limit does not bind (vma_modify). The part, or NULL
 * with *ERROR as area_isolate's: then a split at START stays, as in Linux.
 */
struct vm_area *area_carve(struct vm_area *area, uint64_t start, uint64_t end, unsigned flags,
                           int *error);

/*
 * Merge every two neighbours that touch between START and END, both ends included, where Linux
 * would.
 */
void area_merge(struct vm_space *space, uint64_t start, uint64_t end);

/*
 * AREA grows up to END, and takes in the area that it then touches where Linux would
 * (vma_merge_extend): a family of inherited pages does not forbid it if the other has none.
 */
void area_extend(struct vm_area *area, uint64_t end);

/* Whether LOWER and UPPER, neighbours that touch, are one area for Linux (can_vma_merge_after). */
bool area_can_merge(const struct vm_area *lower, const struct vm_area *upper);

/*
 * The highest (lowest) address at which LEN bytes are free inside [LOW, HIGH), with the guard gap
 * kept below stacks. AREA_NO_GAP if there is none. Linux: vm_unmapped_area.
 */
uint64_t area_highest_gap(const struct vm_space *space, uint64_t len, uint64_t low, uint64_t high);
uint64_t area_lowest_gap(const struct vm_space *space, uint64_t len, uint64_t low, uint64_t high);

/*
 * Give AREA its family of anonymous pages before the first one comes (anon_vma_prepare). Machine
 * lock held.
 */
void area_prepare_anon_locked(struct vm_area *area);

/* A number for a new family of anonymous pages. */
uint64_t area_new_family(struct vm_machine *machine);

/*
 * Where an area starts for its neighbour below: a stack's guard gap belongs to it (vm_start_gap).
 */
uint64_t area_start_gap(const struct vm_area *area);

/* Rights of an area for PROT: AREA_READ, AREA_WRITE, AREA_EXEC. */
unsigned area_flags_of_prot(int prot);

/* Whether an area with FLAGS is charged for overcommit (accountable_mapping). */
bool area_is_accountable(unsigned flags);

/* The rights that an entry for a page of AREA has, and its lock bit; RW apart. */
uint64_t area_entry_flags(const struct vm_area *area);

/* "rwxp": PERM has room for 5. */
void area_perm(const struct vm_area *area, char perm[5]);

/* area_tree.c: enter an area, take one out, follow a change of its range. */
void area_tree_insert(struct vm_area *area);
void area_tree_remove(struct vm_area *area);
void area_tree_refresh(struct vm_area *area);

/* NULL, or what is wrong with the tree of SPACE (free with g_free). */
char *area_check(const struct vm_space *space);

#endif
