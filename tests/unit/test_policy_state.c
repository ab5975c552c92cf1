/*
 * test_policy_state.c - what every policy must bear, and what those with lists remember: locked
 * pages, no swap, writes that fail, advice, and ghosts of pages that are no more.
 *
 * assert_sound checks each policy's own state.
 */
#include "tests/fixture/pressure.h"

/* Call FN for each policy. */
static void each_policy(void (*fn)(const char *policy))
{
	const char *name;

	for (unsigned i = 0; (name = vm_policy_name(i)) != NULL; i++) {
		g_test_message("%s", name);
		fn(name);
	}
}

static void begin(struct pressure *p, const char *policy, unsigned frames, unsigned slots)
{
	pressure_begin(p, &(struct pressure_size){.frames = frames,
	                                          .slots = slots,
	                                          .policy = policy,
	                                          .overcommit = VM_OVERCOMMIT_ALWAYS});
}

/* --- The queue -------------------------------------------------------------------------------- */

struct seen {
	unsigned pages, ghosts;
	uint64_t va[512]; /* of the pages */
	bool last_is_ghost;
};

static bool see(void *ctx, const struct vm_queue_info *page)
{
	struct seen *seen = ctx;

	seen->last_is_ghost = page->pfn == VM_NO_FRAME;
	if (seen->last_is_ghost)
		seen->ghosts++;
	else if (seen->pages < G_N_ELEMENTS(seen->va))
		seen->va[seen->pages++] = page->va;
	return true;
}

static struct seen look(struct pressure *p)
{
	struct seen seen = {.pages = 0};

	g_assert_cmpint(vm_machine_queue(p->f.machine, 0, see, &seen), ==, 0);
	return seen;
}

static int compare_va(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Each page is in the queue once. */
static void each_once(const char *policy)
{
	GRand *rand = g_rand_new_with_seed(3);
	struct pressure p;

	begin(&p, policy, 150, 512);
	map(p.f.process, ARENA, 400, RW, PRIVATE_ANON);
	for (int i = 0; i < 1200; i++)
		put(p.f.process, ARENA + (uint64_t)g_rand_int_range(rand, 0, 400) * PAGE, 'x');
	for (int i = 0; i < 300; i++)
		put(p.f.process, ARENA + (uint64_t)g_rand_int_range(rand, 0, 40) * PAGE, 'y');
	g_assert_cmpint(vm_madvise(p.f.process, ARENA, 10 * PAGE, MADV_COLD), ==, 0);
	struct seen seen = look(&p);
	g_assert_cmpuint(seen.pages, ==, 150);
	qsort(seen.va, seen.pages, sizeof seen.va[0], compare_va);
	for (unsigned i = 1; i < seen.pages; i++)
		g_assert_cmphex(seen.va[i - 1], <, seen.va[i]);
	assert_sound(p.f.machine);
	g_rand_free(rand);
	pressure_end(&p);
}

static void test_each_once(void)
{
	each_policy(each_once);
}

/* The first page of the queue is the one that goes when a new page comes. */
static void test_first_goes(void)
{
	static const char *const policies[] = {"fifo", "lru", "mru", "lfu", "2q", "arc", "lirs"};

	for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
		GRand *rand = g_rand_new_with_seed((guint32)i);
		struct pressure p;
		begin(&p, policies[i], 20, 512);
		map(p.f.process, ARENA, 256, RW, PRIVATE_ANON);
		fill(p.f.process, ARENA, 20, 'a');
		for (unsigned next = 20; next < 120; next++) {
			for (int j = 0; j < 5; j++)
				get(p.f.process,
				    ARENA +
				        (uint64_t)g_rand_int_range(rand, 0, (gint32)next) * PAGE);
			struct seen seen = look(&p);
			g_assert_cmpuint(seen.pages, ==, 20);
			g_assert_cmpint(entry_kind(p.f.process, seen.va[0]), ==, VM_ENTRY_PAGE);
			put(p.f.process, ARENA + next * PAGE, 'x');
			g_assert_cmpint(entry_kind(p.f.process, seen.va[0]), ==, VM_ENTRY_SWAP);
		}
		g_rand_free(rand);
		pressure_end(&p);
	}
}

/* --- Pages that cannot go --------------------------------------------------------------------- */

