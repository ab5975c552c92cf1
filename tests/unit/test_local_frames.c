/*
 * test_local_frames.c - the knob local_frames: beyond so many frames a process's own pages go.
 */
#include "tests/fixture/pressure.h"
#include "vm/base/lock.h"

static void begin(struct pressure *p, const char *policy, uint64_t limit)
{
	pressure_begin(p, &(struct pressure_size){.frames = 64,
	                                          .slots = 128,
	                                          .policy = policy,
	                                          .overcommit = VM_OVERCOMMIT_ALWAYS});
	g_assert_cmpint(vm_machine_set_knob(p->f.machine, VM_KNOB_LOCAL_FRAMES, limit), ==, 0);
}

static uint64_t resident(struct vm_process *process)
{
	struct vm_process_info info = process_info(process);

	return info.rss_anon + info.rss_file + info.rss_shmem;
}

/* The pages of process PID in the order of the queue, from the lowest address on. */
struct order {
	pid_t pid;
	unsigned count, used; /* USED: how many have the bit */
	uint64_t va[8];
};

static bool note_order(void *ctx, const struct vm_queue_info *page)
{
	struct order *order = ctx;

	if (page->pid == order->pid && order->count < G_N_ELEMENTS(order->va)) {
		order->used += page->referenced;
		order->va[order->count++] = page->va;
	}
	return true;
}

/* With any policy, a process keeps to the bound, and others keep their pages. */
static void test_bound(void)
{
	const char *policy;

	for (unsigned i = 0; (policy = vm_policy_name(i)) != NULL; i++) {
		struct pressure p;
		begin(&p, policy, 6);
		struct vm_process *other = spawn(&p.f);
		map_pattern(other, ARENA, 4, PRIVATE_ANON, 'A');
		map_pattern(p.f.process, ARENA, 20, PRIVATE_ANON, 'a');
		map_pattern(p.f.process, FAR, 9, SHARED_ANON, 'k');
		g_assert_cmpuint(resident(p.f.process), ==, 6);
		g_assert_cmpuint(resident(other), ==, 4);
		g_assert_cmpuint(machine_info(&p).frames_free, ==, 64 - 10);
		assert_pattern(p.f.process, ARENA, 20, 'a');
		assert_pattern(p.f.process, FAR, 9, 'k');
		g_assert_cmpuint(resident(p.f.process), ==, 6);
		assert_sound(p.f.machine);
		end(other);
		pressure_end(&p);
	}
}

/* Which of its pages goes is the policy's choice: that of a machine with so many frames. */
static void test_choice(void)
{
	static const char belady[] = "123412512345";
	static const struct {
		const char *policy;
		unsigned faults[2];
	} rows[] = {{"fifo", {9, 10}}, {"lru", {10, 8}},   {"mru", {7, 6}},
	            {"lfu", {10, 8}},  {"clock", {9, 10}}, {"clock0", {10, 8}}};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		for (unsigned frames = 3; frames <= 4; frames++) {
			struct pressure p;
			unsigned faults = 0;
			begin(&p, rows[i].policy, frames);
			map(p.f.process, ARENA, 8, RW, PRIVATE_ANON);
			for (const char *at = belady; *at != '\0'; at++) {
				struct vm_fault fault;
				touch(p.f.process, ARENA + (uint64_t)(*at - '0') * PAGE,
				      VM_ACCESS_WRITE, &fault);
				faults += fault.outcome != VM_HIT;
			}
			g_assert_cmpuint(faults, ==, rows[i].faults[frames - 3]);
			pressure_end(&p);
		}
}

/* The pages of others are as they were: the order in which they go, and their bits. */
static void test_others(void)
{
	const char *policy;

	for (unsigned i = 0; (policy = vm_policy_name(i)) != NULL; i++) {
		struct pressure p;
		/* random has no order. */
		if (strcmp(policy, "random") == 0)
			continue;
		begin(&p, policy, 6);
		struct vm_process *other = spawn(&p.f);
		map_pattern(other, ARENA, 6, PRIVATE_ANON, 'A');
		get(other, ARENA);
		get(other, ARENA + 2 * PAGE);
		struct order before = {.pid = vm_process_pid(other)}, after = before;
		vm_machine_queue(p.f.machine, 0, note_order, &before);
		map_pattern(p.f.process, ARENA, 30, PRIVATE_ANON, 'a');
		vm_machine_queue(p.f.machine, 0, note_order, &after);
		g_assert_cmpuint(before.count, ==, 6);
		g_assert_cmpmem(&before, sizeof before, &after, sizeof after);
		end(other);
		pressure_end(&p);
	}
}

