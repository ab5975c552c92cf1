#include "util/refstring.h"

#include <glib.h>
#include <stddef.h>
#include <string.h>

struct refstring {
	int refs; /* atomic */
	char text[];
};

static struct refstring *of(char *string)
{
	return (struct refstring *)(void *)(string - offsetof(struct refstring, text));
}

char *refstring_new(const char *text)
{
	size_t size = strlen(text) + 1;
	struct refstring *string = g_try_malloc(sizeof *string + size);

	if (string == NULL)
		return NULL;
	string->refs = 1;
	return memcpy(string->text, text, size);
}

char *refstring_acquire(char *string)
{
	g_atomic_int_inc(&of(string)->refs);
	return string;
}

void refstring_release(char *string)
{
	if (string != NULL && g_atomic_int_dec_and_test(&of(string)->refs))
		g_free(of(string));
}
