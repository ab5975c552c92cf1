/*
 * markup.h - text for XML and HTML.
 *
 * Rules. Whatever comes from outside (names of files and programs, arguments) goes out through
 * markup_text or markup_short. Then the result is well-formed whatever the bytes are, and nothing
 * in it is taken for markup. Every page is XML as well as HTML.
 */
#ifndef FS_PICTURE_MARKUP_H
#define FS_PICTURE_MARKUP_H

#include <glib.h>
#include <stdint.h>

/*
 * Append TEXT as it is to be read. Bytes that are no UTF-8, control characters, and characters that
 * turn the direction of writing become a backslash and three octal digits for each byte, as in the
 * text files.
 */
void markup_text(GString *out, const char *text);

/* The same, but at most LENGTH characters; what is left out is marked with an ellipsis. */
void markup_short(GString *out, const char *text, unsigned length);

/* Append BYTES as people say it: "4 KiB", "1.9 MiB". */
void markup_size(GString *out, uint64_t bytes);

/* Append NUMBER with its thousands apart: "65,530". */
void markup_count(GString *out, uint64_t number);

#endif