/* Where only a few frames are not locked, these do for all. */
static void mostly_locked(const char *policy)
{
	struct pressure p;

	begin(&p, policy, 64, 128);
	map(p.f.process, ARENA + 256 * PAGE, 56, RW, PRIVATE_ANON | MAP_LOCKED);
	map(p.f.process, ARENA, 40, RW, PRIVATE_ANON);
	for (int round = 0; round < 4; round++)
		fill(p.f.process, ARENA, 40, (uint8_t)('a' + round));
	assert_filled(p.f.process, ARENA, 40, 'd');
	assert_sound(p.f.machine);
	g_assert_cmpint(vm_munlock(p.f.process, ARENA + 256 * PAGE, 56 * PAGE), ==, 0);
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 64), ==, 64);
	assert_sound(p.f.machine);
	pressure_end(&p);
}

static void test_mostly_locked(void)
{
	each_policy(mostly_locked);
}

/* Without swap, pages of files make room, and anonymous pages stay. */
static void no_swap(const char *policy)
{
	struct pressure p;

	begin(&p, policy, 16, 0);
	g_autofree char *path = make_file(&p.f, "file", 40 * PAGE, 'a');
	map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
	fill(p.f.process, ARENA, 8, 'x');
	map_path(&p.f, p.f.process, path, O_RDONLY, FAR, 40, PROT_READ, MAP_SHARED);
	for (int round = 0; round < 3; round++)
		for (unsigned page = 0; page < 40; page++)
			g_assert_cmpint(get(p.f.process, FAR + page * PAGE), >=, 'a');
	assert_filled(p.f.process, ARENA, 8, 'x');
	g_assert_cmpuint(machine_info(&p).frames_anon, ==, 8);
	assert_sound(p.f.machine);
	pressure_end(&p);
}

static void test_no_swap(void)
{
	each_policy(no_swap);
}

/* If a page cannot be written, another one goes. */
static void write_fails(const char *policy)
{
	struct pressure p;

	begin(&p, policy, 8, 64);
	map(p.f.process, ARENA, 24, RW, PRIVATE_ANON);
	fill(p.f.process, ARENA, 8, 'a');
	medium_fails(&p, SWAP_WRITE, 1, 3, -EIO);
	put(p.f.process, ARENA + 8 * PAGE, 'b');
	g_assert_cmpuint(medium_heals(&p), ==, 4);
	fill(p.f.process, ARENA + 8 * PAGE, 16, 'b');
	assert_filled(p.f.process, ARENA, 8, 'a');
	assert_sound(p.f.machine);
	pressure_end(&p);
}

static void test_write_fails(void)
{
	each_policy(write_fails);
}

/* --- Advice ----------------------------------------------------------------------------------- */

/* A page that was named cold goes first, unless it is used again. */
static void cold(const char *policy)
{
	struct pressure p;

	/* random does not care. */
	if (strcmp(policy, "random") == 0)
		return;
	begin(&p, policy, 8, 64);
	map(p.f.process, ARENA, 24, RW, PRIVATE_ANON);
	for (int round = 0; round < 3; round++)
		fill(p.f.process, ARENA, 8, 'a');
	g_assert_cmpint(vm_madvise(p.f.process, ARENA + 5 * PAGE, PAGE, MADV_COLD), ==, 0);
	g_assert_cmphex(look(&p).va[0], ==, ARENA + 5 * PAGE);
	put(p.f.process, ARENA + 8 * PAGE, 'b');
	g_assert_cmpint(entry_kind(p.f.process, ARENA + 5 * PAGE), ==, VM_ENTRY_SWAP);
	g_assert_cmpint(vm_madvise(p.f.process, ARENA + 6 * PAGE, PAGE, MADV_FREE), ==, 0);
	uint64_t swapped = slots_used(&p);
	put(p.f.process, ARENA + 9 * PAGE, 'b');
	g_assert_cmpuint(slots_used(&p), ==, swapped);
	g_assert_cmpint(get(p.f.process, ARENA + 6 * PAGE), ==, 0);
	assert_sound(p.f.machine);
	pressure_end(&p);
}

static void test_cold(void)
{
	each_policy(cold);
}

/* Used again, it is like any other page. */
static void test_cold_no_more(void)
{
	static const char *const policies[] = {"lru", "lfu", "2q", "arc", "sieve", "lirs", "linux"};

	for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
		struct pressure p;
		begin(&p, policies[i], 8, 64);
		map(p.f.process, ARENA, 24, RW, PRIVATE_ANON);
		for (int round = 0; round < 3; round++)
			fill(p.f.process, ARENA, 8, 'a');
		g_assert_cmpint(vm_madvise(p.f.process, ARENA + 5 * PAGE, PAGE, MADV_COLD), ==, 0);
		get(p.f.process, ARENA + 5 * PAGE);
		put(p.f.process, ARENA + 8 * PAGE, 'b');
		g_assert_cmpint(entry_kind(p.f.process, ARENA + 5 * PAGE), ==, VM_ENTRY_PAGE);
		pressure_end(&p);
	}
}

