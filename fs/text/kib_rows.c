/*
 * kib_rows.c - lines of `KEY N kB`, as meminfo and smaps have them.
 */
#include "fs/text/kib_rows.h"

#include <inttypes.h>

void kib_rows(GString *out, const struct kib_row *rows, size_t count, size_t unit)
{
	for (size_t i = 0; i < count; i++)
		g_string_append_printf(out, "%-16s%8" PRIu64 " kB\n", rows[i].key,
		                       rows[i].value * unit / 1024);
}
