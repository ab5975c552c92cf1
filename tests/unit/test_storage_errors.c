/*
 * test_storage_errors.c - transfers that fail. The access or call that needed the transfer gets the
 * error, and nothing else is lost.
 */
#include "tests/fixture/pressure.h"

#include <unistd.h>

/* --- The right access ------------------------------------------------------------------------- */

static void test_file_read(void)
{
	struct pressure p;
	struct vm_process *process;

	pressure_begin_file(&p, 8);
	process = p.f.process;
	medium_fails(&p, FILE_READ, 1, 1, -EIO);
	assert_touch(process, SHARED_AT, VM_ACCESS_READ, VM_FATAL, VM_FAULT_SIGBUS);
	g_assert_cmpint(process_info(process).last_signal, ==, SIGBUS);
	assert_sound(p.f.machine);
	g_assert_cmpuint(machine_info(&p).frames_free, ==, 8);
	assert_touch(process, SHARED_AT, VM_ACCESS_READ, VM_MAJOR, VM_FAULT_FILE_READ);
	/* An error in the middle of a long read ends the read there. */
	uint8_t bytes[4 * VM_PAGE_SIZE];
	medium_fails(&p, FILE_READ, 2, 1, -EIO);
	g_assert_cmpint(load(process, SHARED_AT, bytes, sizeof bytes), ==, 2 * PAGE);
	g_assert_cmpint(load(process, SHARED_AT, bytes, sizeof bytes), ==, 4 * PAGE);
	medium_heals(&p);
	pressure_end(&p);
}

/* Transfers that are interrupted are repeated, but not for ever. */
static void test_interrupted(void)
{
	struct pressure p;

	pressure_begin_file(&p, 8);
	medium_fails(&p, FILE_READ, 1, 50, -EINTR);
	assert_touch(p.f.process, SHARED_AT, VM_ACCESS_READ, VM_MAJOR, VM_FAULT_FILE_READ);
	g_assert_cmpuint(medium_heals(&p), ==, 51);
	medium_fails(&p, FILE_READ, 1, UINT_MAX, -EINTR);
	assert_touch(p.f.process, SHARED_AT + PAGE, VM_ACCESS_READ, VM_FATAL, VM_FAULT_SIGBUS);
	medium_heals(&p);
	fill(p.f.process, SHARED_AT, 1, 'm');
	medium_fails(&p, FILE_WRITE, 1, 50, -EINTR);
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, 0);
	g_assert_cmpuint(medium_heals(&p), ==, 51);
	g_assert_cmpint(file_byte(p.path, 0), ==, 'm');
	fill(p.f.process, SHARED_AT, 1, 'n');
	medium_fails(&p, FILE_WRITE, 1, UINT_MAX, -EINTR);
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, -EIO);
	medium_heals(&p);
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, 0);
	g_assert_cmpint(file_byte(p.path, 0), ==, 'n');
	pressure_end(&p);
}

/*
 * Somebody else changes the file, and the change cannot be read. The old contents stay until it
 * can.
 */
static void test_reread(void)
{
	struct pressure p;

	pressure_begin_file(&p, 8);
	g_assert_cmpint(get(p.f.process, SHARED_AT), ==, 'a');
	write_file(p.path, 0, PAGE, 'n');
	struct vm_process *other = spawn(&p.f);
	map_path(&p.f, other, p.path, O_RDONLY, SHARED_AT, 2, PROT_READ, MAP_SHARED);
	medium_fails(&p, FILE_READ, 1, 1, -EIO);
	g_assert_cmpint(get(other, SHARED_AT), ==, 'a');
	g_assert_cmpuint(medium_heals(&p), ==, 1);
	g_assert_cmpint(get(other, SHARED_AT + PAGE), ==, 'b');
	g_assert_cmpint(vm_madvise(other, SHARED_AT, PAGE, MADV_DONTNEED), ==, 0);
	g_assert_cmpint(get(other, SHARED_AT), ==, 'n');
	g_assert_cmpint(get(p.f.process, SHARED_AT), ==, 'n');
	end(other);
	pressure_end(&p);
}

