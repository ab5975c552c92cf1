/*
 * lackey.c - the format of valgrind --tool=lackey --trace-mem=yes:
 *
 *     I  04001090,3      an instruction
 *      L 1ffeffe7f0,8    a load; S: a store; M: both
 */
#include "trace/scan.h"

#define BEFORE(a, b, c) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16)

/*
 * The three bytes before the address, and what they mean. Which it is, is hard to predict, so it is
 * looked up and not branched on: three bits of the second byte are the index.
 */
static const struct {
	uint32_t bytes;
	enum vm_access access;
} before[8] = {
    [' ' & 7] = {BEFORE('I', ' ', ' '), VM_ACCESS_EXEC},
    ['L' & 7] = {BEFORE(' ', 'L', ' '), VM_ACCESS_READ},
    ['S' & 7] = {BEFORE(' ', 'S', ' '), VM_ACCESS_WRITE},
    ['M' & 7] = {BEFORE(' ', 'M', ' '), VM_ACCESS_WRITE},
};

static inline enum trace_fault line(const char **p, struct vm_reference *reference)
{
	const char *q = *p;
	unsigned kind = q[1] & 7;
	uint64_t va, len;

	if (before[kind].bytes != BEFORE((uint8_t)q[0], (uint8_t)q[1], (uint8_t)q[2]))
		return TRACE_OTHER_FORM;
	q += 3;
	if (!scan_hex_digits(&q, &va) || *q++ != ',' || !scan_decimal(&q, &len) || !scan_end(&q))
		return TRACE_OTHER_FORM;
	*p = q;
	return scan_reference(reference, va, len, before[kind].access);
}

static bool region(struct trace_reader *reader, const char *p, const char *end)
{
	return scan_lines(reader, p, end, line);
}

const struct trace_format trace_lackey = {
    .name = "lackey",
    .expected = "`I  ADDR,SIZE`, ` L ADDR,SIZE`, ` S ADDR,SIZE` or ` M ADDR,SIZE`",
    .has_headers = true,
    .line = line,
    .region = region,
};
