/*
 * run.c - what a trace goes through:
 *
 *     source -> trace reader -> crew -> cells, one for each policy and size
 *                                       curves, for all sizes of LRU and OPT
 *
 * The result's rows point into the cells and curves.
 */
#include "replay/run.h"

#include "replay/cell.h"
#include "replay/crew.h"
#include "replay/curves.h"
#include "replay/progress.h"
#include "replay/source.h"

#include <string.h>

enum { PIECE = 256 << 10 };

static const uint64_t usual_frames[] = {4, 8, 16, 32, 64, 128, 256};

struct run {
	const struct options *options;
	struct result result;
	struct cell *cells;
	size_t nr_cells;
	struct curves curves;
	bool has_curves;
	struct job **jobs;
	size_t nr_jobs;
	struct crew *crew;
	struct progress progress;
};

/* --- Rows, cells and curves ------------------------------------------------------------------- */

static bool has_policy(const struct options *options, const char *policy)
{
	return g_ptr_array_find_with_equal_func(options->policies, policy, g_str_equal, NULL);
}

/* Whether the row of POLICY is a curve. */
static bool is_curve(const struct options *options, const char *policy)
{
	return strcmp(policy, OPT) == 0 || (options->curve && strcmp(policy, "lru") == 0);
}

static void set_frames(struct run *run)
{
	const GArray *given = run->options->frames;
	struct result *result = &run->result;
	bool usual = given->len == 0 && !run->options->curve;

	result->every_size = given->len == 0 && run->options->curve;
	result->nr_frames = usual ? G_N_ELEMENTS(usual_frames) : given->len;
	result->frames = usual ? g_memdup2(usual_frames, sizeof usual_frames)
	                       : g_memdup2(given->data, given->len * sizeof(uint64_t));
}

static void add_row(struct run *run, const char *policy)
{
	struct row *row = &run->result.rows[run->result.nr_rows++];
	const struct curves *curves = &run->curves;

	*row = (struct row){.policy = policy};
	if (is_curve(run->options, policy))
		row->curve = strcmp(policy, OPT) == 0 ? &curves->opt.curve : &curves->lru.curve;
}

/*
 * The rows: with --curve those with curves come first, lru and opt, or the one of them that was
 * asked for.
 */
static void add_rows(struct run *run)
{
	const struct options *options = run->options;
	bool lru = has_policy(options, "lru"), opt = has_policy(options, OPT);
	bool lru_curve = options->curve && (lru || !opt),
	     opt_curve = options->curve && (opt || !lru);

	run->result.rows = g_new0(struct row, options->policies->len + 2);
	if (lru_curve)
		add_row(run, "lru");
	if (opt_curve)
		add_row(run, OPT);
	for (guint i = 0; i < options->policies->len; i++) {
		const char *policy = options->policies->pdata[i];

		if (!options->curve || !is_curve(options, policy))
			add_row(run, policy);
	}
	run->has_curves = lru_curve || opt_curve || opt;
	if (run->has_curves)
		curves_init(&run->curves, lru_curve, opt_curve || opt, run->result.frames,
		            run->result.nr_frames);
}

/* The sizes of cells, of those rows that have cells: with --curve alone the usual ones. */
static bool add_cells(struct run *run, struct row *row, GError **error)
{
	const struct options *options = run->options;
	const struct result *result = &run->result;
	bool usual = result->nr_frames == 0;
	size_t count = usual ? G_N_ELEMENTS(usual_frames) : result->nr_frames;
	const uint64_t *frames = usual ? usual_frames : result->frames;

	row->cells = g_new0(struct row_cell, count);
	row->nr_cells = count;
	for (size_t i = 0; i < count; i++) {
		row->cells[i].frames = frames[i];
		if (!cell_init(&run->cells[run->nr_cells++], row->policy, frames[i],
		               options->tlb_sets, options->tlb_ways, error))
			return false;
	}
	return true;
}

static bool add_all_cells(struct run *run, GError **error)
{
	size_t most = MAX(run->result.nr_frames, G_N_ELEMENTS(usual_frames));

	run->cells = g_new0(struct cell, run->result.nr_rows * most);
	for (size_t i = 0; i < run->result.nr_rows; i++)
		if (run->result.rows[i].curve == NULL &&
		    !add_cells(run, &run->result.rows[i], error))
			return false;
	return true;
}

