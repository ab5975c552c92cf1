/*
 * test_check.c - the checker finds damage. Each step damages one counter, link or entry, expects
 * the checker to report it, and repairs it.
 *
 * The scene has a process and its child, with pages of every kind, in memory and in swap. The
 * machine's own threads are stopped, so that nothing else sees the damage.
 */
#include "tests/fixture/pressure.h"
#include "vm/base/lock.h"
#include "vm/base/user.h"
#include "vm/cache/file.h"
#include "vm/cache/flusher.h"
#include "vm/memory/frame.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/rmap.h"
#include "vm/memory/swap.h"
#include "vm/policy/lists.h"
#include "vm/policy/policy.h"
#include "vm/space/area.h"
#include "vm/space/space.h"

enum { AREA_PAGES = 4 };

/* The areas of the scene, each AREA_PAGES long. */
#define PRIVATE ARENA
#define LOCKED (ARENA + MIB)
#define CODE (ARENA + 2 * MIB)
#define SHARED (ARENA + 3 * MIB)
#define CACHED (ARENA + 4 * MIB)

struct scene {
	struct pressure p;
	struct vm_machine *machine;
	struct vm_process *process, *child;
	struct vm_space *space;
	struct vm_file *file;
};

/* Afterwards the machine has free frames and free slots that were used before. */
static void leave_free_ones(struct scene *s)
{
	struct vm_process *passing = fork_of(s->process);

	fill(passing, PRIVATE, AREA_PAGES, 'p');
	push_out(&s->p);
	end(passing);
}

static void scene_begin(struct scene *s)
{
	pressure_begin(&s->p, &roomy);
	g_autofree char *path = make_file(&s->p.f, "file", AREA_PAGES * PAGE, 'a');

	s->machine = s->p.f.machine;
	s->process = s->p.f.process;
	s->space = s->process->space;
	s->file = open_file(&s->p.f, path, O_RDWR);
	map(s->process, LOCKED, AREA_PAGES, RW, PRIVATE_ANON);
	map(s->process, CODE, AREA_PAGES, PROT_READ | PROT_EXEC, PRIVATE_ANON);
	map_file(s->process, CACHED, AREA_PAGES, RW, MAP_SHARED, s->file, 0);
	g_assert_cmpint(vm_process_open(s->process, s->file), ==, 0);
	map_pattern(s->process, PRIVATE, AREA_PAGES, PRIVATE_ANON, 'x');
	map_pattern(s->process, SHARED, AREA_PAGES, SHARED_ANON, 'y');
	leave_free_ones(s);
	s->child = fork_of(s->process);
	/* Bring half of them into memory again. */
	g_assert_cmpint(get(s->process, PRIVATE), ==, 'x');
	g_assert_cmpint(get(s->process, SHARED), ==, 'y');
	g_assert_cmpint(get(s->process, CACHED + PAGE), ==, 'b');
	put(s->process, CACHED, 'z');
	g_assert_cmpint(vm_mlock(s->process, LOCKED, AREA_PAGES * PAGE, 0), ==, 0);
	flusher_stop(s->machine);
	assert_sound(s->machine);
}

static void scene_end(struct scene *s)
{
	assert_sound(s->machine);
	s->machine->stopping = false;
	g_assert_cmpint(flusher_start(s->machine), ==, 0);
	vm_file_unref(s->file);
	vm_process_unref(s->child);
	pressure_end(&s->p);
}

static void expect(struct scene *s, const char *place, const char *words)
{
	g_autofree char *wrong = vm_machine_check(s->machine);

	if (wrong == NULL || strstr(wrong, words) == NULL)
		g_error("%s: \"%s\", not \"... %s ...\"", place, wrong, words);
}

