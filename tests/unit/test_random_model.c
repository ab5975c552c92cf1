/*
 * test_random_model.c - random programs of related processes against a naive model.
 *
 * A fork copies everything that the model (random_model.h) knows of a process. The engine must
 * agree with the model on every load, every store and every errno. Every invariant must hold after
 * every step.
 *
 * The pages lie across the borders of last-level tables, of PMD tables and of PUD tables, so that
 * forks share and split tables at every level. To repeat a failing seed, set RANDOM_SEED.
 */
#include "tests/fixture/random_model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	OBJECTS = 3, /* host files */
	FILE_PAGES = 32,
	MAX_PROCESSES = 6,
	MAX_LEN = 12, /* pages in one call */
};

struct world {
	GRand *rand;
	struct vm_machine *machine;
	bool lockable; /* there are enough frames to lock some */
	struct model model[MAX_PROCESSES];
	struct words *file_words[OBJECTS];
	struct vm_file *file[OBJECTS];
	char *path[OBJECTS];
};

/* --- Places ----------------------------------------------------------------------------------- */

static unsigned pick(struct world *world, unsigned n)
{
	return (unsigned)g_rand_int_range(world->rand, 0, (gint32)n);
}

/* A range of pages inside one cluster. */
static unsigned pick_range(struct world *world, unsigned *len)
{
	unsigned first = pick(world, PAGES);

	*len = 1 + pick(world, MIN(MAX_LEN, CLUSTER_PAGES - first % CLUSTER_PAGES));
	return first;
}

static int pick_prot(struct world *world)
{
	static const int prots[] = {
	    PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE, PROT_WRITE,
	    PROT_READ | PROT_EXEC};

	return prots[pick(world, G_N_ELEMENTS(prots))];
}

static struct model *pick_model(struct world *world)
{
	struct model *model;

	do
		model = &world->model[pick(world, MAX_PROCESSES)];
	while (model->process == NULL);
	return model;
}

/* --- Steps ------------------------------------------------------------------------------------ */

static void map_pages(struct model *model, unsigned first, unsigned len, const struct page *like,
                      unsigned index)
{
	for (unsigned i = 0; i < len; i++) {
		struct page *page = &model->page[first + i];
		page_unmap(page);
		*page = *like;
		words_ref(page->source);
		page->index = index + i;
	}
}

static void step_mmap(struct world *world, struct model *model)
{
	unsigned len, first = pick_range(world, &len), index = 0;
	int flags = MAP_FIXED, kind = (int)pick(world, 4);
	struct page like = {.mapped = true, .prot = pick_prot(world), .shared = kind & 1};
	struct vm_file *file = NULL;

	if (kind < 2) {
		flags |= MAP_ANONYMOUS;
		like.source = like.shared ? words_new(len) : NULL;
	} else {
		unsigned object = pick(world, OBJECTS);
		index = pick(world, FILE_PAGES - MAX_LEN);
		file = world->file[object];
		like.source = words_ref(world->file_words[object]);
	}
	flags |= like.shared ? MAP_SHARED : MAP_PRIVATE;
	if (pick(world, 8) == 0)
		flags |= MAP_POPULATE;
	int64_t at = vm_mmap(model->process, page_address(first), len * VM_PAGE_SIZE, like.prot,
	                     flags, file, index * VM_PAGE_SIZE);
	g_assert_cmpint(at, ==, (int64_t)page_address(first));
	map_pages(model, first, len, &like, index);
	/*
	 * Populating private writable memory writes to each page (populate_vma_page_range), so the
	 * page is copied.
	 */
	for (unsigned i = first; i < first + len; i++)
		if ((flags & MAP_POPULATE) && !like.shared && (like.prot & PROT_WRITE))
			page_word(&model->page[i], 0, true);
	words_unref(like.source);
}

static void step_munmap(struct world *world, struct model *model)
{
	unsigned len, first = pick_range(world, &len);

	g_assert_cmpint(vm_munmap(model->process, page_address(first), len * VM_PAGE_SIZE), ==, 0);
	for (unsigned i = first; i < first + len; i++)
		page_unmap(&model->page[i]);
}

static void step_mprotect(struct world *world, struct model *model)
{
	unsigned len, first = pick_range(world, &len), i;
	int prot = pick_prot(world), expected = 0;

	for (i = first; i < first + len && model->page[i].mapped; i++)
		model->page[i].prot = prot;
	if (i < first + len)
		expected = -ENOMEM;
	g_assert_cmpint(vm_mprotect(model->process, page_address(first), len * VM_PAGE_SIZE, prot),
	                ==, expected);
}

