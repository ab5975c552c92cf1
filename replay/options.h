/*
 * options.h - the command line of vasfs-replay.
 */
#ifndef REPLAY_OPTIONS_H
#define REPLAY_OPTIONS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	MOST_SIZES = 4096, /* of one row */
	MOST_JOBS = 1024,
};

/* Belady's policy, which is none of the engine's. */
#define OPT "opt"

struct options {
	GPtrArray *policies; /* static strings: of the engine, or OPT */
	GArray *frames;      /* uint64_t, as given; none: not given */
	unsigned jobs;
	unsigned tlb_sets, tlb_ways;
	bool curve;
	const char *info;   /* only to be printed: the help, the version; or NULL */
	const char *format; /* NULL: from the first lines */
	const char *output; /* "table", ... */
	char **traces;      /* of argv, NULL at the end */
};

/*
 * Read the command line. False: it is wrong, and *ERROR says so.
 * Clear OPTIONS with replay_options_clear in either case.
 */
bool replay_options_parse(struct options *options, int argc, char **argv, GError **error);

void replay_options_clear(struct options *options);

#endif
