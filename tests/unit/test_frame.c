/*
 * test_frame.c - frames of physical memory, and the reverse map from a frame to those who map it.
 */
#include "tests/fixture/vm_fixture.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/base/pool.h"
#include "vm/memory/frame.h"
#include "vm/memory/rmap.h"

#define A(page) (ARENA + (page)*PAGE)

/* --- Frames ----------------------------------------------------------------------------------- */

static void test_alloc_all(struct vm_fixture *f, gconstpointer data)
{
	enum { FRAMES = 16 };
	struct vm_machine *machine = f->machine;
	vm_pfn pfn[FRAMES];

	machine_lock(machine);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < FRAMES; i++) {
			pfn[i] = frame_alloc_locked(machine, NULL, true);
			g_assert_cmpuint(pfn[i], >=, 1);
			g_assert_cmpuint(pfn[i], <=, FRAMES);
			frame_pin_locked(machine, pfn[i]);
			/* A frame that is allocated again is zeroed. */
			uint8_t *bytes = machine_page(machine, pfn[i]);
			for (uint64_t b = 0; b < PAGE; b++)
				g_assert_cmpint(bytes[b], ==, 0);
			frame_not_blank_locked(&machine->frames[pfn[i]]);
			memset(bytes, 'x', PAGE);
		}
		g_assert_cmpuint(frame_alloc_locked(machine, NULL, true), ==, VM_PFN_NONE);
		/* A frame becomes free when its last pin goes. */
		frame_pin_locked(machine, pfn[0]);
		frame_unpin_locked(machine, pfn[0]);
		g_assert_cmpuint(pool_free(&machine->frame_pool), ==, 0);
		for (int i = 0; i < FRAMES; i++)
			frame_unpin_locked(machine, pfn[i]);
		g_assert_cmpuint(pool_free(&machine->frame_pool), ==, FRAMES);
	}
	machine_unlock(machine);
}

static void test_one_frame(struct vm_fixture *f, gconstpointer data)
{
	uint8_t bytes[3 * VM_PAGE_SIZE];

	map(f->process, A(0), 3, RW, PRIVATE_ANON);
	put(f->process, A(1), 'x');
	g_assert_cmpint(vm_write(f->process, A(2), "y", 1), ==, -ENOMEM);
	g_assert_cmpint(load(f->process, A(0), bytes, sizeof bytes), ==, sizeof bytes);
	g_assert_cmpint(bytes[PAGE], ==, 'x');
	g_assert_cmpint(bytes[2 * PAGE], ==, 0);
	g_assert_cmpint(vm_munmap(f->process, A(1), PAGE), ==, 0);
	put(f->process, A(2), 'y');
	g_assert_cmpint(get(f->process, A(2) + 1), ==, 0);
	/* Parent and child share the only frame. */
	struct vm_process *child = fork_of(f->process);
	g_assert_cmpint(vm_write(child, A(2), "z", 1), ==, -ENOMEM);
	g_assert_cmpint(get(child, A(2)), ==, 'y');
	end(child);
	put(f->process, A(2), 'z');
}

/* --- The reverse map -------------------------------------------------------------------------- */

struct wanted {
	uint64_t pfn;
	struct vm_frame_info info;
	bool found;
};

static bool look_for_frame(void *ctx, const struct vm_frame_info *info)
{
	struct wanted *wanted = ctx;

	if (info->kind == VM_FRAME_FREE || info->pfn != wanted->pfn)
		return true;
	wanted->info = *info;
	wanted->found = true;
	return true;
}

/* What the list of frames shows for the frame that PROCESS has at VA. */
static struct vm_frame_info frame_at(struct vm_fixture *f, struct vm_process *process, uint64_t va)
{
	struct wanted wanted = {.found = false};
	struct vm_translation translation;

	g_assert_cmpint(vm_translate(process, va, &translation), ==, 0);
	g_assert_true(translation.present);
	wanted.pfn = translation.pa / PAGE;
	vm_machine_frames(f->machine, 0, look_for_frame, &wanted);
	g_assert_true(wanted.found);
	return wanted.info;
}

