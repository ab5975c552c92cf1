/*
 * test_policy.c - page replacement: the exact tables of the textbook, each policy against a naive
 * model, and what no policy may do.
 *
 * A reference string is a list of pages; each reference writes to its page. The tests count how
 * often a page had to be loaded: as a zeroed frame, or from swap.
 */
#include "tests/fixture/pressure.h"

#include <pthread.h>

/* --- Reference strings ------------------------------------------------------------------------ */

static bool is_load(const struct vm_fault *fault)
{
	return fault->kind == VM_FAULT_DEMAND_ZERO || fault->kind == VM_FAULT_SWAP_IN;
}

/* Make one reference. Returns whether the page had to be loaded. */
static bool refer(struct vm_process *process, unsigned page, enum vm_access access)
{
	struct vm_fault fault;

	g_assert_cmpint(touch(process, ARENA + page * PAGE, access, &fault), ==, 0);
	g_assert_true(fault.outcome == VM_HIT || is_load(&fault));
	return fault.outcome != VM_HIT;
}

/* A string of reads and writes. The first reference to a page is a write. */
struct string {
	unsigned length, pages;
	unsigned page[600];
	enum vm_access access[600];
};

static void random_string(struct string *string, unsigned length, unsigned pages, guint32 seed)
{
	GRand *rand = g_rand_new_with_seed(seed);
	bool met[64] = {false};

	string->length = length;
	string->pages = pages;
	for (unsigned i = 0; i < length; i++) {
		unsigned page = (unsigned)g_rand_int_range(rand, 0, (gint32)pages);
		/* Half of the references are close to the previous one, as in real programs. */
		if (i > 0 && g_rand_boolean(rand))
			page =
			    (string->page[i - 1] + (unsigned)g_rand_int_range(rand, 0, 2)) % pages;
		string->page[i] = page;
		string->access[i] =
		    met[page] && g_rand_boolean(rand) ? VM_ACCESS_READ : VM_ACCESS_WRITE;
		met[page] = true;
	}
	g_rand_free(rand);
}

static void fixed_string(struct string *string, const char *text)
{
	*string = (struct string){.pages = 10};
	for (; *text != '\0'; text++) {
		string->page[string->length] = (unsigned)(*text - '0');
		string->access[string->length++] = VM_ACCESS_WRITE;
	}
}

/*
 * The number of loads of STRING on a machine of SIZE. If LOADED is not NULL, it is set to which
 * references were loads.
 */
static unsigned loads(const struct string *string, const struct pressure_size *size, bool *loaded)
{
	struct pressure p;
	unsigned count = 0;

	pressure_begin(&p, size);
	map(p.f.process, ARENA, string->pages, RW, PRIVATE_ANON);
	for (unsigned i = 0; i < string->length; i++) {
		bool load = refer(p.f.process, string->page[i], string->access[i]);
		count += load;
		if (loaded != NULL)
			loaded[i] = load;
	}
	pressure_end(&p);
	return count;
}

/* --- The textbook ----------------------------------------------------------------------------- */

struct row {
	const char *string, *policy;
	unsigned frames, faults;
};

#define BELADY "123412512345"
#define TEXTBOOK "70120304230321201701"

static const struct row rows[] = {
    {BELADY, "fifo", 3, 9},    {BELADY, "fifo", 4, 10},  {BELADY, "lru", 3, 10},
    {BELADY, "lru", 4, 8},     {BELADY, "clock", 3, 9},  {BELADY, "clock", 4, 10},
    {TEXTBOOK, "fifo", 3, 15}, {TEXTBOOK, "lru", 3, 12}, {TEXTBOOK, "clock", 3, 14},
    {BELADY, "lfu", 3, 10},    {BELADY, "lfu", 4, 8},    {TEXTBOOK, "lfu", 3, 13},
    {BELADY, "mru", 3, 7},     {BELADY, "mru", 4, 6},    {TEXTBOOK, "mru", 3, 16},
    {BELADY, "clock0", 3, 10}, {BELADY, "clock0", 4, 8}, {TEXTBOOK, "clock0", 3, 11},
};

