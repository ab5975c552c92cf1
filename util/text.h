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
 * A text to which a callback adds lines, or a piece of such a text. Each line has a place, a number
 * that rises from line to line: an address, a number of a frame. What it is, the text decides. The
 * first line has place 0 or more.
 */
struct text_lines {
	GString *out;
	size_t enough; /* bytes after which no more lines are to be added */
	uint64_t from; /* the place of the next line */
	bool more;     /* there are lines left, from `from` on */
	bool full;     /* room ran out */
	/* whether `out` may take SIZE bytes of memory; NULL: as many as there are */
	bool (*may_take)(void *ctx, size_t size);
	void *ctx;
};

/*
 * Make room for LEN more bytes, so that appending them allocates nothing. False, now and from then
 * on, if memory ran out, may_take refused it, or the text would exceed 1 GiB.
 */
bool text_room(struct text_lines *lines, size_t len);

/*
 * A line was added, and the next one is at NEXT or after it. Returns whether to add it, which may
 * be the next call's result for a walk of vm.h.
 */
bool text_line_ends(struct text_lines *lines, uint64_t next);

#endif