/* Pages past the new end of a file that shrank are not written, so the file does not grow again. */
static void test_shrunk(void)
{
	struct pressure p;

	pressure_begin_file(&p, 8);
	fill(p.f.process, SHARED_AT, 4, 'm');
	resize_file(p.path, PAGE);
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, 0);
	g_assert_cmpuint(file_size(p.path), ==, PAGE);
	g_assert_cmpint(file_byte(p.path, 0), ==, 'm');
	assert_touch(p.f.process, SHARED_AT + 2 * PAGE, VM_ACCESS_READ, VM_HIT, VM_FAULT_NONE);
	g_assert_cmpint(vm_msync(p.f.process, SHARED_AT, PAGE, MS_SYNC | MS_INVALIDATE), ==, 0);
	assert_touch(p.f.process, SHARED_AT + 2 * PAGE, VM_ACCESS_READ, VM_FATAL, VM_FAULT_SIGBUS);
	pressure_end(&p);
}

static ssize_t refuse_write(const struct vm_medium *medium, const void *buf, size_t len,
                            uint64_t offset, bool inside)
{
	return -EIO;
}

/* If files cannot be written when a machine ends, it says what is lost. */
static void test_lost(void)
{
	struct vm_fixture f;
	struct vm_config config;

	vm_config_init(&config);
	const struct vm_medium_ops refusing = {.read = vm_host_ops.read,
	                                       .write = refuse_write,
	                                       .sync = vm_host_ops.sync,
	                                       .close = vm_host_ops.close};
	config.file_ops = &refusing;
	fixture_begin(&f, &config, (struct vm_cred){.uid = 0});
	g_autofree char *path = make_file(&f, "lost", 4 * PAGE, 'a');
	map_path(&f, f.process, path, O_RDWR, SHARED_AT, 4, RW, MAP_SHARED);
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

static unsigned syncs;

static int refuse_sync(const struct vm_medium *medium)
{
	syncs++;
	return -EDQUOT;
}

/* What the host finds wrong only when the bytes must last is what msync and sync answer. */
static void test_lasting(void)
{
	const struct vm_medium_ops refusing = {.read = vm_host_ops.read,
	                                       .write = vm_host_ops.write,
	                                       .sync = refuse_sync,
	                                       .close = vm_host_ops.close};
	struct vm_fixture f;
	struct vm_config config;

	vm_config_init(&config);
	config.dirty_writeback_centisecs = 0;
	config.file_ops = &refusing;
	fixture_begin(&f, &config, (struct vm_cred){.uid = 0});
	g_autofree char *path = make_file(&f, "lasting", 4 * PAGE, 'a');
	map_path(&f, f.process, path, O_RDWR, SHARED_AT, 4, RW, MAP_SHARED);
	syncs = 0;
	put(f.process, SHARED_AT, 'l');
	g_assert_cmpint(vm_msync(f.process, SHARED_AT, PAGE, MS_ASYNC), ==, 0);
	g_assert_cmpuint(syncs, ==, 0);
	g_assert_cmpint(vm_msync(f.process, SHARED_AT, PAGE, MS_SYNC), ==, -EDQUOT);
	g_assert_cmpuint(syncs, ==, 1);
	g_assert_cmpint(file_byte(path, 0), ==, 'l');
	/* Nothing was written since. */
	g_assert_cmpint(vm_msync(f.process, SHARED_AT, PAGE, MS_SYNC), ==, 0);
	put(f.process, SHARED_AT, 'm');
	g_assert_cmpint(vm_machine_sync(f.machine), ==, -EDQUOT);
	g_assert_cmpuint(syncs, ==, 2);
	fixture_teardown(&f, NULL);
}

static void test_msync(void)
{
	static const int errors[] = {-EIO, -ENOSPC};

	for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
		struct pressure p;
		pressure_begin_file(&p, 8);
		fill(p.f.process, SHARED_AT, 3, 'm');
		medium_fails(&p, FILE_WRITE, 2, 1, errors[i]);
		g_assert_cmpint(msync_all(&p), ==, errors[i]);
		assert_sound(p.f.machine);
		g_assert_cmpuint(machine_info(&p).frames_dirty, ==, 1);
		/* The error was reported once. Now the page that was not written is written. */
		g_assert_cmpint(msync_all(&p), ==, 0);
		for (unsigned page = 0; page < 3; page++)
			g_assert_cmpint(file_byte(p.path, page * PAGE), ==, 'm');
		g_assert_cmpint(file_byte(p.path, 3 * PAGE), ==, 'd');
		pressure_end(&p);
	}
}

