/*
 * test_curve.c - the curves of LRU and OPT (replay/curve.h) against policies simulated one size at
 * a time, in the most direct way; and the numbers of pages.
 */
#include "replay/lru.h"
#include "replay/opt.h"
#include "replay/pages.h"

#include <glib.h>

#include <string.h>

enum { MOST = 3000, MOST_PAGES = 200 };

struct string {
	unsigned count;
	uint32_t pages[MOST];
};

/* --- Models ----------------------------------------------------------------------------------- */

static unsigned last_touch(const struct string *s, unsigned now, uint32_t page)
{
	while (now-- > 0)
		if (s->pages[now] == page)
			return now;
	g_assert_not_reached();
}

static unsigned next_touch(const struct string *s, unsigned now, uint32_t page)
{
	for (unsigned t = now; t < s->count; t++)
		if (s->pages[t] == page)
			return t;
	return G_MAXUINT;
}

/* How bad it would be to keep PAGE. The worst is replaced. */
static unsigned badness(const struct string *s, unsigned now, uint32_t page, bool opt)
{
	return opt ? next_touch(s, now, page) : now - last_touch(s, now, page);
}

static unsigned model_faults(const struct string *s, unsigned frames, bool opt)
{
	uint32_t in[MOST_PAGES];
	unsigned used = 0, faults = 0;

	for (unsigned now = 0; now < s->count; now++) {
		unsigned at = 0, worst = 0;

		while (at < used && in[at] != s->pages[now])
			at++;
		if (at < used)
			continue;
		faults++;
		if (used < frames) {
			in[used++] = s->pages[now];
			continue;
		}
		for (unsigned i = 1; i < used; i++)
			if (badness(s, now, in[i], opt) > badness(s, now, in[worst], opt))
				worst = i;
		in[worst] = s->pages[now];
	}
	return faults;
}

/* --- Curves ----------------------------------------------------------------------------------- */

/* The curves of S: of OPT at COUNT numbers of frames, FRAMES, or at all. */
static void make_curves(const struct string *s, struct lru *lru, struct opt *opt,
                        const uint64_t *frames, size_t count)
{
	struct pages pages = {0};

	*lru = (struct lru){0};
	*opt = (struct opt){0};
	for (unsigned t = 0; t < s->count; t++) {
		uint32_t number = pages_number(&pages, s->pages[t] * UINT64_C(7919));

		g_assert_true(lru_touch(lru, number));
		g_assert_true(opt_touch(opt, number));
	}
	curve_add_up(&lru->curve);
	g_assert_true(opt_run(opt, frames, count));
	g_assert_cmpuint(lru->curve.pages, ==, pages.count);
	g_assert_cmpuint(opt->curve.pages, ==, pages.count);
	pages_clear(&pages);
}

static void assert_string(const struct string *s)
{
	struct lru lru;
	struct opt opt;

	make_curves(s, &lru, &opt, NULL, 0);
	for (unsigned frames = 1; frames <= lru.curve.pages + 1; frames++) {
		g_assert_cmpuint(curve_faults(&lru.curve, frames), ==,
		                 model_faults(s, frames, false));
		g_assert_cmpuint(curve_faults(&opt.curve, frames), ==,
		                 model_faults(s, frames, true));
	}
	lru_clear(&lru);
	opt_clear(&opt);
}

/* One number of frames, or two, without the others. */
static void assert_some_sizes(const struct string *s)
{
	for (uint64_t frames = 1; frames < 20; frames++) {
		const uint64_t some[] = {frames, 3 * frames + 1};
		struct lru lru;
		struct opt opt;

		make_curves(s, &lru, &opt, some, G_N_ELEMENTS(some));
		for (unsigned i = 0; i < G_N_ELEMENTS(some); i++)
			g_assert_cmpuint(curve_faults(&opt.curve, some[i]), ==,
			                 model_faults(s, (unsigned)some[i], true));
		lru_clear(&lru);
		opt_clear(&opt);
	}
}

static void make_random(struct string *s, unsigned count, unsigned pages)
{
	s->count = count;
	for (unsigned t = 0; t < count; t++) {
		/* Some pages more often than others. */
		unsigned most = (unsigned)g_test_rand_int_range(1, (int)pages + 1);

		s->pages[t] = (uint32_t)g_test_rand_int_range(0, (int)most);
	}
}

