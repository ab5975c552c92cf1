/*
 * test_dirty.c - the bound on dirty pages of files: there are never more, and who makes one more
 * dirty writes one first, or gets an error.
 */
#include "tests/fixture/pressure.h"
#include "vm/base/lock.h"

#include <glib/gstdio.h>

/* --- The bound -------------------------------------------------------------------------------- */

/*
 * The bytes that are stored differ from those of the files, which begin with 'a': a byte that is
 * there already need not be written.
 */
enum { FRAMES = 64, LIMIT = 32, PAGES = 60 };

static void begin_bound(struct pressure *p, unsigned frames, unsigned pages)
{
	pressure_begin(p, &(struct pressure_size){.frames = frames,
	                                          .slots = 64,
	                                          .file_pages = pages,
	                                          .policy = "fifo",
	                                          .overcommit = VM_OVERCOMMIT_ALWAYS});
}

static uint64_t faults(struct pressure *p)
{
	return machine_info(p).faults;
}

/* Each store to a further page waits until one is written, and is one fault all the same. */
static void test_bound(gconstpointer data)
{
	enum vm_fault_kind kind = GPOINTER_TO_INT(data);
	struct pressure p;

	begin_bound(&p, FRAMES, PAGES);
	for (unsigned i = 0; kind == VM_FAULT_WRITE_NOTIFY && i < PAGES; i++)
		get(p.f.process, SHARED_AT + i * PAGE);
	uint64_t before = faults(&p);
	for (unsigned i = 0; i < PAGES; i++) {
		assert_touch(p.f.process, SHARED_AT + i * PAGE, VM_ACCESS_WRITE,
		             kind == VM_FAULT_FILE_READ ? VM_MAJOR : VM_MINOR, kind);
		fill(p.f.process, SHARED_AT + i * PAGE, 1, (uint8_t)(100 + i));
		g_assert_cmpuint(dirty_pages(p.f.machine), ==, MIN(i + 1, LIMIT));
	}
	g_assert_cmpuint(faults(&p) - before, ==, PAGES);
	/* The oldest were written. */
	g_assert_cmpint(file_byte(p.path, (PAGES - LIMIT - 1) * PAGE), ==, 100 + PAGES - LIMIT - 1);
	g_assert_cmpint(file_byte(p.path, (PAGES - LIMIT) * PAGE), ==,
	                (uint8_t)('a' + PAGES - LIMIT));
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, 0);
	for (unsigned i = 0; i < PAGES; i++)
		g_assert_cmpint(file_byte(p.path, i * PAGE), ==, 100 + i);
	pressure_end(&p);
}

/* On a disk that is full, a store beyond the bound is SIGBUS; what is dirty can be stored to. */
static void test_bound_full(void)
{
	struct pressure p;

	begin_bound(&p, FRAMES, PAGES);
	medium_fails(&p, FILE_WRITE, 1, UINT_MAX, -ENOSPC);
	fill(p.f.process, SHARED_AT, LIMIT, 'F');
	g_assert_cmpuint(machine_info(&p).frames_dirty, ==, LIMIT);
	for (int round = 0; round < 2; round++) {
		uint64_t before = faults(&p);
		assert_touch(p.f.process, SHARED_AT + LIMIT * PAGE, VM_ACCESS_WRITE, VM_FATAL,
		             VM_FAULT_SIGBUS);
		g_assert_cmpuint(faults(&p) - before, ==, 1);
		g_assert_cmpuint(machine_info(&p).frames_dirty, ==, LIMIT);
		assert_sound(p.f.machine);
	}
	struct vm_process_info info = process_info(p.f.process);
	g_assert_cmpint(info.last_signal, ==, SIGBUS);
	g_assert_cmphex(info.last_address, ==, SHARED_AT + LIMIT * PAGE);
	/* The rest goes on. */
	fill(p.f.process, SHARED_AT, LIMIT, 'G');
	g_assert_cmpint(get(p.f.process, SHARED_AT + LIMIT * PAGE), ==, (uint8_t)('a' + LIMIT));
	map_pattern(p.f.process, ANON_AT, 16, PRIVATE_ANON, 'n');
	map_pattern(p.f.process, SHMEM_AT, 16, SHARED_ANON, 'm');
	uint8_t two[2 * VM_PAGE_SIZE] = {0};
	g_assert_cmpint(vm_write(p.f.process, SHARED_AT + (LIMIT - 1) * PAGE, two, sizeof two), ==,
	                PAGE);
	/* The same store for a call is EFAULT, without a signal. */
	g_assert_cmpint(
	    vm_madvise(p.f.process, SHARED_AT + (LIMIT + 1) * PAGE, PAGE, MADV_POPULATE_WRITE), ==,
	    -EFAULT);
	/* With room on the disk stores go on. */
	medium_heals(&p);
	fill(p.f.process, SHARED_AT, PAGES, 'H');
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, 0);
	for (unsigned i = 0; i < PAGES; i++)
		g_assert_cmpint(file_byte(p.path, i * PAGE), ==, 'H');
	pressure_end(&p);
}

