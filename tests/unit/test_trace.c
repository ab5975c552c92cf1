/*
 * test_trace.c - traces as bytes (trace/trace.h): each format, wherever its bytes are cut; and what
 * is said of lines that are wrong.
 */
#include "trace/trace.h"

#include <string.h>

/* What a reader made of a text. */
struct result {
	GString *references; /* `r ADDR LEN @LINE` each, parted by "; " */
	bool read;
	char *error;
	uint64_t passed_over, lines;
	const char *format;
};

static bool take(void *ctx, const struct trace_batch *batch)
{
	GString *out = ctx;

	g_assert_cmpuint(batch->count, >, 0);
	g_assert_cmpuint(batch->count, <=, TRACE_BATCH);
	for (size_t i = 0; i < batch->count; i++)
		g_string_append_printf(out, "%s%c %" G_GINT64_MODIFIER "x %u @%" G_GUINT64_FORMAT,
		                       out->len > 0 ? "; " : "", "rwx"[batch->reference[i].access],
		                       batch -> reference[i].va, batch->reference[i].len,
		                       batch->line[i]);
	return true;
}

/* Feed LEN bytes, in pieces that end at CUT and every STEP bytes after it. */
static void read_pieces(struct result *result, const char *format, const char *text, size_t len,
                        size_t cut, size_t step)
{
	g_autoptr(GError) error = NULL;
	size_t piece = cut;

	*result = (struct result){.references = g_string_new(NULL), .read = true};
	struct trace_reader *reader = trace_reader_new(take, result->references);
	if (format != NULL)
		g_assert_true(trace_reader_set_format(reader, format));
	for (size_t done = 0; result->read && done < len; done += piece, piece = step) {
		piece = MIN(piece, len - done);
		/* A copy of that size, so that sanitizers see a read past its end. */
		g_autofree char *copy = g_memdup2(text + done, piece);
		result->read = trace_reader_feed(reader, copy, piece, &error);
	}
	if (result->read)
		result->read = trace_reader_end(reader, &error);
	g_assert_true(result->read == (error == NULL));
	if (error != NULL) {
		g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL);
		result->error = g_strdup(error->message);
	}
	result->passed_over = trace_reader_passed_over(reader);
	result->lines = trace_reader_lines(reader);
	result->format = trace_reader_format(reader);
	trace_reader_free(reader);
}

static void clear(struct result *result)
{
	g_string_free(result->references, TRUE);
	g_free(result->error);
}

/* The text gives the same cut anywhere, and byte for byte. */
static void assert_cuts(const struct result *whole, const char *text, size_t len)
{
	for (size_t cut = 0; cut <= len; cut++) {
		struct result result;

		read_pieces(&result, NULL, text, len, cut, cut == 0 ? 1 : len);
		g_assert_cmpstr(result.references->str, ==, whole->references->str);
		g_assert_cmpstr(result.error, ==, whole->error);
		g_assert_cmpuint(result.passed_over, ==, whole->passed_over);
		g_assert_cmpuint(result.lines, ==, whole->lines);
		g_assert_cmpstr(result.format, ==, whole->format);
		clear(&result);
	}
}

/* --- Formats ---------------------------------------------------------------------------------- */