/* --- linux ------------------------------------------------------------------------------------ */

struct active {
	unsigned count;
	uint64_t va[64];
};

static bool note_active(void *ctx, const struct vm_queue_info *page)
{
	struct active *active = ctx;

	if (strcmp(page->list, "active-anon") == 0 && active->count < G_N_ELEMENTS(active->va))
		active->va[active->count++] = page->va;
	return true;
}

static bool is_active(struct pressure *p, uint64_t va)
{
	struct active active = {.count = 0};

	vm_machine_queue(p->f.machine, 0, note_active, &active);
	for (unsigned i = 0; i < active.count; i++)
		if (active.va[i] == va)
			return true;
	return false;
}

/*
 * Pages that are used again and again become active, and a scan does not push them out. A page of
 * the scan that comes back soon is active at once, another one not.
 */
static void test_linux(void)
{
	struct vm_fault fault;
	struct pressure p;

	begin(&p, "linux", 16, 256);
	map(p.f.process, ARENA, 128, RW, PRIVATE_ANON);
	for (unsigned page = 6; page < 100; page++) {
		put(p.f.process, ARENA + page * PAGE, 'x');
		for (unsigned hot = 0; hot < 6; hot++) {
			touch(p.f.process, ARENA + hot * PAGE, VM_ACCESS_WRITE, &fault);
			g_assert_true(page < 60 || fault.outcome == VM_HIT);
		}
	}
	unsigned gone = 99;
	while (entry_kind(p.f.process, ARENA + gone * PAGE) == VM_ENTRY_PAGE)
		gone--;
	put(p.f.process, ARENA + gone * PAGE, 'x');
	g_assert_true(is_active(&p, ARENA + gone * PAGE));
	put(p.f.process, ARENA + 20 * PAGE, 'x');
	g_assert_false(is_active(&p, ARENA + 20 * PAGE));
	assert_sound(p.f.machine);
	pressure_end(&p);
}

/* --- Ghosts ----------------------------------------------------------------------------------- */

static const char *const with_ghosts[] = {"2q", "arc", "s3fifo", "lirs", "linux"};

static void put_or_get(struct pressure *p, uint64_t va, bool write)
{
	if (write)
		put(p->f.process, va, 'x');
	else
		get(p->f.process, va);
}

/* Many pages pass through, some are used often. Afterwards there are ghosts. */
static void leave_ghosts(struct pressure *p, uint64_t va, bool write)
{
	for (unsigned page = 0; page < 60; page++) {
		put_or_get(p, va + page * PAGE, write);
		for (unsigned often = 0; often < 6; often++)
			put_or_get(p, va + often * PAGE, write);
	}
	assert_sound(p->f.machine);
	struct seen seen = look(p);
	g_assert_cmpuint(seen.ghosts, >, 0);
	g_assert_true(seen.last_is_ghost);
}

static void unmap_all(struct pressure *p, uint64_t va)
{
	g_assert_cmpint(vm_munmap(p->f.process, va, 60 * PAGE), ==, 0);
}

static void drop_all(struct pressure *p, uint64_t va)
{
	g_assert_cmpint(vm_madvise(p->f.process, va, 60 * PAGE, MADV_DONTNEED), ==, 0);
}

static void remove_all(struct pressure *p, uint64_t va)
{
	g_assert_cmpint(vm_madvise(p->f.process, va, 60 * PAGE, MADV_REMOVE), ==, 0);
}

static void truncate_all(struct pressure *p, uint64_t va)
{
	resize_file(p->path, 0);
	g_assert_cmpint(vm_msync(p->f.process, va, PAGE, MS_INVALIDATE), ==, 0);
	g_assert_cmpint(get(p->f.process, va), ==, -EIO);
}

/* Where the file system makes no holes, the file is cut off. */
static void make_hole(struct pressure *p, uint64_t va)
{
	int error = vm_madvise(p->f.process, va, 60 * PAGE, MADV_REMOVE);

	if (error == -EOPNOTSUPP)
		truncate_all(p, va);
	else
		g_assert_cmpint(error, ==, 0);
}

static void exit_all(struct pressure *p, uint64_t va)
{
	end(g_steal_pointer(&p->f.process));
}

