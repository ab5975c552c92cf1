/*
 * test_storage.c - storage that fails: transfers that answer with an error or come short, at every moment of a life; and files
 * that others truncate, grow, replace or unlink meanwhile. Nothing may be lost but what the medium lost; the error goes to the access
 * that met it; when the medium works again, so does everything.
 */
#include "tests/pressure.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHARED_AT ARENA
#define PRIVATE_AT (ARENA + 64 * PAGE)
#define ANON_AT (ARENA + 128 * PAGE)
#define SHMEM_AT (ARENA + 192 * PAGE)

/* --- A life, with the medium failing at each moment of it ----------------------------------------------- */

enum { LIFE_PAGES = 5, REGIONS = 4, PROCESSES = 2 };

static const uint64_t region_at[REGIONS] = {SHARED_AT, PRIVATE_AT, ANON_AT, SHMEM_AT};

/* What each process must read in the first byte of each page; shared regions have one row for both. */
struct life {
	struct pressure p;
	char *path;
	struct vm_process *process[PROCESSES];
	uint8_t byte[PROCESSES][REGIONS][LIFE_PAGES];
	GRand *rand;
	unsigned errors; /* that accesses and calls answered with */
};

static bool is_shared(unsigned region)
{
	return region_at[region] == SHARED_AT || region_at[region] == SHMEM_AT;
}

/* Whether RESULT of an access is good; it may fail for lack of the medium only. */
static bool worked(struct life *life, ssize_t result)
{
	if (result == 1)
		return true;
	if (result != -EIO && result != -ENOMEM)
		g_error("an access answered %zd", result);
	life->errors++;
	return false;
}

/* A page of a private mapping is the file's until it is written: what was stored through the shared one shows in it. */
static bool is_copied[PROCESSES][LIFE_PAGES];

static void learn_store(struct life *life, unsigned who, unsigned region, unsigned page, uint8_t byte)
{
	for (unsigned other = 0; other < PROCESSES; other++) {
		if (other == who || is_shared(region))
			life->byte[other][region][page] = byte;
		if (region_at[region] == SHARED_AT && !is_copied[other][page])
			life->byte[other][1][page] = byte;
	}
	if (region_at[region] == PRIVATE_AT)
		is_copied[who][page] = true;
}

static void access_page(struct life *life, unsigned who, unsigned region, unsigned page, bool store)
{
	uint64_t va = region_at[region] + page * PAGE;
	uint8_t byte = (uint8_t)g_rand_int_range(life->rand, 1, 256), found;

	if (store) {
		if (worked(life, vm_write(life->process[who], va, &byte, 1)))
			learn_store(life, who, region, page, byte);
		return;
	}
	if (worked(life, load(life->process[who], va, &found, 1)))
		g_assert_cmpuint(found, ==, life->byte[who][region][page]);
}

static void call(struct life *life, int result)
{
	if (result == 0)
		return;
	g_assert_true(result == -EIO || result == -ENOSPC || result == -ENOMEM);
	life->errors++;
}

/* The child is made anew: what it was goes, what the parent is it becomes. */
static void fork_again(struct life *life)
{
	end(life->process[1]);
	life->process[1] = fork_of(life->process[0]);
	memcpy(life->byte[1], life->byte[0], sizeof life->byte[1]);
	memcpy(is_copied[1], is_copied[0], sizeof is_copied[1]);
}

static void life_step(struct life *life)
{
	int what = g_rand_int_range(life->rand, 0, 20);

	if (what == 0)
		call(life, vm_msync(life->process[0], SHARED_AT, LIFE_PAGES * PAGE, MS_SYNC));
	else if (what == 1)
		call(life, vm_machine_sync(life->p.f.machine));
	else if (what == 2)
		vm_machine_reclaim(life->p.f.machine, 3);
	else if (what == 3)
		fork_again(life);
	else
		access_page(life, (unsigned)g_rand_int_range(life->rand, 0, PROCESSES),
		            (unsigned)g_rand_int_range(life->rand, 0, REGIONS),
		            (unsigned)g_rand_int_range(life->rand, 0, LIFE_PAGES), g_rand_boolean(life->rand));
}