/* While PLACE has the wrong VALUE, the checker reports something with WORDS in it. */
#define SPOIL(s, place, value, words) \
	do { \
		__typeof__(place) good = place; \
		place = value; \
		expect(s, #place, words); \
		place = good; \
	} while (0)

#define MISCOUNT(s, place, words) SPOIL(s, place, place + 1, words)

static struct vm_area *area_of(struct scene *s, uint64_t va)
{
	struct vm_area *area = area_at(s->space, va);

	g_assert_nonnull(area);
	return area;
}

static uint64_t *entry_for(struct scene *s, uint64_t va, enum vm_level level)
{
	vm_entry_id id = pagetable_entry_at_locked(s->space, va, level);

	g_assert_cmpuint(id, !=, 0);
	return &s->machine->table_mem[id];
}

static struct vm_frame *frame_for(struct scene *s, uint64_t va)
{
	uint64_t entry = *entry_for(s, va, VM_PTE);

	g_assert_true(entry & PTE_P);
	return &s->machine->frames[pte_pfn(entry)];
}

static struct vm_slot *slot_for(struct scene *s, uint64_t va)
{
	uint64_t entry = *entry_for(s, va, VM_PTE);

	g_assert_true(pte_is_swap(entry));
	return &s->machine->swap.slots[pte_slot(entry)];
}

/* --- Counters --------------------------------------------------------------------------------- */

static void test_space_counters(void)
{
	struct scene s;

	scene_begin(&s);
	MISCOUNT(&s, s.space->rss[VM_FRAME_ANON], "anonymous pages");
	MISCOUNT(&s, s.space->rss[VM_FRAME_FILE], "file pages");
	MISCOUNT(&s, s.space->rss[VM_FRAME_SHMEM], "shared anonymous pages");
	MISCOUNT(&s, s.space->swap, "swap entries");
	MISCOUNT(&s, s.space->tables, "tables");
	MISCOUNT(&s, s.space->area_count, "area counts");
	MISCOUNT(&s, s.space->total_pages, "area counts");
	MISCOUNT(&s, s.space->data_pages, "data_pages");
	MISCOUNT(&s, s.space->stack_pages, "stack_pages");
	MISCOUNT(&s, s.space->exec_pages, "exec_pages");
	MISCOUNT(&s, s.space->locked_pages, "locked_pages");
	SPOIL(&s, s.space->rss_peak, 1, "rss_peak");
	SPOIL(&s, s.space->peak_pages, 1, "peak_pages");
	SPOIL(&s, s.space->layout.brk, s.space->layout.start_brk - 1, "brk");
	scene_end(&s);
}

static void test_machine_counters(void)
{
	struct scene s;

	scene_begin(&s);
	struct vm_counters *count = &s.machine->count;
	MISCOUNT(&s, count->frames[VM_FRAME_ANON], "anonymous frames");
	MISCOUNT(&s, count->frames[VM_FRAME_FILE], "file frames");
	MISCOUNT(&s, count->frames[VM_FRAME_SHMEM], "shared anonymous frames");
	MISCOUNT(&s, count->mapped, "mapped cache pages");
	MISCOUNT(&s, count->dirty, "dirty pages");
	MISCOUNT(&s, count->writeback, "write-back");
	MISCOUNT(&s, count->swap_cached, "swap cache");
	MISCOUNT(&s, count->committed, "committed");
	MISCOUNT(&s, count->locked, "locked");
	MISCOUNT(&s, s.machine->frame_pool.count, "frames");
	MISCOUNT(&s, s.machine->listed, "policy's list");
	MISCOUNT(&s, s.machine->table_count, "tables");
	MISCOUNT(&s, s.machine->swap.used, "slots used");
	MISCOUNT(&s, s.machine->process_count, "processes");
	scene_end(&s);
}

/* --- Entries and areas ------------------------------------------------------------------------ */

static void test_entries(void)
{
	struct scene s;

	scene_begin(&s);
	uint64_t *locked = entry_for(&s, LOCKED, VM_PTE), *cached = entry_for(&s, CACHED, VM_PTE);
	SPOIL(&s, *locked, *locked & ~PTE_LOCKED, "lock of the entry");
	SPOIL(&s, *cached, *cached | PTE_LOCKED, "lock of the entry");
	SPOIL(&s, *cached, *cached & ~PTE_US, "rights of the entry");
	SPOIL(&s, *cached, *cached & ~PTE_NX, "rights of the entry");
	SPOIL(&s, *cached, 0, "entries in use");
	SPOIL(&s, frame_for(&s, CACHED)->flags, 0, "writable clean file page");
	uint64_t *top = entry_for(&s, PRIVATE, VM_PGD);
	g_assert_true(*top & PTE_RW);
	SPOIL(&s, s.machine->tables[s.space->pgd].space, NULL, "top-level table");
	SPOIL(&s, s.machine->tables[pte_table(s.machine, *top)].va, PAGE, "stands elsewhere");
	MISCOUNT(&s, s.machine->tables[pte_table(s.machine, *top)].users, "users");
	MISCOUNT(&s, s.machine->tables[pte_table(s.machine, *top)].used, "entries in use");
	scene_end(&s);
}

/* What is known of the tables, so that nobody need walk again. */
static void test_known(void)
{
	struct scene s;

	scene_begin(&s);
	g_assert_cmpint(get(s.process, CACHED), ==, 'z');
	struct vm_path *paths[] = {&s.space->path, pagetable_upper_locked(s.space, CACHED)};
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_assert_cmpuint(paths[i]->change, ==, s.machine->paths);
		SPOIL(&s, paths[i]->table, paths[i]->table + 1, "stale path");
		SPOIL(&s, paths[i]->rights, paths[i]->rights ^ PTE_RW, "stale path");
		SPOIL(&s, paths[i]->rights, paths[i]->rights ^ PTE_NX, "stale path");
		SPOIL(&s, paths[i]->block, paths[i]->block + 1, "stale path");
	}
	struct vm_table *table = &s.machine->tables[s.space->path.table];
	g_assert_true(rmap_only_space_locked(s.machine, s.space->path.table) == s.space);
	SPOIL(&s, table->only, NULL, "only space");
	scene_end(&s);
}

