/*
 * test_exhaustion.c - each call with K page tables, K frames or K areas left, for every K until it succeeds.
 *
 * A call that fails leaves the machine sound and nobody else's memory changed, and of its own process only what its contract
 * says. With room again, the same call does all of its work.
 */
#include "tests/exec_fixture.h"
#include "tests/vm_fixture.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

/* --- The process ---------------------------------------------------------------------------------- */

/* Memory in pieces of 2 MiB, each under a page table of its own; the first pages of each and the last are looked at. */
enum { PIECES = 8, HEAP = PIECES, LOOKED_AT = 5, SAMPLES = (PIECES + 1) * LOOKED_AT, PIECE_PAGES = 512 };

#define PIECE_SIZE (PIECE_PAGES * PAGE)
#define AT(piece, page) (ARENA + (piece)*PIECE_SIZE + (page)*PAGE)
#define HEAP_AT UINT64_C(0x555555556000)

struct run {
	struct vm_fixture f;
	struct vm_process *parent, *eater;
	struct vm_process *process; /* whose call it is */
};

static uint64_t sample_va(int sample)
{
	int piece = sample / LOOKED_AT, page = sample % LOOKED_AT;

	if (piece == HEAP)
		return HEAP_AT + (uint64_t)page * PAGE;
	return AT((uint64_t)piece, page == LOOKED_AT - 1 ? PIECE_PAGES - 1 : (uint64_t)page);
}

/*
 * Pieces 0 and 1 are one private area, 2 is shared memory, 3 is private, 4 is where others move to, 5 was never touched, 6
 * and 7 are free. A fork has shared all tables.
 */
static void prepare(struct run *run)
{
	struct vm_process *parent = run->parent = run->f.process;

	map(parent, AT(0, 0), 2 * PIECE_PAGES, RW, PRIVATE_ANON);
	map(parent, AT(2, 0), PIECE_PAGES, RW, SHARED_ANON);
	map(parent, AT(3, 0), PIECE_PAGES, RW | PROT_EXEC, PRIVATE_ANON);
	map(parent, AT(4, 0), PIECE_PAGES, RW, PRIVATE_ANON);
	map(parent, AT(5, 0), PIECE_PAGES, PROT_READ | PROT_EXEC, PRIVATE_ANON);
	g_assert_cmphex(vm_brk(parent, HEAP_AT + 4 * PAGE), ==, HEAP_AT + 4 * PAGE);
	for (int piece = 0; piece <= 4; piece++)
		for (uint64_t page = 0; page < 3; page++)
			put(parent, AT((uint64_t)piece, page), (uint8_t)('a' + piece));
	put(parent, HEAP_AT, 'h');
	put(parent, HEAP_AT + 2 * PAGE, 'h');
	run->process = fork_of(parent);
	run->eater = spawn(&run->f);
}

/* --- What a process has ----------------------------------------------------------------------------- */

/* Rights, whether locked, and the byte of each page that is looked at. */
struct state {
	struct sample {
		char perm[5];
		bool locked, empty_in_child;
		uint8_t byte;
	} sample[SAMPLES];
	uint64_t areas, locked;
};

static void note_area(void *ctx, const struct vm_area_usage *usage)
{
	struct state *state = ctx;

	state->areas++;
	for (int i = 0; i < SAMPLES; i++) {
		struct sample *sample = &state->sample[i];
		if (sample_va(i) < usage->area.start || sample_va(i) >= usage->area.end)
			continue;
		memcpy(sample->perm, usage->area.perm, sizeof sample->perm);
		sample->locked = strstr(usage->vm_flags, "lo ") != NULL;
		sample->empty_in_child = strstr(usage->vm_flags, "wf ") != NULL;
	}
}

static struct state state_of(struct vm_process *process)
{
	struct state state;

	memset(&state, 0, sizeof state);
	g_assert_cmpint(vm_process_usage(process, note_area, &state), ==, 0);
	for (int i = 0; i < SAMPLES; i++)
		vm_peek(process, sample_va(i), &state.sample[i].byte, 1);
	return state;
}

