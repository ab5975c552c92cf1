#include "replay/options.h"

#include "replay/output.h"
#include "trace/trace.h"
#include "util/number.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define MOST_FRAMES (UINT64_C(1) << 31)

static bool wrong(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool wrong(GError **error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, text);
	return false;
}

/* --- Policies --------------------------------------------------------------------------------- */

/* The static string of that name, or NULL. */
static const char *find_policy(const char *name)
{
	const char *policy;

	if (strcmp(name, OPT) == 0)
		return OPT;
	for (unsigned i = 0; (policy = vm_policy_name(i)) != NULL; i++)
		if (strcmp(policy, name) == 0)
			return policy;
	return NULL;
}

static void add_policy(struct options *options, const char *policy)
{
	if (!g_ptr_array_find_with_equal_func(options->policies, policy, g_str_equal, NULL))
		g_ptr_array_add(options->policies, (gpointer)policy);
}

static bool parse_policies(struct options *options, const char *text, GError **error)
{
	g_auto(GStrv) names = g_strsplit(text, ",", -1);

	if (*text == '\0')
		return wrong(error, "--policy needs the name of a policy");
	for (char **name = names; *name != NULL; name++) {
		const char *policy = find_policy(*name);

		if (strcmp(*name, "all") == 0) {
			for (unsigned i = 0; (policy = vm_policy_name(i)) != NULL; i++)
				add_policy(options, policy);
			policy = OPT;
		}
		if (policy == NULL) {
			g_autofree char *known = vm_policy_names();
			return wrong(error, "there is no policy `%s`; there are %s, opt, and all",
			             *name, known);
		}
		add_policy(options, policy);
	}
	return true;
}

/* --- Numbers ---------------------------------------------------------------------------------- */

static bool parse_size(const char *text, uint64_t *frames, GError **error)
{
	if (size_parse(text, frames) && *frames > 0 && *frames <= MOST_FRAMES)
		return true;
	return wrong(error, "a number of frames must be 1 to %" G_GUINT64_FORMAT ", not `%s`",
	             MOST_FRAMES, text);
}

static bool add_size(struct options *options, uint64_t frames, GError **error)
{
	for (guint i = 0; i < options->frames->len; i++)
		if (g_array_index(options->frames, uint64_t, i) == frames)
			return true;
	if (options->frames->len == MOST_SIZES)
		return wrong(error, "there may be %d numbers of frames", MOST_SIZES);
	g_array_append_val(options->frames, frames);
	return true;
}

/* FIRST, its double, ... and LAST. */
static bool add_range(struct options *options, const char *first, const char *last, GError **error)
{
	uint64_t from, to;

	if (!parse_size(first, &from, error) || !parse_size(last, &to, error))
		return false;
	if (from > to)
		return wrong(error, "%s-%s runs downwards", first, last);
	for (; from < to; from *= 2)
		if (!add_size(options, from, error))
			return false;
	return add_size(options, to, error);
}

static int compare(gconstpointer a, gconstpointer b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool parse_frames(struct options *options, const char *text, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);

	if (*text == '\0')
		return wrong(error, "--frames needs a number of frames");
	for (char **part = parts; *part != NULL; part++) {
		char *dash = strchr(*part, '-');

		if (dash != NULL)
			*dash = '\0';
		if (!add_range(options, *part, dash != NULL ? dash + 1 : *part, error))
			return false;
	}
	g_array_sort(options->frames, compare);
	return true;
}

static bool parse_jobs(struct options *options, const char *text, GError **error)
{
	uint64_t jobs;

	if (!number_parse(text, &jobs) || jobs == 0 || jobs > MOST_JOBS)
		return wrong(error, "--jobs must be 1 to %d, not `%s`", MOST_JOBS, text);
	options->jobs = (unsigned)jobs;
	return true;
}

static bool parse_tlb(struct options *options, const char *text, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, "x", 2);
	uint64_t sets = 0, ways = 0;
	bool good = number_parse(text, &sets) && sets == 0;

	if (!good && parts[0] != NULL && parts[1] != NULL)
		good = number_parse(parts[0], &sets) && number_parse(parts[1], &ways) && sets > 0 &&
		       ways > 0 && sets <= VM_MAX_TLB && ways <= VM_MAX_TLB / sets;
	options->tlb_sets = (unsigned)sets;
	options->tlb_ways = (unsigned)ways;
	return good || wrong(error, "--tlb must be SETSxWAYS, at most %u entries, or 0, not `%s`",
	                     VM_MAX_TLB, text);
}

