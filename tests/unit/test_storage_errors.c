/*
 * test_storage_errors.c - transfers that fail: the error goes to the access or the call that met
 * it, and nothing else is lost.
 */
#include "tests/fixture/storage_fixture.h"

#include <unistd.h>

/* --- The right access ------------------------------------------------------------------------- */

static void test_file_read(void)
{
	struct scene scene;
	struct vm_process *process;

	scene_begin(&scene, 8, 0);
	process = scene.p.f.process;
	medium_fails(&scene.p, FILE_READ, 1, 1, -EIO);
	assert_touch(process, SHARED_AT, VM_ACCESS_READ, VM_FATAL, VM_FAULT_SIGBUS);
	g_assert_cmpint(process_info(process).last_signal, ==, SIGBUS);
	assert_sound(scene.p.f.machine);
	g_assert_cmpuint(machine_info(&scene.p).frames_free, ==, 8);
	assert_touch(process, SHARED_AT, VM_ACCESS_READ, VM_MAJOR, VM_FAULT_FILE_READ);
	/* In the middle of a long read: it ends short. */
	uint8_t bytes[4 * VM_PAGE_SIZE];
	medium_fails(&scene.p, FILE_READ, 2, 1, -EIO);
	g_assert_cmpint(load(process, SHARED_AT, bytes, sizeof bytes), ==, 2 * PAGE);
	g_assert_cmpint(load(process, SHARED_AT, bytes, sizeof bytes), ==, 4 * PAGE);
	medium_heals(&scene.p);
	scene_end(&scene);
}

/*
 * Somebody else changes the file, and the change cannot be read: what is there stays until it can.
 */
static void test_reread(void)
{
	struct scene scene;

	scene_begin(&scene, 8, 0);
	g_assert_cmpint(get(scene.p.f.process, SHARED_AT), ==, 'a');
	write_file(scene.path, 0, PAGE, 'n');
	struct vm_process *other = spawn(&scene.p.f);
	struct vm_file *file = open_file(&scene.p.f, scene.path, O_RDONLY);
	map_file(other, SHARED_AT, 2, PROT_READ, MAP_SHARED, file, 0);
	medium_fails(&scene.p, FILE_READ, 1, 1, -EIO);
	g_assert_cmpint(get(other, SHARED_AT), ==, 'a');
	g_assert_cmpuint(medium_heals(&scene.p), ==, 1);
	g_assert_cmpint(get(other, SHARED_AT + PAGE), ==, 'b');
	g_assert_cmpint(vm_madvise(other, SHARED_AT, PAGE, MADV_DONTNEED), ==, 0);
	g_assert_cmpint(get(other, SHARED_AT), ==, 'n');
	g_assert_cmpint(get(scene.p.f.process, SHARED_AT), ==, 'n');
	vm_file_unref(file);
	end(other);
	scene_end(&scene);
}

/* Pages behind the new end of a file that shrank are not written: it does not grow again. */
static void test_shrunk(void)
{
	struct scene scene;

	scene_begin(&scene, 8, 0);
	fill(scene.p.f.process, SHARED_AT, 4, 'm');
	resize_file(scene.path, PAGE);
	g_assert_cmpint(vm_machine_sync(scene.p.f.machine), ==, 0);
	g_assert_cmpuint(file_size(scene.path), ==, PAGE);
	g_assert_cmpint(file_byte(scene.path, 0), ==, 'm');
	assert_touch(scene.p.f.process, SHARED_AT + 2 * PAGE, VM_ACCESS_READ, VM_HIT,
	             VM_FAULT_NONE);
	g_assert_cmpint(vm_msync(scene.p.f.process, SHARED_AT, PAGE, MS_SYNC | MS_INVALIDATE), ==,
	                0);
	assert_touch(scene.p.f.process, SHARED_AT + 2 * PAGE, VM_ACCESS_READ, VM_FATAL,
	             VM_FAULT_SIGBUS);
	scene_end(&scene);
}

static ssize_t refuse_write(const struct vm_medium *medium, const void *buf, size_t len,
                            uint64_t offset, bool inside)
{
	return -EIO;
}

