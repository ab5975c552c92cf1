/*
 * pages.c - numbers of pages, apart by blanks, commas and newlines: N, or Nw for a store.
 *
 * A line may be of any length, so regions end behind any separator. The reader remembers what is
 * known of the line that has begun.
 */
#include "trace/scan.h"

static bool is_separator(char c)
{
	return scan_is_blank(c) || c == ',' || c == '\r' || c == '\n';
}

/* Read the word at *P: N or Nw, and a separator, which stays. */
static inline enum trace_fault word(const char **p, struct vm_reference *reference)
{
	const char *q = *p;
	uint64_t page;

	if (!scan_decimal(&q, &page))
		return TRACE_OTHER_FORM;
	bool store = (*q | 0x20) == 'w';
	q += store;
	if (!is_separator(*q))
		return TRACE_OTHER_FORM;
	if (q - *p > TRACE_MAX_LINE)
		return TRACE_LONG_LINE;
	*p = q;
	if (page >= VM_USER_END >> VM_PAGE_SHIFT)
		return TRACE_TOO_HIGH;
	return scan_reference(reference, page << VM_PAGE_SHIFT, 1,
	                      store ? VM_ACCESS_WRITE : VM_ACCESS_READ);
}

static bool fail(struct trace_reader *reader, enum trace_fault fault, const char *p)
{
	size_t len = 0;

	while (!is_separator(p[len]))
		len++;
	return trace_fail(reader, len > TRACE_MAX_LINE ? TRACE_LONG_LINE : fault, p, len);
}

static void line_ends(struct trace_reader *reader)
{
	reader->lines++;
	reader->passed_over += !reader->word_in_line;
	reader->in_line = reader->word_in_line = false;
}

/* Pass over a separator, or a line that begins with #. Returns what comes next. */
static const char *between(struct trace_reader *reader, const char *p, const char *end)
{
	if (*p == '\n') {
		line_ends(reader);
		return p + 1;
	}
	if (*p != '#') {
		reader->in_line = true;
		return p + 1;
	}
	const char *newline = memchr(p, '\n', (size_t)(end - p));
	reader->skipping = newline == NULL;
	if (newline == NULL)
		return end;
	line_ends(reader);
	return newline + 1;
}

static bool region(struct trace_reader *reader, const char *p, const char *end)
{
	struct trace_batch *batch = &reader->batch;

	while (p < end) {
		const char *start = p;

		if (is_separator(*p) || (*p == '#' && !reader->in_line)) {
			p = between(reader, p, end);
			continue;
		}
		enum trace_fault fault = word(&p, &batch->reference[batch->count]);
		if (fault != TRACE_FINE)
			return fail(reader, fault, start);
		reader->in_line = reader->word_in_line = true;
		batch->line[batch->count++] = reader->lines + 1;
		if (batch->count == TRACE_BATCH && !trace_flush(reader))
			return false;
	}
	return true;
}

const struct trace_format trace_pages = {
    .name = "pages",
    .expected = "page numbers such as `7`, or `7w` for a store",
    .region = region,
};