static void life_begin(struct life *life, unsigned frames, guint32 seed)
{
	struct pressure *p = &life->p;

	memset(life, 0, sizeof *life);
	memset(is_copied, 0, sizeof is_copied);
	pressure_begin(p, &(struct pressure_size){.frames = frames,
	                                          .slots = 64,
	                                          .policy = seed & 1 ? "lru" : "clock",
	                                          .overcommit = VM_OVERCOMMIT_ALWAYS});
	life->rand = g_rand_new_with_seed(seed);
	life->path = make_file(&p->f, "life", LIFE_PAGES * PAGE, 'a');
	struct vm_file *file = open_file(&p->f, life->path, O_RDWR);
	map_file(p->f.process, SHARED_AT, LIFE_PAGES, RW, MAP_SHARED, file, 0);
	map_file(p->f.process, PRIVATE_AT, LIFE_PAGES, RW, MAP_PRIVATE, file, 0);
	map(p->f.process, ANON_AT, LIFE_PAGES, RW, PRIVATE_ANON);
	map(p->f.process, SHMEM_AT, LIFE_PAGES, RW, SHARED_ANON);
	vm_file_unref(file);
	for (unsigned page = 0; page < LIFE_PAGES; page++)
		life->byte[0][0][page] = life->byte[0][1][page] = (uint8_t)('a' + page);
	life->process[0] = p->f.process;
	life->process[1] = fork_of(p->f.process);
	memcpy(life->byte[1], life->byte[0], sizeof life->byte[1]);
}

/* The medium works again: so does every access, and the file gets all. */
static void life_check(struct life *life)
{
	unsigned errors = life->errors;

	for (unsigned who = 0; who < PROCESSES; who++)
		for (unsigned region = 0; region < REGIONS; region++)
			for (unsigned page = 0; page < LIFE_PAGES; page++)
				access_page(life, who, region, page, false);
	g_assert_cmpuint(life->errors, ==, errors);
	assert_sound(life->p.f.machine);
	g_assert_cmpint(vm_machine_sync(life->p.f.machine), ==, 0);
	for (unsigned page = 0; page < LIFE_PAGES; page++)
		g_assert_cmpint(file_byte(life->path, page * PAGE), ==, life->byte[0][0][page]);
}

static void life_end(struct life *life)
{
	end(life->process[1]);
	g_rand_free(life->rand);
	pressure_end(&life->p);
	g_free(life->path);
}

struct trouble {
	const char *name;
	unsigned kinds, count;
	int error;
};

static const struct trouble troubles[] = {
    {"file-read", FILE_READ, 1, -EIO},
    {"file-write", FILE_WRITE, 1, -EIO},
    {"file-write-full", FILE_WRITE, 3, -ENOSPC},
    {"swap-read", SWAP_READ, 1, -EIO},
    {"swap-write", SWAP_WRITE, 1, -EIO},
    {"swap-write-full", SWAP_WRITE, 4, -ENOSPC},
    {"any", ANY_TRANSFER, 2, -EIO},
    {"for-a-while", ANY_TRANSFER, 20, -EIO},
};

static void test_every_moment(gconstpointer data)
{
	const struct trouble *trouble = data;
	unsigned met = 0;

	for (unsigned number = 1; number <= 40; number++) {
		struct life life;
		life_begin(&life, 1 + number % 4, number);
		medium_fails(&life.p, trouble->kinds, number, trouble->count, trouble->error);
		for (unsigned step = 0; step < 600; step++)
			life_step(&life);
		assert_sound(life.p.f.machine);
		met += medium_heals(&life.p) >= number;
		life_check(&life);
		life_end(&life);
	}
	/* The moments were there to be hit. */
	g_assert_cmpuint(met, >=, 35);
}

/* A medium that does little at a time is slow and nothing else. */
static void test_short(gconstpointer data)
{
	struct life life;

	for (guint32 seed = 1; seed <= 3; seed++) {
		life_begin(&life, seed, seed);
		life.p.medium.kinds = ANY_TRANSFER;
		life.p.medium.piece = GPOINTER_TO_SIZE(data);
		for (unsigned step = 0; step < 150; step++)
			life_step(&life);
		g_assert_cmpuint(life.errors, ==, 0);
		life_check(&life);
		life_end(&life);
	}
}

/* --- The right access ---------------------------------------------------------------------------------------- */

/* A machine with a file of four pages mapped shared at SHARED_AT. */
struct scene {
	struct pressure p;
	char *path;
};