/* A page goes while a transfer uses its frame: that is sound. */
static void test_gone_page(void)
{
	struct scene s;

	scene_begin(&s);
	put(s.process, PRIVATE, 1);
	vm_pfn pfn = (vm_pfn)(frame_for(&s, PRIVATE) - s.machine->frames);
	machine_lock(s.machine);
	frame_pin_locked(s.machine, pfn);
	machine_unlock(s.machine);
	g_assert_cmpint(vm_munmap(s.process, PRIVATE, PAGE), ==, 0);
	assert_sound(s.machine);
	machine_lock(s.machine);
	frame_unpin_locked(s.machine, pfn);
	machine_unlock(s.machine);
	scene_end(&s);
}

/* After a fork, parent and child share the stack's tables until one of them writes. */
static void test_shared_tables(void)
{
	struct scene s;

	scene_begin(&s);
	put(s.process, s.space->layout.sp, 1);
	struct vm_process *child = fork_of(s.process);
	uint64_t *top = entry_for(&s, s.space->layout.sp, VM_PGD);
	SPOIL(&s, *top, *top | PTE_RW, "writable shared table");
	end(child);
	scene_end(&s);
}

static void test_areas(void)
{
	struct scene s;

	scene_begin(&s);
	struct vm_area *private = area_of(&s, PRIVATE), *cached = area_of(&s, CACHED);
	SPOIL(&s, private->space, NULL, "another space");
	SPOIL(&s, private->anon_vma, 0, "no family");
	SPOIL(&s, area_of(&s, CODE)->anon_inherited, true, "inherited pages");
	SPOIL(&s, private->end, private->end + PAGE, "pid");
	SPOIL(&s, private->flags, private->flags | AREA_LOCKED, "lock of the entry");
	SPOIL(&s, private->flags, private->flags & ~(unsigned)AREA_ACCOUNT, "committed");
	SPOIL(&s, cached->flags, cached->flags & ~(unsigned)AREA_WRITE, "writable entry");
	SPOIL(&s, cached->object, area_of(&s, SHARED)->object, "whose object");
	MISCOUNT(&s, cached->pgoff, "page of another object");
	scene_end(&s);
}

/* --- Objects and files ------------------------------------------------------------------------ */

static void test_objects(void)
{
	struct scene s;

	scene_begin(&s);
	struct vm_object *object = s.file->object, *shared = area_of(&s, SHARED)->object;
	MISCOUNT(&s, object->pages, "pages");
	MISCOUNT(&s, object->dirty_pages, "dirty");
	MISCOUNT(&s, object->area_count, "areas");
	MISCOUNT(&s, object->writers, "write-back");
	MISCOUNT(&s, shared->charged, "committed");
	SPOIL(&s, frame_for(&s, CACHED + PAGE)->flags, FRAME_DIRTY, "in a list of object");
	const struct vm_frame *clean = frame_for(&s, CACHED + PAGE);
	const struct vm_frame *private = frame_for(&s, PRIVATE);
	struct vm_twin *twin = s.machine->twins[frame_for(&s, CACHED) - s.machine->frames];
	g_assert_nonnull(twin);
	SPOIL(&s, s.machine->twins[clean - s.machine->frames], twin, "has a twin");
	SPOIL(&s, s.machine->twins[private - s.machine->frames], twin, "no page of a file");
	SPOIL(&s, object->areas.prev, &object->areas, "list is broken");
	SPOIL(&s, object->clean.prev, &object->clean, "list is broken");
	SPOIL(&s, shared->slots.prev, &shared->slots, "list is broken");
	SPOIL(&s, s.machine->objects.prev, &s.machine->objects, "list is broken");
	MISCOUNT(&s, object->ino, "not found by its file");
	scene_end(&s);
}

