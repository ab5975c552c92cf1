/*
 * test_text.c - util/text.h.
 */
#include "util/text.h"

static void test_text(void)
{
	g_autoptr(GString) out = g_string_new(NULL);
	struct text_lines lines = {.out = out};

	text_hex(out, 0, 1);
	text_hex(out, 0xabc, 8);
	text_hex(out, UINT64_MAX, 8);
	g_string_append_c(out, ' ');
	text_decimal(out, 0);
	text_decimal(out, UINT64_MAX);
	g_assert_cmpstr(out->str, ==, "000000abcffffffffffffffff 018446744073709551615");
	g_string_truncate(out, 0);
	text_escaped(out, "\na b\\\n", "\n ");
	g_assert_cmpstr(out->str, ==, "\\012a\\040b\\\\012");
	g_string_truncate(out, 0);
	text_escaped(out, "\x1b[2J\t\x7f \xc2\x85\xc2\x9bm", "");
	g_assert_cmpstr(out->str, ==, "\\033[2J\\011\\177 \\302\\205\\302\\233m");
	g_string_truncate(out, 0);
	/* Letters stay, also the halves of them. */
	text_escaped(out, "\u00e4\u20ac\U0001f600 \xc3\x9b \xe4\xc3 \x9b", "");
	g_assert_cmpstr(out->str, ==, "\u00e4\u20ac\U0001f600 \u00db \xe4\xc3 \\233");
	g_assert_true(text_room(&lines, 1 << 20));
	g_assert_cmpuint(out->allocated_len, >, 1 << 20);
	g_assert_false(text_room(&lines, (size_t)1 << 31));
	g_assert_false(text_room(&lines, 1));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/text", test_text);
	return g_test_run();
}
