/*
 * test_tlb_stale.c - no entry of the simulated TLB is ever stale.
 *
 * Each scene brings a translation into the TLB, takes it away by one of the ways that there are, and looks whether the next
 * access sees the truth. All of them run with each geometry, and without a TLB.
 */
#include "tests/tlb_fixture.h"

static bool is_on(struct vm_process *process)
{
	return counts(process).sets > 0;
}

static void assert_served(struct vm_process *process, uint64_t va, enum vm_access access)
{
	g_assert_cmpint(served(process, va, access), ==, is_on(process));
}

/* BYTE is at VA, and a translation for stores is in the TLB. */
static void prime(struct vm_process *process, uint64_t va, uint8_t byte)
{
	put(process, va, byte);
	assert_served(process, va, VM_ACCESS_WRITE);
}

/* ... for loads. */
static void prime_load(struct vm_process *process, uint64_t va, int byte)
{
	g_assert_cmpint(get(process, va), ==, byte);
	assert_served(process, va, VM_ACCESS_READ);
}

static uint64_t primed_page(struct pressure *p, int prot, uint8_t byte)
{
	uint64_t at = map(p->f.process, ARENA, 1, prot, PRIVATE_ANON);

	prime(p->f.process, at, byte);
	return at;
}

static void assert_gone(struct vm_process *process, uint64_t va)
{
	assert_touch(process, va, VM_ACCESS_READ, VM_FATAL, VM_FAULT_SEGV_MAPERR);
	assert_touch(process, va, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_SEGV_MAPERR);
}

/* --- Scenes: areas change -------------------------------------------------------------------------- */

static void scene_munmap(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);

	g_assert_cmpint(vm_munmap(p->f.process, a, PAGE), ==, 0);
	assert_gone(p->f.process, a);
	map(p->f.process, a, 1, RW, PRIVATE_ANON);
	g_assert_cmpint(get(p->f.process, a), ==, 0);
}

static void scene_map_over(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);

	map(p->f.process, a, 1, RW, PRIVATE_ANON);
	g_assert_cmpint(get(p->f.process, a), ==, 0);
	prime(p->f.process, a, 2);
	map(p->f.process, a, 1, PROT_NONE, PRIVATE_ANON);
	assert_touch(p->f.process, a, VM_ACCESS_READ, VM_FATAL, VM_FAULT_SEGV_ACCERR);
}

static void scene_brk(struct pressure *p)
{
	uint64_t start = (uint64_t)vm_brk(p->f.process, 0);

	vm_brk(p->f.process, start + PAGE);
	prime(p->f.process, start, 1);
	vm_brk(p->f.process, start);
	assert_gone(p->f.process, start);
	vm_brk(p->f.process, start + PAGE);
	g_assert_cmpint(get(p->f.process, start), ==, 0);
}

static void scene_mprotect(struct pressure *p)
{
	uint64_t a = primed_page(p, RW | PROT_EXEC, 1);

	assert_served(p->f.process, a, VM_ACCESS_EXEC);
	g_assert_cmpint(vm_mprotect(p->f.process, a, PAGE, RW), ==, 0);
	assert_touch(p->f.process, a, VM_ACCESS_EXEC, VM_FATAL, VM_FAULT_SEGV_ACCERR);
	prime(p->f.process, a, 2);
	g_assert_cmpint(vm_mprotect(p->f.process, a, PAGE, PROT_READ), ==, 0);
	assert_touch(p->f.process, a, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_SEGV_ACCERR);
	prime_load(p->f.process, a, 2);
	g_assert_cmpint(vm_mprotect(p->f.process, a, PAGE, PROT_NONE), ==, 0);
	assert_touch(p->f.process, a, VM_ACCESS_READ, VM_FATAL, VM_FAULT_SEGV_ACCERR);
	g_assert_cmpint(vm_mprotect(p->f.process, a, PAGE, RW), ==, 0);
	g_assert_cmpint(get(p->f.process, a), ==, 2);
	prime(p->f.process, a, 3);
}

