/*
 * lists.h - lists for policies with an order of their own, and ghosts: pages that are away, known
 * by their keys.
 *
 * A node is a number. That of a page is the number of its frame; those of ghosts follow. A node is
 * in one list at most. All moves take constant time and allocate nothing: the memory is reserved
 * when the policy is set, enough for all frames and the ghosts that it may have, and costs nothing
 * before it is used.
 *
 *     lists_loaded_locked    a page has come: which list was its ghost in? The ghost is no more
 *     lists_expect_locked    it is about to come: its ghost leaves its list, but is still known
 *     lists_remember_locked  a page goes: it gets a ghost
 *     lists_lost_locked, lists_cut_locked
 *                            what a ghost stands for is no more
 *
 * A policy hears of pages that were there before it (policy.h) one after another. So each of its
 * functions must bear a page that is in no list.
 *
 * Rule: the machine lock is held.
 */
#ifndef VM_POLICY_LISTS_H
#define VM_POLICY_LISTS_H

#include "vm/internal.h"

#define LISTS_NONE UINT32_MAX

enum {
	LISTS_OUT,    /* in no list */
	LISTS_COMING, /* ghosts of pages that are about to be loaded */
	LISTS_FIRST,  /* from here on the policy's own */
	LISTS_MOST = 8,
};

struct lists_node {
	uint32_t older, newer; /* valid in a list; of a free ghost: NEWER is the next, plus one */
	uint8_t list;          /* LISTS_OUT, ... */
	uint8_t mark;          /* the policy's own; 0 in a new node */
	uint16_t more;         /* the same */
};

struct lists_ghost {
	struct vm_page_key key;
	uint64_t stamp; /* the policy's own */
	uint32_t next;  /* in its hash chain, plus one; 0: end */
	uint8_t from;   /* in LISTS_COMING: the list in which it was */
};

struct lists_ends {
	uint32_t oldest, newest; /* LISTS_NONE: it is empty */
	uint32_t length;
};

/* A walk from the oldest node to the newest that bears changes, as struct frame_walk. */
struct lists_walk {
	uint32_t last; /* seen last; or, if that has left, the next older one; LISTS_NONE */
	struct lists_walk *other;
};

struct lists {
	uint32_t frames, ghosts; /* nodes of each kind */
	struct lists_node *node;
	struct lists_ghost *ghost; /* by node - FRAMES */
	uint32_t *hash;            /* first ghosts, plus one */
	uint32_t mask;
	uint32_t free;    /* first free ghost, plus one; 0: none */
	uint32_t touched; /* ghosts from here on were never used */
	uint32_t hand;    /* a node, or LISTS_NONE; if it leaves, the next newer one */
	struct lists_ends list[LISTS_MOST];
	struct lists_walk *walks;
};

/*
 * Lists for MACHINE's frames and GHOSTS ghosts, or a few more. If there are not so many numbers,
 * there are fewer. NULL: no memory.
 */
struct lists *lists_new(const struct vm_machine *machine, uint64_t ghosts);
/* Free LISTS, or nothing if it is NULL. */
void lists_free(struct lists *lists);

static inline bool lists_is_ghost(const struct lists *lists, uint32_t node)
{
	return node >= lists->frames;
}

static inline uint32_t lists_length(const struct lists *lists, unsigned list)
{
	return lists->list[list].length;
}

/* Whether NODE is in a list of the policy's own. */
static inline bool lists_holds(const struct lists *lists, uint32_t node)
{
	return node < (uint64_t)lists->frames + lists->ghosts &&
	       lists->node[node].list >= LISTS_FIRST;
}

/* Take NODE out of its list. The memory of a ghost is not freed. */
void lists_take_locked(struct lists *lists, uint32_t node);
/* Move NODE, wherever it is, to an end of LIST. */
void lists_put_newest_locked(struct lists *lists, unsigned list, uint32_t node);
void lists_put_oldest_locked(struct lists *lists, unsigned list, uint32_t node);
/* Move NODE to the newest end of the list in which it is, if it is in one. */
void lists_renew_locked(struct lists *lists, uint32_t node);
/* Put NODE, in no list, in the place of OTHER, which leaves its list. */
void lists_replace_locked(struct lists *lists, uint32_t other, uint32_t node);

/* --- Ghosts ----------------------------------------------------------------------------------- */

/* The ghost of KEY, or LISTS_NONE. */
uint32_t lists_find(const struct lists *lists, const struct vm_page_key *key);
/*
 * A ghost for the page in PFN, which is evicted, in no list. LISTS_NONE: all are in use. A ghost
 * that it has already is forgotten.
 */
