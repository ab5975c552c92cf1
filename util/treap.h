/*
 * treap.h - search trees whose links are embedded in the members, ordered by a number. To enter a
 * member needs no memory, so it cannot fail.
 *
 * They are treaps: a heap by a hash of the key. Their depth is logarithmic, and stays below some
 * 2 x the square root of the number of keys that were handed out even if somebody chooses which of
 * them stay.
 *
 *     struct treap_link *root = NULL;
 *     treap_insert(&root, &thing->link, key);
 *     struct treap_link *found = treap_find(root, key);
 *     use(LIST_ENTRY(found, struct thing, link));
 */
#ifndef UTIL_TREAP_H
#define UTIL_TREAP_H

#include <stdint.h>

struct treap_link {
	struct treap_link *left, *right;
	uint64_t key;
};

/* Enter LINK, which is in no tree, under KEY, which no member of the tree has. */
void treap_insert(struct treap_link **root, struct treap_link *link, uint64_t key);

/* Take out the member with KEY and return it. NULL: there is none. */
struct treap_link *treap_remove(struct treap_link **root, uint64_t key);

/* The member with KEY, or NULL. */
struct treap_link *treap_find(struct treap_link *root, uint64_t key);

/* The member with the lowest key above KEY, or NULL. */
struct treap_link *treap_above(struct treap_link *root, uint64_t key);

#endif
