/*
 * json.c - results for programs: one object, with an array of traces, of policies, of sizes.
 */
#include "replay/output.h"

#include "util/text.h"

/* A string. Names of files may be no UTF-8, which JSON must be. */
static void append_string(GString *out, const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);

	g_string_append_c(out, '"');
	for (const char *p = valid; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			g_string_append_printf(out, "\\u%04x", *p);
		else
			g_string_append_printf(out, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
	g_string_append_c(out, '"');
}

static void append_number(GString *out, const char *key, uint64_t value)
{
	g_string_append_printf(out, ", \"%s\": %" G_GUINT64_FORMAT, key, value);
}

static void append_size(GString *out, const struct result *result, const struct row *row,
                        uint64_t frames)
{
	const struct row_cell *cell = row_cell(row, frames);
	char ratio[G_ASCII_DTOSTR_BUF_SIZE];
	uint64_t faults = 0;

	row_faults(row, frames, &faults);
	g_ascii_formatd(ratio, sizeof ratio, "%.9f", result_ratio(result, faults));
	g_string_append_printf(out, "        {\"frames\": %" G_GUINT64_FORMAT, frames);
	append_number(out, "faults", faults);
	g_string_append_printf(out, ", \"miss_ratio\": %s", ratio);
	if (cell != NULL) {
		append_number(out, "minor", cell->counts.minor);
		append_number(out, "major", cell->counts.major);
		append_number(out, "evicted_clean", cell->counts.evicted_clean);
		append_number(out, "evicted_dirty", cell->counts.evicted_dirty);
		append_number(out, "tlb_hits", cell->counts.tlb_hits);
		append_number(out, "tlb_misses", cell->counts.tlb_misses);
	}
	g_string_append_c(out, '}');
}

static void append_row(GString *out, const struct result *result, const struct row *row)
{
	g_autoptr(GArray) sizes = result_sizes(result, row);

	g_string_append_printf(out, "      {\"policy\": \"%s\", \"sizes\": [\n", row->policy);
	for (guint i = 0; i < sizes->len; i++) {
		append_size(out, result, row, g_array_index(sizes, uint64_t, i));
		g_string_append(out, i + 1 < sizes->len ? ",\n" : "\n");
	}
	g_string_append(out, "      ]}");
}

static void append_result(GString *out, const struct result *result)
{
	g_string_append(out, "    {\"trace\": ");
	append_string(out, result->trace);
	if (result->format != NULL)
		g_string_append_printf(out, ", \"format\": \"%s\"", result->format);
	append_number(out, "references", result->references);
	append_number(out, "pages", result->pages);
	append_number(out, "lines", result->lines);
	append_number(out, "passed_over", result->passed_over);
	if (result_largest_size(result) > 0)
		append_number(out, "distinct_pages", result_largest_size(result));
	g_string_append(out, ", \"policies\": [\n");
	for (size_t i = 0; i < result->nr_rows; i++) {
		append_row(out, result, &result->rows[i]);
		g_string_append(out, i + 1 < result->nr_rows ? ",\n" : "\n");
	}
	g_string_append(out, "    ]}");
}

void write_json(GString *out, const struct result *const *results, size_t count)
{
	g_string_append(out, "{\n  \"version\": \"" VASFS_VERSION "\",\n  \"traces\": [\n");
	for (size_t i = 0; i < count; i++) {
		append_result(out, results[i]);
		g_string_append(out, i + 1 < count ? ",\n" : "\n");
	}
	g_string_append(out, "  ]\n}\n");
}