/* A machine that ends while its files cannot be written says what is lost. */
static void test_lost(void)
{
	struct vm_fixture f = {.cred = {0}};
	struct vm_config config;

	vm_config_init(&config);
	const struct vm_medium_ops refusing = {
	    .read = vm_host_ops.read, .write = refuse_write, .close = vm_host_ops.close};
	config.file_ops = &refusing;
	f.machine = vm_machine_new(&config, NULL);
	f.process = spawn(&f);
	f.dir = g_dir_make_tmp("vasfs-test-XXXXXX", NULL);
	g_autofree char *path = make_file(&f, "lost", 4 * PAGE, 'a');
	struct vm_file *file = open_file(&f, path, O_RDWR);
	map_file(f.process, SHARED_AT, 4, RW, MAP_SHARED, file, 0);
	vm_file_unref(file);
	fill(f.process, SHARED_AT, 3, 'l');
	end(f.process);
	g_test_expect_message(NULL, G_LOG_LEVEL_MESSAGE,
	                      "3 pages of *lost could not be written and are lost");
	vm_machine_free(f.machine);
	g_test_assert_expected_messages();
	g_assert_cmpint(file_byte(path, 0), ==, 'a');
	g_assert_cmpint(unlink(path) + rmdir(f.dir), ==, 0);
	g_free(f.dir);
}

static void test_msync(void)
{
	static const int errors[] = {-EIO, -ENOSPC};

	for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
		struct scene scene;
		scene_begin(&scene, 8, 0);
		fill(scene.p.f.process, SHARED_AT, 3, 'm');
		medium_fails(&scene.p, FILE_WRITE, 2, 1, errors[i]);
		g_assert_cmpint(msync_all(&scene), ==, errors[i]);
		assert_sound(scene.p.f.machine);
		g_assert_cmpuint(machine_info(&scene.p).frames_dirty, ==, 1);
		/* Told; and the page that was not written is written now. */
		g_assert_cmpint(msync_all(&scene), ==, 0);
		for (unsigned page = 0; page < 3; page++)
			g_assert_cmpint(file_byte(scene.path, page * PAGE), ==, 'm');
		g_assert_cmpint(file_byte(scene.path, 3 * PAGE), ==, 'd');
		scene_end(&scene);
	}
}

/* sync goes on past a file that fails. */
static void test_sync(void)
{
	struct scene scene;

	scene_begin(&scene, 16, 0);
	g_autofree char *path = make_file(&scene.p.f, "second", 2 * PAGE, 'x');
	struct vm_file *file = open_file(&scene.p.f, path, O_RDWR);
	map_file(scene.p.f.process, PRIVATE_AT, 2, RW, MAP_SHARED, file, 0);
	vm_file_unref(file);
	put(scene.p.f.process, SHARED_AT, '1');
	put(scene.p.f.process, PRIVATE_AT, '2');
	medium_fails(&scene.p, FILE_WRITE, 1, 1, -ENOSPC);
	g_assert_cmpint(vm_machine_sync(scene.p.f.machine), ==, -ENOSPC);
	g_assert_true((file_byte(scene.path, 0) == '1') != (file_byte(path, 0) == '2'));
	g_assert_cmpint(vm_machine_sync(scene.p.f.machine), ==, 0);
	g_assert_cmpint(file_byte(scene.path, 0), ==, '1');
	g_assert_cmpint(file_byte(path, 0), ==, '2');
	scene_end(&scene);
}

/* A dirty page that cannot be written is not dropped; another goes. msync tells of it once. */
static void test_eviction(void)
{
	struct scene scene;

	scene_begin(&scene, 3, 0);
	put(scene.p.f.process, SHARED_AT, 'e');
	map(scene.p.f.process, ANON_AT, 4, RW, PRIVATE_ANON);
	fill(scene.p.f.process, ANON_AT, 2, 'n');
	medium_fails(&scene.p, FILE_WRITE, 1, UINT_MAX, -ENOSPC);
	fill(scene.p.f.process, ANON_AT, 4, 'n');
	assert_sound(scene.p.f.machine);
	g_assert_cmpuint(medium_heals(&scene.p), >, 0);
	g_assert_cmpint(file_byte(scene.path, 0), ==, 'a');
	g_assert_cmpint(get(scene.p.f.process, SHARED_AT), ==, 'e');
	assert_filled(scene.p.f.process, ANON_AT, 4, 'n');
	g_assert_cmpint(msync_all(&scene), ==, -ENOSPC);
	g_assert_cmpint(msync_all(&scene), ==, 0);
	g_assert_cmpint(file_byte(scene.path, 0), ==, 'e');
	scene_end(&scene);
}

