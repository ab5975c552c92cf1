/*
 * csv.c - results for programs, as RFC 4180 has it, but with newlines: a line for each policy and
 * number of frames. So results of several runs are joined by joining their lines.
 *
 * What only the engine counts is empty where a curve was counted instead.
 */
#include "replay/output.h"

#include "util/text.h"

#include <string.h>

/* A field. Control characters are escaped as everywhere. */
static void append_field(GString *out, const char *text)
{
	g_autoptr(GString) escaped = g_string_new(NULL);

	text_escaped(escaped, text, "");
	if (strpbrk(escaped->str, "\",") != NULL) {
		g_string_replace(escaped, "\"", "\"\"", 0);
		g_string_prepend_c(escaped, '"');
		g_string_append_c(escaped, '"');
	}
	g_string_append(out, escaped->str);
}

static void append_numbers(GString *out, const uint64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		g_string_append_c(out, ',');
		text_decimal(out, numbers[i]);
	}
}

static void append_line(GString *out, const struct result *result, const struct row *row,
                        uint64_t frames)
{
	const struct row_cell *cell = row_cell(row, frames);
	char ratio[G_ASCII_DTOSTR_BUF_SIZE];
	uint64_t faults = 0;

	row_faults(row, frames, &faults);
	append_field(out, result->trace);
	g_string_append_printf(out, ",%s", row->policy);
	append_numbers(out, (uint64_t[]){frames, result->references, result->pages, faults}, 4);
	g_ascii_formatd(ratio, sizeof ratio, "%.9f", result_ratio(result, faults));
	g_string_append_printf(out, ",%s", ratio);
	if (cell != NULL) {
		const struct vm_replay_counts *c = &cell->counts;

		append_numbers(out,
		               (uint64_t[]){c->minor, c->major, c->evicted_clean, c->evicted_dirty,
		                            c->tlb_hits, c->tlb_misses},
		               6);
	} else {
		g_string_append(out, ",,,,,,");
	}
	g_string_append_c(out, '\n');
}

void write_csv(GString *out, const struct result *const *results, size_t count)
{
	g_string_append(out, "trace,policy,frames,references,pages,faults,miss_ratio,minor,major,"
	                     "evicted_clean,evicted_dirty,tlb_hits,tlb_misses\n");
	for (size_t i = 0; i < count; i++)
		for (size_t r = 0; r < results[i]->nr_rows; r++) {
			const struct row *row = &results[i]->rows[r];
			g_autoptr(GArray) sizes = result_sizes(results[i], row);

			for (guint s = 0; s < sizes->len; s++)
				append_line(out, results[i], row,
				            g_array_index(sizes, uint64_t, s));
		}
}
