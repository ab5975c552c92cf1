/*
 * generator.c - see generator.h. A table has one row for each call: how often it comes, how its
 * arguments are chosen (arguments.h), and in which programs it occurs.
 */
#include "tests/differential/arguments.h"
#include "util/linux_constants.h"

#include <string.h>

/* --- Calls ------------------------------------------------------------------------------------ */

static uint64_t map_flags(struct generator *g)
{
	static const struct {
		uint64_t flag;
		unsigned percent;
	} extra[] = {{MAP_NORESERVE, 6},
	             {MAP_POPULATE, 8},
	             {MAP_STACK, 2},
	             {MAP_32BIT, 4},
	             {MAP_NONBLOCK, 2}};
	uint64_t flags = chance(g, 65)   ? MAP_PRIVATE
	                 : chance(g, 90) ? MAP_SHARED
	                                 : MAP_SHARED_VALIDATE;

	if (chance(g, 1))
		flags = pick(g, 2) * 4;
	for (unsigned i = 0; i < G_N_ELEMENTS(extra); i++)
		if (chance(g, extra[i].percent))
			flags |= extra[i].flag;
	if (g->locks && chance(g, 3))
		flags |= MAP_LOCKED;
	if (chance(g, 1))
		flags |= UINT64_C(1) << (21 + pick(g, 4));
	return flags;
}

static uint64_t pick_file(struct generator *g)
{
	static const unsigned modes[] = {0, 0, 2, 2, 2, 2, 1};

	return chance(g, 2) ? BAD_FILE : pick(g, FILES) * MODES + PICK_OF(g, modes);
}

static void gen_mmap(struct generator *g, struct step *step)
{
	uint64_t *arg = step->arg;

	pick_range(g, &arg[0], &arg[1]);
	arg[2] = pick_prot(g);
	arg[3] = map_flags(g);
	arg[4] = pick_file(g);
	if (chance(g, 60))
		arg[3] |= MAP_ANONYMOUS;
	else
		arg[5] = pick(g, chance(g, 80) ? 4 : 24) * PAGE;
	if (chance(g, 8))
		arg[3] |= MAP_GROWSDOWN;
	if (chance(g, 60))
		arg[3] |= MAP_FIXED;
	else if (chance(g, 15))
		arg[3] |= MAP_FIXED_NOREPLACE;
	else if (chance(g, 60))
		arg[0] = 0;
	if (chance(g, 2))
		arg[5] += chance(g, 50) ? 1 + pick(g, 4095) : huge_len(g) & -PAGE;
	remember(g, arg[0], arg[1]);
}

static void gen_range(struct generator *g, struct step *step)
{
	pick_range(g, &step->arg[0], &step->arg[1]);
}

static void gen_munmap(struct generator *g, struct step *step)
{
	gen_range(g, step);
	remember(g, step->arg[0], step->arg[1]);
}

static void gen_mprotect(struct generator *g, struct step *step)
{
	gen_range(g, step);
	step->arg[2] = pick_prot(g);
	/*
	 * Such a call begins at the first area in its range. That area must not be the host
	 * processes' code.
	 */
	if (chance(g, 4) && step->arg[1] < 4096 * PAGE)
		step->arg[2] |= PROT_GROWSDOWN;
	if (chance(g, 1))
		step->arg[2] |= PROT_GROWSUP;
}

static void gen_mremap(struct generator *g, struct step *step)
{
	static const uint64_t flags[] = {0,
	                                 MREMAP_MAYMOVE,
	                                 MREMAP_MAYMOVE,
	                                 MREMAP_MAYMOVE | MREMAP_FIXED,
	                                 MREMAP_MAYMOVE | MREMAP_FIXED,
	                                 MREMAP_MAYMOVE | MREMAP_FIXED,
	                                 MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
	                                 MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP};
	uint64_t *arg = step->arg, unused;

	pick_range(g, &arg[0], &arg[1]);
	arg[2] = chance(g, 45) ? arg[1] : chance(g, 50) ? arg[1] + small_len(g) : small_len(g);
	arg[3] = chance(g, 3) ? pick(g, 16) : PICK_OF(g, flags);
	/* Linux forgets to subtract what is unlocked in this way from the locked pages. */
	if (g->unprivileged && g->locks)
		arg[3] &= ~(uint64_t)MREMAP_DONTUNMAP;
	if (chance(g, 8))
		arg[1] = 0;
	if (chance(g, 2))
		arg[2] = chance(g, 50) ? 0 : huge_len(g);
	pick_range(g, &arg[4], &unused);
	if (arg[3] & MREMAP_FIXED)
		remember(g, arg[4], arg[2]);
}

