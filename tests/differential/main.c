/*
 * main.c - the differential test. Random programs are run by the engine and by the host's kernel,
 * and the answers must be the same.
 *
 *     test_differential                          the first of the fixed programs of the test suite
 *     test_differential --cases 12 --first 24    12 cases of 250 programs each, from the 24th on
 *     test_differential --steps 10000000         a long run; --seed N is its first seed
 *     test_differential --steps 1 --seed N       the one program of seed N
 *
 * A program that differs is shortened and printed as lines of ctl with both answers. Each kind of
 * difference is printed only once. For a third of the seeds the engine has sixteen frames and swap,
 * and must still give the same answers.
 *
 *     --areas N     a process may have N areas and no more
 *     --fold        accept other merging of areas that look alike
 *     --check N     check the engine's invariants after every N steps (1)
 *     --dir DIR     for the files: a directory of the file system to compare with
 *     --length N    steps of a program
 *     --verbose     also print each failing program as it was generated
 */
#include "tests/differential/compare.h"
#include "tests/differential/engine_executor.h"
#include "tests/differential/generator.h"
#include "tests/differential/host_executor.h"
#include "tests/differential/shrink.h"

#include <string.h>

enum { CASE_PROGRAMS = 250, SHRINK_RUNS = 3000 };

static struct {
	int64_t steps;
	int seed, check, length, first, cases, areas;
	gboolean fold, verbose;
	char *dir;
} options = {.seed = 1, .check = 1, .length = 160, .cases = 1};

static const GOptionEntry entries[] = {
    {"steps", 0, 0, G_OPTION_ARG_INT64, &options.steps, "so many steps", "N"},
    {"seed", 0, 0, G_OPTION_ARG_INT, &options.seed, "the first seed", "N"},
    {"first", 0, 0, G_OPTION_ARG_INT, &options.first, "the first case of the test suite", "N"},
    {"cases", 0, 0, G_OPTION_ARG_INT, &options.cases, "so many cases", "N"},
    {"areas", 0, 0, G_OPTION_ARG_INT, &options.areas, "a process may have so many areas", "N"},
    {"check", 0, 0, G_OPTION_ARG_INT, &options.check, "check invariants after every N steps", "N"},
    {"length", 0, 0, G_OPTION_ARG_INT, &options.length, "steps of a program", "N"},
    {"fold", 0, 0, G_OPTION_ARG_NONE, &options.fold,
     "areas that look alike may be merged otherwise", NULL},
    {"verbose", 0, 0, G_OPTION_ARG_NONE, &options.verbose, "print failing programs in full", NULL},
    {"dir", 0, 0, G_OPTION_ARG_FILENAME, &options.dir, "where the files go", "DIR"},
    {NULL},
};

struct bench {
	struct host *host;
	struct abilities abilities;
	char *dir;
	GHashTable *seen; /* signature -> how often it was seen */
	const char *signature;
	unsigned runs, failures;
};

/* --- One program ------------------------------------------------------------------------------ */

static bool differs(struct bench *bench, const struct program *program,
                    struct difference *difference)
{
	struct comparison how = {.fold = options.fold, .guard_flag = bench->abilities.guard_flag};
	struct program for_host = *program;
	struct answers host, engine;

	answers_init(&host);
	answers_init(&engine);
	engine_run(program, bench->dir, (unsigned)options.check, &engine);
	/* Leave out stores and fetches that the host must not make. */
	for (uint32_t i = 0; i < program->steps; i++)
		if (engine.outcome[i].result == SKIPPED &&
		    (program->step[i].call == CALL_STORE || program->step[i].call == CALL_FETCH))
			for_host.step[i].call = CALL_NONE;
	host_run(bench->host, &for_host, &host);
	bool result = compare(program, &how, &host, &engine, difference);
	answers_clear(&host);
	answers_clear(&engine);
	return result;
}

static bool fails_alike(void *ctx, const struct program *program)
{
	struct bench *bench = ctx;
	struct difference difference;

	if (++bench->runs > SHRINK_RUNS || !differs(bench, program, &difference))
		return false;
	bool alike = strcmp(difference.signature, bench->signature) == 0;
	difference_clear(&difference);
	return alike;
}

static void print_program(const struct program *program)
{
	for (uint32_t i = 0; i < program->steps; i++) {
		g_autofree char *line = step_text(&program->step[i]);
		g_print("#     %s\n", line);
	}
}