/*
 * An area that is in no list; one that is in another object's list; and one in the list that
 * belongs to no process.
 */
static void test_object_areas(void)
{
	struct scene s;

	scene_begin(&s);
	struct vm_area *area = area_of(&s, CACHED);
	struct vm_object *object = s.file->object, *shared = area_of(&s, SHARED)->object;
	struct vm_area stranger = {.object = object};
	list_remove(&area->object_link);
	expect(&s, "no list", "areas, counted");
	SPOIL(&s, object->area_count, object->area_count - 1, "no object's list");
	list_append(&shared->areas, &area->object_link);
	object->area_count--;
	shared->area_count++;
	expect(&s, "the other's list", "not its own");
	shared->area_count--;
	object->area_count++;
	list_remove(&area->object_link);
	list_append(&object->areas, &area->object_link);
	list_append(&object->areas, &stranger.object_link);
	SPOIL(&s, object->area_count, object->area_count + 1, "not its own");
	list_remove(&stranger.object_link);
	scene_end(&s);
}

static void test_files(void)
{
	struct scene s;

	scene_begin(&s);
	SPOIL(&s, s.file->refs, 1, "references");
	SPOIL(&s, s.file->handle->users, 0, "handle");
	SPOIL(&s, s.file->object->files, 0, "files");
	SPOIL(&s, s.file->object->kept, s.file->handle, "files");
	SPOIL(&s, s.file->handle, NULL, "have handles");
	scene_end(&s);
}

static void test_write_counts(void)
{
	struct scene s;

	scene_begin(&s);
	g_autofree char *path = make_file(&s.p.f, "program", PAGE, 'a');
	struct vm_file *program = open_file(&s.p.f, path, O_RDONLY);
	g_assert_cmpint(file_deny_write(program), ==, 0);
	space_set_exe(s.space, program);
	file_allow_write(program);
	SPOIL(&s, s.file->object->write_count, 0, "write count");
	SPOIL(&s, program->object->write_count, 0, "write count");
	vm_file_unref(program);
	scene_end(&s);
}

/* --- Frames, slots and free lists ------------------------------------------------------------- */

static void test_frames(void)
{
	struct scene s;

	scene_begin(&s);
	struct vm_machine *machine = s.machine;
	struct vm_frame *cached = frame_for(&s, CACHED), *private = frame_for(&s, PRIVATE);
	vm_pfn in_use = (vm_pfn)(cached - machine->frames), unused = machine->frame_pool.top - 1;
	struct vm_pool *pool = &machine->frame_pool;
	g_assert_cmpuint(pool->top, !=, 0);
	MISCOUNT(&s, cached->mapped, "mapped");
	SPOIL(&s, cached->rmap, 0, "chain 0");
	MISCOUNT(&s, cached->index, "not in the page cache");
	g_assert_true(private->flags & FRAME_SWAPCACHE);
	SPOIL(&s, private->index, UINT32_MAX, "not in its slot");
	SPOIL(&s, machine->order[in_use].older, in_use, "policy's list");
	SPOIL(&s, machine->order[in_use].newer, unused, "policy's list");
	SPOIL(&s, machine->newest, machine->oldest, "policy's list");
	SPOIL(&s, machine->oldest, VM_PFN_NONE, "policy's list");
	SPOIL(&s, pool->top, in_use + 1, "list of free frames");
	SPOIL(&s, pool->top, 0, "frames");
	SPOIL(&s, pool->links[unused].below, unused + 1, "list of free frames");
	SPOIL(&s, pool->links[unused].above, unused + 1, "list of free frames");
	MISCOUNT(&s, pool->first, "given back");
	MISCOUNT(&s, pool->given, "frames");
	SPOIL(&s, pool->least, pool->count + 1, "given back");
	scene_end(&s);
}

/* What a policy with lists of its own keeps. */
static void test_policy_lists(void)
{
	struct scene s;

	scene_begin(&s);
	struct vm_machine *machine = s.machine;
	vm_pfn in_use = (vm_pfn)(frame_for(&s, CACHED) - machine->frames);
	g_assert_cmpint(vm_machine_set_policy(machine, "arc"), ==, 0);
	struct lists *lists = *(struct lists **)machine->policy_state;
	struct lists_ends *ends = &lists->list[lists->node[in_use].list];
	MISCOUNT(&s, ends->length, "policy arc");
	SPOIL(&s, ends->oldest, LISTS_NONE, "policy arc");
	SPOIL(&s, lists->node[in_use].list, LISTS_OUT, "policy arc");
	SPOIL(&s, lists->node[in_use].older, in_use, "policy arc");
	MISCOUNT(&s, lists->touched, "policy arc");
	scene_end(&s);
}