static void test_private_users(struct vm_fixture *f, gconstpointer data)
{
	struct vm_process *children[5];

	map(f->process, A(0), 2, RW, PRIVATE_ANON);
	fill(f->process, A(0), 2, 'x');
	struct vm_frame_info info = frame_at(f, f->process, A(1));
	g_assert_cmpint(info.kind, ==, VM_FRAME_ANON);
	g_assert_cmpuint(info.users, ==, 1);
	g_assert_cmpint(info.pid, ==, vm_process_pid(f->process));
	g_assert_cmphex(info.va, ==, A(1));
	g_assert_cmpuint(info.object, ==, 0);
	for (int i = 0; i < 5; i++)
		children[i] = fork_of(i > 2 ? children[i - 1] : f->process);
	/*
	 * Processes with shared tables, with tables of their own, and with shared tables below
	 * their own: each process counts once.
	 */
	g_assert_cmpuint(frame_at(f, f->process, A(1)).users, ==, 6);
	put(children[1], A(0), 'y');
	g_assert_cmpuint(frame_at(f, f->process, A(1)).users, ==, 6);
	g_assert_cmpuint(frame_at(f, f->process, A(0)).users, ==, 5);
	put(children[3], A(1), 'y');
	g_assert_cmpuint(frame_at(f, f->process, A(1)).users, ==, 5);
	for (int i = 0; i < 5; i++)
		end(children[i]);
	g_assert_cmpuint(frame_at(f, f->process, A(1)).users, ==, 1);
}

static void test_shared_users(struct vm_fixture *f, gconstpointer data)
{
	g_autofree char *path = make_file(f, "file", 2 * PAGE, 'a');
	struct vm_file *file = open_file(f, path, O_RDWR);
	struct vm_process *other = spawn(f);

	map_file(f->process, A(0), 2, RW, MAP_SHARED, file, 0);
	map_file(f->process, A(1000), 2, PROT_READ, MAP_PRIVATE, file, 0);
	map_file(other, A(5), 1, PROT_READ, MAP_SHARED, file, 1);
	get(f->process, A(1));
	get(f->process, A(1001));
	get(other, A(5));
	struct vm_frame_info info = frame_at(f, other, A(5));
	g_assert_cmpint(info.kind, ==, VM_FRAME_FILE);
	g_assert_cmpuint(info.users, ==, 3);
	g_assert_cmpuint(info.index, ==, 1);
	g_assert_false(info.dirty);
	put(f->process, A(1), 'x');
	g_assert_true(frame_at(f, other, A(5)).dirty);
	g_assert_cmpuint(frame_at(f, other, A(5)).users, ==, 3);
	end(fork_of(f->process));
	struct vm_process *child = fork_of(f->process);
	g_assert_cmpuint(frame_at(f, other, A(5)).users, ==, 5);
	g_assert_cmpint(vm_munmap(f->process, A(1), PAGE), ==, 0);
	g_assert_cmpuint(frame_at(f, other, A(5)).users, ==, 4);
	end(child);
	end(other);
	g_assert_cmpuint(frame_at(f, f->process, A(1001)).users, ==, 1);
	vm_file_unref(file);
}

/* A frame's chain holds exactly the entries that map it, in whatever order they are removed. */
static void test_chain(struct vm_fixture *f, gconstpointer data)
{
	enum { COUNT = 40 };
	g_autofree char *path = make_file(f, "file", PAGE, 'a');
	struct vm_file *file = open_file(f, path, O_RDONLY);
	GRand *rand = g_rand_new_with_seed(5);
	bool mapped[COUNT] = {false};
	uint64_t users = 1;

	map_file(f->process, A(0), 1, PROT_READ, MAP_SHARED, file, 0);
	get(f->process, A(0));
	for (int i = 0; i < 2000; i++) {
		int n = g_rand_int_range(rand, 0, COUNT);
		uint64_t va = A(2 + (uint64_t)n * 300);
		if (mapped[n]) {
			g_assert_cmpint(vm_munmap(f->process, va, PAGE), ==, 0);
			users--;
		} else {
			map_file(f->process, va, 1, PROT_READ, MAP_PRIVATE, file, 0);
			get(f->process, va);
			users++;
		}
		mapped[n] = !mapped[n];
		g_assert_cmpuint(frame_at(f, f->process, A(0)).users, ==, users);
		if (i % 20 == 0)
			assert_sound(f->machine);
	}
	g_rand_free(rand);
	vm_file_unref(file);
}

int main(int argc, char **argv)
{
	static const struct vm_limits sixteen = {.ram_pages = 16}, one = {.ram_pages = 1};

	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/frame/alloc-all", &sixteen, test_alloc_all);
	FIXTURE_TEST("/frame/one-frame", &one, test_one_frame);
	FIXTURE_TEST("/frame/private-users", NULL, test_private_users);
	FIXTURE_TEST("/frame/shared-users", NULL, test_shared_users);
	FIXTURE_TEST("/frame/chain", NULL, test_chain);
	return g_test_run();
}