static void scene_mremap(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1), b = a + 16 * PAGE, c = b + 16 * PAGE;

	g_assert_cmpint(vm_mremap(p->f.process, a, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, b), ==, b);
	assert_gone(p->f.process, a);
	prime_load(p->f.process, b, 1);
	/* Over a page that is in the TLB. */
	map(p->f.process, c, 1, RW, PRIVATE_ANON);
	prime(p->f.process, c, 2);
	g_assert_cmpint(vm_mremap(p->f.process, b, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, c), ==, c);
	g_assert_cmpint(get(p->f.process, c), ==, 1);
	assert_gone(p->f.process, b);
	/* The old area stays, without its pages. */
	prime(p->f.process, c, 3);
	g_assert_cmpint(vm_mremap(p->f.process, c, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, a), ==,
	                a);
	g_assert_cmpint(get(p->f.process, c), ==, 0);
	g_assert_cmpint(get(p->f.process, a), ==, 3);
}

static void scene_mremap_shrink(struct pressure *p)
{
	uint64_t a = map(p->f.process, ARENA, 2, RW, PRIVATE_ANON);

	prime(p->f.process, a + PAGE, 1);
	g_assert_cmpint(vm_mremap(p->f.process, a, 2 * PAGE, PAGE, 0, 0), ==, a);
	assert_gone(p->f.process, a + PAGE);
	g_assert_cmpint(vm_mremap(p->f.process, a, PAGE, 2 * PAGE, 0, 0), ==, a);
	g_assert_cmpint(get(p->f.process, a + PAGE), ==, 0);
}

/* A whole table of pages moves, which may be done by moving the table. */
static void scene_mremap_table(struct pressure *p)
{
	uint64_t span = 512 * PAGE, a = map(p->f.process, ARENA, 1024, RW, PRIVATE_ANON), b = a + 4 * span;

	prime(p->f.process, a + span - PAGE, 1);
	prime(p->f.process, a + span, 2);
	g_assert_cmpint(vm_mremap(p->f.process, a, 2 * span, 2 * span, MREMAP_MAYMOVE | MREMAP_FIXED, b), ==, b);
	assert_gone(p->f.process, a + span);
	assert_gone(p->f.process, a + span - PAGE);
	prime_load(p->f.process, b + span, 2);
	prime_load(p->f.process, b + span - PAGE, 1);
}

static void scene_exec(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);

	exec_program(p, p->f.process, "/bin/true");
	assert_gone(p->f.process, a);
	map(p->f.process, a, 1, RW, PRIVATE_ANON);
	g_assert_cmpint(get(p->f.process, a), ==, 0);
}

/* --- Scenes: fork ----------------------------------------------------------------------------------- */

static void scene_fork(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);
	struct vm_process *child = fork_of(p->f.process);

	/* The translation of before would write into what is the child's too. */
	put(p->f.process, a, 2);
	g_assert_cmpint(get(child, a), ==, 1);
	g_assert_cmpint(get(p->f.process, a), ==, 2);
	prime(p->f.process, a, 3);
	g_assert_cmpint(get(child, a), ==, 1);
	end(child);
}

static void scene_cow_copy(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);
	struct vm_process *child = fork_of(p->f.process), *second = fork_of(child);

	prime_load(p->f.process, a, 1);
	prime_load(child, a, 1);
	prime_load(second, a, 1);
	/* Each leaves the frame; the translations for loads must follow. */
	put(child, a, 2);
	prime_load(child, a, 2);
	prime_load(second, a, 1);
	put(p->f.process, a, 3);
	prime_load(p->f.process, a, 3);
	put(second, a, 4);
	prime_load(second, a, 4);
	g_assert_cmpint(get(child, a), ==, 2);
	g_assert_cmpint(get(p->f.process, a), ==, 3);
	end(second);
	end(child);
}

