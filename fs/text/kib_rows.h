/*
 * kib_rows.h - lines of `KEY N kB`, as meminfo and smaps have them.
 */
#ifndef FS_TEXT_KIB_ROWS_H
#define FS_TEXT_KIB_ROWS_H

#include <glib.h>
#include <stdint.h>

struct kib_row {
	const char *key;
	uint64_t value;
};

/* Append a line for each of the COUNT rows. Values are in units of UNIT bytes. */
void kib_rows(GString *out, const struct kib_row *rows, size_t count, size_t unit);

#endif