/* Some pages can be written where others cannot: one that can is found. */
static void test_bound_partly_full(void)
{
	struct pressure p;

	begin_bound(&p, FRAMES, PAGES);
	fill(p.f.process, SHARED_AT, LIMIT, 'F');
	medium_fails(&p, FILE_WRITE, 1, LIMIT - 1, -ENOSPC);
	put(p.f.process, SHARED_AT + LIMIT * PAGE, 'F');
	g_assert_cmpuint(medium_heals(&p), ==, LIMIT);
	g_assert_cmpint(file_byte(p.path, (LIMIT - 1) * PAGE), ==, 'F');
	pressure_end(&p);
}

/* The bound is a percentage of RAM, but half of a small machine. */
static void test_ratio(void)
{
	static const struct {
		unsigned frames, ratio, limit;
	} cases[] = {{2, 20, 1},   {3, 100, 3},  {8, 20, 4},   {8, 75, 6},
	             {100, 1, 50}, {200, 1, 64}, {400, 20, 80}};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct pressure p;
		begin_bound(&p, cases[i].frames, 100);
		g_assert_cmpint(
		    vm_machine_set_knob(p.f.machine, VM_KNOB_DIRTY_RATIO, cases[i].ratio), ==, 0);
		medium_fails(&p, FILE_WRITE, 1, UINT_MAX, -EIO);
		uint8_t byte = 'R';
		unsigned stores = 0;
		while (vm_write(p.f.process, SHARED_AT + stores * PAGE, &byte, 1) == 1)
			stores++;
		g_assert_cmpuint(stores, ==, cases[i].limit);
		pressure_end(&p);
	}
}

static void test_knob(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	g_assert_cmpuint(vm_machine_knob(p.f.machine, VM_KNOB_DIRTY_RATIO), ==, 20);
	g_assert_cmpint(vm_machine_set_knob(p.f.machine, VM_KNOB_DIRTY_RATIO, 0), ==, -EINVAL);
	g_assert_cmpint(vm_machine_set_knob(p.f.machine, VM_KNOB_DIRTY_RATIO, 101), ==, -EINVAL);
	g_assert_cmpint(vm_machine_set_knob(p.f.machine, VM_KNOB_DIRTY_RATIO, 100), ==, 0);
	g_assert_cmpuint(vm_machine_knob(p.f.machine, VM_KNOB_DIRTY_RATIO), ==, 100);
	pressure_end(&p);
}

/* --- Beside a file that cannot be written ----------------------------------------------------- */

/* Writes to this inode fail with ENOSPC, or hang until it is another. Atomic. */
static ino_t full, hanging;