static bool same_sample(const struct state *a, const struct state *b, int i)
{
	return memcmp(&a->sample[i], &b->sample[i], sizeof a->sample[i]) == 0;
}

static bool same_state(const struct state *a, const struct state *b)
{
	int i = 0;

	while (i < SAMPLES && same_sample(a, b, i))
		i++;
	return i == SAMPLES && a->areas == b->areas;
}

/* --- What is left ----------------------------------------------------------------------------------- */

enum { MANY = 128 };

/* All page tables but K are the eater's. */
static void leave_tables(struct run *run, uint64_t k)
{
	struct vm_fault record;
	uint64_t eaten = 0;

	map(run->eater, AT(0, 0), MANY * PIECE_PAGES, RW, PRIVATE_ANON);
	while (touch(run->eater, AT(eaten, 0), VM_ACCESS_READ, &record) == 0)
		eaten++;
	g_assert_cmpuint(k, <, eaten);
	vm_munmap(run->eater, AT(0, 0), k * PIECE_SIZE + PAGE * (k == 0));
	if (k == 0)
		g_assert_cmpint(touch(run->eater, AT(eaten, 0), VM_ACCESS_READ, &record), ==, 0);
}

/* All frames but K are. There is no swap. */
static void leave_frames(struct run *run, uint64_t k)
{
	struct vm_fault record;
	uint64_t eaten = 0;

	map(run->eater, AT(0, 0), PIECE_PAGES, RW, PRIVATE_ANON);
	while (touch(run->eater, AT(0, eaten), VM_ACCESS_WRITE, &record) == 0)
		eaten++;
	g_assert_cmpuint(k, <, eaten);
	if (k > 0)
		g_assert_cmpint(vm_munmap(run->eater, AT(0, 0), k * PAGE), ==, 0);
}

static void give_back(struct run *run)
{
	end(run->eater);
	run->eater = NULL;
}

static void leave_areas(struct run *run, uint64_t k)
{
	struct state now = state_of(run->process);

	g_assert_cmpint(vm_machine_set_knob(run->f.machine, VM_KNOB_MAX_MAP_COUNT, now.areas + k), ==, 0);
}

static void allow_areas(struct run *run)
{
	g_assert_cmpint(vm_machine_set_knob(run->f.machine, VM_KNOB_MAX_MAP_COUNT, 65530), ==, 0);
}

static const struct resource {
	const char *name;
	void (*leave)(struct run *run, uint64_t k);
	void (*give_back)(struct run *run);
} resources[] = {
    {"tables", leave_tables, give_back},
    {"frames", leave_frames, give_back},
    {"areas", leave_areas, allow_areas},
};

/* --- The calls -------------------------------------------------------------------------------------- */

static int64_t unmap_within(struct vm_process *process)
{
	return vm_munmap(process, AT(0, 1), PIECE_SIZE);
}

static int64_t unmap_all(struct vm_process *process)
{
	return vm_munmap(process, AT(0, 1), 4 * PIECE_SIZE);
}

static int64_t map_over(struct vm_process *process)
{
	return vm_mmap(process, AT(0, 1), 3 * PIECE_SIZE, PROT_READ, PRIVATE_ANON | MAP_FIXED, NULL, 0);
}

static int64_t map_shared_over(struct vm_process *process)
{
	return vm_mmap(process, AT(1, 1), PIECE_SIZE, PROT_READ, SHARED_ANON | MAP_FIXED, NULL, 0);
}

static int64_t map_locked(struct vm_process *process)
{
	return vm_mmap(process, AT(6, 0), 4 * PAGE, RW, PRIVATE_ANON | MAP_FIXED | MAP_LOCKED, NULL, 0);
}

static int64_t shrink(struct vm_process *process)
{
	return vm_mremap(process, AT(0, 0), 2 * PIECE_SIZE, PAGE, 0, 0);
}