static void test_slots(void)
{
	struct scene s;

	scene_begin(&s);
	struct vm_swap *swap = &s.machine->swap;
	struct vm_slot *slot = slot_for(&s, PRIVATE + PAGE);
	struct vm_object *shared = area_of(&s, SHARED)->object;
	g_assert_cmpuint(swap->free_list, !=, 0);
	g_assert_false(list_empty(&shared->slots));
	MISCOUNT(&s, slot->mapped, "held");
	SPOIL(&s, slot->frame, (vm_pfn)(frame_for(&s, CACHED) - s.machine->frames), "its frame");
	SPOIL(&s, swap->free_list, 0, "slots used");
	SPOIL(&s, swap->free_list, (uint32_t)(slot - swap->slots) + 1, "list of free slots");
	SPOIL(&s, swap->slots[swap->free_list - 1].next, swap->free_list, "slots used");
	struct vm_slot *of_object = LIST_ENTRY(shared->slots.next, struct vm_slot, link);
	MISCOUNT(&s, of_object->index, "slot that is not its own");
	list_remove(&of_object->link);
	expect(&s, "slots", "slots of objects");
	list_append(&shared->slots, &of_object->link);
	scene_end(&s);
}

static void test_free_tables(void)
{
	struct scene s;

	scene_begin(&s);
	struct vm_machine *machine = s.machine;
	end(spawn(&s.p.f));
	struct vm_pool *pool = &machine->table_pool;
	g_assert_cmpuint(pool->top, !=, 0);
	SPOIL(&s, pool->top, 0, "table");
	SPOIL(&s, pool->top, s.space->pgd + 1, "tables");
	SPOIL(&s, pool->links[pool->top - 1].below, pool->top, "list of free tables");
	SPOIL(&s, pool->links[pool->top - 1].below, UINT32_MAX, "list of free tables");
	MISCOUNT(&s, machine->twin_pool.count, "twins");
	MISCOUNT(&s, machine->twin_pool.used, "twins free");
	scene_end(&s);
}

/* --- Processes -------------------------------------------------------------------------------- */

static void test_processes(void)
{
	struct scene s;

	scene_begin(&s);
	SPOIL(&s, s.process->oom_space, NULL, "pid or space");
	SPOIL(&s, s.space->process, s.child, "pid or space");
	MISCOUNT(&s, s.child->pid, "pid or space");
	MISCOUNT(&s, s.child->ppid, "parent's child");
	SPOIL(&s, s.child->parent, NULL, "another parent");
	SPOIL(&s, s.process->children.prev, &s.process->children, "list is broken");
	scene_end(&s);
}

/* --- Users ------------------------------------------------------------------------------------ */

static void test_users(void)
{
	struct scene s;

	scene_begin(&s);
	struct vm_user *user = s.process->user;
	MISCOUNT(&s, user->held[VM_AREAS], "areas");
	MISCOUNT(&s, user->held[VM_PROCESSES], "processes");
	MISCOUNT(&s, user->held[VM_FDS], "descriptors");
	MISCOUNT(&s, user->held[VM_HANDLES], "handles");
	SPOIL(&s, user->held[VM_NOTES], 1, "bytes of notes");
	SPOIL(&s, user->refs, 1, "references");
	MISCOUNT(&s, user->uid, "another user's");
	for (int what = 0; what < VM_RESOURCES; what++)
		MISCOUNT(&s, s.machine->held[what], "all users");
	scene_end(&s);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/check/space-counters", test_space_counters);
	g_test_add_func("/check/machine-counters", test_machine_counters);
	g_test_add_func("/check/entries", test_entries);
	g_test_add_func("/check/known", test_known);
	g_test_add_func("/check/shared-tables", test_shared_tables);
	g_test_add_func("/check/areas", test_areas);
	g_test_add_func("/check/objects", test_objects);
	g_test_add_func("/check/object-areas", test_object_areas);
	g_test_add_func("/check/files", test_files);
	g_test_add_func("/check/write-counts", test_write_counts);
	g_test_add_func("/check/frames", test_frames);
	g_test_add_func("/check/policy-lists", test_policy_lists);
	g_test_add_func("/check/slots", test_slots);
	g_test_add_func("/check/gone-page", test_gone_page);
	g_test_add_func("/check/free-tables", test_free_tables);
	g_test_add_func("/check/processes", test_processes);
	g_test_add_func("/check/users", test_users);
	return g_test_run();
}