static const struct sample {
	const char *format, *text, *references;
	unsigned lines, passed_over;
} samples[] = {
    {"lackey",
     "==12== Lackey\n==12== \nI  0401ab70,3\n L 1fff0006f8,8\n S 04222cac,4\n M 0421c7cc,16\n"
     "==12== Counted\n",
     "x 401ab70 3 @3; r 1fff0006f8 8 @4; w 4222cac 4 @5; w 421c7cc 16 @6", 7, 3},
    {"lackey", "I  7fffffffeffe,1\n L 0,4294967295\n S AbC,8",
     "x 7fffffffeffe 1 @1; "
     "r 0 4294967295 @2; w abc 8 @3",
     3, 0},
    {"access", "# mine\nr 4096\n\nw 0x1000 8\nx 0X7fF 0x10\nr 010 \n  w\t1\t2\n",
     "r 1000 1 @2; w 1000 8 @4; x 7ff 16 @5; r a 1 @6; w 1 2 @7", 7, 2},
    {"spec", "l 0x7fff5a8487f0 8\ns 0x10 4\n", "r 7fff5a8487f0 8 @1; w 10 4 @2", 2, 0},
    {"din", "0041f7a0 R\n0x31348900 W\n12 R\n", "r 41f7a0 1 @1; w 31348900 1 @2; r 12 1 @3", 3, 0},
    {"pin", "0x401e: R 0x7ffe12\n7f12ab: W 10\n#eof\n", "r 7ffe12 1 @1; w 10 1 @2", 3, 1},
    {"pages", "1 2w,3\n\n# more\n 4,\t5W\n,\n07\n",
     "r 1000 1 @1; w 2000 1 @1; r 3000 1 @1; r 4000 1 @4; w 5000 1 @4; r 7000 1 @6", 6, 3},
    {"pin", "0x1: R \t                          0x10\n", "r 10 1 @1", 1, 0},
    {"pages", "5", "r 5000 1 @1", 1, 0},
    {"pages", "34359738366", "r 7fffffffe000 1 @1", 1, 0},
    {"access", "r 1\r\n\r\nw 2 3\r\n", "r 1 1 @1; w 2 3 @3", 3, 1},
    {"pages", "1 2\r\n3\r\n", "r 1000 1 @1; r 2000 1 @1; r 3000 1 @2", 2, 0},
    {"lackey", "I  04000000,4\r\n S 04000000,4\r\n", "x 4000000 4 @1; w 4000000 4 @2", 2, 0},
    {NULL, "", "", 0, 0},
    {NULL, "\n \n# nothing\n", "", 3, 3},
};

static void test_sample(gconstpointer data)
{
	const struct sample *sample = data;
	size_t len = strlen(sample->text);
	struct result result;

	read_pieces(&result, NULL, sample->text, len, len, len);
	g_assert_cmpstr(result.error, ==, NULL);
	g_assert_cmpstr(result.references->str, ==, sample->references);
	g_assert_cmpstr(result.format, ==, sample->format);
	g_assert_cmpuint(result.lines, ==, sample->lines);
	g_assert_cmpuint(result.passed_over, ==, sample->passed_over);
	assert_cuts(&result, sample->text, len);
	clear(&result);
}

/* --- Lines that are wrong --------------------------------------------------------------------- */