static void swapoff(struct pressure *p, uint64_t va)
{
	/* A few pages stay: there is room for them in frames. */
	g_assert_cmpint(vm_munmap(p->f.process, va + 10 * PAGE, 50 * PAGE), ==, 0);
	g_assert_cmpint(vm_machine_swapoff(p->f.machine), ==, 0);
	for (unsigned page = 0; page < 10; page++)
		g_assert_cmpint(get(p->f.process, va + page * PAGE), ==, 'x');
}

static const struct {
	const char *path;
	int flags; /* 0: the file */
	void (*end)(struct pressure *p, uint64_t va);
} ends[] = {
    {"munmap", PRIVATE_ANON, unmap_all}, {"dontneed", PRIVATE_ANON, drop_all},
    {"exit", PRIVATE_ANON, exit_all},    {"swapoff", PRIVATE_ANON, swapoff},
    {"remove", SHARED_ANON, remove_all}, {"munmap-shared", SHARED_ANON, unmap_all},
    {"truncation", 0, truncate_all},     {"hole", 0, make_hole},
};

/* What is no more has no ghost. */
static void test_ghosts_go(gconstpointer data)
{
	unsigned which = GPOINTER_TO_UINT(data);
	int flags = ends[which].flags;

	for (size_t i = 0; i < G_N_ELEMENTS(with_ghosts); i++) {
		struct pressure p;
		g_test_message("%s", with_ghosts[i]);
		pressure_begin(&p, &(struct pressure_size){.frames = 20,
		                                           .slots = 128,
		                                           .file_pages = 60,
		                                           .policy = with_ghosts[i],
		                                           .overcommit = VM_OVERCOMMIT_ALWAYS});
		uint64_t va = SHARED_AT;
		if (flags != 0)
			va = map(p.f.process, FAR, 60, RW, flags);
		leave_ghosts(&p, va, flags != 0);
		ends[which].end(&p, va);
		g_assert_cmpuint(look(&p).ghosts, ==, 0);
		assert_sound(p.f.machine);
		pressure_end(&p);
	}
}

/* A policy that is set again remembers nothing, but knows the pages in frames. */
static void test_set_again(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(with_ghosts); i++) {
		struct pressure p;
		begin(&p, with_ghosts[i], 20, 128);
		map(p.f.process, FAR, 60, RW, PRIVATE_ANON);
		leave_ghosts(&p, FAR, true);
		g_assert_cmpint(vm_machine_set_policy(p.f.machine, with_ghosts[i]), ==, 0);
		g_assert_cmpuint(look(&p).ghosts, ==, 0);
		g_assert_cmpuint(look(&p).pages, ==, 20);
		for (unsigned page = 0; page < 60; page++)
			g_assert_cmpint(get(p.f.process, FAR + page * PAGE), ==, 'x');
		assert_sound(p.f.machine);
		pressure_end(&p);
	}
}

/* Pages that are shared by fork, and copied, are pages of their own. */
static void forked(const char *policy)
{
	struct pressure p;

	begin(&p, policy, 16, 256);
	map_pattern(p.f.process, ARENA, 30, PRIVATE_ANON, 'a');
	struct vm_process *child = fork_of(p.f.process);
	fill_pattern(child, ARENA, 30, 'A');
	assert_sound(p.f.machine);
	assert_pattern(p.f.process, ARENA, 30, 'a');
	assert_pattern(child, ARENA, 30, 'A');
	end(child);
	assert_sound(p.f.machine);
	assert_pattern(p.f.process, ARENA, 30, 'a');
	pressure_end(&p);
}

static void test_forked(void)
{
	each_policy(forked);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/policy-state/queue/each-once", test_each_once);
	g_test_add_func("/policy-state/queue/first-goes", test_first_goes);
	g_test_add_func("/policy-state/mostly-locked", test_mostly_locked);
	g_test_add_func("/policy-state/no-swap", test_no_swap);
	g_test_add_func("/policy-state/write-fails", test_write_fails);
	g_test_add_func("/policy-state/cold", test_cold);
	g_test_add_func("/policy-state/cold-no-more", test_cold_no_more);
	g_test_add_func("/policy-state/linux", test_linux);
	for (unsigned i = 0; i < G_N_ELEMENTS(ends); i++) {
		g_autofree char *path = g_strconcat("/policy-state/ghosts/", ends[i].path, NULL);
		g_test_add_data_func(path, GUINT_TO_POINTER(i), test_ghosts_go);
	}
	g_test_add_func("/policy-state/set-again", test_set_again);
	g_test_add_func("/policy-state/forked", test_forked);
	return g_test_run();
}
