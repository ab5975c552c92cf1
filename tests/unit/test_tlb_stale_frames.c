/*
 * test_tlb_stale_frames.c - no entry of the simulated TLB is stale after its page lost its frame or
 * its place in the file, or after its accessed or dirty bit was cleared (stale_scene.h).
 */
#include "tests/fixture/stale_scene.h"

/* --- Scenes: frames go ------------------------------------------------------------------------ */

/* Fill every free frame with data of another process. */
static struct vm_process *reuse_frames(struct pressure *p)
{
	struct vm_process *other = spawn(&p->f);

	fill(other, map(other, ARENA, 64, RW, PRIVATE_ANON), 64, 9);
	return other;
}

static void scene_eviction(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);

	push_out(p);
	struct vm_process *other = reuse_frames(p);
	prime_load(p->f.process, a, 1);
	put(p->f.process, a, 2);
	end(other);
	push_out(p);
	g_assert_cmpint(get(p->f.process, a), ==, 2);
}

static void scene_munlock(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);

	g_assert_cmpint(vm_mlock(p->f.process, a, PAGE, 0), ==, 0);
	prime(p->f.process, a, 2);
	push_out(p);
	assert_served(p->f.process, a, VM_ACCESS_WRITE);
	g_assert_cmpint(vm_munlock(p->f.process, a, PAGE), ==, 0);
	prime(p->f.process, a, 3);
	push_out(p);
	end(reuse_frames(p));
	assert_touch(p->f.process, a, VM_ACCESS_READ, VM_MAJOR, VM_FAULT_SWAP_IN);
	prime_load(p->f.process, a, 3);
}

static void scene_swapoff(struct pressure *p)
{
	uint64_t a = map(p->f.process, ARENA, 2, RW, PRIVATE_ANON), b = a + PAGE;

	put(p->f.process, a, 1);
	put(p->f.process, b, 2);
	push_out(p);
	/* One page is in a frame and a slot, the other only in a slot. */
	prime_load(p->f.process, a, 1);
	g_assert_cmpint(vm_machine_swapoff(p->f.machine), ==, 0);
	assert_sound(p->f.machine);
	prime_load(p->f.process, a, 1);
	prime_load(p->f.process, b, 2);
	prime(p->f.process, a, 3);
}

/* A page that was loaded from a slot keeps the slot until the first store. */
static void scene_swap_cache(struct pressure *p)
{
	uint64_t a = primed_page(p, RW, 1);

	push_out(p);
	prime_load(p->f.process, a, 1);
	prime(p->f.process, a, 2);
	push_out(p);
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
	push_out(p);
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

/* --- Scenes: files ---------------------------------------------------------------------------- */

static uint64_t mapped_file(struct pressure *p, const char *path, int flags)
{
	return map_path(&p->f, p->f.process, path, O_RDWR, 0, 2, RW, flags);
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
	/* An old translation of either process would let a store go unnoticed. */
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

/* --- Scenes: accessed and dirty bits ---------------------------------------------------------- */

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
	/* A load brings the translation back. The next store must still be noticed. */
	prime_load(p->f.process, a, 1);
	g_assert_false(soft_dirty(p->f.process, a));
	put(p->f.process, a, 2);
	g_assert_true(soft_dirty(p->f.process, a));
}

/* --- Running the scenes ----------------------------------------------------------------------- */

static const struct stale_scene scenes[] = {
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

static void test_scenes(gconstpointer geometry)
{
	play_scenes(scenes, G_N_ELEMENTS(scenes), geometry);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < GEOMETRIES; i++)
		add("stale-frames", &geometries[i], test_scenes);
	return g_test_run();
}