static ssize_t write_some(const struct vm_medium *medium, const void *buf, size_t len,
                          uint64_t offset, bool inside)
{
	struct stat status;

	g_assert_cmpint(fstat(medium->fd, &status), ==, 0);
	while (__atomic_load_n(&hanging, __ATOMIC_ACQUIRE) == status.st_ino)
		g_usleep(1000);
	if (__atomic_load_n(&full, __ATOMIC_ACQUIRE) == status.st_ino)
		return -ENOSPC;
	return vm_host_ops.write(medium, buf, len, offset, inside);
}

struct beside {
	struct vm_fixture f;
	struct vm_medium_ops ops;
	char *bad, *good;
};

static ino_t inode_of(const char *path)
{
	struct stat status;

	g_assert_cmpint(stat(path, &status), ==, 0);
	return status.st_ino;
}

/* The process has two files mapped, at SHARED_AT one whose dirty pages reach the bound. */
static void begin_beside(struct beside *b)
{
	struct vm_config config;

	vm_config_init(&config);
	config.ram = FRAMES * PAGE;
	config.dirty_writeback_centisecs = 0;
	b->ops = vm_host_ops;
	b->ops.write = write_some;
	config.file_ops = &b->ops;
	fixture_begin(&b->f, &config, (struct vm_cred){.uid = 0});
	b->bad = make_file(&b->f, "bad", PAGES * PAGE, 'a');
	b->good = make_file(&b->f, "good", PAGES * PAGE, 'a');
	map_path(&b->f, b->f.process, b->bad, O_RDWR, SHARED_AT, PAGES, RW, MAP_SHARED);
	map_path(&b->f, b->f.process, b->good, O_RDWR, PRIVATE_AT, PAGES, RW, MAP_SHARED);
	fill(b->f.process, SHARED_AT, LIMIT, 'B');
}

static void end_beside(struct beside *b)
{
	__atomic_store_n(&full, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&hanging, 0, __ATOMIC_RELEASE);
	fixture_teardown(&b->f, NULL);
	g_free(b->bad);
	g_free(b->good);
}

/* Stores to the other file go on: at most one page of it is dirty. */
static void store_beside(struct beside *b)
{
	for (unsigned i = 0; i < PAGES; i++) {
		put(b->f.process, PRIVATE_AT + i * PAGE, 'G');
		g_assert_cmpuint(dirty_pages(b->f.machine), ==, LIMIT + 1);
	}
	g_assert_cmpint(file_byte(b->good, (PAGES - 2) * PAGE), ==, 'G');
}

static void test_beside_full(void)
{
	struct beside b;

	begin_beside(&b);
	__atomic_store_n(&full, inode_of(b.bad), __ATOMIC_RELEASE);
	assert_touch(b.f.process, SHARED_AT + LIMIT * PAGE, VM_ACCESS_WRITE, VM_FATAL,
	             VM_FAULT_SIGBUS);
	store_beside(&b);
	end_beside(&b);
}

static gpointer sync_main(gpointer machine)
{
	vm_machine_sync(machine);
	return NULL;
}

static bool one_is_written(void *ctx)
{
	struct vm_machine_info info;

	vm_machine_info(ctx, &info);
	return info.frames_writeback == 1;
}

/* The thread that writes back hangs in the one file. */
static void test_beside_hanging(void)
{
	struct beside b;

	begin_beside(&b);
	__atomic_store_n(&hanging, inode_of(b.bad), __ATOMIC_RELEASE);
	GThread *thread = g_thread_new("sync", sync_main, b.f.machine);
	wait_until(one_is_written, b.f.machine);
	store_beside(&b);
	__atomic_store_n(&hanging, 0, __ATOMIC_RELEASE);
	g_thread_join(thread);
	end_beside(&b);
}

/* --- Several who store ------------------------------------------------------------------------ */

/* The only dirty page that may be is being written by another: wait for that, and then go on. */
struct waiter {
	struct pressure p;
	GThread *thread;
};

static gpointer store_main(gpointer data)
{
	struct waiter *w = data;

	put(w->p.f.process, SHARED_AT + PAGE, 'w');
	return NULL;
}