static void scene_begin(struct scene *scene, unsigned frames, uint64_t writeback_centisecs)
{
	pressure_begin(&scene->p, &(struct pressure_size){.frames = frames,
	                                                  .slots = 64,
	                                                  .policy = "fifo",
	                                                  .overcommit = VM_OVERCOMMIT_ALWAYS,
	                                                  .writeback_centisecs = writeback_centisecs});
	scene->path = make_file(&scene->p.f, "scene", 4 * PAGE, 'a');
	struct vm_file *file = open_file(&scene->p.f, scene->path, O_RDWR);
	map_file(scene->p.f.process, SHARED_AT, 4, RW, MAP_SHARED, file, 0);
	vm_file_unref(file);
}

static void scene_end(struct scene *scene)
{
	pressure_end(&scene->p);
	g_free(scene->path);
}

static int msync_all(struct scene *scene)
{
	return vm_msync(scene->p.f.process, SHARED_AT, 4 * PAGE, MS_SYNC);
}

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

/* The last mapping goes while the medium is full: its pages are the only copy, and must get to the file when it can take them. */
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

/* The last open file that could write goes while the medium fails; one that only reads keeps the pages. */
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
	g_assert_cmpint(vm_machine_set_knob(scene.p.f.machine, VM_KNOB_DIRTY_WRITEBACK_CENTISECS, 1), ==, 0);
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
		assert_touch(scene.p.f.process, ANON_AT + PAGE, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_OOM);
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

/* Nothing is left of a write that failed: the page can be written, shared by fork and copied as before, on one frame. */
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

/* --- Others come while a transfer is under way ------------------------------------------------------------------ */

struct visitor {
	struct scene scene;
	struct vm_process *other;
	ssize_t result;
};

static void visitor_begin(struct visitor *visitor, unsigned frames)
{
	scene_begin(&visitor->scene, frames, 0);
	visitor->result = 0;
	visitor->other = spawn(&visitor->scene.p.f);
}

static void visitor_end(struct visitor *visitor)
{
	end(visitor->other);
	scene_end(&visitor->scene);
}

static void write_and_unmap(void *ctx)
{
	struct visitor *visitor = ctx;

	put(visitor->other, SHMEM_AT, 'n');
	g_assert_cmpint(vm_munmap(visitor->other, SHMEM_AT, PAGE), ==, 0);
}

/* A shared anonymous page is being written to swap; somebody stores into it and goes. The store stays. */
static void test_store_during_swap_out(void)
{
	struct visitor visitor;

	visitor_begin(&visitor, 8);
	struct vm_process *process = visitor.scene.p.f.process;
	map(process, SHMEM_AT, 1, RW, SHARED_ANON);
	put(process, SHMEM_AT, 'o');
	end(visitor.other);
	visitor.other = fork_of(process);
	medium_calls(&visitor.scene.p, SWAP_WRITE, write_and_unmap, &visitor);
	vm_machine_reclaim(visitor.scene.p.f.machine, 8);
	medium_heals(&visitor.scene.p);
	evict_all(&visitor.scene.p);
	g_assert_cmpint(get(process, SHMEM_AT), ==, 'n');
	visitor_end(&visitor);
}

static void write_private(void *ctx)
{
	struct visitor *visitor = ctx;

	put(visitor->other, ANON_AT, 'n');
}

static void store_in_private_during(bool forked)
{
	struct visitor visitor;

	visitor_begin(&visitor, 8);
	struct vm_process *process = visitor.scene.p.f.process;
	map(process, ANON_AT, 1, RW, PRIVATE_ANON);
	put(process, ANON_AT, 'o');
	end(visitor.other);
	visitor.other = forked ? fork_of(process) : vm_process_ref(process);
	medium_calls(&visitor.scene.p, SWAP_WRITE, write_private, &visitor);
	vm_machine_reclaim(visitor.scene.p.f.machine, 8);
	medium_heals(&visitor.scene.p);
	assert_sound(visitor.scene.p.f.machine);
	evict_all(&visitor.scene.p);
	g_assert_cmpint(get(visitor.other, ANON_AT), ==, 'n');
	g_assert_cmpint(get(process, ANON_AT), ==, forked ? 'o' : 'n');
	if (!forked) {
		vm_process_unref(visitor.other);
		visitor.other = spawn(&visitor.scene.p.f);
	}
	visitor_end(&visitor);
}

static void test_private_store_during_swap_out(void)
{
	store_in_private_during(false);
	store_in_private_during(true);
}

