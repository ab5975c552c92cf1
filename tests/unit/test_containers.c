/*
 * test_containers.c - the containers of util/: arrays that may fail to grow, treaps, strings that
 * several owners share.
 */
#include "util/array.h"
#include "util/list.h"
#include "util/refstring.h"
#include "util/treap.h"

#include <glib.h>

static void test_array(void)
{
	struct array array = {0};

	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t *number = array_add(&array, sizeof *number);
		g_assert_nonnull(number);
		g_assert_cmpuint(*number, ==, 0);
		*number = i;
	}
	g_assert_cmpuint(array.len, ==, 1000);
	for (uint64_t i = 0; i < 1000; i++)
		g_assert_cmpuint(ARRAY_AT(&array, uint64_t, i), ==, i);
	array_clear(&array);
	g_assert_cmpuint(array.len, ==, 0);
	/* What cannot grow stays as it is. */
	g_assert_null(array_add(&array, SIZE_MAX / 4));
	g_assert_cmpuint(array.len + array.room, ==, 0);
}

enum { KEYS = 2000 };

struct member {
	struct treap_link link;
	bool there;
};

/* The lowest key above KEY of MEMBERS that are there, or -1. */
static int above(const struct member *members, int key)
{
	while (++key < KEYS)
		if (members[key].there)
			return key;
	return -1;
}

static unsigned depth(const struct treap_link *link)
{
	if (link == NULL)
		return 0;
	unsigned left = depth(link->left), right = depth(link->right);
	return 1 + MAX(left, right);
}

static void test_treap(void)
{
	static struct member members[KEYS];
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);
	struct treap_link *root = NULL;

	for (int i = 0; i < 100000; i++) {
		int key = g_rand_int_range(rand, 0, KEYS);
		struct treap_link *link = &members[key].link;
		g_assert_true(treap_find(root, (uint64_t)key) ==
		              (members[key].there ? link : NULL));
		if (g_rand_int_range(rand, 0, 20000) < i % 20000)
			g_assert_true(treap_remove(&root, (uint64_t)key) ==
			              (members[key].there ? link : NULL));
		else if (!members[key].there)
			treap_insert(&root, link, (uint64_t)key);
		members[key].there = treap_find(root, (uint64_t)key) != NULL;
		struct treap_link *next = treap_above(root, (uint64_t)key);
		g_assert_cmpint(next != NULL ? (int)next->key : -1, ==, above(members, key));
		if (i % 100 == 0)
			g_assert_cmpuint(depth(root), <, 50);
	}
}

static void test_refstring(void)
{
	char *string = refstring_new("text");

	g_assert_cmpstr(string, ==, "text");
	g_assert_true(refstring_acquire(string) == string);
	refstring_release(string);
	g_assert_cmpstr(string, ==, "text");
	refstring_release(string);
	refstring_release(NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/containers/array", test_array);
	g_test_add_func("/containers/treap", test_treap);
	g_test_add_func("/containers/refstring", test_refstring);
	return g_test_run();
}