static void store_meanwhile(void *ctx)
{
	struct waiter *w = ctx;

	w->thread = g_thread_new("store", store_main, w);
	wait_until(somebody_waits, w->p.f.machine);
	/* Its process can be used meanwhile: here its areas change. */
	map(w->p.f.process, ANON_AT, 1, RW, PRIVATE_ANON);
}

static void test_under_way(void)
{
	struct waiter w;

	begin_bound(&w.p, 3, 4);
	fill(w.p.f.process, SHARED_AT, 1, 'V');
	uint64_t before = faults(&w.p);
	medium_calls(&w.p, FILE_WRITE, store_meanwhile, &w);
	g_assert_cmpint(msync_all(&w.p), ==, 0);
	g_thread_join(w.thread);
	g_assert_cmpuint(faults(&w.p) - before, ==, 1);
	g_assert_cmpuint(dirty_pages(w.p.f.machine), ==, 1);
	g_assert_cmpint(get(w.p.f.process, SHARED_AT + PAGE), ==, 'w');
	pressure_end(&w.p);
}

/* Writers that take the bound's room from each other all come to an end. */
enum { WRITERS = 4, ROUNDS = 300 };

struct writer {
	struct pressure *p;
	struct vm_process *process;
	unsigned number;
	uint64_t most; /* dirty pages that it saw */
};

static gpointer writer_main(gpointer data)
{
	struct writer *w = data;
	uint64_t seed = w->number + 1;

	for (unsigned i = 0; i < ROUNDS; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1;
		/* Each has a byte of its own in each page. */
		put(w->process, SHARED_AT + (seed >> 40) % 16 * PAGE + w->number, 'w');
		w->most = MAX(w->most, dirty_pages(w->p->f.machine));
	}
	for (unsigned page = 0; page < 16; page++)
		put(w->process, SHARED_AT + page * PAGE + w->number, (uint8_t)('0' + w->number));
	return NULL;
}

static void test_writers(gconstpointer data)
{
	unsigned frames = GPOINTER_TO_UINT(data), limit = MAX(frames / 5, frames / 2);
	struct writer writers[WRITERS];
	GThread *threads[WRITERS];
	struct pressure p;

	begin_bound(&p, frames, 16);
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){&p, fork_of(p.f.process), i, 0};
		threads[i] = g_thread_new("writer", writer_main, &writers[i]);
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		g_thread_join(threads[i]);
		/* A page that is stored to while it is written counts twice. */
		g_assert_cmpuint(writers[i].most, <=, limit + 2 * WRITERS);
		end(writers[i].process);
	}
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, 0);
	for (unsigned page = 0; page < 16; page++)
		for (unsigned i = 0; i < WRITERS; i++)
			g_assert_cmpint(file_byte(p.path, page * PAGE + i), ==, '0' + i);
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	static const unsigned frames[] = {1, 2, 8, 64};

	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/dirty/bound/file-read", GINT_TO_POINTER(VM_FAULT_FILE_READ),
	                     test_bound);
	g_test_add_data_func("/dirty/bound/write-notify", GINT_TO_POINTER(VM_FAULT_WRITE_NOTIFY),
	                     test_bound);
	g_test_add_func("/dirty/bound/full", test_bound_full);
	g_test_add_func("/dirty/bound/partly-full", test_bound_partly_full);
	g_test_add_func("/dirty/bound/ratio", test_ratio);
	g_test_add_func("/dirty/bound/knob", test_knob);
	g_test_add_func("/dirty/beside/full", test_beside_full);
	g_test_add_func("/dirty/beside/hanging", test_beside_hanging);
	g_test_add_func("/dirty/under-way", test_under_way);
	for (size_t i = 0; i < G_N_ELEMENTS(frames); i++) {
		g_autofree char *name = g_strdup_printf("/dirty/writers/%u-frames", frames[i]);
		g_test_add_data_func(name, GUINT_TO_POINTER(frames[i]), test_writers);
	}
	return g_test_run();
}