static void print_lines(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line != NULL; line++)
		if (**line != '\0')
			g_print("#   %s\n", *line);
}

/* If this kind of difference is new, shorten the program and report it. */
static void report(struct bench *bench, struct program *program, const struct difference *found)
{
	struct difference difference;

	g_print("# seed %u%s%s: %s\n", program->seed, program->small ? " (sixteen frames)" : "",
	        program->unprivileged ? " (not root)" : "", found->signature);
	if (options.verbose)
		print_program(program);
	bench->signature = found->signature;
	bench->runs = 0;
	shrink(program, fails_alike, bench);
	if (differs(bench, program, &difference)) {
		print_lines(difference.text);
		difference_clear(&difference);
	} else {
		print_lines(found->text);
		g_print("#   ... not every time\n");
	}
	print_program(program);
}

/* Run the program of SEED. False if the answers differ. */
static bool run_seed(struct bench *bench, uint32_t seed)
{
	struct difference difference;
	struct program program;

	generate(&program, seed, (uint32_t)options.length, &bench->abilities);
	program.areas = (uint32_t)options.areas;
	if (!differs(bench, &program, &difference))
		return true;
	bench->failures++;
	guint times = GPOINTER_TO_UINT(g_hash_table_lookup(bench->seen, difference.signature)) + 1;
	g_hash_table_insert(bench->seen, g_strdup(difference.signature), GUINT_TO_POINTER(times));
	if (times == 1)
		report(bench, &program, &difference);
	difference_clear(&difference);
	return false;
}

/* --- Runs ------------------------------------------------------------------------------------- */

static bool bench_begin(struct bench *bench, char **why)
{
	memset(bench, 0, sizeof *bench);
	bench->dir = make_folder(options.dir);
	host_abilities(bench->dir, &bench->abilities);
	bench->host = host_new(HOST_MACHINE, bench->dir, (uint32_t)options.areas, why);
	bench->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return bench->host != NULL;
}

static void bench_end(struct bench *bench)
{
	g_clear_pointer(&bench->host, host_free);
	g_hash_table_unref(bench->seen);
	drop_folder(bench->dir);
}

static void print_seen(gpointer signature, gpointer times, gpointer ctx)
{
	g_print("# %6u times: %s\n", GPOINTER_TO_UINT(times), (const char *)signature);
}

static int run_long(void)
{
	struct bench bench;
	char *why;
	uint32_t seed = (uint32_t)options.seed;
	int64_t start = g_get_monotonic_time();

	if (!bench_begin(&bench, &why)) {
		g_printerr("%s\n", why);
		g_free(why);
		bench_end(&bench);
		return 77;
	}
	for (int64_t done = 0; done < options.steps; done += options.length)
		run_seed(&bench, seed++);
	g_hash_table_foreach(bench.seen, print_seen, NULL);
	g_print("# %u programs of %d steps in %.1f s, %u differ\n", seed - (uint32_t)options.seed,
	        options.length, (double)(g_get_monotonic_time() - start) / 1e6, bench.failures);
	unsigned failures = bench.failures;
	bench_end(&bench);
	return failures > 0;
}

static void test_seeds(gconstpointer data)
{
	uint32_t first = GPOINTER_TO_UINT(data) * CASE_PROGRAMS;
	struct bench bench;
	char *why;

	if (!bench_begin(&bench, &why)) {
		g_test_skip(why);
		g_free(why);
		bench_end(&bench);
		return;
	}
	for (uint32_t seed = first; seed < first + CASE_PROGRAMS; seed++)
		if (!run_seed(&bench, seed))
			g_test_fail();
	bench_end(&bench);
}

int main(int argc, char **argv)
{
	g_autoptr(GOptionContext) context =
	    g_option_context_new("- the engine against the host's kernel");
	g_autoptr(GError) error = NULL;

	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_set_ignore_unknown_options(context, TRUE);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		g_printerr("%s\n", error->message);
		return 2;
	}
	if (options.steps > 0)
		return run_long();
	g_test_init(&argc, &argv, NULL);
	for (int i = options.first; i < options.first + options.cases; i++) {
		g_autofree char *name =
		    g_strdup_printf("/differential/seeds-%d", i * CASE_PROGRAMS);
		g_test_add_data_func(name, GINT_TO_POINTER(i), test_seeds);
	}
	return g_test_run();
}
