/*
 * pin.c - PC: R|W ADDR, as pin's pinatrace prints it, of one byte. The PC is only looked over.
 */
#include "trace/scan.h"

static inline enum trace_fault line(const char **p, struct vm_reference *reference)
{
	const char *q = scan_blanks(*p);
	uint64_t pc, va;
	enum vm_access access;

	if (!scan_hex(&q, &pc) || *q++ != ':' || !scan_gap(&q) || !scan_direction(&q, &access) ||
	    !scan_gap(&q) || !scan_hex(&q, &va) || !scan_end(&q))
		return TRACE_OTHER_FORM;
	*p = q;
	return scan_reference(reference, va, 1, access);
}

static bool region(struct trace_reader *reader, const char *p, const char *end)
{
	return scan_lines(reader, p, end, line);
}

const struct trace_format trace_pin = {
    .name = "pin",
    .expected = "`PC: R ADDR` or `PC: W ADDR`, hex",
    .line = line,
    .region = region,
};
