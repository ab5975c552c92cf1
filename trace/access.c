/*
 * access.c - the format of `access` in ctl: r|w|x ADDR [LEN].
 */
#include "trace/scan.h"

static inline enum trace_fault line(const char **p, struct vm_reference *reference)
{
	const char *q = scan_blanks(*p);
	uint64_t va, len = 1;
	enum vm_access access;

	switch (*q++) {
	case 'r':
		access = VM_ACCESS_READ;
		break;
	case 'w':
		access = VM_ACCESS_WRITE;
		break;
	case 'x':
		access = VM_ACCESS_EXEC;
		break;
	default:
		return TRACE_OTHER_FORM;
	}
	if (!scan_gap(&q) || !scan_number(&q, &va))
		return TRACE_OTHER_FORM;
	if (scan_gap(&q) && *q != '\r' && *q != '\n' && !scan_number(&q, &len))
		return TRACE_OTHER_FORM;
	if (!scan_end(&q))
		return TRACE_OTHER_FORM;
	*p = q;
	return scan_reference(reference, va, len, access);
}

static bool region(struct trace_reader *reader, const char *p, const char *end)
{
	return scan_lines(reader, p, end, line);
}

const struct trace_format trace_access = {
    .name = "access",
    .expected = "`r ADDR [LEN]`, `w ADDR [LEN]` or `x ADDR [LEN]`, decimal or 0x hex",
    .line = line,
    .region = region,
};