static void exit_other(void *ctx)
{
	struct visitor *visitor = ctx;

	end(visitor->other);
	visitor->other = spawn(&visitor->scene.p.f);
}

/* Who the page belongs to goes while it is being written, or read. */
static void test_exit_during(void)
{
	static const unsigned kinds[] = {SWAP_WRITE, SWAP_READ, FILE_READ, FILE_WRITE};

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		struct visitor visitor;
		visitor_begin(&visitor, 8);
		struct vm_process *process = visitor.scene.p.f.process;
		end(visitor.other);
		visitor.other = fork_of(process);
		map(visitor.other, ANON_AT, 1, RW, PRIVATE_ANON);
		map(visitor.other, SHMEM_AT, 1, RW, SHARED_ANON);
		put(visitor.other, ANON_AT, 'o');
		put(visitor.other, SHMEM_AT, 'o');
		put(visitor.other, SHARED_AT, 'f');
		if (kinds[i] != SWAP_WRITE && kinds[i] != FILE_WRITE)
			evict_all(&visitor.scene.p);
		medium_calls(&visitor.scene.p, kinds[i], exit_other, &visitor);
		struct vm_process *held = vm_process_ref(visitor.other);
		vm_machine_reclaim(visitor.scene.p.f.machine, 8);
		get(held, ANON_AT);
		get(held, SHMEM_AT);
		get(held, SHARED_AT + 2 * PAGE);
		vm_process_unref(held);
		medium_heals(&visitor.scene.p);
		assert_sound(visitor.scene.p.f.machine);
		g_assert_cmpint(get(process, SHARED_AT), ==, 'f');
		g_assert_cmpuint(machine_info(&visitor.scene.p).swap_used, ==, 0);
		visitor_end(&visitor);
	}
}

static void shrink_and_notice(void *ctx)
{
	struct visitor *visitor = ctx;

	resize_file(visitor->scene.path, PAGE);
	g_assert_cmpint(get(visitor->other, SHARED_AT), ==, 'a');
}

static void map_scene_file(struct visitor *visitor)
{
	struct vm_file *file = open_file(&visitor->scene.p.f, visitor->scene.path, O_RDWR);

	map_file(visitor->other, SHARED_AT, 4, RW, MAP_SHARED, file, 0);
	vm_file_unref(file);
}

/* The file shrinks, and that is seen, while one of its pages past the new end is being read. */
static void test_shrink_during_read(void)
{
	struct visitor visitor;

	visitor_begin(&visitor, 8);
	struct vm_process *process = visitor.scene.p.f.process;
	map_scene_file(&visitor);
	medium_calls(&visitor.scene.p, FILE_READ, shrink_and_notice, &visitor);
	struct vm_fault fault;
	int error = touch(process, SHARED_AT + 2 * PAGE, VM_ACCESS_READ, &fault);
	g_assert_true(error == 0 || error == -EIO);
	medium_heals(&visitor.scene.p);
	vm_msync(process, SHARED_AT, PAGE, MS_INVALIDATE);
	g_assert_cmpint(get(process, SHARED_AT + 2 * PAGE), ==, -EIO);
	assert_sound(visitor.scene.p.f.machine);
	visitor_end(&visitor);
}

/* ... or written. */
static void test_shrink_during_write(void)
{
	struct visitor visitor;

	visitor_begin(&visitor, 8);
	struct vm_process *process = visitor.scene.p.f.process;
	map_scene_file(&visitor);
	put(process, SHARED_AT + 2 * PAGE, 'w');
	medium_calls(&visitor.scene.p, FILE_WRITE, shrink_and_notice, &visitor);
	vm_msync(process, SHARED_AT, 4 * PAGE, MS_SYNC);
	medium_heals(&visitor.scene.p);
	vm_msync(process, SHARED_AT, PAGE, MS_INVALIDATE);
	g_assert_cmpint(get(process, SHARED_AT + 2 * PAGE), ==, -EIO);
	assert_sound(visitor.scene.p.f.machine);
	visitor_end(&visitor);
}

static void store_again(void *ctx)
{
	struct visitor *visitor = ctx;

	put(visitor->other, SHARED_AT, '2');
}