static void add_jobs(struct run *run)
{
	run->jobs = g_new(struct job *, run->nr_cells + 1);
	if (run->has_curves)
		run->jobs[run->nr_jobs++] = &run->curves.job;
	for (size_t i = 0; i < run->nr_cells; i++)
		run->jobs[run->nr_jobs++] = &run->cells[i].job;
}

/* The counts of the cells, into the rows. Both stand in the same order. */
static void collect(struct run *run)
{
	const struct cell *cell = run->cells;

	for (size_t i = 0; i < run->result.nr_rows; i++) {
		struct row *row = &run->result.rows[i];

		for (size_t j = 0; j < row->nr_cells; j++)
			row->cells[j].counts = (cell++)->counts;
	}
}

/* --- The trace -------------------------------------------------------------------------------- */

static bool take(void *ctx, const struct trace_batch *batch)
{
	struct run *run = ctx;
	uint64_t pages = 0;

	for (size_t i = 0; i < batch->count; i++) {
		const struct vm_reference *r = &batch->reference[i];

		pages += ((r->va + r->len - 1) >> VM_PAGE_SHIFT) - (r->va >> VM_PAGE_SHIFT) + 1;
	}
	run->result.references += batch->count;
	run->result.pages += pages;
	return crew_give(run->crew, batch);
}

static bool read_all(struct run *run, struct source *source, struct trace_reader *reader,
                     GError **error)
{
	g_autofree char *bytes = g_malloc(PIECE);
	ssize_t len;

	while ((len = source_read(source, bytes, PIECE, error)) > 0) {
		if (!trace_reader_feed(reader, bytes, (size_t)len, error))
			return false;
		progress_show(&run->progress, run->result.references, source_part(source));
	}
	return len == 0 && trace_reader_end(reader, error);
}

/* The error of a job, if there is none yet. */
static bool check_jobs(struct run *run, GError **error)
{
	for (size_t i = 0; i < run->nr_jobs; i++)
		if (run->jobs[i]->error != NULL) {
			if (error != NULL && *error == NULL)
				g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
				                    run->jobs[i]->error);
			return false;
		}
	return true;
}

static bool read_trace(struct run *run, struct source *source, GError **error)
{
	struct trace_reader *reader = trace_reader_new(take, run);
	struct result *result = &run->result;

	if (reader == NULL) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOMEM, "no memory");
		return false;
	}
	if (run->options->format != NULL)
		trace_reader_set_format(reader, run->options->format);
	bool good = read_all(run, source, reader, error);
	result->format = trace_reader_format(reader);
	result->lines = trace_reader_lines(reader);
	result->passed_over = trace_reader_passed_over(reader);
	trace_reader_free(reader);
	return good;
}

static bool replay(struct run *run, GError **error)
{
	const struct options *options = run->options;
	struct source source;

	if (!source_open(&source, run->result.trace, error))
		return false;
	run->crew = crew_new(run->jobs, run->nr_jobs, options->jobs, error);
	bool good = run->crew != NULL && read_trace(run, &source, error);
	source_close(&source);
	if (run->crew != NULL)
		crew_end(run->crew, !good);
	return check_jobs(run, error) && good;
}

struct run *replay_trace(const struct options *options, const char *trace, GError **error)
{
	struct run *run = g_new0(struct run, 1);

	run->options = options;
	run->result.trace = trace;
	progress_start(&run->progress, trace);
	set_frames(run);
	add_rows(run);
	bool good = add_all_cells(run, error);
	if (good) {
		add_jobs(run);
		good = replay(run, error);
	}
	progress_end(&run->progress);
	if (good) {
		collect(run);
		return run;
	}
	g_prefix_error(error, "%s: ", trace);
	replay_free(run);
	return NULL;
}

const struct result *replay_result(const struct run *run)
{
	return &run->result;
}

void replay_free(struct run *run)
{
	for (size_t i = 0; i < run->nr_cells; i++)
		cell_clear(&run->cells[i]);
	for (size_t i = 0; i < run->result.nr_rows; i++)
		g_free(run->result.rows[i].cells);
	curves_clear(&run->curves);
	g_free(run->cells);
	g_free(run->result.rows);
	g_free(run->result.frames);
	g_free(run->jobs);
	g_free(run);
}