static void test_textbook(void)
{
	struct string string;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		for (int no_tlb = 0; no_tlb < 2; no_tlb++) {
			fixed_string(&string, rows[i].string);
			struct pressure_size size = {.frames = rows[i].frames,
			                             .slots = 16,
			                             .policy = rows[i].policy,
			                             .overcommit = VM_OVERCOMMIT_ALWAYS,
			                             .no_tlb = no_tlb};
			g_test_message("%s %s %u", rows[i].string, rows[i].policy, rows[i].frames);
			g_assert_cmpuint(loads(&string, &size, NULL), ==, rows[i].faults);
		}
}

/* --- Naive models ----------------------------------------------------------------------------- */

enum { NOTHING = 1000, MOST_FRAMES = 12 };

/*
 * The memory of a model. For each frame: its page, when the page came and was last used, and the
 * clock's bit.
 */
struct model {
	unsigned frames, hand;
	unsigned page[MOST_FRAMES], came[MOST_FRAMES], used[MOST_FRAMES];
	bool bit[MOST_FRAMES];
};

static unsigned smallest(const unsigned *values, unsigned count)
{
	unsigned best = 0;

	for (unsigned i = 1; i < count; i++)
		if (values[i] < values[best])
			best = i;
	return best;
}

static unsigned fifo_victim(struct model *model)
{
	return smallest(model->came, model->frames);
}

static unsigned lru_victim(struct model *model)
{
	return smallest(model->used, model->frames);
}

static unsigned clock_victim(struct model *model)
{
	while (model->bit[model->hand]) {
		model->bit[model->hand] = false;
		model->hand = (model->hand + 1) % model->frames;
	}
	unsigned victim = model->hand;
	model->hand = (model->hand + 1) % model->frames;
	return victim;
}

/* Make one reference to PAGE at TIME. Returns whether the page had to be loaded. */
static bool model_refer(struct model *model, unsigned (*victim)(struct model *), unsigned page,
                        unsigned time)
{
	unsigned frame = 0;

	while (frame < model->frames && model->page[frame] != page)
		frame++;
	bool load = frame == model->frames;
	if (load) {
		/* Free frames are filled in the order in which the clock's hand passes them. */
		for (frame = 0; frame < model->frames && model->page[frame] != NOTHING;)
			frame++;
		if (frame == model->frames)
			frame = victim(model);
		model->page[frame] = page;
		model->came[frame] = time;
	}
	model->used[frame] = time;
	model->bit[frame] = true;
	return load;
}

struct rival {
	const char *policy;
	unsigned (*victim)(struct model *model);
};

static const struct rival rivals[] = {
    {"fifo", fifo_victim}, {"lru", lru_victim}, {"clock", clock_victim}};

static void compare(const struct rival *rival, const struct string *string, unsigned frames,
                    bool no_tlb)
{
	struct model model = {.frames = frames};
	bool loaded[G_N_ELEMENTS(string->page)];
	struct pressure_size size = {.frames = frames,
	                             .slots = 64,
	                             .policy = rival->policy,
	                             .overcommit = VM_OVERCOMMIT_ALWAYS,
	                             .no_tlb = no_tlb};

	for (unsigned i = 0; i < frames; i++)
		model.page[i] = NOTHING;
	loads(string, &size, loaded);
	for (unsigned i = 0; i < string->length; i++) {
		bool expected = model_refer(&model, rival->victim, string->page[i], i + 1);
		if (loaded[i] != expected)
			g_error("%s, %u frames, reference %u to page %u: %s", rival->policy, frames,
			        i, string->page[i], expected ? "no load" : "a load");
	}
}

static void test_models(void)
{
	struct string string;

	for (guint32 seed = 1; seed <= 12; seed++) {
		random_string(&string, 400, 6 + seed, seed);
		for (size_t i = 0; i < G_N_ELEMENTS(rivals); i++)
			for (unsigned frames = 1; frames <= MOST_FRAMES; frames += 1 + seed % 3)
				compare(&rivals[i], &string, frames, seed & 1);
	}
}

static void test_lru_never_grows(void)
{
	struct string string;

	for (guint32 seed = 100; seed < 110; seed++) {
		unsigned before = UINT_MAX;
		random_string(&string, 300, 16, seed);
		for (unsigned frames = 1; frames <= 17; frames++) {
			struct pressure_size size = {.frames = frames,
			                             .slots = 32,
			                             .policy = "lru",
			                             .overcommit = VM_OVERCOMMIT_ALWAYS};
			unsigned now = loads(&string, &size, NULL);
			g_assert_cmpuint(now, <=, before);
			before = now;
		}
		/* Each page is loaded once. */
		g_assert_cmpuint(before, ==, 16);
	}
}