static void scene_cow_reuse(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);
	struct vm_process *child = fork_of(p->f.process);
	struct vm_fault record;

	prime_load(child, a, 1);
	put(p->f.process, a, 2);
	assert_touch(child, a, VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_COW_REUSE);
	prime(child, a, 3);
	g_assert_cmpint(get(p->f.process, a), ==, 2);
	/* Alone again, it writes where it is; a new fork takes the right away again. */
	struct vm_process *second = fork_of(child);
	g_assert_cmpint(touch(child, a, VM_ACCESS_WRITE, &record), ==, 0);
	g_assert_cmpint(record.outcome, ==, VM_MINOR);
	put(child, a, 4);
	g_assert_cmpint(get(second, a), ==, 3);
	end(second);
	end(child);
}

/* The first read maps the zero page. */
static void scene_zero_page(struct pressure *p)
{
	uint64_t a = map(p->f.process, ARENA, 1, RW, PRIVATE_ANON),
	         b = map(p->f.process, a + PAGE, 1, RW, PRIVATE_ANON);

	prime_load(p->f.process, a, 0);
	put(p->f.process, a, 1);
	prime_load(p->f.process, a, 1);
	g_assert_cmpint(get(p->f.process, b), ==, 0);
}

/* The page tables that a fork shares change for both. */
static void scene_shared_tables(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);
	struct vm_process *child = fork_of(p->f.process);

	prime_load(p->f.process, a, 1);
	prime_load(child, a, 1);
	evict_all(p);
	assert_sound(p->f.machine);
	struct vm_process *other = spawn(&p->f);
	fill(other, map(other, ARENA, 60, RW, PRIVATE_ANON), 60, 9);
	prime_load(child, a, 1);
	prime_load(p->f.process, a, 1);
	end(other);
	end(child);
}

/* All that a shared table serves goes from one of the two that share it: the middle one of three tables is not copied first. */
static void scene_leave_table(struct pressure *p)
{
	uint64_t span = 512 * PAGE, a = map(p->f.process, ARENA, 1536, RW, PRIVATE_ANON) + span;

	prime(p->f.process, a, 1);
	struct vm_process *child = fork_of(p->f.process);
	prime_load(child, a, 1);
	prime_load(p->f.process, a, 1);
	g_assert_cmpint(vm_munmap(child, a - span, 3 * span), ==, 0);
	assert_sound(p->f.machine);
	assert_gone(child, a);
	prime_load(p->f.process, a, 1);
	end(child);
}

/* --- Scenes: frames go ------------------------------------------------------------------------------- */

/* Others' data in every frame that has been given up. */
static struct vm_process *reuse_frames(struct pressure *p)
{
	struct vm_process *other = spawn(&p->f);

	fill(other, map(other, ARENA, 64, RW, PRIVATE_ANON), 64, 9);
	return other;
}

static void scene_eviction(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);

	evict_all(p);
	assert_sound(p->f.machine);
	struct vm_process *other = reuse_frames(p);
	prime_load(p->f.process, a, 1);
	put(p->f.process, a, 2);
	end(other);
	evict_all(p);
	g_assert_cmpint(get(p->f.process, a), ==, 2);
}

static void scene_munlock(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);

	g_assert_cmpint(vm_mlock(p->f.process, a, PAGE, 0), ==, 0);
	prime(p->f.process, a, 2);
	evict_all(p);
	assert_served(p->f.process, a, VM_ACCESS_WRITE);
	g_assert_cmpint(vm_munlock(p->f.process, a, PAGE), ==, 0);
	prime(p->f.process, a, 3);
	evict_all(p);
	end(reuse_frames(p));
	assert_touch(p->f.process, a, VM_ACCESS_READ, VM_MAJOR, VM_FAULT_SWAP_IN);
	prime_load(p->f.process, a, 3);
}

