/*
 * spec.c - loads and stores as l|s 0xADDR N, of N bytes.
 */
#include "trace/scan.h"

static inline enum trace_fault line(const char **p, struct vm_reference *reference)
{
	const char *q = scan_blanks(*p);
	char kind = *q;
	uint64_t va, len;

	if (kind != 'l' && kind != 's')
		return TRACE_OTHER_FORM;
	q++;
	if (!scan_gap(&q) || !scan_is_0x(q) || !scan_hex(&q, &va) || !scan_gap(&q) ||
	    !scan_number(&q, &len) || !scan_end(&q))
		return TRACE_OTHER_FORM;
	*p = q;
	return scan_reference(reference, va, len, kind == 's' ? VM_ACCESS_WRITE : VM_ACCESS_READ);
}

static bool region(struct trace_reader *reader, const char *p, const char *end)
{
	return scan_lines(reader, p, end, line);
}

const struct trace_format trace_spec = {
    .name = "spec",
    .expected = "`l 0xADDR N` or `s 0xADDR N`",
    .line = line,
    .region = region,
};
