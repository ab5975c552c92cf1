/*
 * test_replay.c - references replayed by vm_replay: with contents and without, and one by one by
 * vm_access, all counts are the same; areas are made as needed; errors stop where they should.
 */
#include "tests/fixture/vm_fixture.h"
#include "util/linux_constants.h"
#include "vm/internal.h"

#include <stdlib.h>
#include <unistd.h>

#define BASE UINT64_C(0x40000000)

/* --- Machines --------------------------------------------------------------------------------- */

enum { FRAMES = 24, SLOTS = 200, PAGES = 150, REFERENCES = 6000 };

/* A swap file, or no medium without contents. */
static struct vm_medium swap_of(bool no_contents)
{
	char name[] = "/tmp/replay-XXXXXX";

	if (no_contents)
		return (struct vm_medium){.ops = NULL};
	int fd = mkstemp(name);
	g_assert_cmpint(fd, >=, 0);
	unlink(name);
	g_assert_cmpint(ftruncate(fd, (off_t)SLOTS * VM_PAGE_SIZE), ==, 0);
	return vm_host_medium(fd);
}

static struct vm_machine *machine_new(const char *policy, bool no_contents, unsigned tlb_sets)
{
	struct vm_config config;
	g_autoptr(GError) error = NULL;

	vm_config_init(&config);
	config.ram = FRAMES * PAGE;
	config.swap = SLOTS * PAGE;
	config.swap_medium = swap_of(no_contents);
	config.policy = policy;
	config.no_contents = no_contents;
	config.tlb_sets = tlb_sets;
	struct vm_machine *machine = vm_machine_new(&config, &error);
	g_assert_no_error(error);
	return machine;
}

static struct vm_process *process_new(struct vm_machine *machine)
{
	struct vm_cred cred = {.uid = getuid(), .gid = getgid()};
	int error;
	struct vm_process *process = vm_process_spawn(machine, &cred, "trace", &error);

	g_assert_nonnull(process);
	/* To make it took faults. */
	g_assert_cmpint(vm_process_reset(process), ==, 0);
	return process;
}

static void machine_end(struct vm_machine *machine, struct vm_process *process)
{
	assert_sound(machine);
	end(process);
	assert_sound(machine);
	vm_machine_free(machine);
}

/* --- Streams ---------------------------------------------------------------------------------- */

/* Random references to PAGES pages, low ones more often; some reach into the next page or two. */
static struct vm_reference *stream_new(unsigned seed)
{
	struct vm_reference *stream = g_new(struct vm_reference, REFERENCES);
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	static const enum vm_access accesses[] = {VM_ACCESS_READ, VM_ACCESS_READ, VM_ACCESS_WRITE,
	                                          VM_ACCESS_EXEC};

	for (int i = 0; i < REFERENCES; i++) {
		int32_t page = g_rand_int_range(rand, 0, g_rand_int_range(rand, 1, PAGES));
		stream[i] = (struct vm_reference){
		    .va = BASE + (uint64_t)page * PAGE + (uint64_t)g_rand_int_range(rand, 0, 4096),
		    .len = g_rand_int_range(rand, 0, 50) == 0 ? 9000 : 8,
		    .access = accesses[g_rand_int_range(rand, 0, 4)]};
	}
	/* So that both ways have a right to execute from the start. */
	stream[0].access = VM_ACCESS_EXEC;
	return stream;
}

/* All that is counted. */
struct counts {
	struct vm_replay_counts replay;
	struct vm_process_info process;
	struct vm_machine_info machine;
	struct vm_tlb_info tlb;
};

static void count(struct vm_machine *machine, struct vm_process *process, struct counts *counts)
{
	vm_process_replay_counts(process, &counts->replay);
	vm_process_summary(process, &counts->process);
	vm_machine_info(machine, &counts->machine);
	vm_process_tlb(process, &counts->tlb, NULL, NULL);
}

#define SAME(a, b, member) g_assert_cmpuint((a)->member, ==, (b)->member)

