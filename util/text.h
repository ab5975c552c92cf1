/*
 * text.h - builds text for readers: fast numbers, escapes, and room that may run out.
 *
 * For a page of text, use g_string_append_printf. These functions are for texts of a million lines,
 * and for texts whose length a user can choose. When memory runs out, GLib ends the program;
 * text_room only returns false.
 */
#ifndef UTIL_TEXT_H
#define UTIL_TEXT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Append VALUE in lower-case hex, padded with zeros to DIGITS digits. */
void text_hex(GString *out, uint64_t value, unsigned digits);

void text_decimal(GString *out, uint64_t value);

/*
 * Append TEXT, a name that somebody else chose. Each byte that is in BYTES becomes a backslash and
 * three octal digits, as mangle_path in the kernel does it. So does each control character, which a
 * terminal could take for a command: those of ASCII, and 0x80 to 0x9f, in UTF-8 or by themselves.
 */
void text_escaped(GString *out, const char *text, const char *bytes);

/*
 * A text to which a callback adds lines. `full` is set once room ran out; then add no more lines.
 */
struct text_lines {
	GString *out;
	bool full;
};

/*
 * Make room for LEN more bytes, so that appending them allocates nothing. False, now and from then
 * on, if memory ran out or the text would exceed 1 GiB.
 */
bool text_room(struct text_lines *lines, size_t len);

#endif
