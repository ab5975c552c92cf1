/*
 * command_access.c - commands of a process that touch its memory: access, peek, poke. Each page is
 * an access by the process, through the fault handler. What was done before a fatal fault stays
 * done, and its lines are in the answer.
 */
#include "fs/ctl/command_memory.h"
#include "fs/ctl/command_why.h"

#include "fs/text/render.h"
#include "util/number.h"
#include "util/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char why_length[] = "length must not be 0";

/* --- Outcomes --------------------------------------------------------------------------------- */

struct access_lines {
	struct command_call *call;
	GString *line;
	struct vm_fault fatal; /* its outcome is VM_HIT if there was no fatal fault */
};

static void add_access_line(void *ctx, const struct vm_fault *fault)
{
	struct access_lines *lines = ctx;

	/* A fatal fault becomes the error of the command. Only the pages before it have lines. */
	if (fault->outcome == VM_FATAL) {
		lines->fatal = *fault;
		return;
	}
	g_string_truncate(lines->line, 0);
	fault_line(lines->line, fault, false);
	g_string_append_printf(lines->line, " tlb=%s\n", fault->tlb ? "hit" : "miss");
	ctl_results_add(lines->call->results, lines->line->str, lines->line->len);
}

/*
 * Whether REASON is why a stack did not grow, and the access was near enough to the stack to be
 * meant for it.
 */
static bool is_near_stack(const struct vm_reason *reason)
{
	const uint64_t near = UINT64_C(1) << 30;
	bool is_stack = reason->why == VM_WHY_STACK || reason->why == VM_WHY_STACK_GAP;
	/* The reasons of other limits have the growth as what was asked for. */
	uint64_t growth = is_stack ? reason->used : reason->asked;

	return growth <= near || (reason->why == VM_WHY_STACK && growth <= 2 * reason->limit);
}

/* Why FAULT, which is fatal, happened; the access failed with ERROR. Free with g_free. */
static char *why_fatal(struct command_call *call, const struct vm_fault *fault, int error)
{
	g_autofree char *noted = why_sentence(call->mount->machine, error);
	struct vm_reason reason;
	bool stack = vm_reason(error, &reason) && is_near_stack(&reason);

	switch (fault->kind) {
	case VM_FAULT_SEGV_MAPERR:
		if (!vm_is_canonical(fault->va))
			return g_strdup("the address is not canonical (SI_KERNEL)");
		if (fault->area_end != 0)
			return g_strdup("a guard page (SEGV_MAPERR)");
		if (noted == NULL || !stack)
			return g_strdup("no area at the address (SEGV_MAPERR)");
		return g_strdup_printf("no area at the address, and %s (SEGV_MAPERR)", noted);
	case VM_FAULT_SEGV_ACCERR:
		return g_strdup_printf("the area does not permit it, its rights are %.3s "
		                       "(SEGV_ACCERR)",
		                       fault->area_perm);
	case VM_FAULT_SIGBUS:
		return g_strdup_printf("%s (SIGBUS)", noted != NULL ? noted : "no page");
	default:
		return g_strdup(noted != NULL ? noted : "physical memory and swap are used up");
	}
}

static int fail_fatal(struct command_call *call, const struct vm_fault *fault, int error)
{
	g_autofree char *why = why_fatal(call, fault, error);

	return command_fail(call, error, "%s at 0x%" PRIx64 ": %s", vm_fault_kind_name(fault->kind),
	                    fault->va, why);
}

/* --- access ----------------------------------------------------------------------------------- */

/*
 * One command touches at most ACCESS_MAX bytes, so that it ends within seconds, and ACCESS_STEP
 * bytes with each call of the engine.
 */
#define ACCESS_MAX (UINT64_C(16) << 30)
#define ACCESS_STEP (UINT64_C(1) << 20)

const struct command_reason access_reasons[] = {
    {E2BIG, "one command touches at most 16G"},
    {0, NULL},
};

/* A step ends at a page boundary, so that no page is touched twice. */
static uint64_t access_step(uint64_t addr, uint64_t len)
{
	return MIN(len, ACCESS_STEP - addr % VM_PAGE_SIZE);
}

int command_access(struct command_call *call)
{
	g_autoptr(GString) line = g_string_new(NULL);
	struct access_lines lines = {.call = call, .line = line};
	uint64_t addr, len = 1;
	uint64_t access;
	int error = 0;

	if (!command_word(call, 1, access_words, &access) ||
	    !command_address(call, 2, "ADDR", &addr) ||
	    (call->count > 3 && !command_size(call, 3, "LEN", &len)))
		return -EINVAL;
	if (len == 0)
		return command_fail(call, -EINVAL, "%s", why_length);
	if (len > ACCESS_MAX)
		return -E2BIG;
	while (len > 0 && error == 0) {
		uint64_t step = access_step(addr, len);

		if (vm_interrupted())
			error = -EINTR;
		else
			error = vm_access(call->process, addr, step, (enum vm_access)access,
			                  add_access_line, &lines);
		addr += step;
		len -= step;
	}
	return lines.fatal.outcome == VM_FATAL ? fail_fatal(call, &lines.fatal, error) : error;
}

/* --- peek ------------------------------------------------------------------------------------- */

enum { PEEK_DEFAULT = 64, PEEK_MAX = 64 << 10, PEEK_ROW = 16 };

const struct command_reason peek_reasons[] = {
    {E2BIG, "one command shows at most 64K"},
    {0, NULL},
};

