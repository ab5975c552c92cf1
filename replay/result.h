/*
 * result.h - what came of the replay of one trace: rows of cells.
 */
#ifndef REPLAY_RESULT_H
#define REPLAY_RESULT_H

#include "replay/curve.h"
#include "vm/vm.h"

#include <glib.h>

/* One policy. A row has a curve, or cells, one for each number of frames. */
struct row {
	const char *policy;
	const struct curve *curve; /* exact with any number of frames; or NULL */
	size_t nr_cells;
	struct row_cell {
		uint64_t frames;
		struct vm_replay_counts counts;
	} * cells; /* by frames, upwards */
};

struct result {
	const char *trace;          /* as it was given */
	const char *format;         /* "lackey", ...; NULL: no line had a reference */
	uint64_t references, pages; /* references, and the accesses to pages that they are */
	uint64_t lines, passed_over;
	bool every_size;  /* curves are to be shown with every number of frames */
	uint64_t *frames; /* the numbers of frames that were asked for, upwards */
	size_t nr_frames;
	struct row *rows;
	size_t nr_rows;
};

/* The cell of ROW with FRAMES frames, or NULL. */
const struct row_cell *row_cell(const struct row *row, uint64_t frames);

/* Set *FAULTS to the faults of ROW with FRAMES frames. False: that was not counted. */
bool row_faults(const struct row *row, uint64_t frames, uint64_t *faults);

/* Faults by accesses to pages, 0 to 1. */
static inline double result_ratio(const struct result *result, uint64_t faults)
{
	return result->pages > 0 ? (double)faults / (double)result->pages : 0;
}

/* The number of frames from which on no curve changes; 0 without curves. */
uint64_t result_largest_size(const struct result *result);

/* All sizes that are known of ROW, and were asked for. uint64_t. */
GArray *result_sizes(const struct result *result, const struct row *row);

/* The sizes to show in a table: those of --frames, or with curves powers of 2. uint64_t. */
GArray *result_columns(const struct result *result);

#endif
