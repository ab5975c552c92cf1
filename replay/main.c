/*
 * main.c - vasfs-replay: memory traces through the engine, without a mount. Exit status 1: a trace
 * could not be replayed; 2: the command line is wrong.
 */
#include "replay/output.h"
#include "replay/run.h"

#include "util/text.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

/* A sentence that may have names in it, for a terminal. */
static void complain(const char *text)
{
	g_autoptr(GString) escaped = g_string_new(NULL);

	text_escaped(escaped, text, "");
	fprintf(stderr, "vasfs-replay: %s\n", escaped->str);
}

static bool print(const char *text)
{
	fputs(text, stdout);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	g_autofree char *why = g_strdup_printf("cannot write: %s", g_strerror(errno));
	complain(why);
	return false;
}

/* Print what came of the traces. */
static bool print_runs(const struct options *options, const GPtrArray *runs)
{
	g_autoptr(GPtrArray) results = g_ptr_array_new();
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < runs->len; i++)
		g_ptr_array_add(results, (gpointer)replay_result(runs->pdata[i]));
	output_find(options->output)
	    ->write(text, (const struct result *const *)results->pdata, results->len);
	return print(text->str);
}

/* Replay all traces, up to the first that fails. What came of those before it is printed. */
static int replay_all(const struct options *options)
{
	g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func((GDestroyNotify)replay_free);
	g_autoptr(GError) error = NULL;
	bool good = true;

	for (char **trace = options->traces; *trace != NULL && error == NULL; trace++) {
		struct run *run = replay_trace(options, *trace, &error);

		if (run != NULL)
			g_ptr_array_add(runs, run);
	}
	if (runs->len > 0)
		good = print_runs(options, runs);
	if (error != NULL)
		complain(error->message);
	return good && error == NULL ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	g_autoptr(GError) error = NULL;
	int status = 0;

	setlocale(LC_CTYPE, "");
	if (!replay_options_parse(&options, argc, argv, &error)) {
		complain(error->message);
		fputs("Try `vasfs-replay --help`.\n", stderr);
		status = 2;
	} else if (options.info != NULL) {
		status = print(options.info) ? 0 : 1;
	} else {
		status = replay_all(&options);
	}
	replay_options_clear(&options);
	return status;
}
