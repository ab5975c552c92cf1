/*
 * test_number.c - numbers and sizes as users write them (util/number.h).
 */
#include "util/number.h"

#include <glib.h>

struct sample {
	const char *text;
	bool is_number, is_size;
	uint64_t value;
};

static const struct sample samples[] = {
    {"0", true, true, 0},
    {"7", true, true, 7},
    {"010", true, true, 10},
    {"4096", true, true, 4096},
    {"0x1000", true, true, 4096},
    {"0XfFfF", true, true, 0xffff},
    {"18446744073709551615", true, true, UINT64_MAX},
    {"0xffffffffffffffff", true, true, UINT64_MAX},
    {"00000000000000000000000000000001", true, true, 1},
    {"4K", false, true, 4096},
    {"4k", false, true, 4096},
    {"0x10K", false, true, 16384},
    {"3M", false, true, 3 << 20},
    {"2G", false, true, UINT64_C(2) << 30},
    {"16777215T", false, true, UINT64_C(16777215) << 40},
    {"0T", false, true, 0},
};

static const char *const nonsense[] = {
    "",
    " ",
    "-",
    "-1",
    "+1",
    " 1",
    "1 ",
    "0x",
    "x10",
    "0xg",
    "1x",
    "1e3",
    "12a",
    "K",
    "4KB",
    "4KK",
    "4P",
    "4 K",
    "1.5",
    "0b1",
    "0x-1",
    "0x 1",
    "--1",
    "4\n",
    "0x1L",
    "\xc2\xb9",
    "18446744073709551616",
    "0x10000000000000000",
    "99999999999999999999999",
};

static const char *const too_large_sizes[] = {
    "16777216T",           "17179869184G",          "18446744073709551615K",
    "0xffffffffffffffffM", "18446744073709551616K",
};

static void test_samples(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
		const struct sample *s = &samples[i];
		uint64_t value = 1;

		g_test_message("%s", s->text);
		g_assert_cmpint(number_parse(s->text, &value), ==, s->is_number);
		if (s->is_number)
			g_assert_cmpuint(value, ==, s->value);
		g_assert_cmpint(size_parse(s->text, &value), ==, s->is_size);
		g_assert_cmpuint(value, ==, s->value);
	}
}

static void test_nonsense(void)
{
	uint64_t value;

	for (size_t i = 0; i < G_N_ELEMENTS(nonsense); i++) {
		g_test_message("'%s'", nonsense[i]);
		g_assert_false(number_parse(nonsense[i], &value));
		g_assert_false(size_parse(nonsense[i], &value));
	}
}

static void test_too_large(void)
{
	uint64_t value;

	for (size_t i = 0; i < G_N_ELEMENTS(too_large_sizes); i++) {
		g_test_message("%s", too_large_sizes[i]);
		g_assert_false(size_parse(too_large_sizes[i], &value));
	}
}

/* What may be said of a word that is no number. */
static void test_mistakes(void)
{
	static const char *const bare[] = {"ff", "7ffff7fff000", "CAFE", "0a"};
	static const char *const others[] = {"", "10", "0xff", "fg", "-ff", "ff "};

	for (size_t i = 0; i < G_N_ELEMENTS(bare); i++)
		g_assert_true(number_is_bare_hex(bare[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		g_assert_false(number_is_bare_hex(others[i]));
	g_assert_true(number_is_too_large("18446744073709551616"));
	g_assert_true(number_is_too_large("0x10000000000000000"));
	g_assert_false(number_is_too_large("18446744073709551615"));
	g_assert_false(number_is_too_large("0xffffffffffffffff"));
	g_assert_false(number_is_too_large("x"));
	g_assert_false(number_is_too_large("0x"));
	g_assert_false(number_is_too_large(""));
}

static void test_next(void)
{
	static const char line[] = "\t7  0x10 8\n9";
	const char *text = line;
	uint64_t value;

	g_assert_true(number_next(&text, &value));
	g_assert_cmpuint(value, ==, 7);
	g_assert_true(number_next(&text, &value));
	g_assert_cmpuint(value, ==, 16);
	g_assert_true(number_next(&text, &value));
	g_assert_cmpuint(value, ==, 8);
	g_assert_false(number_next(&text, &value));
	g_assert_cmpstr(text, ==, "\n9");
	text = "99999999999999999999";
	g_assert_false(number_next(&text, &value));
	g_assert_cmpstr(text, ==, "99999999999999999999");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/number/samples", test_samples);
	g_test_add_func("/number/nonsense", test_nonsense);
	g_test_add_func("/number/too-large", test_too_large);
	g_test_add_func("/number/mistakes", test_mistakes);
	g_test_add_func("/number/next", test_next);
	return g_test_run();
}
