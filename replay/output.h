/*
 * output.h - results as text: a table, CSV, JSON, a picture.
 */
#ifndef REPLAY_OUTPUT_H
#define REPLAY_OUTPUT_H

#include "replay/result.h"

struct output {
	const char *name;
	void (*write)(GString *out, const struct result *const *results, size_t count);
};

/* NULL: there is none of that name. */
const struct output *output_find(const char *name);

void write_table(GString *out, const struct result *const *results, size_t count);
void write_csv(GString *out, const struct result *const *results, size_t count);
void write_json(GString *out, const struct result *const *results, size_t count);
void write_svg(GString *out, const struct result *const *results, size_t count);

#endif
