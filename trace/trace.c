/*
 * trace.c - cuts the bytes of a trace into regions, and finds its format.
 *
 * Bytes of whole lines are read where they are. A line that is cut waits in the reader until the
 * rest of it comes. Where the pieces are cut makes no difference to what is read.
 */
#include "trace/internal.h"

#include <string.h>

/* --- Formats ---------------------------------------------------------------------------------- */

static const struct trace_format *const formats[] = {
    &trace_lackey, &trace_access, &trace_spec, &trace_din, &trace_pin, &trace_pages,
};

const char *trace_format_name(unsigned index)
{
	return index < G_N_ELEMENTS(formats) ? formats[index]->name : NULL;
}

const char *trace_reader_format(const struct trace_reader *reader)
{
	return reader->format != NULL ? reader->format->name : NULL;
}

bool trace_reader_set_format(struct trace_reader *reader, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
		if (strcmp(formats[i]->name, name) == 0) {
			reader->format = formats[i];
			return true;
		}
	return false;
}

/* Whether the text has page numbers, or the beginning of some, and nothing else. */
static bool looks_like_pages(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (memchr("0123456789wW, \t\r\n", text[i], 17) == NULL)
			return false;
	size_t blanks = strspn(text, ", \t");
	return blanks < len && g_ascii_isdigit(text[blanks]);
}

/* The format of the line, which ends with a newline, or NULL. */
static const struct trace_format *format_of_line(const char *text, size_t len)
{
	char copy[TRACE_MAX_LINE + 1 + TRACE_AHEAD] = {0};
	struct vm_reference reference;

	memcpy(copy, text, len);
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
		const char *p = copy;

		if (formats[i]->line == NULL ? looks_like_pages(copy, len)
		                             : formats[i]->line(&p, &reference) != TRACE_OTHER_FORM)
			return formats[i];
	}
	return NULL;
}

/* --- Lines that are cut ----------------------------------------------------------------------- */

/* Whether the reader takes bytes word by word. */
static bool takes_words(const struct trace_reader *reader)
{
	return reader->format != NULL && reader->format->line == NULL;
}

static bool ends_unit(const struct trace_reader *reader, char c)
{
	return c == '\n' ||
	       (takes_words(reader) && (c == ' ' || c == '\t' || c == ',' || c == '\r'));
}

/* What waits is whole: it ends with a newline, or a separator. */
static bool carry_ends(struct trace_reader *reader)
{
	size_t len = reader->carried;

	reader->carried = 0;
	if (reader->format == NULL) {
		if (trace_is_passed_over(reader, reader->carry, len - 1)) {
			reader->lines++;
			reader->passed_over++;
			return true;
		}
		reader->format = format_of_line(reader->carry, len);
		if (reader->format == NULL)
			return trace_fail(reader, TRACE_OTHER_FORM, reader->carry, len);
	}
	return reader->format->region(reader, reader->carry, reader->carry + len);
}

/* What waits is longer than a line may be. A list of pages is read from here on. */
static bool carry_overflows(struct trace_reader *reader)
{
	const char *carry = reader->carry;
	size_t len = reader->carried;

	if (takes_words(reader) ? carry[0] == '#' && !reader->in_line
	                        : carry[0] == '#' || trace_is_passed_over(reader, carry, len)) {
		reader->skipping = true;
		reader->carried = 0;
		return true;
	}
	if (reader->format != NULL || !looks_like_pages(carry, len))
		return trace_fail(reader, TRACE_LONG_LINE, carry, len);
	reader->format = &trace_pages;
	while (len > 0 && !ends_unit(reader, carry[len - 1]))
		len--;
	if (len == 0)
		return trace_fail(reader, TRACE_LONG_LINE, carry, reader->carried);
	size_t rest = reader->carried - len;
	if (!trace_pages.region(reader, carry, carry + len))
		return false;
	memmove(reader->carry, carry + len, rest);
	reader->carried = rest;
	return true;
}

/* Add bytes from P on to what waits, up to its end. Returns what comes next. */
static const char *carry_on(struct trace_reader *reader, const char *p, const char *end)
{
	while (p < end) {
		char c = *p++;

		reader->carry[reader->carried++] = c;
		if (ends_unit(reader, c)) {
			carry_ends(reader);
			break;
		}
		if (reader->carried > TRACE_MAX_LINE) {
			carry_overflows(reader);
			break;
		}
	}
	return p;
}

/* In a line that is passed over. Returns what comes next. */
static const char *skip_on(struct trace_reader *reader, const char *p, const char *end)
{
	const char *newline = memchr(p, '\n', (size_t)(end - p));

	if (newline == NULL)
		return end;
	reader->skipping = reader->in_line = reader->word_in_line = false;
	reader->lines++;
	reader->passed_over++;
	return newline + 1;
}

/* The end of the last whole line, or word, between P and END; P: there is none. */
static const char *region_end(const struct trace_reader *reader, const char *p, const char *end)
{
	while (end > p && !ends_unit(reader, end[-1]))
		end--;
	return end;
}

/* --- The reader ------------------------------------------------------------------------------- */

struct trace_reader *trace_reader_new(trace_batch_fn fn, void *ctx)
{
	struct trace_reader *reader = g_try_new0(struct trace_reader, 1);

	if (reader != NULL) {
		reader->fn = fn;
		reader->ctx = ctx;
	}
	return reader;
}

void trace_reader_free(struct trace_reader *reader)
{
	if (reader != NULL)
		g_clear_error(&reader->error);
	g_free(reader);
}

/* Hand out what was read, or the error. */
static bool finish(struct trace_reader *reader, GError **error)
{
	if (!reader->failed)
		trace_flush(reader);
	if (reader->error != NULL)
		g_propagate_error(error, g_steal_pointer(&reader->error));
	return !reader->failed;
}

/* Read from P on, as far as it goes in one step. Returns what comes next. */
static const char *feed_step(struct trace_reader *reader, const char *p, const char *end)
{
	if (reader->skipping)
		return skip_on(reader, p, end);
	if (reader->format == NULL || reader->carried > 0)
		return carry_on(reader, p, end);
	const char *whole = region_end(reader, p, end);
	if (whole == p)
		return carry_on(reader, p, end);
	reader->format->region(reader, p, whole);
	return whole;
}

bool trace_reader_feed(struct trace_reader *reader, const char *bytes, size_t len, GError **error)
{
	const char *p = bytes, *end = bytes + len;

	while (p < end && !reader->failed)
		p = feed_step(reader, p, end);
	return finish(reader, error);
}

bool trace_reader_end(struct trace_reader *reader, GError **error)
{
	bool open = reader->skipping || reader->in_line || reader->carried > 0;

	return open ? trace_reader_feed(reader, "\n", 1, error) : finish(reader, error);
}

uint64_t trace_reader_passed_over(const struct trace_reader *reader)
{
	return reader->passed_over;
}

uint64_t trace_reader_lines(const struct trace_reader *reader)
{
	return reader->lines;
}