/*
 * Whether [FIRST, FIRST+LEN) is certainly one mapping: the same rights, the same object,
 * consecutive pages.
 */
static bool is_uniform(const struct model *model, unsigned first, unsigned len)
{
	const struct page *page = &model->page[first];

	for (unsigned i = 0; i < len; i++)
		if (!page[i].mapped || page[i].prot != page->prot ||
		    page[i].shared != page->shared || page[i].source != page->source ||
		    (page->source != NULL && page[i].index != page->index + i))
			return false;
	return true;
}

/*
 * Move pages to another place. The model does not know how Linux divides them into areas, so
 * -EFAULT (more than one area) is accepted.
 */
static void step_mremap(struct world *world, struct model *model)
{
	unsigned len, first = pick_range(world, &len), target = pick(world, PAGES);
	struct page moved[MAX_LEN];

	if (target % CLUSTER_PAGES + len > CLUSTER_PAGES ||
	    (target < first + len && first < target + len) || !is_uniform(model, first, len))
		return;
	int64_t at =
	    vm_mremap(model->process, page_address(first), len * VM_PAGE_SIZE, len * VM_PAGE_SIZE,
	              MREMAP_MAYMOVE | MREMAP_FIXED, page_address(target));
	for (unsigned i = 0; i < len; i++)
		page_unmap(&model->page[target + i]);
	if (at == -EFAULT)
		return;
	g_assert_cmpint(at, ==, (int64_t)page_address(target));
	memcpy(moved, &model->page[first], len * sizeof *moved);
	memset(&model->page[first], 0, len * sizeof *moved);
	memcpy(&model->page[target], moved, len * sizeof *moved);
}

static ssize_t expected_access(const struct page *page, bool write)
{
	if (!page->mapped)
		return -EFAULT;
	return page->prot & (write ? PROT_WRITE : PROT_READ | PROT_WRITE | PROT_EXEC) ? 8 : -EACCES;
}

static void take_word(void *ctx, const struct iovec *iov, int count)
{
	g_assert_cmpint(count, ==, 1);
	memcpy(ctx, iov->iov_base, iov->iov_len);
}

static void check_word(struct model *model, unsigned index, unsigned cell)
{
	struct page *page = &model->page[index];
	uint64_t word = 0, va = page_address(index) + cell_offset[cell];
	ssize_t got = vm_read(model->process, va, sizeof word, take_word, &word);

	g_assert_cmpint(got, ==, expected_access(page, false));
	if (got == 8)
		g_assert_cmphex(word, ==, *page_word(page, cell, false));
}

static void step_read(struct world *world, struct model *model)
{
	check_word(model, pick(world, PAGES), pick(world, CELLS));
}

static void step_write(struct world *world, struct model *model)
{
	unsigned index = pick(world, PAGES), cell = pick(world, CELLS);
	struct page *page = &model->page[index];
	uint64_t word = (uint64_t)g_rand_int(world->rand) << 32 | g_rand_int(world->rand);
	ssize_t put =
	    vm_write(model->process, page_address(index) + cell_offset[cell], &word, sizeof word);

	g_assert_cmpint(put, ==, expected_access(page, true));
	if (put == 8)
		*page_word(page, cell, true) = word;
}

static void take_fault(void *ctx, const struct vm_fault *fault)
{
	*(struct vm_fault *)ctx = *fault;
}

/* What translate predicts for a load is what the load then does. */
static void step_predict(struct world *world, struct model *model)
{
	uint64_t va = page_address(pick(world, PAGES));
	struct vm_translation predicted;
	struct vm_fault fault;

	g_assert_cmpint(vm_translate(model->process, va, &predicted), ==, 0);
	vm_access(model->process, va, 1, VM_ACCESS_READ, take_fault, &fault);
	g_assert_cmpstr(vm_outcome_name(predicted.outcome), ==, vm_outcome_name(fault.outcome));
	g_assert_cmpstr(vm_fault_kind_name(predicted.kind), ==, vm_fault_kind_name(fault.kind));
}

static void step_fork(struct world *world, struct model *model)
{
	struct vm_cred cred = {0, 0};
	struct model *child = world->model;
	int error;

	while (child < &world->model[MAX_PROCESSES] && child->process != NULL)
		child++;
	if (child == &world->model[MAX_PROCESSES])
		return;
	child->process = vm_fork(model->process, &cred, &error);
	g_assert_nonnull(child->process);
	memcpy(child->page, model->page, sizeof child->page);
	for (unsigned i = 0; i < PAGES; i++)
		words_ref(child->page[i].source);
}