static void compare_counts(const struct counts *a, const struct counts *b)
{
	SAME(a, b, process.minor_faults);
	SAME(a, b, process.major_faults);
	SAME(a, b, process.evicted);
	SAME(a, b, machine.faults);
	SAME(a, b, machine.major_faults);
	SAME(a, b, machine.zeroed);
	SAME(a, b, machine.swap_ins);
	SAME(a, b, machine.swap_outs);
	SAME(a, b, machine.swap_used);
	SAME(a, b, machine.scanned);
	SAME(a, b, machine.reclaimed);
	SAME(a, b, machine.frames_free);
	SAME(a, b, machine.frames_shmem);
	SAME(a, b, machine.frames_anon);
	SAME(a, b, machine.tables);
	SAME(a, b, tlb.hits);
	SAME(a, b, tlb.misses);
	SAME(a, b, tlb.flushes);
}

static void replay_all(struct vm_process *process, const struct vm_reference *stream, size_t piece)
{
	int error = 0;

	for (size_t done = 0; done < REFERENCES; done += piece) {
		size_t some = MIN(piece, REFERENCES - done);
		g_assert_cmpuint(vm_replay(process, stream + done, some, &error), ==, some);
		g_assert_cmpint(error, ==, 0);
	}
}

/* --- The same counts -------------------------------------------------------------------------- */

static void run_replay(const char *policy, bool no_contents, unsigned sets,
                       const struct vm_reference *stream, size_t piece, struct counts *counts)
{
	struct vm_machine *machine = machine_new(policy, no_contents, sets);
	struct vm_process *process = process_new(machine);

	replay_all(process, stream, piece);
	count(machine, process, counts);
	machine_end(machine, process);
}

/* The area is made by the first reference in each way: the same one. */
static void run_one_by_one(const char *policy, unsigned sets, const struct vm_reference *stream,
                           struct counts *counts)
{
	struct vm_machine *machine = machine_new(policy, false, sets);
	struct vm_process *process = process_new(machine);
	int error;

	g_assert_cmpuint(vm_replay(process, stream, 1, &error), ==, 1);
	for (int i = 1; i < REFERENCES; i++)
		g_assert_cmpint(
		    vm_access(process, stream[i].va, stream[i].len, stream[i].access, NULL, NULL),
		    ==, 0);
	count(machine, process, counts);
	machine_end(machine, process);
}

/* What a replay counted for itself agrees with what everybody counted. */
static void check_sums(const struct counts *counts, unsigned sets)
{
	const struct vm_replay_counts *replay = &counts->replay;

	g_assert_cmpuint(replay->references, ==, REFERENCES);
	g_assert_cmpuint(replay->hits + replay->minor + replay->major, ==, replay->pages);
	g_assert_cmpuint(replay->minor, ==, counts->process.minor_faults);
	g_assert_cmpuint(replay->major, ==, counts->process.major_faults);
	g_assert_cmpuint(replay->evicted_clean + replay->evicted_dirty, ==,
	                 counts->process.evicted);
	g_assert_cmpuint(replay->evicted_clean, >, 0);
	g_assert_cmpuint(replay->evicted_dirty, >, 0);
	g_assert_cmpuint(replay->tlb_hits, ==, counts->tlb.hits);
	g_assert_cmpuint(replay->tlb_misses, ==, counts->tlb.misses);
	g_assert_cmpuint(replay->tlb_hits + replay->tlb_misses, ==, sets > 0 ? replay->pages : 0);
}

static void test_same_counts(void)
{
	for (unsigned p = 0; vm_policy_name(p) != NULL; p++) {
		for (unsigned sets = 0; sets <= 4; sets += 4) {
			g_autofree struct vm_reference *stream = stream_new(p + 1);
			const char *policy = vm_policy_name(p);
			struct counts with, without, pieces, singly;
			run_replay(policy, false, sets, stream, REFERENCES, &with);
			run_replay(policy, true, sets, stream, REFERENCES, &without);
			run_replay(policy, true, sets, stream, 7, &pieces);
			run_one_by_one(policy, sets, stream, &singly);
			compare_counts(&with, &without);
			compare_counts(&with, &pieces);
			compare_counts(&with, &singly);
			check_sums(&with, sets);
			g_assert_cmpmem(&with.replay, sizeof with.replay, &without.replay,
			                sizeof without.replay);
		}
	}
}