/* `reclaim N` passes over a page that cannot be written, as an access that needs a frame does. */
static void test_reclaim_passes_over(void)
{
	struct scene scene;

	scene_begin(&scene, 8, 0);
	put(scene.p.f.process, SHARED_AT, 'e');
	get(scene.p.f.process, SHARED_AT + PAGE);
	get(scene.p.f.process, SHARED_AT + 2 * PAGE);
	medium_fails(&scene.p, FILE_WRITE, 1, UINT_MAX, -EIO);
	g_assert_cmpuint(vm_machine_reclaim(scene.p.f.machine, 2), ==, 2);
	medium_heals(&scene.p);
	g_assert_cmpint(get(scene.p.f.process, SHARED_AT), ==, 'e');
	scene_end(&scene);
}

/*
 * The last mapping goes while the medium is full: its pages are the only copy, and must get to the
 * file when it can take them.
 */
static void last_mapping_goes(void (*go)(struct scene *scene))
{
	struct scene scene;

	scene_begin(&scene, 8, 0);
	struct vm_process *other = spawn(&scene.p.f);
	fill(scene.p.f.process, SHARED_AT, 2, 'l');
	medium_fails(&scene.p, FILE_WRITE, 1, UINT_MAX, -ENOSPC);
	go(&scene);
	assert_sound(scene.p.f.machine);
	g_assert_cmpint(file_byte(scene.path, 0), ==, 'a');
	medium_heals(&scene.p);
	g_assert_cmpint(vm_machine_sync(scene.p.f.machine), ==, 0);
	g_assert_cmpint(file_byte(scene.path, 0), ==, 'l');
	g_assert_cmpint(file_byte(scene.path, PAGE), ==, 'l');
	end(other);
	scene_end(&scene);
}

static void go_munmap(struct scene *scene)
{
	g_assert_cmpint(vm_munmap(scene->p.f.process, SHARED_AT, 4 * PAGE), ==, 0);
}

static void go_exit(struct scene *scene)
{
	end(g_steal_pointer(&scene->p.f.process));
}

static void go_map_over(struct scene *scene)
{
	map(scene->p.f.process, SHARED_AT, 4, RW, PRIVATE_ANON);
}

static void test_last_munmap(void)
{
	last_mapping_goes(go_munmap);
}

static void test_last_exit(void)
{
	last_mapping_goes(go_exit);
}

static void test_last_map_over(void)
{
	last_mapping_goes(go_map_over);
}

/*
 * The last open file that could write goes while the medium fails; one that only reads keeps the
 * pages.
 */
static void test_last_writer(void)
{
	struct scene scene;

	scene_begin(&scene, 8, 0);
	struct vm_file *reader = open_file(&scene.p.f, scene.path, O_RDONLY);
	map_file(scene.p.f.process, PRIVATE_AT, 4, PROT_READ, MAP_SHARED, reader, 0);
	vm_file_unref(reader);
	put(scene.p.f.process, SHARED_AT, 'w');
	medium_fails(&scene.p, FILE_WRITE, 1, UINT_MAX, -EIO);
	go_munmap(&scene);
	medium_heals(&scene.p);
	g_assert_cmpint(get(scene.p.f.process, PRIVATE_AT), ==, 'w');
	vm_machine_sync(scene.p.f.machine);
	g_assert_cmpint(file_byte(scene.path, 0), ==, 'w');
	g_assert_cmpint(vm_munmap(scene.p.f.process, PRIVATE_AT, 4 * PAGE), ==, 0);
	g_assert_cmpint(file_byte(scene.path, 0), ==, 'w');
	scene_end(&scene);
}

