/*
 * test_budget.c - text/budget.h.
 */
#include "fs/base/budget.h"

#define MIB ((size_t)1 << 20)

static void test_shares(void)
{
	struct fs_budget *budget = fs_budget_new();
	struct budget_share a, b, other, late;

	budget_open(budget, 1, &a);
	budget_open(budget, 1, &b);
	budget_open(budget, 2, &other);
	budget_open(budget, 66, &late);
	/* One user may have half of it, in as many shares as may be. */
	g_assert_true(budget_resize(&a, 20 * MIB));
	g_assert_true(budget_resize(&b, 12 * MIB));
	g_assert_false(budget_resize(&b, 12 * MIB + 1));
	g_assert_cmpuint(b.held, ==, 12 * MIB);
	/* The next one has half of the rest, and so on. */
	g_assert_false(budget_resize(&other, 16 * MIB + 1));
	g_assert_true(budget_resize(&other, 16 * MIB));
	g_assert_true(budget_resize(&late, 8 * MIB));
	g_assert_false(budget_resize(&late, 8 * MIB + 1));
	/* Less is always possible, also for one who has more than a newcomer would get. */
	g_assert_true(budget_resize(&a, 20 * MIB - 1));
	g_assert_true(budget_resize(&other, 16 * MIB - 1));
	budget_close(&a);
	budget_close(&b);
	budget_close(&other);
	budget_close(&late);
	budget_open(budget, 3, &a);
	g_assert_true(budget_resize(&a, 32 * MIB));
	budget_close(&a);
	fs_budget_free(budget);
}

static void test_spare(void)
{
	struct fs_budget *budget = fs_budget_new();
	struct budget_share whole, needed;

	budget_open(budget, 1, &whole);
	budget_open(budget, 1, &needed);
	g_assert_false(budget_resize_spare(&whole, 16 * MIB + 1));
	g_assert_true(budget_resize_spare(&whole, 16 * MIB));
	g_assert_true(budget_resize(&needed, 16 * MIB));
	g_assert_false(budget_resize_spare(&whole, 16 * MIB + 1));
	g_assert_true(budget_resize_spare(&whole, 16 * MIB - 1));
	budget_close(&whole);
	budget_close(&needed);
	fs_budget_free(budget);
}

static void test_no_budget(void)
{
	struct budget_share share;

	budget_open(NULL, 1, &share);
	g_assert_true(budget_resize(&share, G_MAXSIZE));
	budget_close(&share);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/budget/shares", test_shares);
	g_test_add_func("/budget/spare", test_spare);
	g_test_add_func("/budget/none", test_no_budget);
	return g_test_run();
}