/* --- Contents --------------------------------------------------------------------------------- */

/* What was stored in a page survives that references to others push it out and in again. */
static void test_contents_stay(void)
{
	struct vm_machine *machine = machine_new("lru", false, 4);
	struct vm_process *process = process_new(machine);
	g_autofree struct vm_reference *stream = stream_new(99);
	struct vm_machine_info info;

	replay_all(process, stream, REFERENCES);
	for (uint64_t page = 0; page < PAGES; page += 3)
		put(process, BASE + page * PAGE + page, 's');
	replay_all(process, stream, REFERENCES);
	for (uint64_t page = 0; page < PAGES; page++)
		g_assert_cmpint(get(process, BASE + page * PAGE + page), ==,
		                page % 3 == 0 ? 's' : 0);
	vm_machine_info(machine, &info);
	g_assert_cmpuint(info.swap_outs, >, PAGES);
	machine_end(machine, process);
}

/* --- Areas ------------------------------------------------------------------------------------ */

/* A reference of LEN bytes at VA; expects ERROR. */
static void replay_one(struct vm_process *process, uint64_t va, uint32_t len, enum vm_access access,
                       int expected)
{
	struct vm_reference reference = {va, len, access};
	int error;

	g_assert_cmpuint(vm_replay(process, &reference, 1, &error), ==, expected == 0);
	g_assert_cmpint(error, ==, expected);
}

/* Its areas without the stack. */
static uint64_t areas_of(struct vm_process *process)
{
	struct vm_process_info info;

	vm_process_info(process, &info);
	return info.areas - 1;
}

/* References all over the address space: few areas. */
static void test_scattered(struct vm_fixture *f, gconstpointer data)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(5);

	for (int i = 0; i < 3000; i++) {
		uint64_t page = (uint64_t)g_rand_int(rand) << 3 | (g_rand_int(rand) & 7);
		replay_one(f->process, page * PAGE % (VM_USER_END - PAGE), 8, VM_ACCESS_READ, 0);
	}
	g_assert_cmpuint(areas_of(f->process), <=, 256);
	assert_sound(f->machine);
}

/* The rights of the area at VA, "rw-s". */
static void assert_rights(struct vm_process *process, uint64_t va, const char *perm)
{
	struct vm_fault record;

	touch(process, va, VM_ACCESS_READ, &record);
	touch(process, va, VM_ACCESS_EXEC, &record);
	if (strcmp(perm, "rwxs") == 0)
		g_assert_cmpint(record.outcome, !=, VM_FATAL);
	else
		g_assert_cmpstr(record.area_perm, ==, perm);
}

static void test_edges(struct vm_fixture *f, gconstpointer data)
{
	struct vm_replay_counts counts;

	replay_one(f->process, 0, 1, VM_ACCESS_WRITE, 0);
	replay_one(f->process, 1, 1, VM_ACCESS_WRITE, 0);
	replay_one(f->process, VM_USER_END - 1, 1, VM_ACCESS_READ, 0);
	replay_one(f->process, VM_USER_END - 1, 2, VM_ACCESS_READ, -EINVAL);
	replay_one(f->process, VM_USER_END, 1, VM_ACCESS_READ, -EINVAL);
	replay_one(f->process, UINT64_MAX, 1, VM_ACCESS_READ, -EINVAL);
	replay_one(f->process, 0, 0, VM_ACCESS_READ, -EINVAL);
	replay_one(f->process, 0, 1, VM_ACCESS_NONE, -EINVAL);
	/* Three pages, of which the first is there. */
	replay_one(f->process, 0xfff, 4098, VM_ACCESS_READ, 0);
	vm_process_replay_counts(f->process, &counts);
	g_assert_cmpuint(counts.references, ==, 4);
	g_assert_cmpuint(counts.pages, ==, 6);
	g_assert_cmpuint(counts.minor, ==, 4);
	g_assert_cmpuint(counts.hits, ==, 2);
}

