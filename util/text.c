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

/*
 * The bytes of the character at TEXT, which is not at its end: 1 if they are no UTF-8. *CONTROL:
 * whether a terminal may take it for a command.
 */
static size_t character(const char *text, bool *control)
{
	gunichar value = g_utf8_get_char_validated(text, -1);
	bool valid = value < (gunichar)-2;

	if (!valid)
		value = (unsigned char)*text;
	*control = value < ' ' || (value >= 0x7f && value < 0xa0);
	return valid ? (size_t)g_unichar_to_utf8(value, NULL) : 1;
}

/* How many bytes at the start of TEXT are printable ASCII and not in BYTES: mostly all of them. */
static size_t plain_length(const char *text, const char *bytes)
{
	size_t len = 0;

	while (text[len] >= ' ' && text[len] < 0x7f && strchr(bytes, text[len]) == NULL)
		len++;
	return len;
}

void text_escaped(GString *out, const char *text, const char *bytes)
{
	for (;;) {
		size_t len = plain_length(text, bytes);
		bool escape;

		g_string_append_len(out, text, (gssize)len);
		text += len;
		if (!*text)
			return;
		len = character(text, &escape);
		escape |= strchr(bytes, *text) != NULL;
		for (; len > 0; len--, text++)
			if (escape)
				g_string_append_printf(out, "\\%03o", (unsigned char)*text);
			else
				g_string_append_c(out, *text);
	}
}

static bool text_grow(struct text_lines *lines, size_t size)
{
	GString *out = lines->out;
	char *str;

	if (lines->may_take != NULL && !lines->may_take(lines->ctx, size))
		return false;
	str = g_try_realloc(out->str, size);
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
		    needed > TEXT_MAX || !text_grow(lines, MAX(needed, 2 * out->allocated_len));
	return !lines->full;
}

bool text_line_ends(struct text_lines *lines, uint64_t next)
{
	lines->from = next;
	lines->more = lines->out->len >= lines->enough;
	return !lines->more;
}