/* A store during the page's write-back, by msync or by eviction, is written by the next one. */
static void test_store_during_write_back(void)
{
	for (int evicted = 0; evicted < 2; evicted++) {
		struct visitor visitor;
		visitor_begin(&visitor, 8);
		struct vm_process *process = visitor.scene.p.f.process;
		map_scene_file(&visitor);
		put(process, SHARED_AT, '1');
		medium_calls(&visitor.scene.p, FILE_WRITE, store_again, &visitor);
		if (evicted)
			vm_machine_reclaim(visitor.scene.p.f.machine, 1);
		else
			g_assert_cmpint(msync_all(&visitor.scene), ==, 0);
		medium_heals(&visitor.scene.p);
		assert_sound(visitor.scene.p.f.machine);
		g_assert_cmpint(get(process, SHARED_AT), ==, '2');
		g_assert_cmpint(msync_all(&visitor.scene), ==, 0);
		g_assert_cmpint(file_byte(visitor.scene.path, 0), ==, '2');
		visitor_end(&visitor);
	}
}

static void want_a_frame(void *ctx)
{
	struct visitor *visitor = ctx;
	uint8_t byte = 'v';

	medium_fails(&visitor->scene.p, SWAP_WRITE, 1, UINT_MAX, -EIO);
	visitor->result = vm_write(visitor->other, ANON_AT + PAGE, &byte, 1);
}

/* No page can be written, and one is only in use for the moment: an access answers with an errno of the contract. */
static void test_errno_while_others_read(void)
{
	struct visitor visitor;

	visitor_begin(&visitor, 2);
	map(visitor.other, ANON_AT, 2, RW, PRIVATE_ANON);
	put(visitor.other, ANON_AT, 'v');
	medium_calls(&visitor.scene.p, FILE_READ, want_a_frame, &visitor);
	g_assert_cmpint(get(visitor.scene.p.f.process, SHARED_AT), ==, 'a');
	medium_heals(&visitor.scene.p);
	g_assert_true(visitor.result == -ENOMEM || visitor.result == -EIO);
	g_assert_cmpint(get(visitor.other, ANON_AT), ==, 'v');
	visitor_end(&visitor);
}

struct swapoff_race {
	struct visitor visitor;
	GThread *thread;
	bool seen;
};

static gpointer swapoff_main(gpointer machine)
{
	return GINT_TO_POINTER(vm_machine_swapoff(machine));
}

/* While the slot is being read for one process, swapoff comes: the other must not get the page before it is there. */
static void begin_swapoff(void *ctx)
{
	struct swapoff_race *race = ctx;

	race->thread = g_thread_new("swapoff", swapoff_main, race->visitor.scene.p.f.machine);
	for (int i = 0; i < 100 && !race->seen; i++) {
		race->seen = entry_kind(race->visitor.other, ANON_AT) == VM_ENTRY_PAGE;
		g_usleep(1000);
	}
}

static void test_swapoff_during_swap_in(void)
{
	struct swapoff_race race = {.seen = false};
	struct visitor *visitor = &race.visitor;

	visitor_begin(visitor, 8);
	struct vm_process *process = visitor->scene.p.f.process;
	map(process, ANON_AT, 1, RW, PRIVATE_ANON);
	fill(process, ANON_AT, 1, 'o');
	end(visitor->other);
	visitor->other = fork_of(process);
	evict_all(&visitor->scene.p);
	medium_calls(&visitor->scene.p, SWAP_READ, begin_swapoff, &race);
	g_assert_cmpint(get(process, ANON_AT), ==, 'o');
	g_assert_cmpint(GPOINTER_TO_INT(g_thread_join(race.thread)), ==, 0);
	medium_heals(&visitor->scene.p);
	g_assert_false(race.seen);
	assert_filled(visitor->other, ANON_AT, 1, 'o');
	assert_sound(visitor->scene.p.f.machine);
	visitor_end(visitor);
}

/* --- What others do to the file ----------------------------------------------------------------------------------- */

/*
 * A file of four pages a, b, c, d, mapped shared and private. Page 2 is brought to a STATE, then the file suffers an EVENT, then all
 * pages are looked at, from the process and from its child.
 */
struct fate {
	struct scene scene;
	struct vm_process *child;
	bool shared_stored, private_stored; /* page 2 was written through that mapping */
	bool child_stored;                  /* the child wrote its private page 2 */
	uint64_t size;                      /* of the file afterwards */
	bool replaced;
	int old; /* a descriptor of the file as it was */
};

#define PAGE2 (2 * PAGE)