static bool written_by_itself(void *ctx)
{
	struct scene *scene = ctx;

	return file_byte(scene->path, 0) == 't';
}

static bool was_tried(void *ctx)
{
	struct scene *scene = ctx;

	return __atomic_load_n(&scene->p.medium.seen, __ATOMIC_ACQUIRE) > 0;
}

static void test_thread(void)
{
	struct scene scene;

	scene_begin(&scene, 8, 1);
	medium_fails(&scene.p, FILE_WRITE, 1, UINT_MAX, -ENOSPC);
	put(scene.p.f.process, SHARED_AT, 't');
	wait_until(was_tried, &scene);
	g_assert_cmpint(get(scene.p.f.process, SHARED_AT), ==, 't');
	medium_heals(&scene.p);
	wait_until(written_by_itself, &scene);
	g_assert_cmpint(msync_all(&scene), ==, -ENOSPC);
	g_assert_cmpint(msync_all(&scene), ==, 0);
	scene_end(&scene);
}

/* The period may be set while the machine runs. */
static void test_thread_started_late(void)
{
	struct scene scene;

	scene_begin(&scene, 8, 0);
	put(scene.p.f.process, SHARED_AT, 't');
	g_assert_cmpint(
	    vm_machine_set_knob(scene.p.f.machine, VM_KNOB_DIRTY_WRITEBACK_CENTISECS, 1), ==, 0);
	wait_until(written_by_itself, &scene);
	scene_end(&scene);
}

static void test_swap_out(void)
{
	struct scene scene;

	scene_begin(&scene, 1, 0);
	map(scene.p.f.process, ANON_AT, 4, RW, PRIVATE_ANON);
	put(scene.p.f.process, ANON_AT, 'o');
	medium_fails(&scene.p, SWAP_WRITE, 1, UINT_MAX, -EIO);
	for (int round = 0; round < 3; round++) {
		assert_touch(scene.p.f.process, ANON_AT + PAGE, VM_ACCESS_WRITE, VM_FATAL,
		             VM_FAULT_OOM);
		assert_sound(scene.p.f.machine);
		g_assert_cmpint(get(scene.p.f.process, ANON_AT), ==, 'o');
	}
	g_assert_cmpuint(vm_machine_reclaim(scene.p.f.machine, 1), ==, 0);
	medium_heals(&scene.p);
	put(scene.p.f.process, ANON_AT + PAGE, 'p');
	g_assert_cmpint(get(scene.p.f.process, ANON_AT), ==, 'o');
	g_assert_cmpint(get(scene.p.f.process, ANON_AT + PAGE), ==, 'p');
	g_assert_cmpuint(machine_info(&scene.p).swap_used, <=, 1);
	scene_end(&scene);
}

/*
 * Nothing is left of a write that failed: the page can be written, shared by fork and copied as
 * before, on one frame.
 */
static void test_swap_out_then_fork(void)
{
	struct scene scene;

	scene_begin(&scene, 1, 0);
	map(scene.p.f.process, ANON_AT, 2, RW, PRIVATE_ANON);
	put(scene.p.f.process, ANON_AT, 'o');
	medium_fails(&scene.p, SWAP_WRITE, 1, 1, -EIO);
	g_assert_cmpuint(vm_machine_reclaim(scene.p.f.machine, 1), ==, 0);
	medium_heals(&scene.p);
	struct vm_process *child = fork_of(scene.p.f.process);
	g_assert_cmpint(get(child, ANON_AT), ==, 'o');
	put(child, ANON_AT, 'c');
	put(scene.p.f.process, ANON_AT, 'p');
	g_assert_cmpint(get(child, ANON_AT), ==, 'c');
	g_assert_cmpint(get(scene.p.f.process, ANON_AT), ==, 'p');
	end(child);
	scene_end(&scene);
}