/* sync continues with the next file if one fails. */
static void test_sync(void)
{
	struct pressure p;

	pressure_begin_file(&p, 16);
	g_autofree char *path = make_file(&p.f, "second", 2 * PAGE, 'x');
	map_path(&p.f, p.f.process, path, O_RDWR, PRIVATE_AT, 2, RW, MAP_SHARED);
	put(p.f.process, SHARED_AT, '1');
	put(p.f.process, PRIVATE_AT, '2');
	medium_fails(&p, FILE_WRITE, 1, 1, -ENOSPC);
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, -ENOSPC);
	g_assert_true((file_byte(p.path, 0) == '1') != (file_byte(path, 0) == '2'));
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, 0);
	g_assert_cmpint(file_byte(p.path, 0), ==, '1');
	g_assert_cmpint(file_byte(path, 0), ==, '2');
	pressure_end(&p);
}

/*
 * A dirty page that cannot be written is not dropped, and another page is evicted. msync reports
 * the error once.
 */
static void test_eviction(void)
{
	struct pressure p;

	pressure_begin_file(&p, 3);
	put(p.f.process, SHARED_AT, 'e');
	map(p.f.process, ANON_AT, 4, RW, PRIVATE_ANON);
	fill(p.f.process, ANON_AT, 2, 'n');
	medium_fails(&p, FILE_WRITE, 1, UINT_MAX, -ENOSPC);
	fill(p.f.process, ANON_AT, 4, 'n');
	assert_sound(p.f.machine);
	g_assert_cmpuint(medium_heals(&p), >, 0);
	g_assert_cmpint(file_byte(p.path, 0), ==, 'a');
	g_assert_cmpint(get(p.f.process, SHARED_AT), ==, 'e');
	assert_filled(p.f.process, ANON_AT, 4, 'n');
	g_assert_cmpint(msync_all(&p), ==, -ENOSPC);
	g_assert_cmpint(msync_all(&p), ==, 0);
	g_assert_cmpint(file_byte(p.path, 0), ==, 'e');
	pressure_end(&p);
}

/* vm_machine_reclaim skips a page that cannot be written, as an access that needs a frame does. */
static void test_reclaim_passes_over(void)
{
	struct pressure p;

	pressure_begin_file(&p, 8);
	put(p.f.process, SHARED_AT, 'e');
	get(p.f.process, SHARED_AT + PAGE);
	get(p.f.process, SHARED_AT + 2 * PAGE);
	medium_fails(&p, FILE_WRITE, 1, UINT_MAX, -EIO);
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 2), ==, 2);
	medium_heals(&p);
	g_assert_cmpint(get(p.f.process, SHARED_AT), ==, 'e');
	pressure_end(&p);
}

/*
 * The last mapping ends while the medium is full. Its pages are the only copy. They must reach the
 * file when the medium has room again.
 */
static void last_mapping_goes(void (*go)(struct pressure *p))
{
	struct pressure p;

	pressure_begin_file(&p, 8);
	struct vm_process *other = spawn(&p.f);
	fill(p.f.process, SHARED_AT, 2, 'l');
	medium_fails(&p, FILE_WRITE, 1, UINT_MAX, -ENOSPC);
	go(&p);
	assert_sound(p.f.machine);
	g_assert_cmpint(file_byte(p.path, 0), ==, 'a');
	medium_heals(&p);
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, 0);
	g_assert_cmpint(file_byte(p.path, 0), ==, 'l');
	g_assert_cmpint(file_byte(p.path, PAGE), ==, 'l');
	end(other);
	pressure_end(&p);
}

