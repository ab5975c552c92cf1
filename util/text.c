/*
 * text.c - building text for readers. See text.h.
 */
#include "util/text.h"

#include <string.h>

/* The longest text: enough for the entries of twelve million resident pages. */
#define TEXT_MAX ((size_t)1 << 30)

void text_hex(GString *out, uint64_t value, unsigned digits)
{
	char text[16];
	unsigned at = sizeof(text);

	do {
		text[--at] = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (at > 0 && (value || sizeof(text) - at < digits));
	g_string_append_len(out, text + at, (gssize)(sizeof(text) - at));
}

void text_decimal(GString *out, uint64_t value)
{
	char text[20];
	unsigned at = sizeof(text);

	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	g_string_append_len(out, text + at, (gssize)(sizeof(text) - at));
}

void text_escaped(GString *out, const char *text, const char *bytes)
{
	for (;;) {
		size_t plain = strcspn(text, bytes);

		g_string_append_len(out, text, (gssize)plain);
		text += plain;
		if (!*text)
			return;
		g_string_append_printf(out, "\\%03o", (unsigned char)*text++);
	}
}

static bool text_grow(GString *out, size_t size)
{
	char *str = g_try_realloc(out->str, size);

	if (!str)
		return false;
	out->str = str;
	out->allocated_len = size;
	return true;
}

bool text_room(struct text_lines *lines, size_t len)
{
	GString *out = lines->out;
	size_t needed = out->len + len + 1;

	if (!lines->full && needed > out->allocated_len)
		lines->full =
		    needed > TEXT_MAX || !text_grow(out, MAX(needed, 2 * out->allocated_len));
	return !lines->full;
}