static void test_swap_in(void)
{
	struct scene scene;

	scene_begin(&scene, 8, 0);
	map(scene.p.f.process, ANON_AT, 2, RW, PRIVATE_ANON);
	map(scene.p.f.process, SHMEM_AT, 2, RW, SHARED_ANON);
	fill(scene.p.f.process, ANON_AT, 2, 'i');
	fill(scene.p.f.process, SHMEM_AT, 2, 'j');
	struct vm_process *child = fork_of(scene.p.f.process);
	evict_all(&scene.p);
	static const enum vm_access accesses[] = {VM_ACCESS_READ, VM_ACCESS_WRITE};
	for (size_t i = 0; i < G_N_ELEMENTS(accesses); i++) {
		medium_fails(&scene.p, SWAP_READ, 1, UINT_MAX, -EIO);
		assert_touch(scene.p.f.process, ANON_AT, accesses[i], VM_FATAL, VM_FAULT_SIGBUS);
		assert_touch(child, SHMEM_AT, accesses[i], VM_FATAL, VM_FAULT_SIGBUS);
		g_assert_cmpint(get(child, ANON_AT), ==, -EIO);
		assert_sound(scene.p.f.machine);
		g_assert_cmpuint(machine_info(&scene.p).swap_used, ==, 4);
		g_assert_cmpuint(machine_info(&scene.p).frames_free, ==, 8);
	}
	medium_heals(&scene.p);
	assert_filled(scene.p.f.process, ANON_AT, 2, 'i');
	assert_filled(child, ANON_AT, 2, 'i');
	assert_filled(child, SHMEM_AT, 2, 'j');
	end(child);
	scene_end(&scene);
}

static void test_swapoff(void)
{
	for (unsigned number = 1; number <= 5; number++) {
		struct scene scene;
		scene_begin(&scene, 16, 0);
		map(scene.p.f.process, ANON_AT, 3, RW, PRIVATE_ANON);
		map(scene.p.f.process, SHMEM_AT, 2, RW, SHARED_ANON);
		fill(scene.p.f.process, ANON_AT, 3, 'i');
		fill(scene.p.f.process, SHMEM_AT, 2, 'j');
		evict_all(&scene.p);
		medium_fails(&scene.p, SWAP_READ, number, 1, -EIO);
		g_assert_cmpint(vm_machine_swapoff(scene.p.f.machine), ==, -EIO);
		assert_sound(scene.p.f.machine);
		g_assert_cmpuint(machine_info(&scene.p).swap_total, ==, 64);
		medium_heals(&scene.p);
		assert_filled(scene.p.f.process, ANON_AT, 1, 'i');
		evict_all(&scene.p);
		g_assert_cmpuint(machine_info(&scene.p).swap_used, ==, 5);
		g_assert_cmpint(vm_machine_swapoff(scene.p.f.machine), ==, 0);
		assert_filled(scene.p.f.process, ANON_AT, 3, 'i');
		assert_filled(scene.p.f.process, SHMEM_AT, 2, 'j');
		scene_end(&scene);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/storage/file-read", test_file_read);
	g_test_add_func("/storage/reread", test_reread);
	g_test_add_func("/storage/shrunk", test_shrunk);
	g_test_add_func("/storage/lost", test_lost);
	g_test_add_func("/storage/msync", test_msync);
	g_test_add_func("/storage/sync", test_sync);
	g_test_add_func("/storage/eviction", test_eviction);
	g_test_add_func("/storage/reclaim-passes-over", test_reclaim_passes_over);
	g_test_add_func("/storage/last/munmap", test_last_munmap);
	g_test_add_func("/storage/last/exit", test_last_exit);
	g_test_add_func("/storage/last/map-over", test_last_map_over);
	g_test_add_func("/storage/last/writer", test_last_writer);
	g_test_add_func("/storage/thread", test_thread);
	g_test_add_func("/storage/thread-started-late", test_thread_started_late);
	g_test_add_func("/storage/swap-out", test_swap_out);
	g_test_add_func("/storage/swap-out-then-fork", test_swap_out_then_fork);
	g_test_add_func("/storage/swap-in", test_swap_in);
	g_test_add_func("/storage/swapoff", test_swapoff);
	return g_test_run();
}