/* A bound that is lowered holds from the next fault on; reads of the zero page cost nothing. */
static void test_lowered(void)
{
	struct pressure p;

	begin(&p, "lru", 0);
	map_pattern(p.f.process, ARENA, 20, PRIVATE_ANON, 'a');
	g_assert_cmpuint(resident(p.f.process), ==, 20);
	g_assert_cmpint(vm_machine_set_knob(p.f.machine, VM_KNOB_LOCAL_FRAMES, 3), ==, 0);
	map(p.f.process, FAR, 8, RW, PRIVATE_ANON);
	get(p.f.process, FAR);
	g_assert_cmpuint(resident(p.f.process), ==, 20);
	put(p.f.process, FAR, 'x');
	g_assert_cmpuint(resident(p.f.process), ==, 3);
	g_assert_cmpint(vm_machine_set_knob(p.f.machine, VM_KNOB_LOCAL_FRAMES, 0), ==, 0);
	assert_pattern(p.f.process, ARENA, 20, 'a');
	g_assert_cmpuint(resident(p.f.process), ==, 21);
	pressure_end(&p);
}

/* Somebody else lifts the bound when the fault has dropped a lock LEFT times. */
struct lift {
	struct vm_machine *machine;
	unsigned left;
	bool done;
};

static void lift(void *ctx, enum lock_point point)
{
	struct lift *lift = ctx;

	if (point != LOCK_DROPPED || lift->done || lift->left-- > 0)
		return;
	lift->done = true;
	g_assert_cmpint(vm_machine_set_knob(lift->machine, VM_KNOB_LOCAL_FRAMES, 0), ==, 0);
}

/* A bound that is lifted meanwhile is no bound of 0. */
static void test_lifted(void)
{
	bool done = true;

	for (unsigned left = 0; done; left++) {
		struct pressure p;
		begin(&p, "lru", 6);
		map_pattern(p.f.process, ARENA, 6, PRIVATE_ANON, 'a');
		map(p.f.process, FAR, 1, RW, PRIVATE_ANON);
		struct lift data = {.machine = p.f.machine, .left = left};
		lock_watch(p.f.machine, lift, &data);
		assert_touch(p.f.process, FAR, VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_DEMAND_ZERO);
		done = data.done;
		lock_watch(p.f.machine, NULL, NULL);
		g_assert_cmpuint(resident(p.f.process), >=, 6);
		pressure_end(&p);
	}
}

/* If none can go, the bound is exceeded; a page that others map, too, goes for all. */
static void test_shared_and_locked(void)
{
	struct pressure p;

	begin(&p, "lru", 4);
	map(p.f.process, FAR, 6, RW, PRIVATE_ANON | MAP_LOCKED);
	g_assert_cmpuint(resident(p.f.process), ==, 6);
	map(p.f.process, ARENA, 2, RW, PRIVATE_ANON);
	put(p.f.process, ARENA, 'x');
	put(p.f.process, ARENA + PAGE, 'x');
	g_assert_cmpuint(resident(p.f.process), ==, 7);
	g_assert_cmpint(entry_kind(p.f.process, ARENA), ==, VM_ENTRY_SWAP);
	g_assert_cmpint(vm_munlock(p.f.process, FAR, 6 * PAGE), ==, 0);
	g_assert_cmpint(vm_munmap(p.f.process, FAR, 6 * PAGE), ==, 0);
	map_pattern(p.f.process, ARENA + 64 * PAGE, 4, SHARED_ANON, 'a');
	struct vm_process *child = fork_of(p.f.process);
	assert_pattern(child, ARENA + 64 * PAGE, 4, 'a');
	g_assert_cmpuint(resident(child), ==, 4);
	map_pattern(child, FAR, 4, PRIVATE_ANON, 'f');
	g_assert_cmpuint(resident(child), ==, 4);
	g_assert_cmpuint(resident(p.f.process), ==, 0);
	assert_pattern(p.f.process, ARENA + 64 * PAGE, 4, 'a');
	assert_sound(p.f.machine);
	end(child);
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/local-frames/bound", test_bound);
	g_test_add_func("/local-frames/choice", test_choice);
	g_test_add_func("/local-frames/others", test_others);
	g_test_add_func("/local-frames/lowered", test_lowered);
	g_test_add_func("/local-frames/lifted", test_lifted);
	g_test_add_func("/local-frames/shared-and-locked", test_shared_and_locked);
	return g_test_run();
}
