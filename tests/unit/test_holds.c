/*
 * test_holds.c - nobody holds the machine lock for long, however large the machine, its files and
 * its processes are.
 *
 * A scene prepares a machine and measures one call (lock_time). What else the host does meanwhile
 * lengthens a hold here and there: a host that is a virtual machine charges interrupts, and the
 * time of others, to whoever runs. So the call is repeated, each time on a new machine. It does the
 * same each time, so a hold that is long by itself is long each time, at about the same place in
 * the row of the call's holds. Where a sanitizer makes everything slow, the scenes only run.
 */
#include "tests/fixture/pressure.h"
#include "util/nanoseconds.h"
#include "vm/base/lock.h"
#include "vm/reclaim/oom.h"
#include "vm/vm_core.h"

#include <glib/gstdio.h>

enum { LIMIT_US = 100 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(COVERAGE)
enum { FRAMES = 4096, IS_SLOW = true, TRIES = 1 };
#else
/* 256 MiB */
enum { FRAMES = 65536, IS_SLOW = false, TRIES = 16 };
#endif

/* Many processes, or many files. */
enum { THINGS = IS_SLOW ? 256 : 1024 };

/* The pages of a large file, or of a large process. */
enum { MANY = FRAMES * 3 / 4 };

/* --- Measuring -------------------------------------------------------------------------------- */

struct scene {
	struct pressure_size size;
	void (*prepare)(struct pressure *p);
	void (*call)(struct pressure *p); /* what is measured */
};

/* The holds of a call, in ns. */
struct holds {
	pthread_t caller;
	GArray *row;    /* those of the calling thread, one after the other */
	int64_t others; /* the longest of any other thread */
};

/* For lock_time. */
static void keep(void *ctx, int64_t ns)
{
	struct holds *holds = ctx;

	if (pthread_equal(pthread_self(), holds->caller))
		g_array_append_val(holds->row, ns);
	else
		holds->others = MAX(holds->others, ns);
}

static void holds_init(struct holds *holds)
{
	*holds = (struct holds){.caller = pthread_self(),
	                        .row = g_array_new(FALSE, FALSE, sizeof(int64_t))};
}

/* HOLDS of SCENE's call on a new machine. Those above LIMIT ns are reported. */
static void measure(const struct scene *scene, int64_t limit, struct holds *holds)
{
	struct pressure p;

	pressure_begin(&p, &scene->size);
	scene->prepare(&p);
	holds_init(holds);
	lock_time(p.f.machine, limit, keep, holds);
	scene->call(&p);
	lock_time(p.f.machine, 0, NULL, NULL);
	pressure_end(&p);
}

static int64_t hold_at(const GArray *row, size_t i)
{
	return g_array_index(row, int64_t, i);
}

/* The longest hold around place I of ROW, as far from it as a call may differ from the next. */
static int64_t longest_around(const GArray *row, size_t i)
{
	enum { AROUND = 64 };
	int64_t longest = 0;

	i = MIN(i, row->len - 1);
	for (size_t at = i - MIN(i, AROUND); at < row->len && at <= i + AROUND; at++)
		longest = MAX(longest, hold_at(row, at));
	return longest;
}

/* The longest hold of a call that was measured COUNT times: what was long each time. */
static int64_t longest_each_time(const struct holds *holds, int count)
{
	int64_t longest = 0, others = INT64_MAX;

	for (size_t i = 0; i < holds[0].row->len; i++) {
		int64_t least = INT64_MAX;
		for (int c = 0; c < count && least > longest; c++)
			least = MIN(least, longest_around(holds[c].row, i));
		longest = MAX(longest, least);
	}
	for (int c = 0; c < count; c++)
		others = MIN(others, holds[c].others);
	return MAX(longest, others);
}

static void run(gconstpointer data)
{
	const int64_t limit = LIMIT_US * NS_PER_US;
	struct holds holds[TRIES + 1];
	int64_t best = INT64_MAX;
	int count = 0;

	while (count < TRIES && best > limit) {
		measure(data, INT64_MAX, &holds[count++]);
		best = longest_each_time(holds, count);
	}
	g_test_message("held for at most %d us, %u holds, %d times", (int)(best / NS_PER_US),
	               holds[0].row->len, count);
	/* Who was it? */
	if (best > limit && !IS_SLOW)
		measure(data, limit, &holds[count++]);
	while (count > 0)
		g_array_unref(holds[--count].row);
	if (!IS_SLOW)
		g_assert_cmpint(best, <=, limit);
}

/* --- Preparing -------------------------------------------------------------------------------- */

static char *large_file(struct pressure *p, uint64_t pages)
{
	char *path = g_build_filename(p->f.dir, "large", NULL);
	FILE *file = g_fopen(path, "w");

	/* A hole: its pages cost the host nothing. */
	g_assert_nonnull(file);
	g_assert_cmpint(ftruncate(fileno(file), (off_t)(pages * PAGE)), ==, 0);
	fclose(file);
	return path;
}

/* Touch each page of [VA, VA + PAGES). */
static void touch_all(struct vm_process *process, uint64_t va, uint64_t pages,
                      enum vm_access access)
{
	g_assert_cmpint(vm_access(process, va, pages * PAGE, access, NULL, NULL), ==, 0);
}

static void map_large(struct pressure *p, int flags, enum vm_access access)
{
	p->path = large_file(p, MANY);
	map_path(&p->f, p->f.process, p->path, O_RDWR, ARENA, MANY, RW, flags);
	touch_all(p->f.process, ARENA, MANY, access);
}

static void file_clean(struct pressure *p)
{
	map_large(p, MAP_SHARED, VM_ACCESS_READ);
}

static void file_dirty(struct pressure *p)
{
	g_assert_cmpint(vm_machine_set_knob(p->f.machine, VM_KNOB_DIRTY_RATIO, 100), ==, 0);
	map_large(p, MAP_SHARED, VM_ACCESS_READ);
	for (uint64_t page = 0; page < MANY / 4; page++)
		put(p->f.process, ARENA + page * PAGE, 'd');
}

/* A file whose pages are all cached, and copied in a third of the places. */
static void file_copied(struct pressure *p)
{
	p->path = large_file(p, MANY / 2);
	map_path(&p->f, p->f.process, p->path, O_RDWR, ARENA, MANY / 2, RW, MAP_PRIVATE);
	touch_all(p->f.process, ARENA, MANY / 2, VM_ACCESS_READ);
	touch_all(p->f.process, ARENA, MANY / 2, VM_ACCESS_WRITE);
}

static void anonymous(struct pressure *p)
{
	map(p->f.process, ARENA, MANY, RW, PRIVATE_ANON);
	touch_all(p->f.process, ARENA, MANY, VM_ACCESS_WRITE);
}

static void shared_anonymous(struct pressure *p)
{
	map(p->f.process, ARENA, MANY, RW, SHARED_ANON);
	touch_all(p->f.process, ARENA, MANY, VM_ACCESS_WRITE);
}

/*
 * Touch almost all frames. The host clears memory when it is first touched, 2 MiB at a time, and a
 * copy on write would have to wait for that.
 */
static void warm(struct pressure *p)
{
	struct vm_process *process = spawn(&p->f);

	map_filled(process, ARENA, FRAMES - 1024, PRIVATE_ANON, 1);
	end(process);
}

static void warm_anonymous(struct pressure *p)
{
	warm(p);
	anonymous(p);
}

static void swapped_out(struct pressure *p)
{
	anonymous(p);
	vm_machine_reclaim(p->f.machine, FRAMES);
	g_assert_cmpuint(slots_used(p), >=, MANY);
}

/* All slots that will be taken have been in use once, so that the host need not clear them. */
static void swapped_in_again(struct pressure *p)
{
	swapped_out(p);
	touch_all(p->f.process, ARENA, MANY, VM_ACCESS_WRITE);
	g_assert_cmpuint(slots_used(p), ==, 0);
}

/* Shared anonymous memory, half of which is in swap. */
static void half_swapped_out(struct pressure *p)
{
	shared_anonymous(p);
	vm_machine_reclaim(p->f.machine, MANY / 2);
}

/* Each of many objects has one page, which is dirty. */
static void many_files(struct pressure *p)
{
	map(p->f.process, ARENA, 1, RW, SHARED_ANON);
	for (unsigned i = 0; i < THINGS; i++) {
		g_autofree char *name = g_strdup_printf("file%u", i);
		g_autofree char *path = make_file(&p->f, name, PAGE, 'a');
		uint64_t at = ARENA + 2 * (i + 1) * PAGE;
		map_path(&p->f, p->f.process, path, O_RDWR, at, 1, RW, MAP_SHARED);
		put(p->f.process, at, 1);
	}
}

/* A file that one process maps as often as a process may, a page at a time. */
static void mapped_often(struct pressure *p)
{
	enum { AREAS = IS_SLOW ? 1000 : 40000 };

	p->path = large_file(p, 2 * AREAS);
	struct vm_file *file = open_file(&p->f, p->path, O_RDONLY);
	for (uint64_t i = 0; i < AREAS; i++)
		map_file(p->f.process, ARENA + i * PAGE, 1, PROT_READ, MAP_PRIVATE, file, 2 * i);
	vm_file_unref(file);
	touch_all(p->f.process, ARENA, AREAS, VM_ACCESS_READ);
}

/*
 * Pages of a file that are mapped in many places. One of these, which is found last, is locked: so
 * all are looked at, and none can go.
 */
static void shared_widely(struct pressure *p)
{
	enum { PAGES = 128, PLACES = IS_SLOW ? 64 : 1024 };

	p->path = large_file(p, PAGES);
	struct vm_file *file = open_file(&p->f, p->path, O_RDONLY);
	for (uint64_t i = 0; i < PLACES; i++)
		map_file(p->f.process, ARENA + 2 * i * PAGES * PAGE, PAGES, PROT_READ, MAP_SHARED,
		         file, 0);
	vm_file_unref(file);
	g_assert_cmpint(vm_mlock(p->f.process, ARENA, PAGES * PAGE, 0), ==, 0);
	for (uint64_t i = 0; i < PLACES; i++)
		touch_all(p->f.process, ARENA + 2 * i * PAGES * PAGE, PAGES, VM_ACCESS_READ);
}

/* A process with many children, each with a page of its own. */
static void many_processes(struct pressure *p)
{
	anonymous(p);
	for (unsigned i = 0; i < THINGS; i++)
		vm_process_unref(fork_of(p->f.process));
}

static void forked(struct pressure *p)
{
	anonymous(p);
	vm_process_unref(fork_of(p->f.process));
}

/* All frames hold anonymous pages, for which there is no swap. */
static void full(struct pressure *p)
{
	int64_t at = try_map(p->f.process, FRAMES, RW, PRIVATE_ANON | MAP_NORESERVE);

	g_assert_cmpint(at, >, 0);
	vm_access(p->f.process, (uint64_t)at, FRAMES * PAGE, VM_ACCESS_WRITE, NULL, NULL);
	g_assert_cmpuint(machine_info(p).frames_free, ==, 0);
	map(p->f.process, ARENA, 1, RW, PRIVATE_ANON | MAP_NORESERVE);
}

/* All frames hold clean pages of a file, which are locked. */
static void full_locked(struct pressure *p)
{
	p->path = large_file(p, FRAMES);
	map_path(&p->f, p->f.process, p->path, O_RDWR, FAR, FRAMES, RW, MAP_SHARED);
	vm_mlock(p->f.process, FAR, FRAMES * PAGE, 0);
	g_assert_cmpuint(machine_info(p).frames_free, ==, 0);
	map(p->f.process, ARENA, 1, RW, PRIVATE_ANON | MAP_NORESERVE);
}

/* --- The calls -------------------------------------------------------------------------------- */

static void drop_caches(struct pressure *p)
{
	uint64_t dropped = 0;

	/*
	 * A page in use is passed over: the flusher may be reading them again, one after the other,
	 * and a call may meet it more than once.
	 */
	while (dropped < MANY)
		dropped += vm_machine_drop_caches(p->f.machine);
	g_assert_cmpuint(dropped, ==, MANY);
}

/* The file is cut to one page, and somebody looks at it. */
static void see_truncation(struct pressure *p)
{
	resize_file(p->path, PAGE);
	g_assert_cmpint(vm_msync(p->f.process, ARENA, PAGE, MS_INVALIDATE), ==, 0);
	g_assert_cmpint(get(p->f.process, ARENA), >=, 0);
	g_assert_cmpint(get(p->f.process, ARENA + 3 * PAGE), ==, -EIO);
	g_assert_cmpint(get(p->f.process, ARENA + (MANY / 2 - 1) * PAGE), ==, -EIO);
}

static void refresh(struct pressure *p)
{
	g_assert_cmpint(vm_msync(p->f.process, ARENA, MANY * PAGE, MS_INVALIDATE), ==, 0);
}

static void sync_area(struct pressure *p)
{
	g_assert_cmpint(vm_msync(p->f.process, ARENA, MANY * PAGE, MS_SYNC), ==, 0);
	g_assert_cmpuint(machine_info(p).frames_dirty, ==, 0);
}

static void sync_machine(struct pressure *p)
{
	g_assert_cmpint(vm_machine_sync(p->f.machine), ==, 0);
	g_assert_cmpuint(machine_info(p).frames_dirty, ==, 0);
}

static void refuse(struct pressure *p)
{
	g_assert_cmpint(get(p->f.process, ARENA), >=, -ENOMEM);
	for (int i = 0; i < 3; i++)
		assert_touch(p->f.process, ARENA, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_OOM);
}

static void reclaim_nothing(struct pressure *p)
{
	g_assert_cmpuint(vm_machine_reclaim(p->f.machine, 1), ==, 0);
}

static void reclaim_all(struct pressure *p)
{
	uint64_t reclaimed = 0;

	/* As in drop_caches. */
	while (reclaimed < MANY)
		reclaimed += vm_machine_reclaim(p->f.machine, FRAMES);
}

static void change_policy(struct pressure *p)
{
	for (unsigned i = 0; vm_policy_name(i) != NULL; i++)
		g_assert_cmpint(vm_machine_set_policy(p->f.machine, vm_policy_name(i)), ==, 0);
}

static void leave(struct pressure *p)
{
	end(g_steal_pointer(&p->f.process));
}

static void unmap(struct pressure *p)
{
	g_assert_cmpint(vm_munmap(p->f.process, ARENA, MANY * PAGE), ==, 0);
}

static void do_fork(struct pressure *p)
{
	struct vm_process *child = fork_of(p->f.process);

	touch_all(child, ARENA, 16, VM_ACCESS_WRITE);
	touch_all(p->f.process, ARENA + 2048 * PAGE, 16, VM_ACCESS_WRITE);
	vm_process_unref(child);
}

static void protect(struct pressure *p)
{
	g_assert_cmpint(vm_mprotect(p->f.process, ARENA, MANY * PAGE, PROT_READ), ==, 0);
	g_assert_cmpint(vm_mprotect(p->f.process, ARENA, MANY * PAGE, RW), ==, 0);
}

static void move(struct pressure *p)
{
	uint64_t to = ARENA_END + MANY * PAGE;

	g_assert_cmpint(vm_mremap(p->f.process, ARENA, MANY * PAGE, MANY * PAGE,
	                          MREMAP_MAYMOVE | MREMAP_FIXED, to),
	                ==, (int64_t)to);
}

static void lock_all(struct pressure *p)
{
	g_assert_cmpint(vm_mlock(p->f.process, ARENA, MANY * PAGE, 0), ==, 0);
	g_assert_cmpint(vm_munlock(p->f.process, ARENA, MANY * PAGE), ==, 0);
}

static void advise_all(struct pressure *p)
{
	static const int advice[] = {MADV_COLD,     MADV_WILLNEED,      MADV_FREE,
	                             MADV_DONTNEED, MADV_GUARD_INSTALL, MADV_GUARD_REMOVE};

	for (size_t i = 0; i < G_N_ELEMENTS(advice); i++)
		vm_madvise(p->f.process, ARENA, MANY * PAGE, advice[i]);
}

static void page_out(struct pressure *p)
{
	g_assert_cmpint(vm_madvise(p->f.process, ARENA, MANY * PAGE, MADV_PAGEOUT), ==, 0);
}

static void remove_pages(struct pressure *p)
{
	g_assert_cmpint(vm_madvise(p->f.process, ARENA + PAGE, (MANY - 1) * PAGE, MADV_REMOVE), ==,
	                0);
}

static void reset(struct pressure *p)
{
	/* As in drop_caches. */
	do {
		g_assert_cmpint(vm_process_reset(p->f.process), ==, 0);
	} while (machine_info(p).frames_file > 0);
}

/* A process with as many threads as a core file may have. */
static void load_threads(struct pressure *p)
{
	enum { THREADS = IS_SLOW ? 256 : 65536 };
	g_autofree char *path = make_file(&p->f, "source", PAGE, 'a');
	struct vm_file *source = open_file(&p->f, path, O_RDONLY);
	struct vm_image image;
	int error;

	vm_image_init(&image, source);
	vm_file_unref(source);
	*vm_image_add_area(&image) = (struct vm_image_area){.start = ARENA, .end = ARENA + PAGE};
	for (int i = 0; i < THREADS; i++)
		g_assert_nonnull(vm_image_add_thread(&image));
	struct vm_process *process = vm_process_load(p->f.machine, &p->f.cred, &image, &error);
	vm_image_clear(&image);
	g_assert_nonnull(process);
	end(process);
}

static void swap_off(struct pressure *p)
{
	g_assert_cmpint(vm_machine_swapoff(p->f.machine), ==, 0);
}

static bool count_usage(void *ctx, const struct vm_area_usage *usage)
{
	*(uint64_t *)ctx += usage->rss + usage->swap;
	return true;
}

static bool count_frame(void *ctx, const struct vm_frame_info *info)
{
	++*(uint64_t *)ctx;
	return true;
}

static bool count_entry(void *ctx, const struct vm_entry_info *info)
{
	++*(uint64_t *)ctx;
	return true;
}

/* Everything that only looks. */
static void look(struct pressure *p)
{
	g_autofree uint64_t *words = g_new(uint64_t, FRAMES);
	g_autofree uint8_t *vec = g_malloc(MANY);
	uint64_t n = 0;

	vm_machine_page_counts(p->f.machine, 0, FRAMES, words);
	vm_machine_page_flags(p->f.machine, 0, FRAMES, words);
	g_assert_cmpint(vm_process_pagemap(p->f.process, ARENA / PAGE, MANY, words), ==, 0);
	g_assert_cmpint(vm_mincore(p->f.process, ARENA, MANY * PAGE, vec), ==, 0);
	g_assert_cmpint(vm_process_usage(p->f.process, 0, count_usage, &n), ==, 0);
	g_assert_cmpint(vm_process_clear_refs(p->f.process, 1), ==, 0);
	g_assert_cmpint(vm_process_clear_refs(p->f.process, 4), ==, 0);
	g_assert_cmpint(vm_process_entries(p->f.process, 0, count_entry, &n), ==, 0);
	vm_machine_frames(p->f.machine, 0, count_frame, &n);
	g_assert_cmpuint(n, >, MANY);
}

static bool count_object(void *ctx, const struct vm_object_info *info)
{
	++*(uint64_t *)ctx;
	return true;
}

/* Whatever looks at all files. */
static void look_at_files(struct pressure *p)
{
	uint64_t n = 0;

	vm_machine_objects(p->f.machine, 0, count_object, &n);
	g_assert_cmpuint(n, ==, THINGS + 1);
	g_assert_cmpint(vm_machine_sync(p->f.machine), ==, 0);
}

/* Whatever looks at all processes. */
static void look_at_processes(struct pressure *p)
{
	g_autoptr(GArray) pids = pids_of(p->f.machine);

	g_assert_cmpuint(pids->len, ==, THINGS + 1);
	g_assert_true(oom_kill_worst(p->f.machine));
	g_clear_pointer(&p->f.process, vm_process_unref);
}

/* --- Their table ------------------------------------------------------------------------------ */

#define SCENE(name, frames, slots, policy, prepare, call) \
	{ \
		"/holds/" name, \
		{ \
			{frames, slots, 0, policy}, prepare, call \
		} \
	}

static const struct {
	const char *path;
	struct scene scene;
} scenes[] = {
    SCENE("drop-caches", FRAMES, 0, NULL, file_clean, drop_caches),
    SCENE("truncation/clean", FRAMES, 0, NULL, file_clean, see_truncation),
    SCENE("truncation/dirty", FRAMES, 0, NULL, file_dirty, see_truncation),
    SCENE("truncation/copies", FRAMES, 0, NULL, file_copied, see_truncation),
    SCENE("refresh", FRAMES, 0, NULL, file_clean, refresh),
    SCENE("msync", FRAMES, 0, NULL, file_dirty, sync_area),
    SCENE("sync", FRAMES, 0, NULL, file_dirty, sync_machine),
    SCENE("refuse/clock", FRAMES, 0, "clock", full, refuse),
    SCENE("refuse/lru", FRAMES, 0, "lru", full, refuse),
    SCENE("refuse/fifo", FRAMES, 0, "fifo", full, refuse),
    SCENE("refuse/random", FRAMES, 0, "random", full, refuse),
    SCENE("refuse/locked", FRAMES, 0, "clock", full_locked, refuse),
    SCENE("reclaim/nothing", FRAMES, 0, "clock", full, reclaim_nothing),
    SCENE("reclaim/clean", FRAMES, 0, "clock", file_clean, reclaim_all),
    SCENE("reclaim/shared/clock", FRAMES, 0, "clock", shared_widely, reclaim_nothing),
    SCENE("reclaim/shared/linux", FRAMES, 0, "linux", shared_widely, reclaim_nothing),
    SCENE("reclaim/shared/lfu", FRAMES, 0, "lfu", shared_widely, reclaim_nothing),
    SCENE("reclaim/shared/random", FRAMES, 0, "random", shared_widely, reclaim_nothing),
    SCENE("reclaim/shared/s3fifo", FRAMES, 0, "s3fifo", shared_widely, reclaim_nothing),
    SCENE("reclaim/shared/lirs", FRAMES, 0, "lirs", shared_widely, reclaim_nothing),
    SCENE("policy", FRAMES, 0, NULL, anonymous, change_policy),
    SCENE("exit/anonymous", FRAMES, 0, NULL, anonymous, leave),
    SCENE("exit/shared", FRAMES, 0, NULL, shared_anonymous, leave),
    SCENE("exit/file", FRAMES, 0, NULL, file_clean, leave),
    SCENE("exit/forked", FRAMES, 0, NULL, forked, leave),
    SCENE("munmap/anonymous", FRAMES, 0, NULL, anonymous, unmap),
    SCENE("munmap/shared", FRAMES, 0, NULL, shared_anonymous, unmap),
    SCENE("munmap/file", FRAMES, 0, NULL, file_clean, unmap),
    SCENE("munmap/forked", FRAMES, 0, NULL, forked, unmap),
    SCENE("fork", FRAMES, 0, NULL, warm_anonymous, do_fork),
    SCENE("mprotect", FRAMES, 0, NULL, anonymous, protect),
    SCENE("mremap", FRAMES, 0, NULL, anonymous, move),
    SCENE("mlock", FRAMES, 0, NULL, anonymous, lock_all),
    SCENE("advice", FRAMES, 0, NULL, anonymous, advise_all),
    SCENE("remove/shared", FRAMES, 0, NULL, shared_anonymous, remove_pages),
    SCENE("remove/file", FRAMES, 0, NULL, file_clean, remove_pages),
    SCENE("look/anonymous", FRAMES, 0, NULL, anonymous, look),
    SCENE("look/file", FRAMES, 0, NULL, file_clean, look),
    SCENE("look/swapped", FRAMES, FRAMES, NULL, half_swapped_out, look),
    SCENE("look/files", FRAMES, 0, NULL, many_files, look_at_files),
    SCENE("look/processes", FRAMES, 0, NULL, many_processes, look_at_processes),
    SCENE("remove/swapped", FRAMES, FRAMES, NULL, half_swapped_out, remove_pages),
    SCENE("exit/swapped", FRAMES, FRAMES, NULL, half_swapped_out, leave),
    SCENE("pageout", FRAMES, FRAMES, NULL, swapped_in_again, page_out),
    SCENE("reset/mapped-often", FRAMES, 0, NULL, mapped_often, reset),
    SCENE("load/threads", FRAMES, 0, NULL, anonymous, load_threads),
    SCENE("swapoff", FRAMES, FRAMES, NULL, swapped_out, swap_off),
};

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(scenes); i++)
		g_test_add_data_func(scenes[i].path, &scenes[i].scene, run);
	return g_test_run();
}
