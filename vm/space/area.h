/*
 * area.h - the set of areas of an address space: an ordered map from address to area.
 *
 * The areas do not overlap. They form a balanced (AVL) tree and a list in address order. Every node
 * of the tree knows the largest free gap below any area of its subtree. So find, insert, remove,
 * split, merge and "highest gap of at least LEN bytes" take O(log n). A gap search starts again for
 * each stack whose guard gap it meets.
 *
 * A call that changes a range takes three steps: isolate the range, change the areas inside, merge.
 * An exception is mremap with MREMAP_DONTUNMAP, which does not merge where Linux does not. Areas
 * are split and merged only here.
 *
 * Rule: the process is write-locked for functions that change the set or an area, and locked for
 * those that only look; or nobody else can find the process. The machine lock is held for functions
 * named _locked. It is not held for the others, which take it themselves: for counters of the
 * machine, and wherever other threads may look at an area through its object. Addresses and lengths
 * are bytes and multiples of the page size; PGOFF counts pages.
 */
#ifndef VM_SPACE_AREA_H
#define VM_SPACE_AREA_H

#include "vm/internal.h"

#define AREA_NO_GAP UINT64_MAX

/* Bytes between a stack and the area below it (stack_guard_gap: 256 pages). */
#define AREA_GUARD_GAP (UINT64_C(256) << VM_PAGE_SHIFT)

/* The first area that ends above VA, or NULL (find_vma). VA may be any address. */
struct vm_area *area_find(const struct vm_space *space, uint64_t va);

/* The area that covers VA, or NULL. */
struct vm_area *area_at(const struct vm_space *space, uint64_t va);

/* The first area that overlaps [START, END), or NULL. */
struct vm_area *area_overlap(const struct vm_space *space, uint64_t start, uint64_t end);

/*
 * A new area of SPACE, not yet in the set, with FLAGS (AREA_). A reference to FILE (may be NULL) is
 * taken, and area->object is FILE's object. For a special area without a file the caller sets
 * area->object before it inserts the area. NULL: no memory, or too many areas (VM_AREAS).
 */
struct vm_area *area_new(struct vm_space *space, uint64_t start, uint64_t end, unsigned flags,
                         struct vm_file *file, uint64_t pgoff);

/*
 * A copy of AREA for SPACE, not yet in the set, with another range and PGOFF. It has a reference to
 * the file of its own. NULL as area_new.
 */
struct vm_area *area_copy(const struct vm_area *area, struct vm_space *space, uint64_t start,
                          uint64_t end, uint64_t pgoff);

/* Put AREA into its space, where its range must be free, and into the list of its object. */
void area_insert(struct vm_area *area);

/*
 * Take AREA out of its space, and free it; or, if it has a file, put it on the list DEAD. Its
 * reference to the file may be the last one, and dirty pages may have to be written then.
 */
void area_delete(struct vm_area *area, struct vm_area **dead);
/* The same for an area that was never inserted. */
void area_discard(struct vm_area *area, struct vm_area **dead);

/*
 * Free the areas of the list DEAD (NULL: none), with file_release_mapping for each. No lock is
 * held.
 */
void area_release(struct vm_area *dead);

/* Change the range of AREA, which must not reach into a neighbour. AREA's pgoff follows START. */
void area_set_range(struct vm_area *area, uint64_t start, uint64_t end);

/* Change AREA's flags (AREA_). The counters of the space and the machine follow. */
void area_set_flags(struct vm_area *area, unsigned flags);

/*
 * Split areas so that none crosses START or END (split_vma).
 *
 * => -ENOMEM: max_map_count or VM_AREAS areas, or no memory. -EINVAL: a special area would have to
 *    be split. A split at START may stay then. It is harmless, and area_merge undoes it
 */
int area_isolate(struct vm_space *space, uint64_t start, uint64_t end);

/*
 * The same without the limit max_map_count. For munmap, which checks the limit itself, and only if
 * it cuts a hole into one area.
 */
int area_isolate_unlimited(struct vm_space *space, uint64_t start, uint64_t end);

/*
 * Isolate [START, END), a range inside AREA that is about to get FLAGS (AREA_), so that the caller
 * can set them and then merge. If a neighbour of AREA will merge with the range, max_map_count does
 * not count, because no area more is left in the end (vma_modify).
 *
 * => *ERROR 0: the area [START, END), with its old flags
 * => *ERROR -ENOMEM or -EINVAL, as of area_isolate: NULL. A split at START may stay, as in Linux
 */
struct vm_area *area_carve(struct vm_area *area, uint64_t start, uint64_t end, unsigned flags,
                           int *error);

/*
 * Merge neighbours that meet at an address from START to END, both included, if area_can_merge
 * (vma_merge). The lower one stays, the upper one is freed.
 */
void area_merge(struct vm_space *space, uint64_t start, uint64_t end);

/*
 * Move AREA's end up to END. If the area that it then touches can be merged, merge it and free it.
 * Linux: vma_merge_extend. Here, unlike in area_can_merge, pages of AREA that are inherited do not
 * forbid it if the next area has no anonymous pages.
 */
void area_extend(struct vm_area *area, uint64_t end);

/*
 * Whether LOWER and UPPER touch and differ in nothing that keeps Linux from merging them
 * (can_vma_merge_after).
 */
bool area_can_merge(const struct vm_area *lower, const struct vm_area *upper);

/*
 * The highest (lowest) address in [LOW, HIGH) at which LEN bytes are free below HIGH, outside the
 * guard gap of any stack. AREA_NO_GAP: none. Linux: vm_unmapped_area.
 */
uint64_t area_highest_gap(const struct vm_space *space, uint64_t len, uint64_t low, uint64_t high);
uint64_t area_lowest_gap(const struct vm_space *space, uint64_t len, uint64_t low, uint64_t high);

/*
 * Before AREA gets its first anonymous page: give it a family (area->anon_vma), a neighbour's if
 * they could then merge, else a new one. Nothing happens if it has one. Linux: __anon_vma_prepare.
 */
void area_prepare_anon_locked(struct vm_area *area);

/* A new number for a family of anonymous pages. Needs no lock. */
uint64_t area_new_family(struct vm_machine *machine);

/* Where AREA starts, its guard gap included if it is a stack (vm_start_gap). */
uint64_t area_start_gap(const struct vm_area *area);

/* PROT_ flags as AREA_READ, AREA_WRITE and AREA_EXEC (calc_vm_prot_bits). */
unsigned area_flags_of_prot(int prot);

/* Whether an area with FLAGS (AREA_) is charged for overcommit (accountable_mapping). */
bool area_is_accountable(unsigned flags);

/* The bits of a present entry that follow from AREA: rights and the lock bit, without RW. */
uint64_t area_entry_flags(const struct vm_area *area);

/*
 * Whether ENTRY of AREA must not have RW, so that a store faults and is noticed: the page is
 * soft-clean, and AREA is not soft-dirty as a whole (pte_needs_soft_dirty_wp).
 */
bool area_waits_for_store(const struct vm_area *area, uint64_t entry);

/* AREA's rights as "rwxp" (s: shared) with a NUL. */
void area_perm(const struct vm_area *area, char perm[5]);

/*
 * area_tree.c, for area.c alone: enter AREA in the tree and the list of its space; take it out;
 * repair the tree after a change of AREA's range.
 */
void area_tree_insert(struct vm_area *area);
void area_tree_remove(struct vm_area *area);
void area_tree_refresh(struct vm_area *area);

/* For tests: NULL, or what is wrong with the tree of SPACE (free with g_free). */
char *area_check(const struct vm_space *space);

#endif
