/*
 * test_check.c - does vm_machine_check see it? One thing at a time is made wrong in a machine that has some of everything; the
 * check must say so, and be silent again once it is right.
 */
#include "tests/pressure.h"
#include "vm/area.h"
#include "vm/machine.h"
#include "vm/object.h"
#include "vm/pagetable.h"
#include "vm/swap.h"

#define A(page) (ARENA + (page)*PAGE)

/* Where what is. Pages of one area, but for the first, have neighbours on both sides. */
enum {
	PRIVATE = 0,
	READ_ONLY = 10,
	CLEAN_FILE = 20,
	DIRTY_FILE = 21,
	SHMEM = 30,
	SWAPPED = 40,
	GUARD = 50,
	FORKED = 512
};

struct scene {
	struct pressure p;
	struct vm_machine *machine;
	struct vm_space *space;
	struct vm_process *child;
};

static void assert_says(struct vm_machine *machine, const char *words)
{
	g_autofree char *wrong = vm_machine_check(machine);

	if (wrong == NULL || strstr(wrong, words) == NULL)
		g_test_message("\"%s\" is not what it says: %s", words, wrong != NULL ? wrong : "nothing");
	g_assert_true(wrong != NULL && strstr(wrong, words) != NULL);
}

/* With FIELD set to VALUE the check's sentence has WORDS in it. */
#define DAMAGE(scene, field, value, words) \
	do { \
		__typeof__(field) whole = (field); \
		machine_lock((scene)->machine); \
		(field) = (__typeof__(field))(value); \
		machine_unlock((scene)->machine); \
		assert_says((scene)->machine, words); \
		machine_lock((scene)->machine); \
		(field) = whole; \
		machine_unlock((scene)->machine); \
		assert_sound((scene)->machine); \
	} while (0)

static void map_files(struct vm_fixture *f)
{
	g_autofree char *path = make_file(f, "file", 4 * PAGE, 'a');
	struct vm_file *file = open_file(f, path, O_RDWR);

	map_file(f->process, A(CLEAN_FILE), 4, RW, MAP_SHARED, file, 0);
	vm_file_unref(file);
	get(f->process, A(CLEAN_FILE));
	put(f->process, A(DIRTY_FILE), 'd');
}

static void scene_begin(struct scene *scene)
{
	pressure_begin(&scene->p, &(struct pressure_size){.frames = 64, .slots = 16});
	struct vm_fixture *f = &scene->p.f;
	scene->machine = f->machine;
	scene->space = f->process->space;
	map(f->process, A(SWAPPED), 2, RW, PRIVATE_ANON);
	fill(f->process, A(SWAPPED), 2, 's');
	evict_all(&scene->p);
	map(f->process, A(FORKED), 2, RW, PRIVATE_ANON);
	fill(f->process, A(FORKED), 2, 'f');
	scene->child = fork_of(f->process);
	map(f->process, A(PRIVATE), 2, RW, PRIVATE_ANON);
	fill(f->process, A(PRIVATE), 2, 'p');
	map(f->process, A(READ_ONLY), 2, RW, PRIVATE_ANON);
	fill(f->process, A(READ_ONLY), 2, 'r');
	g_assert_cmpint(vm_mprotect(f->process, A(READ_ONLY), 2 * PAGE, PROT_READ), ==, 0);
	map(f->process, A(SHMEM), 2, RW, SHARED_ANON);
	fill(f->process, A(SHMEM), 2, 'm');
	map(f->process, A(GUARD), 2, RW, PRIVATE_ANON);
	g_assert_cmpint(vm_madvise(f->process, A(GUARD), PAGE, 102), ==, 0);
	map_files(f);
	assert_sound(scene->machine);
}

static void scene_end(struct scene *scene)
{
	end(scene->child);
	pressure_end(&scene->p);
}

/* The entry of LEVEL for page number PAGE. */
static uint64_t *entry(const struct scene *scene, uint64_t page, enum vm_level level)
{
	vm_entry_id id = pagetable_entry_at_locked(scene->space, A(page), level);

	g_assert_cmpuint(id, !=, 0);
	return pagetable_entry(scene->machine, id);
}

static struct vm_frame *frame(const struct scene *scene, uint64_t page)
{
	return &scene->machine->frames[pte_pfn(*entry(scene, page, VM_PTE))];
}

static struct vm_table *table(const struct scene *scene, uint64_t page)
{
	return &scene->machine->tables[pte_table(scene->machine, *entry(scene, page, VM_PMD))];
}

static void test_entries(void)
{
	struct scene scene;

	scene_begin(&scene);
	uint64_t *private = entry(&scene, PRIVATE, VM_PTE), *clean = entry(&scene, CLEAN_FILE, VM_PTE);
	uint64_t *read_only = entry(&scene, READ_ONLY, VM_PTE), *guard = entry(&scene, GUARD, VM_PTE);
	DAMAGE(&scene, *private, *private & ~PTE_US, "rights");
	DAMAGE(&scene, *private, *private & ~PTE_NX, "rights");
	DAMAGE(&scene, *read_only, *read_only | PTE_RW, "is writable");
	DAMAGE(&scene, *clean, *clean | PTE_RW, "clean file page");
	DAMAGE(&scene, *guard, *guard | PTE_A, "guard marker");
	DAMAGE(&scene, *private, *private ^ PTE_NX ^ (UINT64_C(1) << VM_PAGE_SHIFT), "reverse map");
	DAMAGE(&scene, *private, 0, "entries in use");
	struct vm_area *area = area_at(scene.space, A(CLEAN_FILE));
	DAMAGE(&scene, area->pgoff, area->pgoff + 1, "not its object's");
	scene_end(&scene);
}