static void state_untouched(struct fate *fate)
{
}

static void state_clean(struct fate *fate)
{
	for (unsigned page = 0; page < 4; page++) {
		get(fate->scene.p.f.process, SHARED_AT + page * PAGE);
		get(fate->scene.p.f.process, PRIVATE_AT + page * PAGE);
	}
}

static void state_dirty(struct fate *fate)
{
	state_clean(fate);
	put(fate->scene.p.f.process, SHARED_AT + PAGE2, 'S');
	fate->shared_stored = true;
}

static void state_copied(struct fate *fate)
{
	state_clean(fate);
	put(fate->scene.p.f.process, PRIVATE_AT + PAGE2, 'P');
	fate->private_stored = true;
}

static void state_copied_and_dirty(struct fate *fate)
{
	state_copied(fate);
	state_dirty(fate);
}

static void state_swapped(struct fate *fate)
{
	state_copied_and_dirty(fate);
	evict_all(&fate->scene.p);
}

static void state_child_copied(struct fate *fate)
{
	state_copied_and_dirty(fate);
	put(fate->child, PRIVATE_AT + PAGE2, 'C');
	fate->child_stored = true;
}

static void state_child_swapped(struct fate *fate)
{
	state_child_copied(fate);
	evict_all(&fate->scene.p);
}

static void truncate_to(struct fate *fate, uint64_t size)
{
	resize_file(fate->scene.path, size);
	fate->size = size;
}

static void event_truncate_all(struct fate *fate)
{
	truncate_to(fate, 0);
}

static void event_truncate_before(struct fate *fate)
{
	truncate_to(fate, PAGE);
}

static void event_truncate_within(struct fate *fate)
{
	truncate_to(fate, PAGE2 + 100);
}

static void event_grow(struct fate *fate)
{
	truncate_to(fate, 6 * PAGE);
}

static void event_unlink(struct fate *fate)
{
	g_assert_cmpint(g_unlink(fate->scene.path), ==, 0);
	fate->replaced = true;
}

static void event_replace(struct fate *fate)
{
	g_autofree char *other = make_file(&fate->scene.p.f, "other", 4 * PAGE, 'A');

	g_assert_cmpint(g_rename(other, fate->scene.path), ==, 0);
	fate->replaced = true;
}

/* What stands on PAGE of one mapping, or -EIO. */
static int expected(const struct fate *fate, unsigned page, bool private, bool is_child)
{
	if (page * PAGE >= fate->size)
		return -EIO;
	if (page >= 4)
		return 0;
	if (page == 2 && private && is_child && fate->child_stored)
		return 'C';
	if (page == 2 && private && fate->private_stored)
		return 'P';
	return page == 2 && fate->shared_stored ? 'S' : 'a' + (int)page;
}

static void check_fate(struct fate *fate, struct vm_process *process, bool is_child)
{
	for (unsigned page = 0; page < 6; page++) {
		g_assert_cmpint(get(process, SHARED_AT + page * PAGE), ==, expected(fate, page, false, is_child));
		g_assert_cmpint(get(process, PRIVATE_AT + page * PAGE), ==, expected(fate, page, true, is_child));
	}
	/* Past the end in the last page there are zeros. */
	if (fate->size == PAGE2 + 100)
		g_assert_cmpint(get(process, SHARED_AT + PAGE2 + 200), ==, 0);
}

static int byte_of_fd(int fd, uint64_t offset)
{
	uint8_t byte;

	return pread(fd, &byte, 1, (off_t)offset) == 1 ? byte : -EIO;
}

static void check_file(struct fate *fate)
{
	struct stat status;

	g_assert_cmpint(fstat(fate->old, &status), ==, 0);
	g_assert_cmpint(status.st_size, ==, fate->size);
	for (unsigned page = 0; page < 6; page++)
		g_assert_cmpint(byte_of_fd(fate->old, page * PAGE), ==, expected(fate, page, false, false));
	if (fate->replaced && file_byte(fate->scene.path, 0) >= 0)
		g_assert_cmpint(file_byte(fate->scene.path, PAGE2), ==, 'C');
}

