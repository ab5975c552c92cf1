#include "replay/result.h"

const struct row_cell *row_cell(const struct row *row, uint64_t frames)
{
	for (size_t i = 0; i < row->nr_cells; i++)
		if (row->cells[i].frames == frames)
			return &row->cells[i];
	return NULL;
}

bool row_faults(const struct row *row, uint64_t frames, uint64_t *faults)
{
	const struct row_cell *cell = row_cell(row, frames);

	if (row->curve != NULL)
		*faults = curve_faults(row->curve, frames);
	else if (cell != NULL)
		*faults = cell->counts.minor + cell->counts.major;
	return row->curve != NULL || cell != NULL;
}

uint64_t result_largest_size(const struct result *result)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < result->nr_rows; i++)
		if (result->rows[i].curve != NULL)
			largest = MAX(largest, result->rows[i].curve->pages);
	return largest;
}

GArray *result_sizes(const struct result *result, const struct row *row)
{
	GArray *sizes = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	uint64_t every = row->curve != NULL && result->every_size ? row->curve->pages : 0;

	for (uint64_t frames = 1; frames <= every; frames++)
		g_array_append_val(sizes, frames);
	if (row->curve != NULL && !result->every_size)
		g_array_append_vals(sizes, result->frames, (guint)result->nr_frames);
	for (size_t i = 0; i < row->nr_cells; i++)
		g_array_append_val(sizes, row->cells[i].frames);
	return sizes;
}

GArray *result_columns(const struct result *result)
{
	GArray *columns = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	uint64_t largest = result_largest_size(result);

	if (result->nr_frames > 0 || largest == 0) {
		g_array_append_vals(columns, result->frames, (guint)result->nr_frames);
		return columns;
	}
	for (uint64_t frames = 1; frames < largest; frames *= 2)
		g_array_append_val(columns, frames);
	g_array_append_val(columns, largest);
	return columns;
}
