/*
 * test_replacement_models.c - the engine's policies against models that were written from the
 * papers and from docs/replacement.md (tests/fixture/policy_models.h): fault by fault on many small
 * strings, and by the number of faults on one string of the size of a server's memory.
 */
#include "replay/lru.h"
#include "replay/opt.h"
#include "replay/pages.h"
#include "tests/fixture/policy_models.h"
#include "tests/fixture/zipf.h"
#include "vm/vm.h"

#include <glib.h>
#include <string.h>

/* Models and engine are slow under sanitizers. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(COVERAGE)
enum { LONG = 200 * 1000, PAGES = 20 * 1000, FRAMES = 1527, SMALL = 60 };
#else
enum { LONG = 10 * 1000 * 1000, PAGES = 1000 * 1000, FRAMES = 76327, SMALL = 1000 };
#endif

/* Where the pages of a string lie. Some page tables are between the first page and the last. */
static const uint64_t base = UINT64_C(0x100000000);

static const char *const policies[] = {"fifo", "lru", "mru", "clock",  "clock0", "sieve",
                                       "lfu",  "arc", "2q",  "s3fifo", "lirs"};

/* --- The engine ------------------------------------------------------------------------------- */

struct replay {
	struct vm_machine *machine;
	struct vm_process *process;
};

static void replay_begin(struct replay *replay, const char *policy, uint32_t frames, uint32_t pages)
{
	struct vm_config config;
	GError *error = NULL;
	struct vm_cred cred = {0};
	int failed;

	vm_config_init(&config);
	config.ram = frames * (uint64_t)VM_PAGE_SIZE;
	config.swap = pages * (uint64_t)VM_PAGE_SIZE;
	config.policy = policy;
	config.no_contents = true;
	config.dirty_writeback_centisecs = 0;
	replay->machine = vm_machine_new(&config, &error);
	g_assert_no_error(error);
	replay->process = vm_process_spawn(replay->machine, &cred, "replay", &failed);
	g_assert_nonnull(replay->process);
}

static void replay_end(struct replay *replay)
{
	g_assert_cmpint(vm_process_exit(replay->process, 0), ==, 0);
	vm_process_unref(replay->process);
	g_assert_cmpuint(vm_machine_free(replay->machine), ==, 0);
}

static uint64_t replay_faults(struct replay *replay)
{
	struct vm_replay_counts counts;

	vm_process_replay_counts(replay->process, &counts);
	g_assert_cmpuint(counts.hits + counts.minor + counts.major, ==, counts.pages);
	return counts.minor + counts.major;
}

static struct vm_reference reference(uint32_t page, enum vm_access access)
{
	return (struct vm_reference){
	    .va = base + page * (uint64_t)VM_PAGE_SIZE + page % 4000, .len = 8, .access = access};
}

/* --- Small strings, fault by fault ------------------------------------------------------------ */

struct string {
	uint32_t length, pages, frames;
	uint32_t page[400];
	enum vm_access access[400];
};

/*
 * A string of a kind that SEED chooses: any page; close to the one before; a loop with steps aside;
 * few pages much more often than the others.
 */
static void random_string(struct string *string, guint32 seed)
{
	GRand *rand = g_rand_new_with_seed(seed);
	int kind = g_rand_int_range(rand, 0, 4);

	string->frames = (uint32_t)g_rand_int_range(rand, 1, seed % 3 == 0 ? 41 : 9);
	string->pages =
	    string->frames + (uint32_t)g_rand_int_range(rand, 0, (gint32)(3 * string->frames + 2));
	string->length = G_N_ELEMENTS(string->page);
	for (uint32_t i = 0, at = 0; i < string->length; i++) {
		uint32_t any = (uint32_t)g_rand_int_range(rand, 0, (gint32)string->pages);
		double share = g_rand_double(rand);
		if (kind == 0 || (kind == 2 && share < 0.1))
			at = any;
		else if (kind == 1)
			at = share < 0.3 ? any : (at + any % 3) % string->pages;
		else if (kind == 2)
			at = (at + 1) % string->pages;
		else
			at = (uint32_t)(string->pages * share * share * share);
		string->page[i] = at;
		string->access[i] = (enum vm_access[]){
		    VM_ACCESS_READ, VM_ACCESS_WRITE, VM_ACCESS_EXEC}[g_rand_int_range(rand, 0, 3)];
	}
	g_rand_free(rand);
}

