/*
 * fuzz_trace.c - reads any bytes as a trace.
 *
 * The first byte of the input says where the bytes are cut; the rest is the trace. It is read in
 * one piece and in pieces, and both must give the same references and the same error. Every
 * reference is one that vm_replay takes.
 */
#include "trace/trace.h"

#include "tests/fuzz/fuzz_fixture.h"

#include <string.h>

struct seen {
	GChecksum *sum;
	uint64_t count, line;
	char error[512];
	uint64_t lines, passed_over;
	char sum_text[65];
};

static bool take(void *ctx, const struct trace_batch *batch)
{
	struct seen *seen = ctx;

	for (size_t i = 0; i < batch->count; i++) {
		const struct vm_reference *r = &batch->reference[i];

		g_assert_cmpuint(r->len, >, 0);
		g_assert_cmpuint(r->va, <, VM_USER_END);
		g_assert_cmpuint(r->len, <=, VM_USER_END - r->va);
		g_assert_cmpuint(batch->line[i], >=, seen->line);
		seen->line = batch->line[i];
		g_checksum_update(seen->sum, (const guchar *)&r->va, sizeof r->va);
		g_checksum_update(seen->sum, (const guchar *)&r->len, sizeof r->len);
		g_checksum_update(seen->sum, (const guchar *)&r->access, sizeof r->access);
	}
	seen->count += batch->count;
	return true;
}

/* Read all bytes, STEP at a time. */
static void read_trace(struct seen *seen, const char *bytes, size_t size, size_t step)
{
	g_autoptr(GError) error = NULL;
	bool good = true;

	*seen = (struct seen){.sum = g_checksum_new(G_CHECKSUM_SHA256)};
	struct trace_reader *reader = trace_reader_new(take, seen);
	for (size_t done = 0; good && done < size; done += step) {
		size_t piece = MIN(step, size - done);
		g_autofree char *copy = g_memdup2(bytes + done, piece);

		good = trace_reader_feed(reader, copy, piece, &error);
	}
	good = good && trace_reader_end(reader, &error);
	g_assert_true(good == (error == NULL));
	if (error != NULL)
		g_strlcpy(seen->error, error->message, sizeof seen->error);
	seen->lines = trace_reader_lines(reader);
	seen->passed_over = trace_reader_passed_over(reader);
	g_strlcpy(seen->sum_text, g_checksum_get_string(seen->sum), sizeof seen->sum_text);
	g_checksum_free(seen->sum);
	seen->sum = NULL;
	trace_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct seen whole, pieces;

	if (size == 0)
		return 0;
	read_trace(&whole, (const char *)bytes + 1, size - 1, size);
	read_trace(&pieces, (const char *)bytes + 1, size - 1, (size_t)bytes[0] + 1);
	g_assert_cmpuint(pieces.count, ==, whole.count);
	g_assert_cmpstr(pieces.sum_text, ==, whole.sum_text);
	g_assert_cmpstr(pieces.error, ==, whole.error);
	g_assert_cmpuint(pieces.lines, ==, whole.lines);
	g_assert_cmpuint(pieces.passed_over, ==, whole.passed_over);
	return 0;
}