static void go_munmap(struct pressure *p)
{
	g_assert_cmpint(vm_munmap(p->f.process, SHARED_AT, 4 * PAGE), ==, 0);
}

static void go_exit(struct pressure *p)
{
	end(g_steal_pointer(&p->f.process));
}

static void go_map_over(struct pressure *p)
{
	map(p->f.process, SHARED_AT, 4, RW, PRIVATE_ANON);
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
 * The last open file with write access is closed while the medium fails. A file that is open for
 * reading keeps the pages.
 */
static void test_last_writer(void)
{
	struct pressure p;

	pressure_begin_file(&p, 8);
	map_path(&p.f, p.f.process, p.path, O_RDONLY, PRIVATE_AT, 4, PROT_READ, MAP_SHARED);
	put(p.f.process, SHARED_AT, 'w');
	medium_fails(&p, FILE_WRITE, 1, UINT_MAX, -EIO);
	go_munmap(&p);
	medium_heals(&p);
	g_assert_cmpint(get(p.f.process, PRIVATE_AT), ==, 'w');
	vm_machine_sync(p.f.machine);
	g_assert_cmpint(file_byte(p.path, 0), ==, 'w');
	g_assert_cmpint(vm_munmap(p.f.process, PRIVATE_AT, 4 * PAGE), ==, 0);
	g_assert_cmpint(file_byte(p.path, 0), ==, 'w');
	pressure_end(&p);
}

static bool written_by_itself(void *ctx)
{
	struct pressure *p = ctx;

	return file_byte(p->path, 0) == 't';
}

static bool was_tried(void *ctx)
{
	struct pressure *p = ctx;

	return __atomic_load_n(&p->medium.seen, __ATOMIC_ACQUIRE) > 0;
}

static void test_thread(void)
{
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 8,
	                                           .slots = 64,
	                                           .file_pages = 4,
	                                           .policy = "fifo",
	                                           .overcommit = VM_OVERCOMMIT_ALWAYS,
	                                           .writeback_centisecs = 1});
	medium_fails(&p, FILE_WRITE, 1, UINT_MAX, -ENOSPC);
	put(p.f.process, SHARED_AT, 't');
	wait_until(was_tried, &p);
	g_assert_cmpint(get(p.f.process, SHARED_AT), ==, 't');
	medium_heals(&p);
	wait_until(written_by_itself, &p);
	g_assert_cmpint(msync_all(&p), ==, -ENOSPC);
	g_assert_cmpint(msync_all(&p), ==, 0);
	pressure_end(&p);
}

/* The period of write-back can be set while the machine runs. */
static void test_thread_started_late(void)
{
	struct pressure p;

	pressure_begin_file(&p, 8);
	put(p.f.process, SHARED_AT, 't');
	g_assert_cmpint(vm_machine_set_knob(p.f.machine, VM_KNOB_DIRTY_WRITEBACK_CENTISECS, 1), ==,
	                0);
	wait_until(written_by_itself, &p);
	pressure_end(&p);
}

static void test_swap_out(void)
{
	struct pressure p;

	pressure_begin_file(&p, 1);
	map(p.f.process, ANON_AT, 4, RW, PRIVATE_ANON);
	put(p.f.process, ANON_AT, 'o');
	medium_fails(&p, SWAP_WRITE, 1, UINT_MAX, -EIO);
	for (int round = 0; round < 3; round++) {
		assert_touch(p.f.process, ANON_AT + PAGE, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_OOM);
		assert_sound(p.f.machine);
		g_assert_cmpint(get(p.f.process, ANON_AT), ==, 'o');
	}
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 1), ==, 0);
	medium_heals(&p);
	put(p.f.process, ANON_AT + PAGE, 'p');
	g_assert_cmpint(get(p.f.process, ANON_AT), ==, 'o');
	g_assert_cmpint(get(p.f.process, ANON_AT + PAGE), ==, 'p');
	g_assert_cmpuint(machine_info(&p).swap_used, <=, 1);
	pressure_end(&p);
}

