/*
 * markup.c - text for XML and HTML. See markup.h.
 */
#include "fs/picture/markup.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* Whether the character VALUE may stand in XML, and does not hide what others are. */
static bool is_shown(gunichar value)
{
	static const struct {
		gunichar first, last;
	} hidden[] = {
	    {0, 0x1f},        {0x7f, 0x9f},     {0x200b, 0x200f},
	    {0x2028, 0x202e}, {0x2060, 0x206f}, {0xd800, 0xdfff},
	    {0xfdd0, 0xfdef}, {0xfeff, 0xfeff}, {0xfff9, 0xffffff},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(hidden); i++)
		if (value >= hidden[i].first && value <= hidden[i].last)
			return value >= 0x10000 && (value & 0xfffe) != 0xfffe;
	return true;
}

static void add_octal(GString *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		g_string_append_printf(out, "\\%03o", (unsigned char)text[i]);
}

static void add_ascii(GString *out, char c)
{
	switch (c) {
	case '&':
		g_string_append(out, "&amp;");
		break;
	case '<':
		g_string_append(out, "&lt;");
		break;
	case '>':
		g_string_append(out, "&gt;");
		break;
	case '"':
		g_string_append(out, "&quot;");
		break;
	case '\'':
		g_string_append(out, "&#39;");
		break;
	default:
		g_string_append_c(out, c);
	}
}

/* Append the character at TEXT. Returns its bytes: 1 if they are no UTF-8. */
static size_t add_character(GString *out, const char *text)
{
	gunichar value = g_utf8_get_char_validated(text, -1);
	bool valid = value < (gunichar)-2;
	size_t len = valid ? (size_t)g_unichar_to_utf8(value, NULL) : 1;

	if (!valid || !is_shown(value))
		add_octal(out, text, len);
	else if (len == 1)
		add_ascii(out, *text);
	else
		g_string_append_len(out, text, (gssize)len);
	return len;
}

void markup_text(GString *out, const char *text)
{
	while (*text != '\0')
		text += add_character(out, text);
}

void markup_short(GString *out, const char *text, unsigned length)
{
	for (; *text != '\0' && length > 0; length--) {
		if (length == 1 && text[1] != '\0') {
			g_string_append(out, "\u2026");
			return;
		}
		text += add_character(out, text);
	}
}

void markup_size(GString *out, uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	unsigned unit = 0;
	uint64_t tenths = bytes * 10 / 1024;

	for (; tenths >= 10240 && unit + 1 < G_N_ELEMENTS(units); unit++)
		tenths /= 1024;
	if (tenths >= 1000 || tenths % 10 == 0)
		g_string_append_printf(out, "%" PRIu64 " %s", tenths / 10, units[unit]);
	else
		g_string_append_printf(out, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10,
		                       units[unit]);
}

void markup_count(GString *out, uint64_t number)
{
	if (number >= 1000) {
		markup_count(out, number / 1000);
		g_string_append_printf(out, ",%03" PRIu64, number % 1000);
	} else {
		g_string_append_printf(out, "%" PRIu64, number);
	}
}