static const struct wrong {
	const char *text, *references;
	const char *error; /* the beginning of it */
} wrongs[] = {
    {"hello\n", "", "line 1: expected `I  ADDR,SIZE` (lackey), `r|w|x ADDR [LEN]` (access), "},
    {"1 2\n3 R\n", "r 1000 1 @1; r 2000 1 @1; r 3000 1 @2",
     "line 2: expected page numbers such as `7`, or `7w` for a store, found `R`"},
    {"1 # 2\n", "", "line 1: expected `I "},
    {"0\n1 # 2\n", "r 0 1 @1; r 1000 1 @2", "line 2: expected page numbers"},
    {"1 2ww\n", "r 1000 1 @1", "line 1: expected page numbers"},
    {"1\n2ww\n", "r 1000 1 @1", "line 2: expected page numbers"},
    {"1\n2: 3 4 5 6\n", "r 1000 1 @1", "line 2: expected page numbers"},
    {"1\n2/ 3 4 5 6\n", "r 1000 1 @1", "line 2: expected page numbers"},
    {"1\n\3772 3 4 5 6\n", "r 1000 1 @1", "line 2: expected page numbers"},
    {"1\n2\377 3 4 5 6\n", "r 1000 1 @1", "line 2: expected page numbers"},
    {"1\n2\200 3 4 5 6\n", "r 1000 1 @1", "line 2: expected page numbers"},
    {"34359738367\n", "", "line 1: expected an address below 0x7ffffffff000, "},
    {"1\n99999999999999999999999\n", "r 1000 1 @1", "line 2: expected an address below 0x7f"},
    {"r 1\nI  04000000,4\n", "r 1 1 @1", "line 2: expected `r ADDR [LEN]`, `w ADDR [LEN]` or"},
    {"I  04000000,4\n\nr 1\n", "x 4000000 4 @1", "line 3: expected `I  ADDR,SIZE`, ` L ADDR"},
    {"I  04000000,4\nI  04000000,4 4\n", "x 4000000 4 @1", "line 2: expected `I  ADDR,SIZE`"},
    {"I  04000000,4\nI  04000000,\n", "x 4000000 4 @1", "line 2: expected `I  ADDR,SIZE`"},
    {"I  04000000,0\n", "", "line 1: expected a length of at least 1, found `I  04000000,0`"},
    {"r 0 4294967296\n", "", "line 1: expected a length below 4294967296"},
    {"r 0 99999999999999999999\n", "", "line 1: expected a length below 4294967296"},
    {"r 0x7fffffffefff 1\nr 0x7fffffffefff 2\n", "r 7fffffffefff 1 @1",
     "line 2: expected an address below 0x7ffffffff000, also at the end of the access"},
    {"0x1: R 0xfffffffffffffffff\n", "", "line 1: expected an address below"},
    {"0x: R 0x1\n", "", "line 1: expected `I "},
    {"0x1: R 0x1\n0x1 R 0x1\n", "r 1 1 @1", "line 2: expected `PC: R ADDR` or `PC: W ADDR`, hex"},
    {"0x1 R\n0x1 X\n", "r 1 1 @1", "line 2: expected `ADDR R` or `ADDR W`, hex, found `0x1 X`"},
    {"l 0x1 1\nl 1 1\n", "r 1 1 @1", "line 2: expected `l 0xADDR N` or `s 0xADDR N`"},
    {"l 0x1\n", "", "line 1: expected `I "},
    {"r 1\n== 1\n", "r 1 1 @1", "line 2: expected `r ADDR [LEN]`"},
    {"r 1\nr `\033[2J\n", "r 1 1 @1",
     "line 2: expected `r ADDR [LEN]`, `w ADDR [LEN]` or "
     "`x ADDR [LEN]`, decimal or 0x hex, found `r "
     "\\140\\033[2J`"},
};

static void test_wrong(gconstpointer data)
{
	const struct wrong *wrong = data;
	size_t len = strlen(wrong->text);
	struct result result;

	read_pieces(&result, NULL, wrong->text, len, len, len);
	g_assert_cmpstr(result.references->str, ==, wrong->references);
	g_assert_nonnull(result.error);
	if (!g_str_has_prefix(result.error, wrong->error))
		g_assert_cmpstr(result.error, ==, wrong->error);
	assert_cuts(&result, wrong->text, len);
	clear(&result);
}

static void test_nul(void)
{
	static const char text[] = "r 1\nr 2\0\n";
	struct result result;

	read_pieces(&result, NULL, text, sizeof text - 1, 1, sizeof text);
	g_assert_cmpstr(result.references->str, ==, "r 1 1 @1");
	g_assert_true(g_str_has_suffix(result.error, "found `r 2...`"));
	assert_cuts(&result, text, sizeof text - 1);
	clear(&result);
}

/* --- Long lines ------------------------------------------------------------------------------- */

