/*
 * corpus_main.c - runs a fuzzer without libFuzzer, for any compiler: each file of the corpus once,
 * as a test case of its own.
 *
 *     fuzz_NAME_corpus FOLDER
 */
#include "tests/fuzz/fuzz_fixture.h"

static void test_file(gconstpointer path)
{
	g_autofree char *bytes = NULL;
	gsize size;

	g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
	/*
	 * Copy it into a buffer of exactly that size, so that sanitizers see a read past its end.
	 */
	g_autofree uint8_t *copy = g_memdup2(bytes, size);
	LLVMFuzzerTestOneInput(copy, size);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(argc, ==, 2);
	g_autoptr(GDir) folder = g_dir_open(argv[1], 0, NULL);
	g_assert_nonnull(folder);
	for (const char *name; (name = g_dir_read_name(folder)) != NULL;) {
		g_autofree char *test = g_strconcat("/corpus/", name, NULL);

		g_test_add_data_func_full(test, g_build_filename(argv[1], name, NULL), test_file,
		                          g_free);
	}
	return g_test_run();
}