static void test_random_seed(void)
{
	struct string string;
	struct pressure_size size = {.frames = 5,
	                             .slots = 32,
	                             .policy = "random",
	                             .overcommit = VM_OVERCOMMIT_ALWAYS,
	                             .seed = 7};
	bool first[G_N_ELEMENTS(string.page)] = {false}, again[G_N_ELEMENTS(string.page)] = {false};
	bool other[G_N_ELEMENTS(string.page)] = {false};

	random_string(&string, 500, 14, 3);
	loads(&string, &size, first);
	loads(&string, &size, again);
	size.seed = 8;
	loads(&string, &size, other);
	g_assert_cmpmem(first, string.length, again, string.length);
	g_assert_true(memcmp(first, other, string.length) != 0);
}

/* --- What no policy may do -------------------------------------------------------------------- */

static const char *const policies[] = {"clock", "lru", "fifo",  "random", "clock0", "lfu",  "mru",
                                       "2q",    "arc", "sieve", "s3fifo", "lirs",   "linux"};

/* Write and read PAGES pages in random order, COUNT times. Each page must keep its byte. */
static void work(struct pressure *p, unsigned pages, unsigned count, GRand *rand, uint8_t *bytes)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned page = (unsigned)g_rand_int_range(rand, 0, (gint32)pages);
		if (bytes[page] == 0 || g_rand_boolean(rand)) {
			bytes[page] = (uint8_t)g_rand_int_range(rand, 1, 256);
			put(p->f.process, ARENA + page * PAGE + 9, bytes[page]);
		}
		g_assert_cmpint(get(p->f.process, ARENA + page * PAGE + 9), ==, bytes[page]);
	}
}

static void test_switching(void)
{
	struct pressure p;
	uint8_t bytes[24] = {0};
	GRand *rand = g_rand_new_with_seed(5);

	pressure_begin_small(&p, 6, 64);
	map(p.f.process, ARENA, 24, RW, PRIVATE_ANON);
	for (unsigned i = 0; i < 40; i++) {
		const char *policy = policies[g_rand_int_range(rand, 0, G_N_ELEMENTS(policies))];
		g_assert_cmpint(vm_machine_set_policy(p.f.machine, policy), ==, 0);
		g_assert_cmpstr(vm_machine_policy(p.f.machine), ==, policy);
		work(&p, 24, 60, rand, bytes);
		assert_sound(p.f.machine);
	}
	g_assert_cmpint(vm_machine_set_policy(p.f.machine, "optimal"), ==, -EINVAL);
	g_assert_cmpint(vm_machine_set_policy(p.f.machine, ""), ==, -EINVAL);
	g_rand_free(rand);
	pressure_end(&p);
}

/*
 * A new policy keeps the order that it finds. After a switch from fifo to lru, lru knows about
 * every use from then on.
 */
static void test_switching_order(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 3,
	                                           .slots = 16,
	                                           .policy = "fifo",
	                                           .overcommit = VM_OVERCOMMIT_ALWAYS});
	map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
	for (unsigned page = 0; page < 3; page++)
		refer(p.f.process, page, VM_ACCESS_WRITE);
	vm_machine_set_policy(p.f.machine, "lru");
	refer(p.f.process, 0, VM_ACCESS_READ);
	g_assert_true(refer(p.f.process, 3, VM_ACCESS_WRITE));
	g_assert_cmpint(entry_kind(p.f.process, ARENA), ==, VM_ENTRY_PAGE);
	g_assert_cmpint(entry_kind(p.f.process, ARENA + PAGE), ==, VM_ENTRY_SWAP);
	pressure_end(&p);
}