static int64_t grow_elsewhere(struct vm_process *process)
{
	return vm_mremap(process, AT(0, 1), PIECE_SIZE, 2 * PIECE_SIZE, MREMAP_MAYMOVE, 0);
}

static int64_t grow_in_place(struct vm_process *process)
{
	return vm_mremap(process, AT(5, 0), PIECE_SIZE, 2 * PIECE_SIZE, 0, 0);
}

static int64_t move(struct vm_process *process)
{
	return vm_mremap(process, AT(0, 1), PIECE_SIZE, PIECE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(6, 1));
}

static int64_t move_over(struct vm_process *process)
{
	return vm_mremap(process, AT(0, 0), PIECE_SIZE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(4, 1));
}

/* Piece 2 gets a hole, so that there are areas on both sides of one. */
static int64_t make_hole(struct vm_process *process)
{
	return vm_munmap(process, AT(2, 1), 2 * PAGE);
}

static int64_t move_several(struct vm_process *process)
{
	return vm_mremap(process, AT(1, 1), 2 * PIECE_SIZE, 2 * PIECE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(6, 1));
}

static int64_t move_and_stay(struct vm_process *process)
{
	return vm_mremap(process, AT(0, 1), PIECE_SIZE, PIECE_SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
}

static int64_t protect(struct vm_process *process)
{
	return vm_mprotect(process, AT(0, 1), 4 * PIECE_SIZE, PROT_READ);
}

static int64_t unprotect(struct vm_process *process)
{
	return vm_mprotect(process, AT(3, 1), 3 * PIECE_SIZE - 2 * PAGE, RW);
}

static int64_t lock(struct vm_process *process)
{
	return vm_mlock(process, AT(1, 1), 2 * PIECE_SIZE, MLOCK_ONFAULT);
}

static int64_t lock_now(struct vm_process *process)
{
	return vm_mlock(process, AT(4, 1), 6 * PAGE, 0);
}

static int64_t lock_all(struct vm_process *process)
{
	return vm_mlockall(process, MCL_CURRENT | MCL_ONFAULT);
}

static int64_t lock_most(struct vm_process *process)
{
	return vm_mlock(process, AT(0, 0), 5 * PIECE_SIZE, MLOCK_ONFAULT);
}

static int64_t unlock(struct vm_process *process)
{
	return vm_munlock(process, AT(0, 1), 4 * PIECE_SIZE);
}

static int64_t advise(struct vm_process *process, uint64_t pieces, int advice)
{
	return vm_madvise(process, AT(0, 1), pieces * PIECE_SIZE, advice);
}

static int64_t give_up_pages(struct vm_process *process)
{
	return advise(process, 4, MADV_DONTNEED);
}

static int64_t give_up_lazily(struct vm_process *process)
{
	return advise(process, 1, MADV_FREE);
}

static int64_t guard(struct vm_process *process)
{
	return advise(process, 2, MADV_GUARD_INSTALL);
}

static int64_t unguard(struct vm_process *process)
{
	return advise(process, 2, MADV_GUARD_REMOVE);
}

static int64_t wipe_on_fork(struct vm_process *process)
{
	return advise(process, 1, MADV_WIPEONFORK);
}

static int64_t populate(struct vm_process *process)
{
	return vm_madvise(process, AT(5, 1), PIECE_SIZE - PAGE, MADV_POPULATE_READ);
}

static int64_t populate_to_write(struct vm_process *process)
{
	return vm_madvise(process, AT(0, 0), 6 * PAGE, MADV_POPULATE_WRITE);
}

static int64_t clear_soft_dirty(struct vm_process *process)
{
	return vm_process_clear_refs(process, 4);
}

static int64_t give_heap_back(struct vm_process *process)
{
	return vm_sbrk(process, -3 * (int64_t)PAGE);
}

static int64_t grow_heap(struct vm_process *process)
{
	return vm_sbrk(process, (int64_t)PAGE);
}

static int64_t write_bytes(struct vm_process *process)
{
	uint8_t bytes[5 * VM_PAGE_SIZE];

	memset(bytes, 'w', sizeof bytes);
	ssize_t done = vm_write(process, AT(0, 0), bytes, sizeof bytes);
	return done == sizeof bytes ? 0 : MIN(done, -ENOMEM);
}

/* Not all that the child of a fork will have is the parent's. */
static int64_t prepare_fork(struct vm_process *process)
{
	int error = vm_madvise(process, AT(3, 0), PIECE_SIZE, MADV_DONTFORK);

	if (error == 0)
		error = vm_madvise(process, AT(4, 0), PIECE_SIZE, MADV_WIPEONFORK);
	return error == 0 ? vm_mlock(process, AT(2, 0), PIECE_SIZE, MLOCK_ONFAULT) : error;
}

static int64_t fork_and_end(struct vm_process *process)
{
	struct vm_cred cred = vm_process_cred(process);
	int error;
	struct vm_process *child = vm_fork(process, &cred, &error);

	if (child == NULL)
		return error;
	struct state parents = state_of(process), childs = state_of(child);
	g_assert_cmpuint(childs.areas, ==, parents.areas - 1);
	g_assert_cmpint(childs.sample[0].byte, ==, 'a');
	g_assert_cmpint(childs.sample[2 * LOOKED_AT].byte, ==, 'c');
	g_assert_false(childs.sample[2 * LOOKED_AT].locked);
	g_assert_cmpint(childs.sample[4 * LOOKED_AT].byte, ==, 0);
	end(child);
	return 0;
}

static struct vm_machine *machine_of_run;

static int64_t spawn_and_end(struct vm_process *process)
{
	struct vm_cred cred = vm_process_cred(process);
	int error;
	struct vm_process *other = vm_process_spawn(machine_of_run, &cred, "other", &error);

	if (other != NULL)
		end(other);
	return error;
}

static int64_t execute(struct vm_process *process)
{
	static const char *const argv[] = {"/bin/true", NULL};
	struct vm_exec_args args = {
	    .path = argv[0], .argv = argv, .opener = {.open = exec_open, .ctx = machine_of_run}};
	uint64_t entry;

	return vm_exec(process, &args, &entry);
}

/* --- What a failure may leave ------------------------------------------------------------------------ */

enum contract {
	NOTHING, /* all is as it was */
	FIRST,   /* the first pages are as after the call, the others as they were */
	EITHER,  /* each page is as it was or as after the call */
	TARGET,  /* all is as it was, but what was in piece 4 may be gone */
	LENIENT, /* EITHER, and no error is told */
};

static const struct call {
	const char *name;
	int64_t (*run)(struct vm_process *process);
	enum contract contract;
	int64_t (*first)(struct vm_process *process); /* what must have been done, with room, before; or NULL */
	bool once;                                    /* what it did is in the way of doing it again */
} calls[] = {
    {"munmap", unmap_within, NOTHING},
    {"munmap-several", unmap_all, NOTHING},
    {"mmap-over", map_over, NOTHING},
    {"mmap-shared-over", map_shared_over, NOTHING},
    {"mmap-locked", map_locked, LENIENT},
    {"mremap-shrink", shrink, NOTHING},
    {"mremap-grow-elsewhere", grow_elsewhere, NOTHING},
    {"mremap-grow", grow_in_place, NOTHING},
    {"mremap-move", move, NOTHING},
    {"mremap-over", move_over, TARGET},
    {"mremap-several", move_several, EITHER, .first = make_hole, .once = true},
    {"mremap-dontunmap", move_and_stay, NOTHING},
    {"mprotect", protect, FIRST},
    {"mprotect-writable", unprotect, FIRST},
    {"mlock-onfault", lock, FIRST},
    {"mlock", lock_now, EITHER},
    {"mlockall", lock_all, LENIENT},
    {"munlock", unlock, FIRST, .first = lock_most},
    {"dontneed", give_up_pages, FIRST},
    {"free", give_up_lazily, FIRST},
    {"guard-install", guard, FIRST},
    {"guard-remove", unguard, FIRST, .first = guard},
    {"wipeonfork", wipe_on_fork, FIRST},
    {"populate-read", populate, NOTHING},
    {"populate-write", populate_to_write, NOTHING},
    {"clear-refs", clear_soft_dirty, NOTHING},
    {"sbrk-shrink", give_heap_back, NOTHING},
    {"sbrk-grow", grow_heap, NOTHING},
    {"write", write_bytes, FIRST},
    {"fork", fork_and_end, NOTHING, .first = prepare_fork},
    {"spawn", spawn_and_end, NOTHING},
    {"exec", execute, NOTHING},
};

static void assert_contract(enum contract contract, const struct state *before, const struct state *after,
                            const struct state *now)
{
	bool still_first = contract == FIRST;

	for (int i = 0; i < SAMPLES; i++) {
		bool as_before = same_sample(now, before, i), as_after = same_sample(now, after, i);
		bool gone = contract == TARGET && i / LOOKED_AT == 4 && now->sample[i].perm[0] == '\0';
		if (contract == EITHER || contract == LENIENT || still_first)
			g_assert_true(as_before || as_after);
		else
			g_assert_true(as_before || gone);
		still_first = still_first && as_after;
	}
	if (contract == NOTHING)
		g_assert_cmpuint(now->areas, ==, before->areas);
}

static void begin(struct run *run, const struct call *call)
{
	static const struct vm_limits few = {.ram_pages = 48, .max_tables = 48};

	fixture_setup(&run->f, &few);
	prepare(run);
	if (call->first != NULL)
		g_assert_cmpint(call->first(run->process), ==, 0);
}

static void finish(struct run *run)
{
	vm_process_unref(run->process);
	if (run->eater != NULL)
		end(run->eater);
	fixture_teardown(&run->f, NULL);
}

static int64_t run_call(struct run *run, const struct call *call)
{
	struct vm_machine_info before, after;

	machine_of_run = run->f.machine;
	vm_machine_info(run->f.machine, &before);
	int64_t result = call->run(run->process);
	vm_machine_info(run->f.machine, &after);
	g_assert_cmpuint(after.processes, ==, before.processes);
	assert_sound(run->f.machine);
	return result;
}

/* The call with all the room in the world. */
static struct state state_after(const struct call *call)
{
	struct run run;

	begin(&run, call);
	g_assert_cmpint(run_call(&run, call), >=, 0);
	struct state after = state_of(run.process);
	finish(&run);
	return after;
}

/* The call with K of RESOURCE left: whether it could do all of its work. */
static bool succeeds(const struct call *call, const struct resource *resource, uint64_t k, const struct state *after)
{
	struct run run;

	begin(&run, call);
	struct state before = state_of(run.process), parents = state_of(run.parent);
	resource->leave(&run, k);
	int64_t result = run_call(&run, call);
	struct state now = state_of(run.process), parents_now = state_of(run.parent);
	bool done = result >= 0 && same_state(&now, after);
	g_test_message("%s with %lu %s: %ld", call->name, k, resource->name, result);
	g_assert_true(same_state(&parents, &parents_now));
	g_assert_true(done || result == -ENOMEM || result == -EAGAIN || call->contract == LENIENT);
	if (!done)
		assert_contract(call->contract, &before, after, &now);
	resource->give_back(&run);
	if (!done && !call->once) {
		g_assert_cmpint(run_call(&run, call), >=, 0);
		now = state_of(run.process);
		g_assert_true(same_state(&now, after));
	}
	finish(&run);
	return done;
}

static void test_call(gconstpointer data)
{
	const struct call *call = data;
	struct state after = state_after(call);

	for (size_t i = 0; i < G_N_ELEMENTS(resources); i++) {
		uint64_t k = 0;
		while (!succeeds(call, &resources[i], k, &after))
			g_assert_cmpuint(++k, <, 20);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
		g_autofree char *path = g_strconcat("/exhaustion/", calls[i].name, NULL);
		g_test_add_data_func(path, &calls[i], test_call);
	}
	return g_test_run();
}