static void end_process(struct model *model)
{
	g_assert_cmpint(vm_process_exit(model->process, 0), ==, 0);
	g_clear_pointer(&model->process, vm_process_unref);
	for (unsigned i = 0; i < PAGES; i++)
		page_unmap(&model->page[i]);
}

static void step_exit(struct world *world, struct model *model)
{
	unsigned alive = 0;

	for (unsigned i = 0; i < MAX_PROCESSES; i++)
		alive += world->model[i].process != NULL;
	if (alive > 1)
		end_process(model);
}

static void step_msync(struct world *world, struct model *model)
{
	unsigned len, first = pick_range(world, &len), mapped = 0;

	for (unsigned i = first; i < first + len; i++)
		mapped += model->page[i].mapped;
	int flags = pick(world, 2) == 0 ? MS_SYNC : MS_SYNC | MS_INVALIDATE;
	g_assert_cmpint(vm_msync(model->process, page_address(first), len * VM_PAGE_SIZE, flags),
	                ==, mapped == len ? 0 : -ENOMEM);
}

static void step_drop(struct world *world, struct model *model)
{
	vm_machine_drop_entries(world->machine);
}

static void step_reclaim(struct world *world, struct model *model)
{
	vm_machine_reclaim(world->machine, 1 + pick(world, 8));
}

/* Lock a few pages. Other pages are evicted and come back around them. */
static void step_lock(struct world *world, struct model *model)
{
	unsigned len, first = pick_range(world, &len);
	uint64_t addr = page_address(first), bytes = len * VM_PAGE_SIZE;

	if (world->lockable && vm_mlock(model->process, addr, MIN(bytes, 2 * VM_PAGE_SIZE),
	                                pick(world, 2) ? MLOCK_ONFAULT : 0) == 0)
		g_assert_cmpint(vm_munlock(model->process, addr, bytes), <=, 0);
}

static const struct {
	void (*run)(struct world *, struct model *);
	unsigned weight;
} steps[] = {
    {step_write, 40}, {step_read, 25},   {step_mmap, 8}, {step_munmap, 5},  {step_mprotect, 8},
    {step_mremap, 6}, {step_fork, 4},    {step_exit, 2}, {step_predict, 4}, {step_msync, 2},
    {step_drop, 1},   {step_reclaim, 2}, {step_lock, 1},
};

static void step(struct world *world)
{
	unsigned total = 0, choice;

	for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++)
		total += steps[i].weight;
	choice = pick(world, total);
	for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
		if (choice < steps[i].weight) {
			steps[i].run(world, pick_model(world));
			return;
		}
		choice -= steps[i].weight;
	}
}

/* --- A run ------------------------------------------------------------------------------------ */

static void open_files(struct world *world)
{
	for (int i = 0; i < OBJECTS; i++) {
		int error, fd = g_file_open_tmp("vasfs-random-XXXXXX", &world->path[i], NULL);
		g_assert_cmpint(ftruncate(fd, FILE_PAGES * VM_PAGE_SIZE), ==, 0);
		world->file[i] = vm_file_new(world->machine, fd, O_RDWR, 0, &error);
		g_assert_nonnull(world->file[i]);
		world->file_words[i] = words_new(FILE_PAGES);
	}
}

/* The files contain what was stored in shared mappings, and nothing else. */
static void check_files(struct world *world)
{
	for (int i = 0; i < OBJECTS; i++) {
		g_autofree char *bytes = NULL;
		gsize len;
		g_assert_true(g_file_get_contents(world->path[i], &bytes, &len, NULL));
		g_assert_cmpuint(len, ==, FILE_PAGES * VM_PAGE_SIZE);
		for (unsigned page = 0; page < FILE_PAGES; page++)
			for (unsigned cell = 0; cell < CELLS; cell++) {
				uint64_t word;
				memcpy(&word, bytes + page * VM_PAGE_SIZE + cell_offset[cell],
				       sizeof word);
				g_assert_cmphex(word, ==, world->file_words[i]->word[page][cell]);
			}
	}
}

static void check_machine(struct world *world)
{
	g_autofree char *wrong = vm_machine_check(world->machine);

	g_assert_cmpstr(wrong, ==, NULL);
}

static void check_empty(struct world *world, uint64_t tables)
{
	struct vm_machine_info info;

	check_machine(world);
	vm_machine_info(world->machine, &info);
	g_assert_cmpuint(info.frames_file + info.frames_free, ==, info.frames_total);
	g_assert_cmpuint(info.tables, ==, tables);
	g_assert_cmpuint(info.committed, ==, 0);
	g_assert_cmpuint(info.swap_used, ==, 0);
}

