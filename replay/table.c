/*
 * table.c - results for people: a row a policy, a column a number of frames; faults, then ratios.
 */
#include "replay/output.h"

#include "util/text.h"

#include <string.h>

/* One block: its title over the policies, and a value for each size. */
struct block {
	const char *title;
	char *(*value)(const struct result *result, uint64_t faults);
};

static char *faults_value(const struct result *result, uint64_t faults)
{
	return g_strdup_printf("%" G_GUINT64_FORMAT, faults);
}

static char *ratio_value(const struct result *result, uint64_t faults)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];

	return g_strdup(
	    g_ascii_formatd(number, sizeof number, "%.6f", result_ratio(result, faults)));
}

static const struct block blocks[] = {{"faults", faults_value}, {"miss-ratio", ratio_value}};

/* A text of row ROW (0: the sizes) and column COLUMN (0: the policies). */
static char *text_at(const struct result *result, const struct block *block, const GArray *columns,
                     size_t row, guint column)
{
	uint64_t frames = column > 0 ? g_array_index(columns, uint64_t, column - 1) : 0, faults;

	if (row == 0)
		return column == 0 ? g_strdup(block->title)
		                   : g_strdup_printf("%" G_GUINT64_FORMAT, frames);
	const struct row *policy = &result->rows[row - 1];
	if (column == 0)
		return g_strdup(policy->policy);
	return row_faults(policy, frames, &faults) ? block->value(result, faults) : g_strdup("-");
}

static void append_block(GString *out, const struct result *result, const struct block *block,
                         const GArray *columns)
{
	size_t width = columns->len + 1, height = result->nr_rows + 1;
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	g_autofree int *widths = g_new0(int, width);

	for (size_t i = 0; i < width * height; i++) {
		char *text = text_at(result, block, columns, i / width, (guint)(i % width));

		widths[i % width] = MAX(widths[i % width], (int)strlen(text));
		g_ptr_array_add(texts, text);
	}
	for (size_t i = 0; i < width * height; i++) {
		bool first = i % width == 0, last = i % width == width - 1;

		g_string_append_printf(out, first ? "%-*s" : "  %*s", widths[i % width],
		                       (const char *)texts->pdata[i]);
		if (last)
			g_string_append_c(out, '\n');
	}
}

static void append_result(GString *out, const struct result *result)
{
	g_autoptr(GArray) columns = result_columns(result);

	g_string_append(out, "# ");
	text_escaped(out, result->trace, "");
	g_string_append_printf(
	    out,
	    ": %s, %" G_GUINT64_FORMAT " references, %" G_GUINT64_FORMAT " accesses to pages\n",
	    result->format != NULL ? result->format : "empty", result->references, result->pages);
	for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++) {
		if (i > 0)
			g_string_append_c(out, '\n');
		append_block(out, result, &blocks[i], columns);
	}
}

void write_table(GString *out, const struct result *const *results, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			g_string_append_c(out, '\n');
		append_result(out, results[i]);
	}
}