/*
 * A failed write leaves nothing behind. Afterwards the page can be written, shared by fork and
 * copied as before, with only one frame.
 */
static void test_swap_out_then_fork(void)
{
	struct pressure p;

	pressure_begin_file(&p, 1);
	map(p.f.process, ANON_AT, 2, RW, PRIVATE_ANON);
	put(p.f.process, ANON_AT, 'o');
	medium_fails(&p, SWAP_WRITE, 1, 1, -EIO);
	g_assert_cmpuint(vm_machine_reclaim(p.f.machine, 1), ==, 0);
	medium_heals(&p);
	struct vm_process *child = fork_of(p.f.process);
	g_assert_cmpint(get(child, ANON_AT), ==, 'o');
	put(child, ANON_AT, 'c');
	put(p.f.process, ANON_AT, 'p');
	g_assert_cmpint(get(child, ANON_AT), ==, 'c');
	g_assert_cmpint(get(p.f.process, ANON_AT), ==, 'p');
	end(child);
	pressure_end(&p);
}

static void test_swap_in(void)
{
	struct pressure p;

	pressure_begin_file(&p, 8);
	map_pattern(p.f.process, ANON_AT, 2, PRIVATE_ANON, 'i');
	map_pattern(p.f.process, SHMEM_AT, 2, SHARED_ANON, 'm');
	struct vm_process *child = fork_of(p.f.process);
	push_out(&p);
	static const enum vm_access accesses[] = {VM_ACCESS_READ, VM_ACCESS_WRITE};
	for (size_t i = 0; i < G_N_ELEMENTS(accesses); i++) {
		medium_fails(&p, SWAP_READ, 1, UINT_MAX, -EIO);
		assert_touch(p.f.process, ANON_AT, accesses[i], VM_FATAL, VM_FAULT_SIGBUS);
		assert_touch(child, SHMEM_AT, accesses[i], VM_FATAL, VM_FAULT_SIGBUS);
		g_assert_cmpint(get(child, ANON_AT), ==, -EIO);
		assert_sound(p.f.machine);
		g_assert_cmpuint(machine_info(&p).swap_used, ==, 4);
		g_assert_cmpuint(machine_info(&p).frames_free, ==, 8);
	}
	medium_heals(&p);
	assert_pattern(p.f.process, ANON_AT, 2, 'i');
	assert_pattern(child, ANON_AT, 2, 'i');
	assert_pattern(child, SHMEM_AT, 2, 'm');
	end(child);
	pressure_end(&p);
}

static void test_swapoff(void)
{
	for (unsigned number = 1; number <= 5; number++) {
		struct pressure p;
		pressure_begin_file(&p, 16);
		map_pattern(p.f.process, ANON_AT, 3, PRIVATE_ANON, 'i');
		map_pushed_out(&p, SHMEM_AT, 2, SHARED_ANON, 'm');
		medium_fails(&p, SWAP_READ, number, 1, -EIO);
		g_assert_cmpint(vm_machine_swapoff(p.f.machine), ==, -EIO);
		assert_sound(p.f.machine);
		g_assert_cmpuint(machine_info(&p).swap_total, ==, 64);
		medium_heals(&p);
		assert_pattern(p.f.process, ANON_AT, 1, 'i');
		push_out(&p);
		g_assert_cmpuint(machine_info(&p).swap_used, ==, 5);
		g_assert_cmpint(vm_machine_swapoff(p.f.machine), ==, 0);
		assert_pattern(p.f.process, ANON_AT, 3, 'i');
		assert_pattern(p.f.process, SHMEM_AT, 2, 'm');
		pressure_end(&p);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/storage/file-read", test_file_read);
	g_test_add_func("/storage/interrupted", test_interrupted);
	g_test_add_func("/storage/reread", test_reread);
	g_test_add_func("/storage/shrunk", test_shrunk);
	g_test_add_func("/storage/lost", test_lost);
	g_test_add_func("/storage/lasting", test_lasting);
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
