/*
 * scan.h - reads lines quickly: numbers, and the loop over the lines of a region.
 *
 * A region ends with a newline, and no word or number contains one. So the functions need no end:
 * each stops at the newline at the latest. scan_hex8 alone reads ahead (TRACE_AHEAD).
 */
#ifndef TRACE_SCAN_H
#define TRACE_SCAN_H

#include "trace/internal.h"

#include <string.h>

/* The value of a digit in hex; 16 or more: it is none. */
static inline unsigned scan_digit(char c)
{
	unsigned digit = (unsigned char)c - '0';
	unsigned letter = ((unsigned char)c | 0x20u) - 'a';

	return digit < 10 ? digit : letter < 6 ? letter + 10 : 16;
}

static inline bool scan_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline const char *scan_blanks(const char *p)
{
	while (scan_is_blank(*p))
		p++;
	return p;
}

/* Move *P past blanks. False: there are none. */
static inline bool scan_gap(const char **p)
{
	const char *q = scan_blanks(*p);
	bool found = q != *p;

	*p = q;
	return found;
}

/* Whether nothing is left of the line at *P but blanks; then *P is moved behind its newline. */
static inline bool scan_end(const char **p)
{
	const char *q = *p;

	while (scan_is_blank(*q) || *q == '\r')
		q++;
	*p = q + 1;
	return *q == '\n';
}

/*
 * Read 8 bytes at once, if all are digits in hex, in lower case. The digits are turned into their
 * values, and these back into digits, which must be those that were read.
 */
static inline bool scan_hex8(const char *p, uint64_t *value)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t text, digits, letters;

	memcpy(&text, p, 8);
	digits = (text & (ones * 0x0f)) + 9 * (text >> 6 & ones);
	letters = (digits + ones * 6) >> 4 & ones;
	if (digits + ones * '0' + letters * ('a' - '0' - 10) != text)
		return false;
	digits = GUINT64_FROM_BE(digits);
	digits = (digits | digits >> 4) & UINT64_C(0x00ff00ff00ff00ff);
	digits = (digits | digits >> 8) & UINT64_C(0x0000ffff0000ffff);
	*value = (uint32_t)(digits | digits >> 16);
	return true;
}

/*
 * Read the digits in hex at *P, and move *P past them. A value past 64 bits becomes UINT64_MAX.
 * False: there is no digit.
 */
static inline bool scan_hex_digits(const char **p, uint64_t *value)
{
	const char *q = *p;
	uint64_t v = 0;
	unsigned digit;

	if (scan_hex8(q, &v))
		q += 8;
	for (; (digit = scan_digit(*q)) < 16; q++)
		v = v >> 60 != 0 ? UINT64_MAX : v << 4 | digit;
	bool found = q != *p;
	*p = q;
	*value = v;
	return found;
}

static inline bool scan_is_0x(const char *p)
{
	return p[0] == '0' && (p[1] | 0x20) == 'x';
}

/* The same with 0x before it, or without. */
static inline bool scan_hex(const char **p, uint64_t *value)
{
	if (scan_is_0x(*p))
		*p += 2;
	return scan_hex_digits(p, value);
}

/* The same for decimal digits. */
static inline bool scan_decimal(const char **p, uint64_t *value)
{
	const char *q = *p, *first = q;
	uint64_t v = 0;
	unsigned digit;

	for (; (digit = (unsigned char)*q - '0') < 10; q++)
		v = v > (UINT64_MAX - 9) / 10 ? UINT64_MAX : v * 10 + digit;
	*p = q;
	*value = v;
	return q != first;
}

/* A number as in ctl: decimal, or hex with 0x. */
static inline bool scan_number(const char **p, uint64_t *value)
{
	return scan_is_0x(*p) ? scan_hex(p, value) : scan_decimal(p, value);
}

/* R or W. */
static inline bool scan_direction(const char **p, enum vm_access *access)
{
	char c = *(*p)++;

	*access = c == 'W' ? VM_ACCESS_WRITE : VM_ACCESS_READ;
	return c == 'R' || c == 'W';
}

/* Fill in *REFERENCE, unless its numbers are out of range. */
static inline enum trace_fault scan_reference(struct vm_reference *reference, uint64_t va,
                                              uint64_t len, enum vm_access access)
{
	if (G_UNLIKELY(len - 1 >= UINT32_MAX))
		return len == 0 ? TRACE_NO_LENGTH : TRACE_LONG_ACCESS;
	if (G_UNLIKELY(va >= VM_USER_END || len > VM_USER_END - va))
		return TRACE_TOO_HIGH;
	*reference = (struct vm_reference){va, (uint32_t)len, access};
	return TRACE_FINE;
}

/* Where the lines end that have TRACE_AHEAD bytes behind them. */
static inline const char *scan_quick_end(const char *p, const char *end)
{
	if (end - p <= TRACE_AHEAD)
		return p;
	const char *newline = memrchr(p, '\n', (size_t)(end - p - TRACE_AHEAD));
	return newline != NULL ? newline + 1 : p;
}

/*
 * The region function of a format of lines. LINE is a constant, so that the compiler puts it into
 * the loop.
 */
G_ALWAYS_INLINE static inline bool scan_lines(struct trace_reader *reader, const char *p,
                                              const char *end, trace_line_fn line)
{
	struct trace_batch *batch = &reader->batch;
	const char *quick = scan_quick_end(p, end);

	while (p < end) {
		size_t count = batch->count;
		uint64_t lines = reader->lines;

		while (count < TRACE_BATCH && p < quick) {
			const char *next = p;

			if (line(&next, &batch->reference[count]) != TRACE_FINE ||
			    next - p > TRACE_MAX_LINE + 1)
				break;
			batch->line[count++] = ++lines;
			p = next;
		}
		batch->count = count;
		reader->lines = lines;
		if (count == TRACE_BATCH && !trace_flush(reader))
			return false;
		if (p == end)
			break;
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		if (!trace_one_line(reader, p, newline))
			return false;
		p = newline + 1;
	}
	return true;
}

#endif