/* A line of `before`, then FILL up to LEN bytes, then `after`. */
static const struct length {
	const char *before;
	char fill;
	size_t len;
	const char *after, *references, *error;
} lengths[] = {
    {"r 0x", '0', TRACE_MAX_LINE - 1, "1\nr 2\n", "r 1 1 @1; r 2 1 @2", NULL},
    {"r 0x", '0', TRACE_MAX_LINE, "1\nr 2\n", "", "line 1: expected at most 256 bytes"},
    {"r 1\nr 0x", '0', TRACE_MAX_LINE + 8, "1\nr 2\n", "r 1 1 @1",
     "line 2: expected at most 256 bytes"},
    {"r 1\n", ' ', TRACE_MAX_LINE + 8, "\nr 2\n", "r 1 1 @1", "line 2: expected at most 256"},
    {"r 1\n#", '#', 700, "\nr 2\n", "r 1 1 @1; r 2 1 @3", NULL},
    {"#", ' ', 700, "\nr 2\n", "r 2 1 @2", NULL},
    {"==1== Command:", 'x', 700, "\n S 02,4\n", "w 2 4 @2", NULL},
    {"1\n#", ' ', 700, "1\n2\n", "r 1000 1 @1; r 2000 1 @3", NULL},
    {"1", ' ', 700, "2\n3\n", "r 1000 1 @1; r 2000 1 @1; r 3000 1 @2", NULL},
    {"1\n", '0', TRACE_MAX_LINE + 1, "1,3\n", "r 1000 1 @1; r 1000 1 @2; r 3000 1 @2", NULL},
    {"1\n", '0', TRACE_MAX_LINE + 2, "1,3\n", "r 1000 1 @1", "line 2: expected at most 256 bytes"},
    {"1\n", 'x', 700, "1,3\n", "r 1000 1 @1", "line 2: expected at most 256 bytes"},
    {"", '0', 700, "1,3\n", "", "line 1: expected at most 256 bytes"},
};

static void test_length(gconstpointer data)
{
	const struct length *length = data;
	g_autoptr(GString) text = g_string_new(length->before);
	struct result result;

	while (text->len < length->len)
		g_string_append_c(text, length->fill);
	g_string_append(text, length->after);
	read_pieces(&result, NULL, text->str, text->len, text->len, text->len);
	g_assert_cmpstr(result.references->str, ==, length->references);
	g_assert_true((result.error == NULL) == (length->error == NULL));
	if (length->error != NULL && !g_str_has_prefix(result.error, length->error))
		g_assert_cmpstr(result.error, ==, length->error);
	assert_cuts(&result, text->str, text->len);
	clear(&result);
}

/* A list of pages without any newline, in more than one batch. */
static void test_many_on_a_line(void)
{
	g_autoptr(GString) text = g_string_new(NULL), expected = g_string_new(NULL);
	struct result result;

	for (unsigned i = 0; i < 3 * TRACE_BATCH / 2; i++) {
		g_string_append_printf(text, "%u ", i);
		g_string_append_printf(expected, "%sr %x 1 @1", i > 0 ? "; " : "",
		                       i * VM_PAGE_SIZE);
	}
	for (size_t step = 3; step < text->len; step *= 7) {
		read_pieces(&result, NULL, text->str, text->len, step, step);
		g_assert_cmpstr(result.references->str, ==, expected->str);
		clear(&result);
	}
}

/* Page numbers with 1 to 12 digits, leading zeros, and anything that may follow a number. */
static void test_page_numbers(void)
{
	static const char *const behind[] = {"\n", " ", ",", "w\n", "W ", "\r\n", "\t", ",\n\n"};
	g_autoptr(GString) text = g_string_new(NULL), expected = g_string_new(NULL);
	unsigned line = 1, count = 0;
	struct result result;

	for (uint64_t most = 10; most <= UINT64_C(100000000000); most *= 10)
		for (size_t i = 0; i < 5 * G_N_ELEMENTS(behind); i++) {
			uint64_t edges[] = {most / 10, most - 1, most / 10 * 9, most / 9, 0};
			uint64_t page = MIN(edges[i % 5], (VM_USER_END >> VM_PAGE_SHIFT) - 1);
			const char *then = behind[i % G_N_ELEMENTS(behind)];
			g_string_append_printf(text, "%0*" G_GINT64_MODIFIER "u%s",
			                       (int)(i % 3 * 4), page, then);
			g_string_append_printf(
			    expected, "%s%c %" G_GINT64_MODIFIER "x 1 @%u", count++ > 0 ? "; " : "",
			    (then[0] | 0x20) == 'w' ? 'w' : 'r', page << VM_PAGE_SHIFT, line);
			for (const char *p = then; *p != '\0'; p++)
				line += *p == '\n';
		}
	for (size_t step = 1; step < 8 * text->len; step *= 3) {
		read_pieces(&result, NULL, text->str, text->len, step, step);
		g_assert_cmpstr(result.error, ==, NULL);
		g_assert_cmpstr(result.references->str, ==, expected->str);
		g_assert_cmpuint(result.lines, ==, line - 1);
		clear(&result);
	}
}

