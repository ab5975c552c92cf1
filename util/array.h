/*
 * array.h - arrays that grow, and may fail to. GLib's end the program when there is no memory, so
 * they are not for what a caller can make large.
 *
 *     struct array numbers = {0};
 *     uint64_t *number = array_add(&numbers, sizeof *number);       NULL: no memory
 *     ARRAY_AT(&numbers, uint64_t, 0)
 *     array_clear(&numbers);
 */
#ifndef UTIL_ARRAY_H
#define UTIL_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/* LEN elements in use, and memory for ROOM. All elements have one size. */
struct array {
	void *items;
	size_t len, room;
};

#define ARRAY_AT(array, type, i) (((type *)(array)->items)[i])

/* One more element of SIZE bytes, cleared, at the end. NULL: no memory, and nothing has changed. */
void *array_add(struct array *array, size_t size);

/* Free what ARRAY has. It is empty then. */
void array_clear(struct array *array);

#endif