/* Expect the faults of the model at each reference. */
static void assert_same_faults(struct replay *replay, const char *policy,
                               const struct string *string, guint32 seed)
{
	struct model *model = model_new(policy, string->pages, string->frames);
	uint64_t faults = replay_faults(replay);

	for (uint32_t i = 0; i < string->length; i++) {
		struct vm_reference r = reference(string->page[i], string->access[i]);
		int error;
		if (vm_replay(replay->process, &r, 1, &error) != 1)
			g_error("%s, seed %u, %u frames: reference %u fails with %s", policy, seed,
			        string->frames, i, g_strerror(-error));
		uint64_t now = replay_faults(replay);
		bool fault = model_refer(model, string->page[i]);
		if (now - faults != fault)
			g_error("%s, seed %u, %u frames: reference %u to page %u is %s", policy,
			        seed, string->frames, i, string->page[i],
			        fault ? "no fault, but should be one"
			              : "a fault, but should be none");
		faults = now;
	}
	model_free(model);
}

static void test_small(gconstpointer policy)
{
	for (guint32 seed = 0; seed < SMALL; seed++) {
		struct string string;
		struct replay replay;
		random_string(&string, seed);
		replay_begin(&replay, policy, string.frames, string.pages);
		assert_same_faults(&replay, policy, &string, seed);
		replay_end(&replay);
	}
}

/* After a reset everything is as on a new machine, whatever the policy has learnt. */
static void test_reset(gconstpointer policy)
{
	for (guint32 seed = 0; seed < SMALL / 10; seed++) {
		struct string string;
		struct replay replay;
		random_string(&string, seed);
		replay_begin(&replay, policy, string.frames, string.pages);
		for (int run = 0; run < 3; run++) {
			assert_same_faults(&replay, policy, &string, seed);
			g_assert_cmpint(vm_process_reset(replay.process), ==, 0);
			g_assert_cmpuint(replay_faults(&replay), ==, 0);
		}
		replay_end(&replay);
	}
}

/* --- A long string ---------------------------------------------------------------------------- */

static uint32_t *long_string;

/* The string of all policies. About a quarter of it faults with lru. */
static void make_string(void)
{
	struct zipf *zipf = zipf_new(PAGES, 1, 20240229);

	long_string = g_new(uint32_t, LONG);
	for (uint32_t t = 0; t < LONG; t++)
		long_string[t] = zipf_next(zipf);
	zipf_free(zipf);
}

static uint64_t engine_faults(const char *policy)
{
	enum { BATCH = 4096 };
	struct vm_reference batch[BATCH];
	struct replay replay;
	int error;

	replay_begin(&replay, policy, FRAMES, PAGES);
	for (uint32_t t = 0; t < LONG;) {
		uint32_t count = 0;
		for (; count < BATCH && t < LONG; count++, t++)
			batch[count] = reference(long_string[t],
			                         t % 4 == 0 ? VM_ACCESS_WRITE : VM_ACCESS_READ);
		g_assert_cmpuint(vm_replay(replay.process, batch, count, &error), ==, count);
	}
	uint64_t faults = replay_faults(&replay);
	replay_end(&replay);
	return faults;
}

static uint64_t model_faults(const char *policy, const uint32_t *string, uint32_t length,
                             uint32_t pages, uint32_t frames)
{
	struct model *model = model_new(policy, pages, frames);
	uint64_t faults = 0;

	for (uint32_t t = 0; t < length; t++)
		faults += model_refer(model, string[t]);
	model_free(model);
	return faults;
}

static void test_zipf(gconstpointer policy)
{
	uint64_t faults = model_faults(policy, long_string, LONG, PAGES, FRAMES);

	g_test_message("%s: %" G_GUINT64_FORMAT " faults", (const char *)policy, faults);
	g_assert_cmpuint(engine_faults(policy), ==, faults);
}

/* --- The curves of vasfs-replay --------------------------------------------------------------- */

/* The curves of LRU and OPT for LENGTH references. Clear them. */
static void make_curves(struct lru *lru, struct opt *opt, const uint32_t *string, uint32_t length)
{
	struct pages pages = {0};

	*lru = (struct lru){0};
	*opt = (struct opt){0};
	for (uint32_t t = 0; t < length; t++) {
		uint32_t page = pages_number(&pages, string[t]);
		g_assert_true(lru_touch(lru, page));
		g_assert_true(opt_touch(opt, page));
	}
	curve_add_up(&lru->curve);
	g_assert_true(opt_run(opt, NULL, 0));
	pages_clear(&pages);
}

