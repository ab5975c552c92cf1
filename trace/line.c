/*
 * line.c - batches, lines that are passed over, and lines that are wrong.
 */
#include "trace/internal.h"

#include "util/text.h"

#include <string.h>

bool trace_flush(struct trace_reader *reader)
{
	struct trace_batch *batch = &reader->batch;

	if (batch->count > 0 && !reader->fn(reader->ctx, batch))
		reader->failed = true;
	batch->count = 0;
	return !reader->failed;
}

/* --- Errors ----------------------------------------------------------------------------------- */

static const char *const every_form =
    "`I  ADDR,SIZE` (lackey), `r|w|x ADDR [LEN]` (access), `l|s 0xADDR N` (spec), "
    "`ADDR R|W` (din), `PC: R|W ADDR` (pin), or page numbers (pages)";

static char *describe(const struct trace_reader *reader, enum trace_fault fault)
{
	switch (fault) {
	case TRACE_TOO_HIGH:
		return g_strdup_printf("expected an address below 0x%" G_GINT64_MODIFIER
		                       "x, also at the end of the access",
		                       VM_USER_END);
	case TRACE_NO_LENGTH:
		return g_strdup("expected a length of at least 1");
	case TRACE_LONG_ACCESS:
		return g_strdup("expected a length below 4294967296");
	case TRACE_LONG_LINE:
		return g_strdup_printf("expected at most %d bytes", TRACE_MAX_LINE);
	default:
		return g_strdup_printf(
		    "expected %s", reader->format != NULL ? reader->format->expected : every_form);
	}
}

/* As much of the line as a sentence can hold. */
static void append_found(GString *out, const char *text, size_t len)
{
	enum { SHOWN = 40 };
	g_autofree char *shown = g_strndup(text, MIN(len, SHOWN));

	g_string_append(out, ", found `");
	/* A NUL ends the text for text_escaped. */
	text_escaped(out, shown, "`");
	g_string_append(out, len > strlen(shown) ? "...`" : "`");
}

bool trace_fail(struct trace_reader *reader, enum trace_fault fault, const char *text, size_t len)
{
	g_autofree char *why = describe(reader, fault);
	g_autoptr(GString) found = g_string_new(NULL);

	/* What came before is handed out first. It may be refused. */
	if (trace_flush(reader)) {
		while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
			len--;
		append_found(found, text, len);
		g_set_error(&reader->error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		            "line %" G_GUINT64_FORMAT ": %s%s", reader->lines + 1, why, found->str);
	}
	reader->failed = true;
	return false;
}

/* --- One line --------------------------------------------------------------------------------- */

static bool is_empty(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

bool trace_is_passed_over(const struct trace_reader *reader, const char *line, size_t len)
{
	bool headers = reader->format == NULL || reader->format->has_headers;

	return (len > 0 && line[0] == '#') || (len <= TRACE_MAX_LINE && is_empty(line, len)) ||
	       (headers && len > 1 && line[0] == '=' && line[1] == '=');
}

bool trace_one_line(struct trace_reader *reader, const char *p, const char *end)
{
	char copy[TRACE_MAX_LINE + 1 + TRACE_AHEAD] = {0};
	size_t len = (size_t)(end - p);
	struct trace_batch *batch = &reader->batch;

	if (trace_is_passed_over(reader, p, len)) {
		reader->lines++;
		reader->passed_over++;
		return true;
	}
	if (len > TRACE_MAX_LINE)
		return trace_fail(reader, TRACE_LONG_LINE, p, len);
	/* Behind the last line of a region nothing may be looked at. */
	memcpy(copy, p, len + 1);
	const char *line = copy;
	enum trace_fault fault = reader->format->line(&line, &batch->reference[batch->count]);
	if (fault != TRACE_FINE)
		return trace_fail(reader, fault, p, len);
	batch->line[batch->count++] = ++reader->lines;
	return batch->count < TRACE_BATCH || trace_flush(reader);
}
