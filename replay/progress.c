#include "replay/progress.h"

#include "util/text.h"

#include <glib.h>

#include <stdio.h>
#include <unistd.h>

void progress_start(struct progress *progress, const char *name)
{
	g_autoptr(GString) escaped = g_string_new(NULL);

	text_escaped(escaped, name, "");
	*progress = (struct progress){.on = isatty(STDERR_FILENO), .since = g_get_monotonic_time()};
	progress->name = g_strdup(escaped->str);
}

void progress_show(struct progress *progress, uint64_t references, double part)
{
	int64_t now;

	if (!progress->on || (now = g_get_monotonic_time()) - progress->since < G_USEC_PER_SEC / 4)
		return;
	progress->since = now;
	progress->shown = true;
	fprintf(stderr, "\r\033[K%s: %.1f M references", progress->name, (double)references / 1e6);
	if (part >= 0)
		fprintf(stderr, ", %.0f %%", part * 100);
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	g_free(progress->name);
	*progress = (struct progress){0};
}