/* Every line of a full region, in more than one batch. */
static void test_many_lines(void)
{
	g_autoptr(GString) text = g_string_new(NULL), expected = g_string_new(NULL);
	struct result result;

	for (unsigned i = 0; i < 3 * TRACE_BATCH; i++) {
		g_string_append_printf(text, " L %x,%u\n", i * 0x1234567, i % 99 + 1);
		g_string_append_printf(expected, "%sr %x %u @%u", i > 0 ? "; " : "", i * 0x1234567,
		                       i % 99 + 1, i + 1);
	}
	for (size_t step = 3; step < 50 * text->len; step *= 7) {
		read_pieces(&result, NULL, text->str, text->len, step, step);
		g_assert_cmpstr(result.references->str, ==, expected->str);
		clear(&result);
	}
}

/* --- The reader ------------------------------------------------------------------------------- */

/* The names of formats, and a format that is given: no other is looked for. */
static void test_set_format(void)
{
	struct result result;
	struct trace_reader *reader = trace_reader_new(take, NULL);

	for (unsigned i = 0; trace_format_name(i) != NULL; i++)
		g_assert_true(trace_reader_set_format(reader, trace_format_name(i)));
	g_assert_false(trace_reader_set_format(reader, "Lackey"));
	trace_reader_free(reader);
	trace_reader_free(NULL);

	read_pieces(&result, "din", "10 R\n", 5, 5, 5);
	g_assert_cmpstr(result.references->str, ==, "r 10 1 @1");
	clear(&result);
	read_pieces(&result, "pages", "r 1\n", 4, 4, 4);
	g_assert_cmpstr(
	    result.error, ==,
	    "line 1: expected page numbers such as `7`, or `7w` for a store, found `r`");
	clear(&result);
}

static bool refuse(void *ctx, const struct trace_batch *batch)
{
	*(unsigned *)ctx += batch->count;
	return false;
}

/* Who gets batches may stop the reader, which then takes nothing more and has no error. */
static void test_stop(void)
{
	static const char *const texts[] = {"r 1\nr 2\n", "r 1\nnonsense\n", "1 2\n3 R\n"};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;
		unsigned count = 0;
		struct trace_reader *reader = trace_reader_new(refuse, &count);

		g_assert_false(trace_reader_feed(reader, texts[i], strlen(texts[i]), &error));
		g_assert_cmpuint(count, >, 0);
		count = 0;
		g_assert_false(trace_reader_feed(reader, "r 1\n", 4, &error));
		g_assert_false(trace_reader_end(reader, &error));
		g_assert_no_error(error);
		g_assert_cmpuint(count, ==, 0);
		trace_reader_free(reader);
	}
}

static void add(const char *kind, size_t index, gconstpointer data, GTestDataFunc test)
{
	g_autofree char *path = g_strdup_printf("/trace/%s/%zu", kind, index);

	g_test_add_data_func(path, data, test);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(samples); i++)
		add("sample", i, &samples[i], test_sample);
	for (size_t i = 0; i < G_N_ELEMENTS(wrongs); i++)
		add("wrong", i, &wrongs[i], test_wrong);
	for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++)
		add("length", i, &lengths[i], test_length);
	g_test_add_func("/trace/nul", test_nul);
	g_test_add_func("/trace/many-on-a-line", test_many_on_a_line);
	g_test_add_func("/trace/page-numbers", test_page_numbers);
	g_test_add_func("/trace/many-lines", test_many_lines);
	g_test_add_func("/trace/set-format", test_set_format);
	g_test_add_func("/trace/stop", test_stop);
	return g_test_run();
}
