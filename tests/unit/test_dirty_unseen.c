/*
 * test_dirty_unseen.c - dirty pages of files that cannot be written, and that nobody can ever see:
 * they go.
 */
#include "tests/fixture/pressure.h"
#include "vm/base/lock.h"

#include <glib/gstdio.h>

/* --- The scene -------------------------------------------------------------------------------- */

/* What events would say of pages that were lost. */
struct losses {
	unsigned count;
	struct vm_fault last; /* without its file */
	char *file;
};

static void watch(void *ctx, const struct vm_fault *fault)
{
	struct losses *losses = ctx;

	if (fault->kind != VM_FAULT_LOST)
		return;
	losses->count++;
	losses->last = *fault;
	g_free(losses->file);
	losses->file = g_strdup(fault->file);
}

/* A machine of eight frames. Two pages of its file are dirty, and no file can be written. */
static void begin_full(struct pressure *p, struct losses *losses)
{
	*losses = (struct losses){.count = 0};
	pressure_begin_file(p, 8);
	vm_machine_watch(p->f.machine, watch, losses);
	fill(p->f.process, SHARED_AT + PAGE, 2, 'l');
	medium_fails(p, FILE_WRITE, 1, UINT_MAX, -ENOSPC);
}

static void end_full(struct pressure *p, struct losses *losses)
{
	vm_machine_watch(p->f.machine, NULL, NULL);
	pressure_end(p);
	g_free(losses->file);
}

static void end_first(struct pressure *p)
{
	end(g_steal_pointer(&p->f.process));
}

/* --- Pages that nobody can see ---------------------------------------------------------------- */

/* The file has no name already when the last process that maps it ends. */
static void test_unlinked_before(void)
{
	struct losses losses;
	struct pressure p;

	begin_full(&p, &losses);
	struct vm_process *other = spawn(&p.f);
	g_assert_cmpint(g_unlink(p.path), ==, 0);
	end_first(&p);
	assert_sound(p.f.machine);
	g_assert_cmpuint(losses.count, ==, 1);
	g_assert_cmpint(losses.last.pid, ==, 0);
	g_assert_cmpint(losses.last.access, ==, VM_ACCESS_NONE);
	g_assert_cmpstr(vm_outcome_name(losses.last.outcome), ==, "evict");
	g_assert_cmpstr(vm_fault_kind_name(losses.last.kind), ==, "lost");
	g_assert_cmpstr(losses.file, ==, p.path);
	g_assert_cmpuint(losses.last.offset, ==, PAGE);
	g_assert_cmpuint(losses.last.pages, ==, 2);
	g_assert_cmpuint(machine_info(&p).frames_free, ==, 8);
	g_assert_cmpuint(machine_info(&p).faults, <, losses.last.seq);
	map_pattern(other, ANON_AT, 8, PRIVATE_ANON, 'n');
	assert_pattern(other, ANON_AT, 8, 'n');
	end(other);
	end_full(&p, &losses);
}

/* It loses its name later: sync finds that. */
static void test_unlinked_after(void)
{
	struct losses losses;
	struct pressure p;

	begin_full(&p, &losses);
	end_first(&p);
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, -ENOSPC);
	g_assert_cmpuint(losses.count, ==, 0);
	g_assert_cmpuint(machine_info(&p).frames_dirty, ==, 2);
	g_assert_cmpint(g_unlink(p.path), ==, 0);
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, -ENOSPC);
	g_assert_cmpuint(losses.count, ==, 1);
	g_assert_cmpuint(losses.last.pages, ==, 2);
	g_assert_cmpuint(machine_info(&p).frames_free, ==, 8);
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, 0);
	end_full(&p, &losses);
}

static bool nothing_is_dirty(void *ctx)
{
	return dirty_pages(ctx) == 0;
}

/* So does the write-back that goes on by itself. */
static void test_by_itself(void)
{
	struct losses losses;
	struct pressure p;

	begin_full(&p, &losses);
	end_first(&p);
	g_assert_cmpint(g_unlink(p.path), ==, 0);
	g_assert_cmpint(vm_machine_set_knob(p.f.machine, VM_KNOB_DIRTY_WRITEBACK_CENTISECS, 1), ==,
	                0);
	wait_until(nothing_is_dirty, p.f.machine);
	end_full(&p, &losses);
	g_assert_cmpuint(losses.count, ==, 1);
}