static void close_world(struct world *world)
{
	struct vm_machine_info info;

	for (int i = 0; i < OBJECTS; i++)
		vm_file_unref(world->file[i]);
	check_files(world);
	vm_machine_info(world->machine, &info);
	g_assert_cmpuint(info.frames_free, ==, info.frames_total);
	vm_machine_free(world->machine);
	for (int i = 0; i < OBJECTS; i++) {
		words_unref(world->file_words[i]);
		unlink(world->path[i]);
		g_free(world->path[i]);
	}
	g_rand_free(world->rand);
}

/* How large the machine is. */
struct machine_size {
	const char *name;
	unsigned frames, slots; /* slots 0: no swap */
	const char *policy;
	unsigned tlb_sets;
	bool fork_copy;
};

static const struct machine_size sizes[] = {
    {"roomy", 16384, 0, "clock", 16},  {"clock", 16, 4096, "clock", 16},
    {"lru", 16, 4096, "lru", 0},       {"fifo", 12, 4096, "fifo", 1},
    {"random", 12, 4096, "random", 4}, {"three", 3, 4096, "lru", 16},
    {"one", 1, 4096, "clock", 16},     {"fork-copy", 16, 4096, "clock", 16, true},
    {"clock0", 12, 4096, "clock0", 4}, {"lfu", 16, 4096, "lfu", 0},
    {"mru", 16, 4096, "mru", 16},      {"2q", 16, 4096, "2q", 0},
    {"arc", 16, 4096, "arc", 1},       {"sieve", 12, 4096, "sieve", 16},
    {"s3fifo", 16, 4096, "s3fifo", 4}, {"lirs", 16, 4096, "lirs", 16},
    {"linux", 16, 4096, "linux", 16},
};

/* An unlinked file of SLOTS pages. */
static int swap_file(unsigned slots)
{
	g_autofree char *path = NULL;
	int fd = g_file_open_tmp("vasfs-swap-XXXXXX", &path, NULL);

	unlink(path);
	g_assert_cmpint(ftruncate(fd, (off_t)slots * VM_PAGE_SIZE), ==, 0);
	return fd;
}

static void configure(struct vm_config *config, const struct machine_size *size)
{
	vm_config_init(config);
	config->ram = (uint64_t)size->frames * VM_PAGE_SIZE;
	config->policy = size->policy;
	config->tlb_sets = size->tlb_sets;
	config->fork_copy = size->fork_copy;
	config->overcommit_memory = VM_OVERCOMMIT_ALWAYS;
	if (size->slots > 0) {
		config->swap_medium = vm_host_medium(swap_file(size->slots));
		config->swap = (uint64_t)size->slots * VM_PAGE_SIZE;
	}
}

static void run(const struct machine_size *size, guint32 seed, int count)
{
	struct vm_cred cred = {0, 0};
	struct vm_machine_info info;
	struct vm_config config;
	int error;
	g_autofree struct world *world = g_new0(struct world, 1);

	configure(&config, size);
	world->rand = g_rand_new_with_seed(seed);
	world->machine = vm_machine_new(&config, NULL);
	vm_machine_info(world->machine, &info);
	world->lockable = size->frames > 64;
	open_files(world);
	world->model[0].process = vm_process_spawn(world->machine, &cred, "random", &error);
	for (int i = 0; i < count; i++) {
		step(world);
		if (i % 16 == 0)
			check_machine(world);
	}
	for (int i = 0; i < MAX_PROCESSES; i++) {
		if (world->model[i].process == NULL)
			continue;
		for (unsigned page = 0; page < PAGES; page++)
			check_word(&world->model[i], page, page % CELLS);
		end_process(&world->model[i]);
		check_machine(world);
	}
	check_empty(world, info.tables);
	close_world(world);
}

static void test_seed(gconstpointer data)
{
	unsigned number = GPOINTER_TO_UINT(data);

	run(&sizes[number % G_N_ELEMENTS(sizes)], number / G_N_ELEMENTS(sizes), 6000);
}

int main(int argc, char **argv)
{
	const char *only = g_getenv("RANDOM_SEED");
	unsigned first = only != NULL ? (unsigned)atoi(only) : 1, last = only != NULL ? first : 4;

	g_test_init(&argc, &argv, NULL);
	for (unsigned seed = first; seed <= last; seed++)
		for (unsigned size = 0; size < G_N_ELEMENTS(sizes); size++) {
			g_autofree char *name =
			    g_strdup_printf("/random/%s/seed-%u", sizes[size].name, seed);
			unsigned number = seed * (unsigned)G_N_ELEMENTS(sizes) + size;
			g_test_add_data_func(name, GUINT_TO_POINTER(number), test_seed);
		}
	return g_test_run();
}