/* OPT with one number of frames. */
static void test_zipf_opt(void)
{
	const uint64_t frames = FRAMES;
	struct pages pages = {0};
	struct opt opt = {0};

	for (uint32_t t = 0; t < LONG; t++)
		g_assert_true(opt_touch(&opt, pages_number(&pages, long_string[t])));
	g_assert_true(opt_run(&opt, &frames, 1));
	uint64_t by_opt = model_opt(long_string, LONG, PAGES, FRAMES);
	g_test_message("opt: %" G_GUINT64_FORMAT " faults", by_opt);
	g_assert_cmpuint(curve_faults(&opt.curve, FRAMES), ==, by_opt);
	opt_clear(&opt);
	pages_clear(&pages);
}

/* At every size, and never rising. */
static void test_small_curves(void)
{
	for (guint32 seed = 0; seed < SMALL; seed++) {
		struct string s;
		struct lru lru;
		struct opt opt;
		random_string(&s, seed);
		make_curves(&lru, &opt, s.page, s.length);
		for (uint32_t frames = 1; frames <= s.pages + 1; frames++) {
			uint64_t by_lru = curve_faults(&lru.curve, frames);
			uint64_t by_opt = curve_faults(&opt.curve, frames);
			g_assert_cmpuint(by_lru, ==,
			                 model_faults("lru", s.page, s.length, s.pages, frames));
			g_assert_cmpuint(by_opt, ==, model_opt(s.page, s.length, s.pages, frames));
			g_assert_cmpuint(by_opt, <=, by_lru);
			if (frames > 1) {
				g_assert_cmpuint(by_lru, <=, curve_faults(&lru.curve, frames - 1));
				g_assert_cmpuint(by_opt, <=, curve_faults(&opt.curve, frames - 1));
			}
		}
		lru_clear(&lru);
		opt_clear(&opt);
	}
}

/* Of a tenth of the string: all sizes of OPT are much more work than one. */
static void test_zipf_curves(void)
{
	enum { LENGTH = LONG / 10 };
	struct lru lru;
	struct opt opt;

	make_curves(&lru, &opt, long_string, LENGTH);
	for (uint32_t frames = FRAMES; frames > 0; frames /= 40) {
		uint64_t by_opt = model_opt(long_string, LENGTH, PAGES, frames);
		g_test_message("%u frames: opt %" G_GUINT64_FORMAT " faults", frames, by_opt);
		g_assert_cmpuint(curve_faults(&opt.curve, frames), ==, by_opt);
		g_assert_cmpuint(curve_faults(&lru.curve, frames), ==,
		                 model_faults("lru", long_string, LENGTH, PAGES, frames));
	}
	lru_clear(&lru);
	opt_clear(&opt);
}

/* --- The models themselves -------------------------------------------------------------------- */

/* The tables of the textbooks. */
static const struct {
	const char *policy;
	uint64_t belady3, belady4, silberschatz3;
} tables[] = {
    {"fifo", 9, 10, 15},   {"lru", 10, 8, 12}, {"clock", 9, 10, 14},
    {"clock0", 10, 8, 11}, {"lfu", 10, 8, 13}, {"mru", 7, 6, 16},
};
static const uint32_t belady[] = {1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5};
static const uint32_t silberschatz[] = {7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1};

static void test_tables(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
		const char *policy = tables[i].policy;
		g_assert_cmpuint(model_faults(policy, belady, G_N_ELEMENTS(belady), 8, 3), ==,
		                 tables[i].belady3);
		g_assert_cmpuint(model_faults(policy, belady, G_N_ELEMENTS(belady), 8, 4), ==,
		                 tables[i].belady4);
		g_assert_cmpuint(
		    model_faults(policy, silberschatz, G_N_ELEMENTS(silberschatz), 8, 3), ==,
		    tables[i].silberschatz3);
	}
	g_assert_cmpuint(model_opt(belady, G_N_ELEMENTS(belady), 8, 3), ==, 7);
	g_assert_cmpuint(model_opt(belady, G_N_ELEMENTS(belady), 8, 4), ==, 6);
	g_assert_cmpuint(model_opt(silberschatz, G_N_ELEMENTS(silberschatz), 8, 3), ==, 9);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	make_string();
	g_test_add_func("/models/tables", test_tables);
	g_test_add_func("/models/small/curves", test_small_curves);
	g_test_add_func("/models/zipf/curves", test_zipf_curves);
	g_test_add_func("/models/zipf/opt", test_zipf_opt);
	for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
		g_autofree char *small = g_strconcat("/models/small/", policies[i], NULL);
		g_autofree char *reset = g_strconcat("/models/reset/", policies[i], NULL);
		g_autofree char *large = g_strconcat("/models/zipf/", policies[i], NULL);
		g_test_add_data_func(small, policies[i], test_small);
		g_test_add_data_func(reset, policies[i], test_reset);
		g_test_add_data_func(large, policies[i], test_zipf);
	}
	int status = g_test_run();
	g_free(long_string);
	return status;
}