static void gen_brk(struct generator *g, struct step *step)
{
	step->arg[0] = HEAP_START + pick(g, 40 * 4096);
	if (chance(g, 10))
		step->arg[0] = chance(g, 50) ? 0 : HEAP_START - 1 - pick(g, 5000);
	if (chance(g, 3))
		step->arg[0] = huge_len(g);
	remember(g, HEAP_START, 24 * PAGE);
}

static void gen_msync(struct generator *g, struct step *step)
{
	static const uint64_t flags[] = {
	    MS_ASYNC, MS_ASYNC, 0, MS_INVALIDATE, MS_INVALIDATE | MS_ASYNC, MS_ASYNC | MS_SYNC, 8};

	gen_range(g, step);
	step->arg[2] = chance(g, 5) ? MS_SYNC : PICK_OF(g, flags);
}

static void gen_mlock2(struct generator *g, struct step *step)
{
	gen_range(g, step);
	step->arg[2] = chance(g, 5) ? 2 : pick(g, 2);
}

static void gen_mlockall(struct generator *g, struct step *step)
{
	step->arg[0] = pick(g, 9);
	/*
	 * For users other than root the result depends on the size of the process. The host's
	 * processes are larger, since they have memory of their own.
	 */
	if (g->unprivileged)
		step->arg[0] &= ~(uint64_t)MCL_CURRENT;
}

static void gen_madvise(struct generator *g, struct step *step)
{
	/* The advice 5 does not exist. */
	static const uint64_t advices[] = {
	    MADV_NORMAL,
	    MADV_RANDOM,
	    MADV_SEQUENTIAL,
	    MADV_WILLNEED,
	    MADV_DONTNEED,
	    MADV_DONTNEED,
	    MADV_DONTNEED,
	    MADV_REMOVE,
	    MADV_DONTFORK,
	    MADV_DOFORK,
	    MADV_DONTDUMP,
	    MADV_DODUMP,
	    MADV_WIPEONFORK,
	    MADV_KEEPONFORK,
	    MADV_COLD,
	    MADV_PAGEOUT,
	    MADV_POPULATE_READ,
	    MADV_POPULATE_WRITE,
	    MADV_DONTNEED_LOCKED,
	    MADV_GUARD_INSTALL,
	    MADV_GUARD_INSTALL,
	    MADV_GUARD_REMOVE,
	    5,
	    MADV_FREE,
	};
	/* MADV_FREE stands last: where memory is short, the bytes may go. */
	unsigned count = G_N_ELEMENTS(advices) - (g->small ? 1 : 0);

	gen_range(g, step);
	/* A length up to the end of the address space would reach the stack too. */
	if (step->arg[1] > MINCORE_ROOM * PAGE)
		step->arg[1] = UINT64_MAX;
	step->arg[2] = advices[pick(g, count)];
	/*
	 * Before the kernel had a flag for guard pages, they also made families of anonymous pages
	 * in mappings of files.
	 */
	if (step->arg[2] == MADV_GUARD_INSTALL && !g->abilities->guard_flag)
		step->arg[2] = MADV_NORMAL;
}

/* The vector has room for this many pages. A larger length does not fit into the address space. */
static void gen_mincore(struct generator *g, struct step *step)
{
	gen_range(g, step);
	if (step->arg[1] > MINCORE_ROOM * PAGE)
		step->arg[1] = UINT64_MAX - (step->arg[1] & 4095);
}

