#include "util/array.h"

#include <glib.h>
#include <string.h>

void *array_add(struct array *array, size_t size)
{
	if (array->len == array->room) {
		size_t room = MAX(8, array->room * 2);
		void *items = g_try_realloc_n(array->items, room, size);
		if (items == NULL)
			return NULL;
		array->items = items;
		array->room = room;
	}
	return memset((char *)array->items + array->len++ * size, 0, size);
}

void array_clear(struct array *array)
{
	g_free(array->items);
	*array = (struct array){0};
}