static void test_random(void)
{
	struct string s;

	for (unsigned round = 0; round < 150; round++) {
		make_random(&s, (unsigned)g_test_rand_int_range(0, 120),
		            (unsigned)g_test_rand_int_range(1, 20));
		assert_string(&s);
		assert_some_sizes(&s);
	}
	make_random(&s, 600, 60);
	assert_string(&s);
}

/* Round and round, up and down, one page, each page once, none. */
static void test_regular(void)
{
	struct string s;

	for (unsigned pages = 1; pages < 20; pages += 6) {
		s.count = 100;
		for (unsigned t = 0; t < s.count; t++)
			s.pages[t] = t % pages;
		assert_string(&s);
		for (unsigned t = 0; t < s.count; t++)
			s.pages[t] = t / pages % 2 == 0 ? t % pages : pages - 1 - t % pages;
		assert_string(&s);
		for (unsigned t = 0; t < s.count; t++)
			s.pages[t] = t;
		assert_string(&s);
	}
	s.count = 0;
	assert_string(&s);
}

/* Belady's string, and that of Silberschatz. */
static void test_books(void)
{
	static const struct string belady = {12, {1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5}};
	static const struct string silberschatz = {
	    20, {7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1}};
	struct lru lru;
	struct opt opt;

	make_curves(&belady, &lru, &opt, NULL, 0);
	g_assert_cmpuint(curve_faults(&opt.curve, 3), ==, 7);
	g_assert_cmpuint(curve_faults(&opt.curve, 4), ==, 6);
	g_assert_cmpuint(curve_faults(&lru.curve, 3), ==, 10);
	g_assert_cmpuint(curve_faults(&lru.curve, 4), ==, 8);
	lru_clear(&lru);
	opt_clear(&opt);
	make_curves(&silberschatz, &lru, &opt, NULL, 0);
	g_assert_cmpuint(curve_faults(&opt.curve, 3), ==, 9);
	g_assert_cmpuint(curve_faults(&lru.curve, 3), ==, 12);
	lru_clear(&lru);
	opt_clear(&opt);
}

/*
 * More touches than there are numbers for them, several times, with few pages and with many. With
 * a stack that is kept as a plain list.
 */
static void assert_long(unsigned count, uint32_t nr_pages)
{
	g_autofree uint32_t *stack = g_new(uint32_t, nr_pages);
	g_autofree uint64_t *at = g_new0(uint64_t, nr_pages + 1);
	uint32_t used = 0;
	struct lru lru = {0};

	for (unsigned t = 0; t < count; t++) {
		/* A new page every third time, as long as there are any. */
		uint32_t page = used < nr_pages && (used == 0 || t % 3 == 0)
		                    ? used
		                    : (uint32_t)g_test_rand_int_range(0, (int)used);
		uint32_t depth = 0;

		while (depth < used && stack[depth] != page)
			depth++;
		at[depth < used ? depth + 1 : 0]++;
		used += depth == used;
		memmove(stack + 1, stack, depth * sizeof *stack);
		stack[0] = page;
		g_assert_true(lru_touch(&lru, page));
	}
	g_assert_cmpuint(lru.curve.firsts, ==, at[0]);
	curve_settle(&lru.curve);
	for (uint32_t depth = 1; depth <= used; depth++)
		g_assert_cmpuint(lru.curve.at[depth], ==, at[depth]);
	g_assert_cmpuint(lru.room, <, MAX(8 * nr_pages, 4097));
	lru_clear(&lru);
}

static void test_long(void)
{
	assert_long(50000, 5);
	assert_long(50000, 3000);
}

/* --- Numbers of pages ------------------------------------------------------------------------- */

static void test_pages(void)
{
	struct pages pages = {0};
	enum { COUNT = 20000 };

	for (unsigned round = 0; round < 2; round++)
		for (uint64_t i = 0; i < COUNT; i++) {
			/* Neighbours, and pages far apart. */
			uint64_t page = i % 2 == 0 ? i : i * UINT64_C(1234577);

			g_assert_cmpuint(pages_number(&pages, page), ==, i);
		}
	g_assert_cmpuint(pages.count, ==, COUNT);
	pages_clear(&pages);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/curve/random", test_random);
	g_test_add_func("/curve/regular", test_regular);
	g_test_add_func("/curve/books", test_books);
	g_test_add_func("/curve/long", test_long);
	g_test_add_func("/curve/pages", test_pages);
	return g_test_run();
}