static void fate_begin(struct fate *fate, unsigned frames)
{
	memset(fate, 0, sizeof *fate);
	scene_begin(&fate->scene, frames, 0);
	struct vm_process *process = fate->scene.p.f.process;
	struct vm_file *file = open_file(&fate->scene.p.f, fate->scene.path, O_RDWR);
	map_file(process, SHARED_AT, 6, RW, MAP_SHARED, file, 0);
	map_file(process, PRIVATE_AT, 6, RW, MAP_PRIVATE, file, 0);
	vm_file_unref(file);
	fate->size = 4 * PAGE;
	fate->old = open(fate->scene.path, O_RDONLY | O_CLOEXEC);
}

static void fate_end(struct fate *fate)
{
	close(fate->old);
	scene_end(&fate->scene);
}

typedef void (*fate_fn)(struct fate *fate);

static const fate_fn states[] = {state_untouched,        state_clean,   state_dirty,        state_copied,
                                 state_copied_and_dirty, state_swapped, state_child_copied, state_child_swapped};
static const fate_fn events[] = {event_truncate_all, event_truncate_before, event_truncate_within,
                                 event_grow,         event_unlink,          event_replace};

/* EARLY: the child is there from the start, else it is made in the state that is reached. */
static void suffer(fate_fn state, fate_fn event, unsigned frames, bool early)
{
	struct fate fate;

	fate_begin(&fate, frames);
	struct vm_process *process = fate.scene.p.f.process;
	/* A child of before the copies has pages of its own: it only looks on. */
	struct vm_process *witness = early ? fork_of(process) : NULL;
	if (state == state_child_copied || state == state_child_swapped) {
		/* These fork after the parent's stores. */
		fate.child = fork_of(process);
		put(process, PRIVATE_AT + PAGE, 'b');
	}
	state(&fate);
	if (fate.child == NULL)
		fate.child = fork_of(process);
	event(&fate);
	g_assert_cmpint(vm_msync(process, SHARED_AT, PAGE, MS_INVALIDATE), ==, 0);
	assert_sound(fate.scene.p.f.machine);
	check_fate(&fate, process, false);
	check_fate(&fate, fate.child, !(state != state_child_copied && state != state_child_swapped) ? true : false);
	if (witness != NULL)
		for (unsigned page = 0; page < 6; page++)
			g_assert_cmpint(get(witness, SHARED_AT + page * PAGE), ==, expected(&fate, page, false, false));
	assert_sound(fate.scene.p.f.machine);
	end(fate.child);
	if (witness != NULL)
		end(witness);
	g_assert_cmpint(vm_munmap(process, ARENA, ARENA_END - ARENA), ==, 0);
	check_file(&fate);
	fate_end(&fate);
}

static void test_fates(gconstpointer data)
{
	unsigned frames = GPOINTER_TO_UINT(data);

	for (size_t state = 0; state < G_N_ELEMENTS(states); state++)
		for (size_t event = 0; event < G_N_ELEMENTS(events); event++)
			for (int early = 0; early < 2; early++) {
				g_test_message("state %zu, event %zu, early %d", state, event, early);
				suffer(states[state], events[event], frames, early);
			}
}

/* --- The list -------------------------------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	static const unsigned frames[] = {1, 2, 5, 64}, pieces[] = {1, 511, 4095};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(troubles); i++) {
		g_autofree char *name = g_strconcat("/storage/every-moment/", troubles[i].name, NULL);
		g_test_add_data_func(name, &troubles[i], test_every_moment);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
		g_autofree char *name = g_strdup_printf("/storage/short/%u", pieces[i]);
		g_test_add_data_func(name, GUINT_TO_POINTER(pieces[i]), test_short);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(frames); i++) {
		g_autofree char *name = g_strdup_printf("/storage/fates/%u-frames", frames[i]);
		g_test_add_data_func(name, GUINT_TO_POINTER(frames[i]), test_fates);
	}
	g_test_add_func("/storage/file-read", test_file_read);
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
	g_test_add_func("/storage/during/store-shared", test_store_during_swap_out);
	g_test_add_func("/storage/during/store-private", test_private_store_during_swap_out);
	g_test_add_func("/storage/during/exit", test_exit_during);
	g_test_add_func("/storage/during/shrink-read", test_shrink_during_read);
	g_test_add_func("/storage/during/shrink-write", test_shrink_during_write);
	g_test_add_func("/storage/during/store-write-back", test_store_during_write_back);
	g_test_add_func("/storage/during/errno", test_errno_while_others_read);
	g_test_add_func("/storage/during/swapoff", test_swapoff_during_swap_in);
	return g_test_run();
}