uint32_t lists_ghost_locked(struct lists *lists, const struct vm_machine *machine, vm_pfn pfn);
/* The same, at the newest end of LIST, of which afterwards the oldest beyond MOST are forgotten. */
void lists_remember_locked(struct lists *lists, const struct vm_machine *machine, vm_pfn pfn,
                           unsigned list, uint64_t most);
/* Forget GHOST, which may be in a list. */
void lists_forget_locked(struct lists *lists, uint32_t ghost);
/* Forget the oldest of LIST, all of them ghosts, until it has at most MOST. */
void lists_trim_locked(struct lists *lists, unsigned list, uint64_t most);
/*
 * The page KEY is about to be loaded. If it has a ghost in a list, that is moved to LISTS_COMING,
 * and the list is returned; else 0. *GHOST, unless GHOST is NULL: the ghost.
 */
unsigned lists_expect_locked(struct lists *lists, const struct vm_page_key *key, uint32_t *ghost);
/* The list from which the ghost of the page KEY was moved to LISTS_COMING, or 0. */
unsigned lists_coming_from(const struct lists *lists, const struct vm_page_key *key);
/*
 * The page in PFN was loaded: forget its ghost. Returns the list in which it was before it was
 * moved to LISTS_COMING, or is; 0: it had none.
 */
unsigned lists_loaded_locked(struct lists *lists, const struct vm_machine *machine, vm_pfn pfn);
/* The page KEY is no more: forget its ghost. */
void lists_lost_locked(struct lists *lists, const struct vm_page_key *key);
/*
 * A ghost of pages [FIRST, LAST) of OBJECT, looking at a few ghosts from *AT (0: the first) on,
 * or LISTS_NONE. *AT: where to go on; lists->touched: nowhere.
 */
uint32_t lists_cut_step(const struct lists *lists, uint64_t object, uint64_t first, uint64_t last,
                        uint32_t *at);

/*
 * Forget the ghosts of pages [FIRST, LAST) of OBJECT. The lock is dropped now and then; LISTS
 * may be gone afterwards.
 */
void lists_cut_locked(struct vm_machine *machine, struct lists *lists, uint64_t object,
                      uint64_t first, uint64_t last);

/* --- Walks ------------------------------------------------------------------------------------ */

void lists_walk_begin_locked(struct lists *lists, struct lists_walk *walk);
/* The next node of LIST, which must be that of all steps of WALK; or LISTS_NONE. */
uint32_t lists_walk_step_locked(const struct lists *lists, struct lists_walk *walk, unsigned list);
/* Not to be called after the policy has changed. */
void lists_walk_end_locked(struct lists *lists, struct lists_walk *walk);

/*
 * The oldest page that can be evicted in the first of the COUNT lists of ORDER that has one; or
 * VM_PFN_NONE: there is none, or the policy has changed meanwhile. The lock is dropped now and
 * then. A page that the processor has used since it was looked at last is reported to the policy's
 * `used`, and passed over once.
 */
vm_pfn lists_choose_locked(struct vm_machine *machine, struct lists *lists, const uint8_t *order,
                           unsigned count);

/* --- Looking ---------------------------------------------------------------------------------- */

/*
 * For the policies' `next`: the queue is the COUNT lists of ORDER, the oldest of each first, under
 * NAMES. Pages that are FRAME_COLD are passed over.
 */
bool lists_next(const struct vm_machine *machine, const struct lists *lists, const uint8_t *order,
                const char *const *names, unsigned count, struct vm_spot *spot);
/* Whether all lists are sound: the nodes know their lists, and the lengths are right. */
bool lists_are_sound(const struct lists *lists);
/* Whether no page in a frame has a ghost. */
bool lists_ghosts_are_away(const struct vm_machine *machine, const struct lists *lists);
/* What is wrong with LISTS, a static string; or NULL. All frames with a page must be in a list. */
const char *lists_check(const struct vm_machine *machine, const struct lists *lists);

/* --- Functions of policies whose state is the lists ------------------------------------------- */

void lists_policy_free(struct vm_machine *machine, void *state);
/* The page is in no list any more, and leaves no ghost. */
void lists_policy_gone(struct vm_machine *machine, vm_pfn pfn, bool evicted);
void lists_policy_lost(struct vm_machine *machine, const struct vm_page_key *key);
void lists_policy_cut(struct vm_machine *machine, uint64_t object, uint64_t first, uint64_t last);
/* It goes to the newest end of its list. */
void lists_policy_stayed(struct vm_machine *machine, vm_pfn pfn);
bool lists_policy_holds(const struct vm_machine *machine, uint32_t node);

#endif
