/*
 * test_storage.c - storage that fails. Transfers fail or move less than asked, at every moment of a
 * process's life. Only what the medium lost may be lost. When the medium works again, everything
 * else works again too.
 */
#include "tests/fixture/pressure.h"

/* --- A life, with the medium failing at each moment of it ------------------------------------- */

enum { LIFE_PAGES = 5, REGIONS = 4, PROCESSES = 2 };

static const uint64_t region_at[REGIONS] = {SHARED_AT, PRIVATE_AT, ANON_AT, SHMEM_AT};

/*
 * The first byte that each process must read in each page. Shared regions have the same bytes for
 * both processes.
 */
struct life {
	struct pressure p;
	struct vm_process *process[PROCESSES];
	uint8_t byte[PROCESSES][REGIONS][LIFE_PAGES];
	GRand *rand;
	unsigned errors; /* failed accesses and calls */
};

static bool is_shared(unsigned region)
{
	return region_at[region] == SHARED_AT || region_at[region] == SHMEM_AT;
}

/* Whether RESULT of an access is a success. It may fail only because of the medium. */
static bool worked(struct life *life, ssize_t result)
{
	if (result == 1)
		return true;
	if (result != -EIO && result != -ENOMEM)
		g_error("an access answered %zd", result);
	life->errors++;
	return false;
}

/*
 * A private page is the file's page until it is written. Until then it shows what was stored
 * through the shared mapping.
 */
static bool is_copied[PROCESSES][LIFE_PAGES];

static void learn_store(struct life *life, unsigned who, unsigned region, unsigned page,
                        uint8_t byte)
{
	for (unsigned other = 0; other < PROCESSES; other++) {
		if (other == who || is_shared(region))
			life->byte[other][region][page] = byte;
		if (region_at[region] == SHARED_AT && !is_copied[other][page])
			life->byte[other][1][page] = byte;
	}
	if (region_at[region] == PRIVATE_AT)
		is_copied[who][page] = true;
}

static void access_page(struct life *life, unsigned who, unsigned region, unsigned page, bool store)
{
	uint64_t va = region_at[region] + page * PAGE;
	uint8_t byte = (uint8_t)g_rand_int_range(life->rand, 1, 256), found;

	if (store) {
		if (worked(life, vm_write(life->process[who], va, &byte, 1)))
			learn_store(life, who, region, page, byte);
		return;
	}
	if (worked(life, load(life->process[who], va, &found, 1)))
		g_assert_cmpuint(found, ==, life->byte[who][region][page]);
}

static void call(struct life *life, int result)
{
	if (result == 0)
		return;
	g_assert_true(result == -EIO || result == -ENOSPC || result == -ENOMEM);
	life->errors++;
}

/* End the child and fork a new one, which has what the parent has. */
static void fork_again(struct life *life)
{
	end(life->process[1]);
	life->process[1] = fork_of(life->process[0]);
	memcpy(life->byte[1], life->byte[0], sizeof life->byte[1]);
	memcpy(is_copied[1], is_copied[0], sizeof is_copied[1]);
}

static void life_step(struct life *life)
{
	int what = g_rand_int_range(life->rand, 0, 20);

	if (what == 0)
		call(life, msync_all(&life->p));
	else if (what == 1)
		call(life, vm_machine_sync(life->p.f.machine));
	else if (what == 2)
		vm_machine_reclaim(life->p.f.machine, 3);
	else if (what == 3)
		fork_again(life);
	else
		access_page(life, (unsigned)g_rand_int_range(life->rand, 0, PROCESSES),
		            (unsigned)g_rand_int_range(life->rand, 0, REGIONS),
		            (unsigned)g_rand_int_range(life->rand, 0, LIFE_PAGES),
		            g_rand_boolean(life->rand));
}

