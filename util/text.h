/*
 * text.h - building text for readers: quick numbers, escapes, and room that may run out.
 *
 * g_string_append_printf is the tool for a page of text. These are for texts of a million lines,
 * and for those whose length a user can choose: GLib ends the program when it finds no memory,
 * text_room only says so.
 */
#ifndef UTIL_TEXT_H
#define UTIL_TEXT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* VALUE in lower-case hex, with zeros in front up to DIGITS digits. */
void text_hex(GString *out, uint64_t value, unsigned digits);

void text_decimal(GString *out, uint64_t value);

/*
 * TEXT with each byte that stands in BYTES as a backslash and three octal digits: the kernel's
 * mangle_path.
 */
void text_escaped(GString *out, const char *text, const char *bytes);

/*
 * A text whose lines a callback adds. Once there was no room, `full` stays set and nothing more is
 * to be added.
 */
struct text_lines {
	GString *out;
	bool full;
};

/*
 * Room for LEN more bytes, which are then appended without asking for memory. False, now and later:
 * there is none, or the text would pass 1 GiB.
 */
bool text_room(struct text_lines *lines, size_t len);

#endif