/* Append COUNT bytes at VA, at most PEEK_ROW, as a line of xxd. */
static void add_row(GString *out, uint64_t va, const uint8_t *bytes, size_t count)
{
	text_hex(out, va, 8);
	g_string_append_c(out, ':');
	for (size_t i = 0; i < PEEK_ROW; i++) {
		if (i % 2 == 0)
			g_string_append_c(out, ' ');
		if (i < count)
			text_hex(out, bytes[i], 2);
		else
			g_string_append(out, "  ");
	}
	g_string_append(out, "  ");
	for (size_t i = 0; i < count; i++)
		g_string_append_c(out, g_ascii_isprint(bytes[i]) ? (char)bytes[i] : '.');
	g_string_append_c(out, '\n');
}

/* Only a fatal fault is of interest: the bytes are the answer. */
static void keep_fatal(void *ctx, const struct vm_fault *fault)
{
	if (fault->outcome == VM_FATAL)
		*(struct vm_fault *)ctx = *fault;
}

static void answer_bytes(struct command_call *call, uint64_t va, const uint8_t *bytes, size_t len)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (size_t done = 0; done < len; done += PEEK_ROW)
		add_row(out, va + done, bytes + done, MIN(PEEK_ROW, len - done));
	ctl_results_add(call->results, out->str, out->len);
}

/* The bytes from VA to the end of its page, at most LEN. */
static size_t in_page(uint64_t va, size_t len)
{
	return MIN(len, VM_PAGE_SIZE - va % VM_PAGE_SIZE);
}

int command_peek(struct command_call *call)
{
	struct vm_fault fatal = {.outcome = VM_HIT};
	g_autofree uint8_t *bytes = g_malloc(PEEK_MAX);
	uint64_t addr, len = PEEK_DEFAULT;
	ssize_t got = 0;
	size_t done = 0;

	if (!command_address(call, 1, "ADDR", &addr) ||
	    (call->count > 2 && !command_size(call, 2, "LEN", &len)))
		return -EINVAL;
	if (len == 0)
		return command_fail(call, -EINVAL, "%s", why_length);
	if (len > PEEK_MAX)
		return -E2BIG;
	for (; done < len && got >= 0; done += (size_t)MAX(got, 0))
		got = vm_load(call->process, addr + done, bytes + done,
		              in_page(addr + done, len - done), keep_fatal, &fatal);
	answer_bytes(call, addr, bytes, done);
	if (fatal.outcome == VM_FATAL)
		return fail_fatal(call, &fatal, (int)got);
	return (int)MIN(got, 0);
}

/* --- poke ------------------------------------------------------------------------------------- */

/* Append the bytes of HEX, two digits each. False: it is anything else. */
static bool parse_hex(const char *hex, GByteArray *bytes)
{
	for (; hex[0] != '\0'; hex += 2) {
		int high = g_ascii_xdigit_value(hex[0]);
		int low = high < 0 ? -1 : g_ascii_xdigit_value(hex[1]);
		uint8_t byte;

		if (low < 0)
			return false;
		byte = (uint8_t)(high << 4 | low);
		g_byte_array_append(bytes, &byte, 1);
	}
	return true;
}

/* Append the number TEXT, which may be negative, in SIZE bytes. False: it does not fit. */
static bool parse_integer(const char *text, unsigned size, GByteArray *bytes)
{
	bool minus = text[0] == '-';
	uint64_t value, most = UINT64_MAX >> (64 - 8 * size);

	if (!number_parse(text + minus, &value) || value > (minus ? most / 2 + 1 : most))
		return false;
	value = GUINT64_TO_LE(minus ? -value : value);
	g_byte_array_append(bytes, (const guint8 *)&value, size);
	return true;
}

/* What TEXT stands for: itself, or bytes in hex, or a number. */
static int parse_bytes(struct command_call *call, const char *text, GByteArray *bytes)
{
	static const struct {
		const char *prefix;
		unsigned size;
	} numbers[] = {{"u8:", 1}, {"u16:", 2}, {"u32:", 4}, {"u64:", 8}};

	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		if (!g_str_has_prefix(text, numbers[i].prefix))
			continue;
		if (parse_integer(text + strlen(numbers[i].prefix), numbers[i].size, bytes))
			return 0;
		return command_fail(call, -EINVAL,
		                    "'%s': a number of %u bits must follow the colon", text,
		                    8 * numbers[i].size);
	}
	if (!g_str_has_prefix(text, "hex:"))
		g_byte_array_append(bytes, (const guint8 *)text, (guint)strlen(text));
	else if (!parse_hex(text + strlen("hex:"), bytes))
		return command_fail(call, -EINVAL,
		                    "'%s': pairs of hex digits must follow the colon", text);
	return bytes->len > 0 ? 0 : command_fail(call, -EINVAL, "there is nothing to store");
}

int command_poke(struct command_call *call)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(GString) line = g_string_new(NULL);
	struct access_lines lines = {.call = call, .line = line};
	ssize_t stored = 0;
	uint64_t addr;

	if (!command_address(call, 1, "ADDR", &addr) ||
	    parse_bytes(call, call->words[2], bytes) != 0)
		return -EINVAL;
	for (size_t done = 0; done < bytes->len && stored >= 0; done += (size_t)MAX(stored, 0))
		stored = vm_store(call->process, addr + done, bytes->data + done,
		                  in_page(addr + done, bytes->len - done), add_access_line, &lines);
	if (lines.fatal.outcome == VM_FATAL)
		return fail_fatal(call, &lines.fatal, (int)stored);
	return (int)MIN(stored, 0);
}