/* --- Names ------------------------------------------------------------------------------------ */

static bool parse_format(struct options *options, const char *text, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);
	const char *name;

	for (unsigned i = 0; (name = trace_format_name(i)) != NULL; i++) {
		if (strcmp(name, text) == 0) {
			options->format = name;
			return true;
		}
		g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", name);
	}
	return wrong(error, "there is no format `%s`; there are %s", text, known->str);
}

static bool parse_output(struct options *options, const char *text, GError **error)
{
	const struct output *output = output_find(text);

	if (output == NULL)
		return wrong(error, "--output must be table, csv, json or svg, not `%s`", text);
	options->output = output->name;
	return true;
}

/* --- The command line ------------------------------------------------------------------------- */

static const char help[] =
    "Usage: vasfs-replay [OPTIONS] TRACE...\n"
    "\n"
    "Counts the page faults of a memory trace, by policies and numbers of frames.\n"
    "TRACE may end in .xz, .zst or .gz; `-` is standard input.\n"
    "\n"
    "  -p, --policy NAME,...    rows (default clock,lru,opt); all: every policy\n"
    "  -n, --frames SIZES       columns (default 4-256), apart by commas;\n"
    "                           FIRST-LAST: FIRST, twice that, and so on\n"
    "  -c, --curve              lru and opt with every number of frames\n"
    "  -o, --output FORM        table (default), csv, json, svg\n"
    "  -f, --format NAME        of the trace: lackey, access, spec, din, pin, pages\n"
    "                           (default: told from its first lines)\n"
    "  -t, --tlb SETSxWAYS      the simulated TLB (default 16x4); 0: none\n"
    "  -j, --jobs N             threads (default: one a processor)\n"
    "  -h, --help               print this\n"
    "  -V, --version            print the version\n"
    "\n"
    "See vasfs-replay(1).\n";

typedef bool (*parse_fn)(struct options *options, const char *text, GError **error);

static bool set_curve(struct options *options, const char *text, GError **error)
{
	options->curve = true;
	return true;
}

static bool set_info(struct options *options, const char *text, GError **error)
{
	options->info = text;
	return true;
}

static bool set_help(struct options *options, const char *text, GError **error)
{
	return set_info(options, help, error);
}

static bool set_version(struct options *options, const char *text, GError **error)
{
	return set_info(options, "vasfs-replay " VASFS_VERSION "\n", error);
}

static const struct option names[] = {
    {"policy", required_argument, NULL, 'p'}, {"frames", required_argument, NULL, 'n'},
    {"curve", no_argument, NULL, 'c'},        {"output", required_argument, NULL, 'o'},
    {"format", required_argument, NULL, 'f'}, {"tlb", required_argument, NULL, 't'},
    {"jobs", required_argument, NULL, 'j'},   {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},      {0},
};

static const parse_fn parsers[] = {
    ['p'] = parse_policies, ['n'] = parse_frames, ['c'] = set_curve,
    ['o'] = parse_output,   ['f'] = parse_format, ['t'] = parse_tlb,
    ['j'] = parse_jobs,     ['h'] = set_help,     ['V'] = set_version,
};

/* getopt_long has found something that is no option, or lacks its value. */
static bool no_option(int found, char **argv, GError **error)
{
	const char *word = argv[optind - 1];

	if (found == ':')
		return wrong(error, "%s needs a value", word);
	if (optopt != 0 && word[1] != '-')
		return wrong(error, "there is no option -%c", optopt);
	return wrong(error, optopt != 0 ? "%s takes no value" : "there is no option %s", word);
}

bool replay_options_parse(struct options *options, int argc, char **argv, GError **error)
{
	int found;

	*options = (struct options){.tlb_sets = 16, .tlb_ways = 4, .output = "table"};
	options->policies = g_ptr_array_new();
	options->frames = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	options->jobs = MIN(g_get_num_processors(), MOST_JOBS);
	while ((found = getopt_long(argc, argv, ":p:n:co:f:t:j:hV", names, NULL)) >= 0) {
		if (found == '?' || found == ':')
			return no_option(found, argv, error);
		if (!parsers[found](options, optarg, error))
			return false;
		if (options->info != NULL)
			return true;
	}
	options->traces = argv + optind;
	if (options->traces[0] == NULL)
		return wrong(error, "no trace is given; `-` is standard input");
	if (options->policies->len == 0 && !options->curve)
		return parse_policies(options, "clock,lru,opt", error);
	return true;
}

void replay_options_clear(struct options *options)
{
	g_ptr_array_unref(options->policies);
	g_array_unref(options->frames);
}
