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

/* Afterwards LINK may be removed again or appended elsewhere. */
static inline void list_remove(struct list_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

#endif