static void scene_swapoff(struct pressure *p)
{
	uint64_t a = map(p->f.process, ARENA, 2, RW, PRIVATE_ANON), b = a + PAGE;

	put(p->f.process, a, 1);
	put(p->f.process, b, 2);
	evict_all(p);
	/* One is in its frame and its slot, the other in its slot alone. */
	prime_load(p->f.process, a, 1);
	g_assert_cmpint(vm_machine_swapoff(p->f.machine), ==, 0);
	assert_sound(p->f.machine);
	prime_load(p->f.process, a, 1);
	prime_load(p->f.process, b, 2);
	prime(p->f.process, a, 3);
}

/* A page loaded from its slot is still the slot's: the first store ends that. */
static void scene_swap_cache(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);

	evict_all(p);
	prime_load(p->f.process, a, 1);
	prime(p->f.process, a, 2);
	evict_all(p);
	end(reuse_frames(p));
	g_assert_cmpint(get(p->f.process, a), ==, 2);
}

static void scene_shared_memory(struct pressure *p)
{
	uint64_t a = map(p->f.process, ARENA, 1, RW, SHARED_ANON);
	struct vm_process *child;

	prime(p->f.process, a, 1);
	child = fork_of(p->f.process);
	prime_load(child, a, 1);
	prime(p->f.process, a, 2);
	prime_load(child, a, 2);
	evict_all(p);
	end(reuse_frames(p));
	prime(child, a, 3);
	prime_load(p->f.process, a, 3);
	end(child);
}

static void scene_exit(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);
	struct vm_process *child = fork_of(p->f.process);

	prime_load(child, a, 1);
	end(child);
	end(reuse_frames(p));
	g_assert_cmpint(get(p->f.process, a), ==, 1);
	prime(p->f.process, a, 2);
}

/* --- Scenes: files ----------------------------------------------------------------------------------- */

static uint64_t mapped_file(struct pressure *p, const char *path, int flags)
{
	struct vm_file *file = open_file(&p->f, path, O_RDWR);
	uint64_t at = map_file(p->f.process, 0, 2, RW, flags, file, 0);

	vm_file_unref(file);
	return at;
}

static void scene_write_back(struct pressure *p)
{
	g_autofree char *path = make_file(&p->f, "file", 2 * PAGE, 'a');
	uint64_t a = mapped_file(p, path, MAP_SHARED);
	struct vm_process *child;

	prime(p->f.process, a, 'x');
	child = fork_of(p->f.process);
	prime(child, a, 'y');
	g_assert_cmpint(vm_msync(p->f.process, a, PAGE, MS_SYNC), ==, 0);
	g_assert_cmpint(file_byte(path, 0), ==, 'y');
	/* Either's translation would leave a store unnoticed. */
	assert_touch(child, a, VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_WRITE_NOTIFY);
	prime(child, a, 'z');
	g_assert_cmpint(vm_machine_sync(p->f.machine), ==, 0);
	g_assert_cmpint(file_byte(path, 0), ==, 'z');
	put(p->f.process, a, 'w');
	g_assert_cmpuint(machine_info(p).frames_dirty, ==, 1);
	g_assert_cmpint(vm_machine_sync(p->f.machine), ==, 0);
	g_assert_cmpint(file_byte(path, 0), ==, 'w');
	end(child);
}

static void scene_truncation(struct pressure *p)
{
	g_autofree char *path = make_file(&p->f, "file", 2 * PAGE, 'a');
	uint64_t a = mapped_file(p, path, MAP_SHARED);

	prime_load(p->f.process, a + PAGE, 'b');
	resize_file(path, PAGE);
	g_assert_cmpint(vm_msync(p->f.process, a, 2 * PAGE, MS_INVALIDATE), ==, 0);
	assert_touch(p->f.process, a + PAGE, VM_ACCESS_READ, VM_FATAL, VM_FAULT_SIGBUS);
	write_file(path, PAGE, PAGE, 'c');
	prime_load(p->f.process, a + PAGE, 'c');
}