/* As long as somebody maps the file, or has it open, or it has a name, nothing goes. */
static void test_seen(void)
{
	struct losses losses;
	struct pressure p;

	begin_full(&p, &losses);
	struct vm_process *other = spawn(&p.f);
	int old = open(p.path, O_RDONLY | O_CLOEXEC);
	map_path(&p.f, other, p.path, O_RDONLY, PRIVATE_AT, 4, PROT_READ, MAP_SHARED);
	struct vm_file *file = open_file(&p.f, p.path, O_RDONLY);
	end_first(&p);
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, -ENOSPC);
	g_assert_cmpint(g_unlink(p.path), ==, 0);
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, -ENOSPC);
	g_assert_cmpint(get(other, PRIVATE_AT + PAGE), ==, 'l');
	end(other);
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, -ENOSPC);
	g_assert_cmpuint(machine_info(&p).frames_dirty, ==, 2);
	g_assert_cmpuint(losses.count, ==, 0);
	medium_heals(&p);
	vm_file_unref(file);
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, 0);
	uint8_t byte;
	g_assert_cmpint(pread(old, &byte, 1, 2 * PAGE), ==, 1);
	g_assert_cmpint(byte, ==, 'l');
	close(old);
	g_assert_cmpuint(losses.count, ==, 0);
	end_full(&p, &losses);
}

/* What was dropped is not counted as lost once more when the machine ends. */
static void test_counted_once(void)
{
	struct losses losses;
	struct pressure p;

	begin_full(&p, &losses);
	end_first(&p);
	g_assert_cmpint(g_unlink(p.path) + g_rmdir(p.f.dir), ==, 0);
	g_assert_cmpuint(vm_machine_free(p.f.machine), ==, 0);
	g_assert_cmpuint(losses.count, ==, 1);
	g_free(losses.file);
	g_free(p.f.dir);
	g_free(p.path);
}

#ifndef NDEBUG
/* Somebody who has the file open otherwise maps it when the last process gives it up. */
struct newcomer {
	struct pressure p;
	struct losses losses;
	char *path; /* through which it can still be opened */
	struct vm_process *process;
	GThread *giver;
	unsigned left; /* until it comes: locks that the giver drops */
	bool came;
};

static gpointer map_and_look(gpointer data)
{
	struct newcomer *n = data;

	map_path(&n->p.f, n->process, n->path, O_RDONLY, PRIVATE_AT, 4, PROT_READ, MAP_SHARED);
	return GINT_TO_POINTER(get(n->process, PRIVATE_AT + PAGE));
}

static void come(void *ctx, enum lock_point point)
{
	struct newcomer *n = ctx;

	if (point != LOCK_DROPPED || g_thread_self() != n->giver || n->came || n->left-- > 0)
		return;
	n->came = true;
	int byte = GPOINTER_TO_INT(g_thread_join(g_thread_new("come", map_and_look, n)));
	/* Only a loss that is told of may show. */
	g_assert_cmpint(byte, ==, n->losses.count > 0 ? 'b' : 'l');
}

/* The newcomer comes at each point where the giver has dropped a lock. */
static bool come_at(unsigned point)
{
	struct newcomer n = {.left = point, .giver = g_thread_self()};

	begin_full(&n.p, &n.losses);
	int fd = open(n.p.path, O_RDONLY | O_CLOEXEC);
	n.path = g_strdup_printf("/proc/self/fd/%d", fd);
	n.process = spawn(&n.p.f);
	g_assert_cmpint(g_unlink(n.p.path), ==, 0);
	lock_watch(n.p.f.machine, come, &n);
	vm_munmap(n.p.f.process, SHARED_AT, 4 * PAGE);
	lock_watch(n.p.f.machine, NULL, NULL);
	assert_sound(n.p.f.machine);
	if (n.came) {
		/* It sees for ever what it saw first. */
		g_assert_cmpuint(machine_info(&n.p).frames_dirty, ==, n.losses.count ? 0 : 2);
		g_assert_cmpint(get(n.process, PRIVATE_AT + 2 * PAGE), ==,
		                n.losses.count ? 'c' : 'l');
	}
	medium_heals(&n.p);
	vm_machine_sync(n.p.f.machine);
	end(n.process);
	close(fd);
	g_free(n.path);
	end_full(&n.p, &n.losses);
	return n.came;
}

static void test_newcomer(void)
{
	unsigned points = 0;

	while (come_at(points))
		points++;
	g_assert_cmpuint(points, >, 8);
}
#endif

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dirty/unseen/unlinked-before", test_unlinked_before);
	g_test_add_func("/dirty/unseen/unlinked-after", test_unlinked_after);
	g_test_add_func("/dirty/unseen/by-itself", test_by_itself);
	g_test_add_func("/dirty/unseen/seen", test_seen);
	g_test_add_func("/dirty/unseen/counted-once", test_counted_once);
#ifndef NDEBUG
	g_test_add_func("/dirty/unseen/newcomer", test_newcomer);
#endif
	return g_test_run();
}