static void test_locked(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
		struct pressure p;
		uint8_t bytes[24] = {0};
		GRand *rand = g_rand_new_with_seed((guint32)i);
		struct vm_entry_info before[2], after;
		pressure_begin(&p, &(struct pressure_size){.frames = 5,
		                                           .slots = 64,
		                                           .policy = policies[i],
		                                           .overcommit = VM_OVERCOMMIT_ALWAYS});
		map(p.f.process, ARENA, 24, RW, PRIVATE_ANON);
		uint64_t locked =
		    map(p.f.process, ARENA + 64 * PAGE, 2, RW, PRIVATE_ANON | MAP_LOCKED);
		for (unsigned page = 0; page < 2; page++)
			g_assert_true(entry_of(p.f.process, locked + page * PAGE, &before[page]));
		work(&p, 24, 500, rand, bytes);
		g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 100), ==, 3);
		for (unsigned page = 0; page < 2; page++) {
			g_assert_true(entry_of(p.f.process, locked + page * PAGE, &after));
			g_assert_cmphex(after.raw & ~UINT64_C(0x60), ==,
			                before[page].raw & ~UINT64_C(0x60));
		}
		g_assert_cmpint(vm_munlock(p.f.process, locked, 2 * PAGE), ==, 0);
		g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 100), ==, 2);
		g_rand_free(rand);
		pressure_end(&p);
	}
}

static void test_reclaim_counts(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
		struct pressure p;
		pressure_begin(
		    &p, &(struct pressure_size){.frames = 32, .slots = 16, .policy = policies[i]});
		map(p.f.process, ARENA, 24, RW, PRIVATE_ANON);
		g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 5), ==, 0);
		fill_pattern(p.f.process, ARENA, 24, 'a');
		g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 0), ==, 0);
		g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 5), ==, 5);
		struct vm_machine_info info = machine_info(&p);
		g_assert_cmpuint(info.frames_free, ==, 32 - 24 + 5);
		g_assert_cmpuint(info.swap_used, ==, 5);
		g_assert_cmpuint(info.swap_outs, ==, 5);
		g_assert_cmpuint(info.reclaimed, ==, 5);
		g_assert_cmpuint(info.scanned, >=, 5);
		/* Swap has 11 free slots left. */
		g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 1000), ==, 11);
		g_assert_cmpuint(machine_info(&p).swap_used, ==, 16);
		assert_pattern(p.f.process, ARENA, 24, 'a');
		pressure_end(&p);
	}
}

/* With swappiness 0, anonymous pages stay as long as there are clean file pages. */
static void test_swappiness(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 8, .slots = 16, .policy = "fifo"});
	g_autofree char *path = make_file(&p.f, "clean", 4 * PAGE, 'a');
	map(p.f.process, ARENA, 4, RW, PRIVATE_ANON);
	map_path(&p.f, p.f.process, path, O_RDONLY, ARENA + 64 * PAGE, 4, PROT_READ, MAP_SHARED);
	g_assert_cmpint(vm_machine_set_knob(p.f.machine, VM_KNOB_SWAPPINESS, 0), ==, 0);
	fill(p.f.process, ARENA, 4, 'x');
	for (unsigned page = 0; page < 4; page++)
		g_assert_cmpint(get(p.f.process, ARENA + (64 + page) * PAGE), ==, 'a' + (int)page);
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 4), ==, 4);
	g_assert_cmpuint(machine_info(&p).frames_file, ==, 0);
	g_assert_cmpuint(machine_info(&p).swap_used, ==, 0);
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 4), ==, 4);
	g_assert_cmpuint(machine_info(&p).swap_used, ==, 4);
	pressure_end(&p);
}

/* --- Knobs turned while the machine runs ------------------------------------------------------ */

struct turning {
	struct pressure p;
	int stop; /* atomic */
};

static void *turn_knobs(void *arg)
{
	static const struct {
		enum vm_knob knob;
		uint64_t low, high;
	} knobs[] = {
	    {VM_KNOB_SWAPPINESS, 0, 200},       {VM_KNOB_OVERCOMMIT_MEMORY, 0, 1},
	    {VM_KNOB_OVERCOMMIT_RATIO, 10, 90}, {VM_KNOB_MAX_MAP_COUNT, 1000, 65530},
	    {VM_KNOB_MMAP_MIN_ADDR, 0, 65536},  {VM_KNOB_DIRTY_WRITEBACK_CENTISECS, 0, 1},
	    {VM_KNOB_OOM_KILL, 0, 0},           {VM_KNOB_SEGV_KILL, 0, 0},
	};
	struct turning *turning = arg;

	for (unsigned i = 0; !__atomic_load_n(&turning->stop, __ATOMIC_ACQUIRE); i++) {
		vm_machine_set_policy(turning->p.f.machine, policies[i % G_N_ELEMENTS(policies)]);
		size_t k = i % G_N_ELEMENTS(knobs);
		uint64_t value = i / G_N_ELEMENTS(knobs) % 2 ? knobs[k].low : knobs[k].high;
		g_assert_cmpint(vm_machine_set_knob(turning->p.f.machine, knobs[k].knob, value), ==,
		                0);
		g_assert_cmpuint(vm_machine_knob(turning->p.f.machine, knobs[k].knob), ==, value);
		g_thread_yield();
	}
	return NULL;
}