/* What executes makes its area executable, and no other. */
static void test_execute(struct vm_fixture *f, gconstpointer data)
{
	const uint64_t far = UINT64_C(1) << 40;

	replay_one(f->process, BASE, 8, VM_ACCESS_WRITE, 0);
	replay_one(f->process, far, 8, VM_ACCESS_READ, 0);
	assert_rights(f->process, BASE, "rw-s");
	replay_one(f->process, BASE + PAGE, 8, VM_ACCESS_EXEC, 0);
	assert_rights(f->process, BASE, "rwxs");
	assert_rights(f->process, far, "rw-s");
	/* Who takes the rights away has taken them away. */
	g_assert_cmpint(vm_mprotect(f->process, BASE, PAGE, PROT_READ), ==, 0);
	replay_one(f->process, BASE, 8, VM_ACCESS_WRITE, -EACCES);
	g_assert_cmpint(vm_mprotect(f->process, BASE, PAGE, PROT_NONE), ==, 0);
	replay_one(f->process, BASE, 8, VM_ACCESS_EXEC, -EACCES);
}

/* The process's own areas are used, and deny what they deny. Counts go up to the failure. */
static void test_own_areas(struct vm_fixture *f, gconstpointer data)
{
	struct vm_replay_counts counts;
	struct vm_reference stream[] = {{ARENA, 8, VM_ACCESS_READ},
	                                {ARENA, 8, VM_ACCESS_READ},
	                                {ARENA, 8, VM_ACCESS_WRITE},
	                                {ARENA, 8, VM_ACCESS_READ}};
	int error;

	map(f->process, ARENA, 2, PROT_READ, PRIVATE_ANON);
	g_assert_cmpuint(vm_replay(f->process, stream, 4, &error), ==, 2);
	g_assert_cmpint(error, ==, -EACCES);
	replay_one(f->process, ARENA, 8, VM_ACCESS_EXEC, -EACCES);
	vm_process_replay_counts(f->process, &counts);
	g_assert_cmpuint(counts.references, ==, 2);
	g_assert_cmpuint(counts.pages, ==, 2);
	g_assert_cmpuint(counts.hits, ==, 1);
	/* Past its end begins an area of the replay. */
	replay_one(f->process, ARENA + 2 * PAGE - 1, 2, VM_ACCESS_READ, 0);
	g_assert_cmpuint(areas_of(f->process), ==, 2);
}

/*
 * The tables of two pages are remembered in the same place. The first page's are marked as accessed
 * after the look ahead has put the second page's there.
 */
static void test_far_apart(struct vm_fixture *f, gconstpointer data)
{
	const uint64_t far = BASE + ((uint64_t)VM_UPPER_PATHS << 30);
	const struct vm_reference stream[] = {{BASE + PAGE, 8, VM_ACCESS_READ},
	                                      {far, 0, VM_ACCESS_READ}};
	int error;

	/* A guard page has tables, which nobody has accessed. */
	map(f->process, BASE, 2, PROT_READ, PRIVATE_ANON);
	map(f->process, far, 1, PROT_READ, PRIVATE_ANON);
	g_assert_cmpint(vm_madvise(f->process, BASE, PAGE, MADV_GUARD_INSTALL), ==, 0);
	g_assert_cmpint(vm_madvise(f->process, far, PAGE, MADV_GUARD_INSTALL), ==, 0);
	replay_one(f->process, BASE, 8, VM_ACCESS_READ, -EFAULT);
	g_assert_cmpuint(vm_replay(f->process, stream, 2, &error), ==, 1);
	g_assert_cmpint(error, ==, -EINVAL);
	assert_sound(f->machine);
}