static void scene_changed_file(struct pressure *p)
{
	g_autofree char *path = make_file(&p->f, "file", 2 * PAGE, 'a');
	uint64_t a = mapped_file(p, path, MAP_SHARED), b = mapped_file(p, path, MAP_PRIVATE);

	prime_load(p->f.process, a, 'a');
	prime_load(p->f.process, b, 'a');
	prime(p->f.process, b + PAGE, 'p');
	write_file(path, 0, 2 * PAGE, 'n');
	g_assert_cmpint(vm_msync(p->f.process, a, 2 * PAGE, MS_INVALIDATE), ==, 0);
	g_assert_cmpint(get(p->f.process, a), ==, 'n');
	g_assert_cmpint(get(p->f.process, b), ==, 'n');
	g_assert_cmpint(get(p->f.process, b + PAGE), ==, 'p');
}

static void scene_dropped(struct pressure *p)
{
	g_autofree char *path = make_file(&p->f, "file", 2 * PAGE, 'a');
	uint64_t a = mapped_file(p, path, MAP_SHARED);

	prime_load(p->f.process, a, 'a');
	vm_machine_drop_entries(p->f.machine);
	assert_sound(p->f.machine);
	vm_machine_drop_caches(p->f.machine);
	struct vm_process *other = reuse_frames(p);
	prime_load(p->f.process, a, 'a');
	end(other);
}

/* --- Scenes: accessed and dirty bits ------------------------------------------------------------------ */

static void scene_clear_accessed(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);

	g_assert_cmpint(vm_process_clear_refs(p->f.process, 1), ==, 0);
	g_assert_false(served(p->f.process, a, VM_ACCESS_READ));
	assert_served(p->f.process, a, VM_ACCESS_READ);
	prime(p->f.process, a, 2);
}

static void scene_clear_soft_dirty(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);

	g_assert_true(soft_dirty(p->f.process, a));
	g_assert_cmpint(vm_process_clear_refs(p->f.process, 4), ==, 0);
	g_assert_false(soft_dirty(p->f.process, a));
	/* A load brings the translation back, and the store after it still has to be noticed. */
	prime_load(p->f.process, a, 1);
	g_assert_false(soft_dirty(p->f.process, a));
	put(p->f.process, a, 2);
	g_assert_true(soft_dirty(p->f.process, a));
}

/* --- Running the scenes -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*play)(struct pressure *p);
} scenes[] = {
    {"munmap", scene_munmap},
    {"map-over", scene_map_over},
    {"brk", scene_brk},
    {"mprotect", scene_mprotect},
    {"mremap", scene_mremap},
    {"mremap-shrink", scene_mremap_shrink},
    {"mremap-table", scene_mremap_table},
    {"exec", scene_exec},
    {"fork", scene_fork},
    {"cow-copy", scene_cow_copy},
    {"cow-reuse", scene_cow_reuse},
    {"zero-page", scene_zero_page},
    {"shared-tables", scene_shared_tables},
    {"leave-table", scene_leave_table},
    {"eviction", scene_eviction},
    {"munlock", scene_munlock},
    {"swapoff", scene_swapoff},
    {"swap-cache", scene_swap_cache},
    {"shared-memory", scene_shared_memory},
    {"exit", scene_exit},
    {"write-back", scene_write_back},
    {"truncation", scene_truncation},
    {"changed-file", scene_changed_file},
    {"dropped", scene_dropped},
    {"clear-accessed", scene_clear_accessed},
    {"clear-soft-dirty", scene_clear_soft_dirty},
};

static void test_scenes(gconstpointer data)
{
	for (size_t i = 0; i < G_N_ELEMENTS(scenes); i++) {
		struct pressure p;

		g_test_message("%s", scenes[i].name);
		begin(&p, data);
		scenes[i].play(&p);
		pressure_end(&p);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < GEOMETRIES; i++)
		add("stale", &geometries[i], test_scenes);
	return g_test_run();
}