/* Some tens of pages more than a process has at the start, so that the limit is soon reached. */
static uint64_t pick_limit(struct generator *g, uint64_t limit)
{
	static const unsigned pages[LIMITS] = {
	    [LIMIT_AS] = 80, [LIMIT_DATA] = 40, [LIMIT_STACK] = 60, [LIMIT_MEMLOCK] = 24};

	/* Whether a larger stack is allowed depends on the machine's size. */
	if (chance(g, 15))
		return chance(g, 50) && limit != LIMIT_STACK ? UINT64_MAX : UINT64_C(8) << 20;
	/*
	 * A limit of 0 data has a special meaning, which does not show on the host because the
	 * processes there have data.
	 */
	return (limit == LIMIT_DATA) + pick(g, pages[limit] + 1) * PAGE +
	       (chance(g, 15) ? pick(g, 4096) : 0);
}

static void gen_setrlimit(struct generator *g, struct step *step)
{
	static const uint64_t first_hard[LIMITS] = {UINT64_MAX, UINT64_MAX, UINT64_MAX,
	                                            UINT64_C(8) << 20};

	do
		step->arg[0] = pick(g, LIMITS);
	while (step->arg[0] == LIMIT_DATA && !g->limits_data);
	step->arg[1] = pick_limit(g, step->arg[0]);
	if (g->unprivileged || g->abilities->raise)
		step->arg[2] =
		    chance(g, 70) ? first_hard[step->arg[0]] : pick_limit(g, step->arg[0]);
	else
		step->arg[2] = first_hard[step->arg[0]];
}

static void gen_fork(struct generator *g, struct step *step)
{
	step->arg[0] = pick(g, SLOTS);
}

static void gen_nothing(struct generator *g, struct step *step)
{
}

static void gen_access(struct generator *g, struct step *step)
{
	uint64_t len;

	pick_range(g, &step->arg[0], &len);
	step->arg[0] &= -PAGE;
	step->arg[0] += chance(g, 30) ? 4096 - pick(g, 9) : pick(g, 4096);
	step->arg[1] = chance(g, 60) ? 1 : 1 + pick(g, 16);
	step->arg[2] = pick(g, 256);
}

/* Sometimes the byte is a return instruction, which a later step may fetch. */
static void gen_store(struct generator *g, struct step *step)
{
	gen_access(g, step);
	if (!chance(g, 20))
		return;
	step->arg[1] = 1;
	step->arg[2] = RETURN;
	g->returns[g->next_return++ % RECENT] = step->arg[0];
}

static void gen_fetch(struct generator *g, struct step *step)
{
	gen_access(g, step);
	if (g->next_return > 0 && chance(g, 70))
		step->arg[0] = g->returns[pick(g, MIN(g->next_return, RECENT))];
	step->arg[1] = step->arg[2] = 0;
}

static void gen_file_write(struct generator *g, struct step *step)
{
	step->arg[0] = pick(g, FILES);
	step->arg[1] = pick(g, 8 * 4096);
	step->arg[2] = 1 + pick(g, chance(g, 80) ? 16 : 4096);
	step->arg[3] = pick(g, 256);
}

static void gen_file_resize(struct generator *g, struct step *step)
{
	step->arg[0] = pick(g, FILES);
	step->arg[1] = pick(g, chance(g, 50) ? 10 * 4096 : 30 * 4096);
	if (chance(g, 30))
		step->arg[1] &= -PAGE;
}

/* Whether the program may contain calls of this kind. */
static bool has_all(const struct generator *g)
{
	return true;
}

static bool has_locks(const struct generator *g)
{
	return g->locks;
}

static bool has_limits(const struct generator *g)
{
	return g->limits;
}

/*
 * The limit of data counts the heap together with the program's own data. The host's processes have
 * such data.
 */
static bool has_heap(const struct generator *g)
{
	return !g->limits_data;
}