/* Where limits leave no room for a large block, a smaller one is made. */
static void test_limits(struct vm_fixture *f, gconstpointer data)
{
	g_assert_cmpint(vm_process_set_limit(f->process, VM_LIMIT_AS, 64 * MIB, 64 * MIB), ==, 0);
	replay_one(f->process, BASE, 8, VM_ACCESS_READ, 0);
	replay_one(f->process, BASE + 2 * MIB, 8, VM_ACCESS_READ, 0);
	g_assert_cmpuint(areas_of(f->process), ==, 2);
	for (uint64_t i = 2; i < 31; i++)
		replay_one(f->process, BASE + 2 * i * MIB, 8, VM_ACCESS_READ, 0);
	/* No room for 2 MiB more, because there is a stack, too: page by page, as long as it goes. */
	struct vm_reference reference = {BASE + 64 * MIB, 8, VM_ACCESS_READ};
	int error;
	for (unsigned pages = 0; vm_replay(f->process, &reference, 1, &error) == 1; pages++) {
		g_assert_cmpuint(pages, <, 512);
		reference.va += PAGE;
	}
	g_assert_cmpint(error, ==, -ENOMEM);
	g_assert_cmpuint(areas_of(f->process), >, 100);
}

/* --- Reset ------------------------------------------------------------------------------------ */

static void test_reset(void)
{
	for (unsigned p = 0; vm_policy_name(p) != NULL; p++) {
		g_autofree struct vm_reference *stream = stream_new(p + 50);
		struct vm_machine *machine = machine_new(vm_policy_name(p), true, 4);
		struct vm_process *process = process_new(machine);
		struct counts first, empty, second;
		replay_all(process, stream, REFERENCES);
		count(machine, process, &first);
		g_assert_cmpint(vm_process_reset(process), ==, 0);
		assert_sound(machine);
		count(machine, process, &empty);
		g_assert_cmpuint(empty.machine.frames_free, ==, FRAMES);
		g_assert_cmpuint(empty.machine.swap_used, ==, 0);
		g_assert_cmpuint(empty.replay.references, ==, 0);
		g_assert_cmpuint(empty.tlb.misses, ==, 0);
		g_assert_cmpuint(empty.process.minor_faults, ==, 0);
		replay_all(process, stream, REFERENCES);
		count(machine, process, &second);
		/* The order of free frames is another one, and "random" goes by frames. */
		if (strcmp(vm_policy_name(p), "random") != 0)
			g_assert_cmpmem(&first.replay, sizeof first.replay, &second.replay,
			                sizeof second.replay);
		machine_end(machine, process);
	}
}

/* What another process has stays, and private memory of one's own goes. */
static void test_reset_shared(struct vm_fixture *f, gconstpointer data)
{
	map_filled(f->process, ARENA, 2, SHARED_ANON, 's');
	map_filled(f->process, ARENA + 4 * PAGE, 2, PRIVATE_ANON, 'p');
	struct vm_process *child = fork_of(f->process);
	map_filled(f->process, ARENA + 8 * PAGE, 2, SHARED_ANON, 'o');
	g_assert_cmpint(vm_process_reset(f->process), ==, 0);
	assert_filled(f->process, ARENA, 2, 's');
	assert_filled(f->process, ARENA + 4 * PAGE, 2, 0);
	assert_filled(f->process, ARENA + 8 * PAGE, 2, 0);
	assert_filled(child, ARENA, 2, 's');
	assert_filled(child, ARENA + 4 * PAGE, 2, 'p');
	end(child);
	struct vm_process *ended = fork_of(f->process);
	vm_process_kill(ended, 9);
	g_assert_cmpint(vm_process_reset(ended), ==, -ESRCH);
	replay_one(ended, BASE, 1, VM_ACCESS_READ, -ESRCH);
	vm_process_unref(ended);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/replay/same-counts", test_same_counts);
	g_test_add_func("/replay/contents-stay", test_contents_stay);
	FIXTURE_TEST("/replay/scattered", NULL, test_scattered);
	FIXTURE_TEST("/replay/edges", NULL, test_edges);
	FIXTURE_TEST("/replay/execute", NULL, test_execute);
	FIXTURE_TEST("/replay/own-areas", NULL, test_own_areas);
	FIXTURE_TEST("/replay/far-apart", NULL, test_far_apart);
	FIXTURE_TEST("/replay/limits", NULL, test_limits);
	g_test_add_func("/replay/reset", test_reset);
	FIXTURE_TEST("/replay/reset-shared", NULL, test_reset_shared);
	return g_test_run();
}