static void life_begin(struct life *life, unsigned frames, guint32 seed)
{
	struct pressure *p = &life->p;

	memset(life, 0, sizeof *life);
	memset(is_copied, 0, sizeof is_copied);
	pressure_begin(p, &(struct pressure_size){.frames = frames,
	                                          .slots = 64,
	                                          .file_pages = LIFE_PAGES,
	                                          .policy = seed & 1 ? "lru" : "clock",
	                                          .overcommit = VM_OVERCOMMIT_ALWAYS});
	life->rand = g_rand_new_with_seed(seed);
	map_path(&p->f, p->f.process, p->path, O_RDWR, PRIVATE_AT, LIFE_PAGES, RW, MAP_PRIVATE);
	map(p->f.process, ANON_AT, LIFE_PAGES, RW, PRIVATE_ANON);
	map(p->f.process, SHMEM_AT, LIFE_PAGES, RW, SHARED_ANON);
	for (unsigned page = 0; page < LIFE_PAGES; page++)
		life->byte[0][0][page] = life->byte[0][1][page] = (uint8_t)('a' + page);
	life->process[0] = p->f.process;
	life->process[1] = fork_of(p->f.process);
	memcpy(life->byte[1], life->byte[0], sizeof life->byte[1]);
}

/* The medium works again. Every access must work too, and the file must get everything. */
static void life_check(struct life *life)
{
	unsigned errors = life->errors;

	for (unsigned who = 0; who < PROCESSES; who++)
		for (unsigned region = 0; region < REGIONS; region++)
			for (unsigned page = 0; page < LIFE_PAGES; page++)
				access_page(life, who, region, page, false);
	g_assert_cmpuint(life->errors, ==, errors);
	assert_sound(life->p.f.machine);
	g_assert_cmpint(vm_machine_sync(life->p.f.machine), ==, 0);
	for (unsigned page = 0; page < LIFE_PAGES; page++)
		g_assert_cmpint(file_byte(life->p.path, page * PAGE), ==, life->byte[0][0][page]);
}

static void life_end(struct life *life)
{
	end(life->process[1]);
	g_rand_free(life->rand);
	pressure_end(&life->p);
}

struct trouble {
	const char *name;
	unsigned kinds, count;
	int error;
};

static const struct trouble troubles[] = {
    {"file-read", FILE_READ, 1, -EIO},
    {"file-write", FILE_WRITE, 1, -EIO},
    {"file-write-full", FILE_WRITE, 3, -ENOSPC},
    {"swap-read", SWAP_READ, 1, -EIO},
    {"swap-write", SWAP_WRITE, 1, -EIO},
    {"swap-write-full", SWAP_WRITE, 4, -ENOSPC},
    {"any", ANY_TRANSFER, 2, -EIO},
    {"for-a-while", ANY_TRANSFER, 20, -EIO},
};

static void test_every_moment(gconstpointer data)
{
	const struct trouble *trouble = data;
	unsigned met = 0;

	for (unsigned number = 1; number <= 40; number++) {
		struct life life;
		life_begin(&life, 1 + number % 4, number);
		medium_fails(&life.p, trouble->kinds, number, trouble->count, trouble->error);
		for (unsigned step = 0; step < 600; step++)
			life_step(&life);
		assert_sound(life.p.f.machine);
		met += medium_heals(&life.p) >= number;
		life_check(&life);
		life_end(&life);
	}
	/* Almost all of the moments were reached. */
	g_assert_cmpuint(met, >=, 35);
}

/* A medium that moves few bytes at a time is slow, but nothing fails. */
static void test_short(gconstpointer data)
{
	struct life life;

	for (guint32 seed = 1; seed <= 3; seed++) {
		life_begin(&life, seed, seed);
		life.p.medium.kinds = ANY_TRANSFER;
		life.p.medium.piece = GPOINTER_TO_SIZE(data);
		for (unsigned step = 0; step < 150; step++)
			life_step(&life);
		g_assert_cmpuint(life.errors, ==, 0);
		life_check(&life);
		life_end(&life);
	}
}

int main(int argc, char **argv)
{
	static const unsigned pieces[] = {1, 511, 4095};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(troubles); i++) {
		g_autofree char *name =
		    g_strconcat("/storage/every-moment/", troubles[i].name, NULL);
		g_test_add_data_func(name, &troubles[i], test_every_moment);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
		g_autofree char *name = g_strdup_printf("/storage/short/%u", pieces[i]);
		g_test_add_data_func(name, GUINT_TO_POINTER(pieces[i]), test_short);
	}
	return g_test_run();
}