/* A page that both sides of a fork map, in tables of their own. */
static void test_private_page_shared(void)
{
	struct scene scene;

	scene_begin(&scene);
	put(scene.child, A(FORKED), 'c');
	put(scene.p.f.process, A(FORKED), 'p');
	uint64_t *shared = entry(&scene, FORKED + 1, VM_PTE);
	DAMAGE(&scene, *shared, *shared | PTE_RW, "is writable and shared");
	scene_end(&scene);
}

static void test_entry_without_area(void)
{
	struct scene scene;

	scene_begin(&scene);
	struct vm_area *area = area_at(scene.space, A(PRIVATE));
	scene.space->total_pages--;
	area->end -= PAGE;
	area_tree_refresh(area->next);
	assert_says(scene.machine, "without an area");
	area->end += PAGE;
	area_tree_refresh(area->next);
	scene.space->total_pages++;
	scene_end(&scene);
}

static void test_tables(void)
{
	struct scene scene;

	scene_begin(&scene);
	uint64_t *shared = entry(&scene, FORKED, VM_PMD);
	DAMAGE(&scene, *shared, *shared | PTE_RW, "shared table");
	DAMAGE(&scene, table(&scene, FORKED)->users, 1, "users");
	DAMAGE(&scene, table(&scene, PRIVATE)->used, 1, "entries in use");
	DAMAGE(&scene, table(&scene, PRIVATE)->va, A(1), "stands at");
	DAMAGE(&scene, scene.machine->table_count, scene.machine->table_count + 1, "tables, counted");
	DAMAGE(&scene, scene.machine->links[table(&scene, FORKED)->rmap].prev, 1, "reverse map");
	scene_end(&scene);
}

static void test_frames(void)
{
	struct scene scene;

	scene_begin(&scene);
	struct vm_machine *machine = scene.machine;
	DAMAGE(&scene, frame(&scene, PRIVATE)->mapped, 2, "mapped 2");
	DAMAGE(&scene, frame(&scene, CLEAN_FILE)->index, 3, "not in the page cache");
	DAMAGE(&scene, machine->listed, machine->listed + 1, "policy's list");
	DAMAGE(&scene, machine->nr_free, machine->nr_free - 1, "frames free");
	DAMAGE(&scene, machine->count.frames[VM_FRAME_SHMEM], 1, "of kind");
	DAMAGE(&scene, machine->count.mapped, 1, "mapped cache pages");
	DAMAGE(&scene, machine->count.dirty, 0, "dirty pages");
	struct vm_object *object = area_at(scene.space, A(CLEAN_FILE))->object;
	DAMAGE(&scene, object->pages, object->pages + 1, "counts of object");
	DAMAGE(&scene, object->dirty_pages, 0, "counts of object");
	DAMAGE(&scene, object->area_count, 2, "counts of object");
	scene_end(&scene);
}

static void test_slots(void)
{
	struct scene scene;

	scene_begin(&scene);
	struct vm_swap *swap = &scene.machine->swap;
	struct vm_slot *slot = &swap->slots[pte_slot(*entry(&scene, SWAPPED, VM_PTE))];
	DAMAGE(&scene, slot->mapped, slot->mapped + 1, "held");
	DAMAGE(&scene, slot->frame, pte_pfn(*entry(&scene, CLEAN_FILE + 1, VM_PTE)), "and its frame");
	DAMAGE(&scene, swap->used, swap->used + 1, "slots used");
	scene_end(&scene);
}

static void test_spaces(void)
{
	struct scene scene;

	scene_begin(&scene);
	struct vm_space *space = scene.space;
	DAMAGE(&scene, space->rss[VM_FRAME_ANON], 1, "rss");
	DAMAGE(&scene, space->swap, 0, "swap entries");
	DAMAGE(&scene, space->tables, space->tables + 1, "tables, counted");
	/* The TLB has it as dirty. */
	put(scene.p.f.process, A(PRIVATE), 'p');
	uint64_t *private = entry(&scene, PRIVATE, VM_PTE);
	DAMAGE(&scene, *private, *private & ~PTE_D, "stale TLB entry");
	scene_end(&scene);
}

static void test_areas(void)
{
	struct scene scene;

	scene_begin(&scene);
	struct vm_space *space = scene.space;
	struct vm_area *area = area_at(space, A(READ_ONLY));
	DAMAGE(&scene, area->start, area->start + 1, "range");
	DAMAGE(&scene, area->end, area->start, "range");
	DAMAGE(&scene, area->start, area->prev->end - PAGE, "overlap");
	DAMAGE(&scene, area->height, area->height + 1, "height");
	DAMAGE(&scene, area->max_gap, area->max_gap + PAGE, "max_gap");
	DAMAGE(&scene, area->prev, NULL, "list");
	DAMAGE(&scene, space->root->left->parent, NULL, "parent");
	DAMAGE(&scene, space->area_count, space->area_count + 1, "area counts");
	DAMAGE(&scene, space->total_pages, space->total_pages + 1, "area counts");
	scene_end(&scene);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/check/entries", test_entries);
	g_test_add_func("/check/private-page-shared", test_private_page_shared);
	g_test_add_func("/check/entry-without-area", test_entry_without_area);
	g_test_add_func("/check/tables", test_tables);
	g_test_add_func("/check/frames", test_frames);
	g_test_add_func("/check/slots", test_slots);
	g_test_add_func("/check/spaces", test_spaces);
	g_test_add_func("/check/areas", test_areas);
	return g_test_run();
}