static void *fault_and_work(void *arg)
{
	struct turning *turning = arg;
	struct vm_process *process = spawn(&turning->p.f);
	uint8_t bytes[12];

	for (unsigned i = 0; i < 150; i++) {
		uint64_t at = map(process, 0, 12, RW, PRIVATE_ANON);
		for (unsigned page = 0; page < 12; page++)
			put(process, at + page * PAGE, bytes[page] = (uint8_t)(i + page));
		for (unsigned page = 0; page < 12; page++)
			g_assert_cmpint(get(process, at + page * PAGE), ==, bytes[page]);
		g_assert_cmpint(get(process, ARENA), ==, -EFAULT);
		g_assert_cmpint(vm_munmap(process, at, 12 * PAGE), ==, 0);
	}
	end(process);
	return NULL;
}

static void test_turning(void)
{
	struct turning turning = {.stop = 0};
	pthread_t turner, workers[2];

	pressure_begin_small(&turning.p, 10, 64);
	g_assert_cmpint(pthread_create(&turner, NULL, turn_knobs, &turning), ==, 0);
	for (int i = 0; i < 2; i++)
		g_assert_cmpint(pthread_create(&workers[i], NULL, fault_and_work, &turning), ==, 0);
	for (int i = 0; i < 2; i++)
		pthread_join(workers[i], NULL);
	__atomic_store_n(&turning.stop, 1, __ATOMIC_RELEASE);
	pthread_join(turner, NULL);
	pressure_end(&turning.p);
}

static void test_knob_ranges(void)
{
	static const struct {
		enum vm_knob knob;
		uint64_t good, bad;
	} knobs[] = {
	    {VM_KNOB_SWAPPINESS, 200, 201},
	    {VM_KNOB_OVERCOMMIT_MEMORY, 2, 3},
	    {VM_KNOB_OOM_KILL, 1, 2},
	    {VM_KNOB_SEGV_KILL, 1, 2},
	    {VM_KNOB_OVERCOMMIT_RATIO, 300, UINT64_MAX},
	    {VM_KNOB_MAX_MAP_COUNT, 100, UINT64_MAX},
	    {VM_KNOB_MMAP_MIN_ADDR, 4096, UINT64_MAX},
	    {VM_KNOB_DIRTY_WRITEBACK_CENTISECS, 100, UINT64_MAX},
	};
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 64});
	for (size_t i = 0; i < G_N_ELEMENTS(knobs); i++) {
		g_assert_cmpint(vm_machine_set_knob(p.f.machine, knobs[i].knob, knobs[i].good), ==,
		                0);
		g_assert_cmpint(vm_machine_set_knob(p.f.machine, knobs[i].knob, knobs[i].bad), ==,
		                -EINVAL);
		g_assert_cmpuint(vm_machine_knob(p.f.machine, knobs[i].knob), ==, knobs[i].good);
	}
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/policy/textbook", test_textbook);
	g_test_add_func("/policy/models", test_models);
	g_test_add_func("/policy/lru-never-grows", test_lru_never_grows);
	g_test_add_func("/policy/random-by-seed", test_random_seed);
	g_test_add_func("/policy/switching", test_switching);
	g_test_add_func("/policy/switching-order", test_switching_order);
	g_test_add_func("/policy/locked", test_locked);
	g_test_add_func("/policy/reclaim-counts", test_reclaim_counts);
	g_test_add_func("/policy/swappiness", test_swappiness);
	g_test_add_func("/policy/knob-ranges", test_knob_ranges);
	g_test_add_func("/policy/turning-knobs", test_turning);
	return g_test_run();
}
