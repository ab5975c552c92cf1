/*
 * test_exhaustion.c - each call with only K page tables, frames, areas or allocations of host
 * memory left, for every K until the call succeeds.
 *
 * After a call that fails, the machine is sound and no other process's memory has changed. The
 * calling process changed only as far as the call's contract allows. Once there is room, the same
 * call does all of its work.
 */
#include "tests/fixture/exhaustion.h"
#include "tests/fixture/short_memory.h"

/* --- The process ------------------------------------------------------------------------------ */

struct run {
	struct vm_fixture f;
	struct vm_process *parent, *eater;
	struct vm_process *process; /* makes the call */
	/* the call has memory for so many allocations; after that one fails, or all */
	bool few, all_fail;
	uint64_t allocations;
	bool failed; /* one has failed */
};

static uint64_t sample_va(int sample)
{
	int piece = sample / LOOKED_AT, page = sample % LOOKED_AT;

	if (piece == HEAP)
		return HEAP_AT + (uint64_t)page * PAGE;
	return AT((uint64_t)piece, page == LOOKED_AT - 1 ? PIECE_PAGES - 1 : (uint64_t)page);
}

/*
 * Pieces 0 and 1 are one private area. 2 is shared memory, 3 is private, and 4 is the target of
 * moves. 5 was never touched, 6 and 7 are free. The process is a fork, so it shares all tables with
 * its parent.
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

/* --- What a process has ----------------------------------------------------------------------- */

static bool note_area(void *ctx, const struct vm_area_usage *usage)
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
	return true;
}

struct state state_of(struct vm_process *process)
{
	struct state state;

	memset(&state, 0, sizeof state);
	g_assert_cmpint(vm_process_usage(process, 0, note_area, &state), ==, 0);
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

/* --- What is left ----------------------------------------------------------------------------- */

enum { MANY = 128 };

/* The eater takes all page tables except K. */
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

/* The eater takes all frames except K. There is no swap. */
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

	g_assert_cmpint(vm_machine_set_knob(run->f.machine, VM_KNOB_MAX_MAP_COUNT, now.areas + k),
	                ==, 0);
}

static void allow_areas(struct run *run)
{
	g_assert_cmpint(vm_machine_set_knob(run->f.machine, VM_KNOB_MAX_MAP_COUNT, 65530), ==, 0);
}

static void leave_allocations(struct run *run, uint64_t k)
{
	run->few = true;
	run->all_fail = true;
	run->allocations = k;
}

static void leave_one_out(struct run *run, uint64_t k)
{
	leave_allocations(run, k);
	run->all_fail = false;
}

static void allow_allocations(struct run *run)
{
	run->few = false;
}

static const struct resource {
	const char *name;
	void (*leave)(struct run *run, uint64_t k);
	void (*give_back)(struct run *run);
} resources[] = {
    {"tables", leave_tables, give_back},
    {"frames", leave_frames, give_back},
    {"areas", leave_areas, allow_areas},
    {"allocations", leave_allocations, allow_allocations},
    {"allocations but one", leave_one_out, allow_allocations},
};

/* --- The tests -------------------------------------------------------------------------------- */

static void assert_contract(enum contract contract, const struct state *before,
                            const struct state *after, const struct state *now, bool failed)
{
	bool still_first = contract == FIRST;

	for (int i = 0; i < SAMPLES; i++) {
		bool as_before = same_sample(now, before, i), as_after = same_sample(now, after, i);
		bool gone =
		    contract == TARGET && i / LOOKED_AT == 4 && now->sample[i].perm[0] == '\0';
		if (contract == EITHER || contract == LENIENT || still_first)
			g_assert_true(as_before || as_after);
		else
			g_assert_true(as_before || gone);
		still_first = still_first && as_after;
	}
	/* As in Linux, areas that were split before the memory ran out stay so. */
	if (contract == NOTHING && !failed)
		g_assert_cmpuint(now->areas, ==, before->areas);
}

static void begin(struct run *run, const struct call *call)
{
	*run = (struct run){.few = false};
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

/* What follows is not the call that is short of memory. */
static void call_done(void *ctx)
{
	struct run *run = ctx;

	run->failed |= short_memory_end();
}

static int64_t run_call(struct run *run, const struct call *call)
{
	struct vm_machine_info before, after;

	exhaustion_machine = run->f.machine;
	exhaustion_done = call_done;
	exhaustion_ctx = run;
	vm_machine_info(run->f.machine, &before);
	if (run->few)
		short_memory_begin(run->allocations, run->all_fail);
	int64_t result = call->run(run->process);
	run->failed |= short_memory_end();
	vm_machine_info(run->f.machine, &after);
	g_assert_cmpuint(after.processes, ==, before.processes);
	assert_sound(run->f.machine);
	return result;
}

/* The state after the call when nothing is short. */
static struct state state_after(const struct call *call)
{
	struct run run;

	begin(&run, call);
	g_assert_cmpint(run_call(&run, call), >=, 0);
	struct state after = state_of(run.process);
	finish(&run);
	return after;
}

/* Make the call with K of RESOURCE left. Returns whether it did all of its work. */
static bool succeeds(const struct call *call, const struct resource *resource, uint64_t k,
                     const struct state *after)
{
	struct run run;

	begin(&run, call);
	struct state before = state_of(run.process), parents = state_of(run.parent);
	resource->leave(&run, k);
	int64_t result = run_call(&run, call);
	struct state now = state_of(run.process), parents_now = state_of(run.parent);
	bool done = result >= 0 && same_state(&now, after);
	/* What needs no memory, or goes on without, ends the round only once it had enough. */
	bool enough = done && !run.failed;
	g_test_message("%s with %lu %s: %ld", call->name, k, resource->name, result);
	g_assert_true(same_state(&parents, &parents_now));
	bool stays = call->stays && run.failed;
	g_assert_true(done || result == -ENOMEM || result == -EAGAIN || call->contract == LENIENT ||
	              stays);
	if (!done && !stays)
		assert_contract(call->contract, &before, after, &now, run.failed);
	resource->give_back(&run);
	if (!done && !call->once) {
		g_assert_cmpint(run_call(&run, call), >=, 0);
		now = state_of(run.process);
		g_assert_true(same_state(&now, after));
	}
	finish(&run);
	return enough;
}

static void test_call(gconstpointer data)
{
	const struct call *call = data;
	struct state after = state_after(call);

	size_t count = G_N_ELEMENTS(resources) - (short_memory_works() && !call->aborts ? 0 : 2);

	for (size_t i = 0; i < count; i++) {
		uint64_t k = 0;
		while (!succeeds(call, &resources[i], k, &after))
			g_assert_cmpuint(++k, <, 1000);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < exhaustion_call_count; i++) {
		g_autofree char *path = g_strconcat("/exhaustion/", exhaustion_calls[i].name, NULL);
		g_test_add_data_func(path, &exhaustion_calls[i], test_call);
	}
	return g_test_run();
}
