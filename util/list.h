/*
 * list.h - doubly linked lists whose links are embedded in the members, like TAILQ of the BSDs. The
 * head is a link like any other, so a member can leave without knowing its list.
 *
 *     struct list_link head;  list_init(&head);
 *     list_append(&head, &thing->link);
 *     for (struct list_link *l = head.next; l != &head; l = l->next)
 *             use(LIST_ENTRY(l, struct thing, link));
 */
#ifndef UTIL_LIST_H
#define UTIL_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_link {
	struct list_link *prev, *next;
};

#define LIST_ENTRY(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list_link *head)
{
	head->prev = head->next = head;
}

static inline bool list_empty(const struct list_link *head)
{
	return head->next == head;
}

static inline void list_append(struct list_link *head, struct list_link *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

/* Put LINK, which is in no list, after AT. */
static inline void list_insert_after(struct list_link *at, struct list_link *link)
{
	list_append(at->next, link);
}

/* Afterwards LINK may be removed again or appended elsewhere. */
static inline void list_remove(struct list_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/*
 * Walks over lists that change meanwhile, because the walker lets go of their lock. A walk is in a
 * set, and whoever takes a link out of one of the lists corrects the walks of that set:
 *
 *     struct list_walk walk;  list_walk_begin(&walks, &walk, &head);
 *     while ((l = list_walk_step(&walk, &head)) != NULL)
 *             ...                                 (elsewhere: list_remove_walked(walks, link))
 *     list_walk_end(&walks, &walk);
 *
 * A walk sees all links that are in the list from its beginning to its end, also one that is
 * appended meanwhile. One that leaves and is appended again is seen after that, even if it was seen
 * before.
 */
struct list_walk {
	struct list_link *last; /* the link seen last, or the one before it if it has left */
	struct list_walk *other;
};

static inline void list_walk_begin(struct list_walk **walks, struct list_walk *walk,
                                   struct list_link *head)
{
	walk->last = head;
	walk->other = *walks;
	*walks = walk;
}

/* The next link, or NULL at the end of the list. */
static inline struct list_link *list_walk_step(struct list_walk *walk, struct list_link *head)
{
	if (walk->last->next == head)
		return NULL;
	walk->last = walk->last->next;
	return walk->last;
}

static inline void list_walk_end(struct list_walk **walks, struct list_walk *walk)
{
	while (*walks != walk)
		walks = &(*walks)->other;
	*walks = walk->other;
}

static inline void list_remove_walked(struct list_walk *walks, struct list_link *link)
{
	for (; walks != NULL; walks = walks->other)
		if (walks->last == link)
			walks->last = link->prev;
	list_remove(link);
}

#endif