/* One row for each call: how often it comes, how its arguments are chosen, in which programs. */
static const struct {
	enum call call;
	unsigned weight;
	void (*generate)(struct generator *g, struct step *step);
	bool (*applies)(const struct generator *g);
} rows[] = {
    {CALL_MMAP, 150, gen_mmap, has_all},
    {CALL_MUNMAP, 60, gen_munmap, has_all},
    {CALL_MPROTECT, 80, gen_mprotect, has_all},
    {CALL_MREMAP, 90, gen_mremap, has_all},
    {CALL_BRK, 20, gen_brk, has_heap},
    {CALL_MSYNC, 10, gen_msync, has_all},
    {CALL_MLOCK, 10, gen_range, has_locks},
    {CALL_MLOCK2, 10, gen_mlock2, has_locks},
    {CALL_MUNLOCK, 14, gen_range, has_locks},
    {CALL_MLOCKALL, 3, gen_mlockall, has_locks},
    {CALL_MUNLOCKALL, 3, gen_nothing, has_locks},
    {CALL_MADVISE, 60, gen_madvise, has_all},
    {CALL_MINCORE, 8, gen_mincore, has_all},
    {CALL_SETRLIMIT, 20, gen_setrlimit, has_limits},
    {CALL_FORK, 25, gen_fork, has_all},
    {CALL_EXIT, 15, gen_nothing, has_all},
    {CALL_LOAD, 200, gen_access, has_all},
    {CALL_STORE, 300, gen_store, has_all},
    {CALL_FETCH, 60, gen_fetch, has_all},
    {CALL_FILE_WRITE, 6, gen_file_write, has_all},
    {CALL_FILE_RESIZE, 6, gen_file_resize, has_all},
};

/*
 * Keep [*ADDR, *ADDR + LEN) away from the host processes' own memory. For users other than root,
 * keep it away from the lowest addresses too.
 */
static void keep_away(const struct generator *g, uint64_t *addr, uint64_t len)
{
	uint64_t end = *addr + len;
	bool meets = HOST_END > *addr && end > HOST_CODE && end > *addr;

	if (meets || (g->unprivileged && *addr < 0x10000))
		*addr = len <= HOST_CODE ? 0 : HOST_END;
}

/* Which calls take ranges, and in which arguments. */
static void keep_ranges_away(const struct generator *g, struct step *step)
{
	uint64_t *arg = step->arg;

	if (step->call == CALL_FORK || step->call == CALL_FILE_WRITE ||
	    step->call == CALL_FILE_RESIZE || step->call == CALL_MLOCKALL ||
	    step->call == CALL_SETRLIMIT)
		return;
	/* A hint is safe only if there is room for another huge page after the range. */
	bool hint = step->call == CALL_MMAP && !(arg[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE));
	keep_away(g, &arg[0], MAX(arg[1], 1) + (hint ? UINT64_C(4) << 20 : 0));
	if (step->call == CALL_MREMAP) {
		keep_away(g, &arg[0], arg[2]);
		keep_away(g, &arg[4], arg[2]);
	}
}

static void generate_step(struct generator *g, struct step *step)
{
	unsigned total = 0, choice, row = 0;

	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
		total += rows[i].weight;
	choice = pick(g, total);
	while (choice >= rows[row].weight)
		choice -= rows[row++].weight;
	memset(step, 0, sizeof *step);
	if (chance(g, 25))
		g->slot = pick(g, SLOTS);
	step->slot = g->slot;
	if (!rows[row].applies(g)) {
		generate_step(g, step);
		return;
	}
	step->call = rows[row].call;
	rows[row].generate(g, step);
	keep_ranges_away(g, step);
}

void generate(struct program *program, uint32_t seed, uint32_t steps,
              const struct abilities *abilities)
{
	struct generator g = {.rand = g_rand_new_with_seed(seed), .abilities = abilities};

	*program = (struct program){.seed = seed};
	program->steps = MIN(steps, MAX_STEPS);
	program->small = seed % 3 == 0;
	g.small = program->small;
	g.unprivileged = program->unprivileged = !abilities->root || chance(&g, 30);
	g.locks = !program->small && abilities->root && chance(&g, 40);
	g.limits = abilities->root && chance(&g, 30);
	g.limits_data = g.limits && chance(&g, 50);
	g.main_spot = chance(&g, 60) ? 0 : pick(&g, SPOTS);
	for (uint32_t i = 0; i < program->steps; i++)
		generate_step(&g, &program->step[i]);
	g_rand_free(g.rand);
}
