/*
 * test_cpu_told.c - the processor hears of each change that takes something from an entry.
 *
 * A random program changes the memory of a few processes by calls of every kind, and now and then
 * user code makes a load or a store. What that does must be what a walk of the tables says at that
 * moment: it faults or not, it finds the byte that is in the frame, and it leaves the accessed and
 * dirty bits.
 *
 * Then the same is done once for each place in the engine from which the processor is told, but
 * what that place tells is kept from it. Each time the test must notice. A place is where one of
 * the functions of pte.h was called. Skipped on hosts without /dev/kvm.
 */
#include "tests/fixture/vm_fixture.h"
#include "vm/base/lock.h"
#include "vm/cpu/cpu.h"
#include "vm/memory/pte.h"

#include <execinfo.h>
#include <stdio.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(COVERAGE)
/* Slow, and compiled in another way: places are left out in the plain build only. */
enum { STEPS = 500, SEEDS = 4, LEAVE_OUT = 0 };
#else
enum { STEPS = 1500, SEEDS = 12, LEAVE_OUT = 1 };
#endif

enum {
	SETUP_SEED = 4711,
	ACCESSES = 3, /* by user code after each call */
	PROCESSES = 3,
	PAGES = 10,  /* of each of the regions */
	REGIONS = 3, /* each in a page table of its own */
	RAM_PAGES = 40,
	FEW_PAGES = 3,
	PLACES = 256,
	TABLES = 1024, /* page tables that a machine may have */
	BIT_A = 0x20,
	BIT_D = 0x40,
	BIT_RW = 2,
};

#define REGION(i) (ARENA + 64 * MIB + (uint64_t)(i)*2 * MIB)

/* movzbl (%rdi),%eax; syscall */
static const uint8_t load_code[] = {0x0f, 0xb6, 0x07, 0x0f, 0x05};
/* mov %al,(%rdi); syscall */
static const uint8_t store_code[] = {0x88, 0x07, 0x0f, 0x05};
enum { LOAD_AT = 0, STORE_AT = 16 };

struct telling;

struct world {
	struct vm_fixture f;
	GRand *rand;
	struct vm_process *processes[PROCESSES]; /* NULL: none */
	struct vm_context *contexts[PROCESSES];
	struct telling *telling;
	char *path;
	const char *wrong; /* what user code did that it should not, or NULL */
};

/* Entry ID has lost something, which the processor heard from PLACE. */
struct told {
	int place;
	vm_entry_id id;
};

/* What is told. The watcher runs under the machine lock. */
struct telling {
	struct vm_cpu *cpu;
	void *places[PLACES]; /* addresses of instructions */
	unsigned count;       /* of them */
	/* how often that was of something that was gone when user code ran next */
	unsigned taken[PLACES];
	GArray *since;     /* struct told, since user code ran last */
	uint64_t *entries; /* all of them, as they were then */
	int left_out;      /* a place that tells nothing, or -1 */
};

/* --- Places ----------------------------------------------------------------------------------- */

/*
 * Whether ADDRESS lies in pte.c. Its functions are one behind the other in the program; pte_watch
 * is not the first of them, but what comes before it is called by the others.
 */
static bool is_in_door(const void *address)
{
	uintptr_t at = (uintptr_t)address;

	return at > (uintptr_t)pte_watch - 1024 && at < (uintptr_t)pte_init_copy_locked;
}

/* The number of the place that tells now. */
static int place_now(struct telling *telling)
{
	/* This function, the watcher, those of pte.c, and who called them. */
	void *stack[6];
	int depth = backtrace(stack, (int)G_N_ELEMENTS(stack)), at = 2;

	while (at < depth - 1 && is_in_door(stack[at]))
		at++;
	for (unsigned i = 0; i < telling->count; i++)
		if (telling->places[i] == stack[at])
			return (int)i;
	g_assert_cmpuint(telling->count, <, PLACES);
	telling->places[telling->count] = stack[at];
	return (int)telling->count++;
}

static void tell(void *ctx, vm_entry_id id)
{
	struct telling *telling = ctx;

	int place = place_now(telling);
	struct told told = {place, id};

	g_array_append_val(telling->since, told);
	if (place == telling->left_out)
		return;
	/* One by one: to take all tables away would tell what is left out here, too. */
	telling->cpu->change_most = CPU_CHANGES;
	cpu_note_change(telling->cpu, id);
}

/* Whether a copy of the entry OLD is wrong, now that it is NEW. */
static bool is_taken(uint64_t old, uint64_t new)
{
	uint64_t lost = old & ~new &(PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D);

	return (old & PTE_P) && (lost != 0 || (new & ~old &PTE_NX) || pte_pfn(old) != pte_pfn(new));
}

/* Whether no other place than TOLD's has told of its entry since. */
static bool tells_alone(const struct telling *telling, const struct told *told)
{
	for (unsigned i = 0; i < telling->since->len; i++) {
		const struct told *other = &g_array_index(telling->since, struct told, i);
		if (other->id == told->id && other->place != told->place)
			return false;
	}
	return true;
}

/*
 * User code is about to run. Count what was taken since it ran last. What a place takes may be back
 * by now, for example when a page is exchanged for itself with more rights.
 */
static void settle(struct telling *telling)
{
	struct vm_machine *machine = telling->cpu->machine;
	size_t bytes;

	machine_lock(machine);
	for (unsigned i = 0; i < telling->since->len; i++) {
		struct told told = g_array_index(telling->since, struct told, i);
		telling->taken[told.place] +=
		    tells_alone(telling, &told) &&
		    is_taken(telling->entries[told.id], pte_get(machine, told.id));
	}
	g_array_set_size(telling->since, 0);
	bytes = (size_t)machine->table_pool.used * VM_PAGE_SIZE;
	g_assert_cmpuint(bytes, <=, TABLES * VM_PAGE_SIZE);
	for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
		telling->entries[i] = pte_get(machine, (vm_entry_id)i);
	machine_unlock(machine);
}

/* --- User code -------------------------------------------------------------------------------- */

/* What a walk of the tables says about VA. */
struct expected {
	bool present, writable;
	uint64_t pa;
};

static struct expected expect(struct vm_process *process, uint64_t va)
{
	struct vm_translation walk;
	struct expected expected = {.writable = true};

	g_assert_cmpint(vm_translate(process, va, &walk), ==, 0);
	expected.present = walk.present;
	expected.pa = walk.pa;
	for (int i = 0; i < walk.levels; i++)
		expected.writable &= (walk.entry[i] & BIT_RW) != 0;
	return expected;
}

static void complain(struct world *world, const char *wrong)
{
	if (world->wrong == NULL)
		world->wrong = wrong;
}

/* User code has made an access that did not fault. */
static void check_done(struct world *world, struct vm_process *process, uint64_t va, bool store,
                       const struct vm_regs *regs, uint8_t byte)
{
	struct vm_translation walk;
	uint8_t there;

	g_assert_cmpint(vm_translate(process, va, &walk), ==, 0);
	vm_machine_physical(world->f.machine, walk.pa, 1, &there);
	if (there != (store ? byte : (uint8_t)regs->rax))
		complain(world, "another page");
	for (int i = 0; i < 4; i++)
		if (!(walk.entry[i] & BIT_A))
			complain(world, "no accessed bit");
	if (store && !(walk.entry[3] & BIT_D))
		complain(world, "no dirty bit");
}

/* Let user code of process number WHO make an access at VA, and compare. */
static void access_by_code(struct world *world, int who, uint64_t va, bool store)
{
	struct vm_process *process = world->processes[who];
	struct vm_context *context = world->contexts[who];
	struct vm_regs *regs = vm_context_regs(context);
	uint8_t byte = (uint8_t)g_rand_int_range(world->rand, 0, 256);
	struct vm_cpu_exit stopped;

	/* The page of code comes first: to bring it in may take away another one. */
	g_assert_cmpint(vm_access(process, ARENA, 1, VM_ACCESS_EXEC, NULL, NULL), ==, 0);
	struct expected expected = expect(process, va);
	bool faults = !expected.present || (store && !expected.writable);
	regs->rip = ARENA + (store ? STORE_AT : LOAD_AT);
	regs->rdi = va;
	regs->rax = byte;
	settle(world->telling);
	do
		g_assert_cmpint(vm_cpu_run(process, context, 0, 0, &stopped), ==, 0);
	while (stopped.stop == VM_CPU_INTERRUPTED);
	if (stopped.stop == VM_CPU_SYSCALL && faults)
		complain(world, "no fault");
	else if (stopped.stop == VM_CPU_SYSCALL)
		check_done(world, process, va, store, regs, byte);
	else if (stopped.stop != VM_CPU_FAULT || stopped.address != va || !faults)
		complain(world, "a fault");
	else if (g_rand_boolean(world->rand))
		vm_access(process, va, 1, stopped.access, NULL, NULL);
}

/* --- Calls ------------------------------------------------------------------------------------ */

static int pick(struct world *world, int n)
{
	return g_rand_int_range(world->rand, 0, n);
}

static int pick_process(struct world *world)
{
	int who = pick(world, PROCESSES);

	return world->processes[who] != NULL ? who : 0;
}

struct range {
	uint64_t va, len;
};

static struct range pick_range(struct world *world)
{
	int first = pick(world, PAGES), count = 1 + pick(world, PAGES - first);
	bool all = pick(world, 8) == 0;

	/* A whole region now and then, so that page tables go, too. */
	return (struct range){REGION(pick(world, REGIONS)) + (all ? 0 : (uint64_t)first * PAGE),
	                      all ? 2 * MIB : (uint64_t)count * PAGE};
}

static void do_mmap(struct world *world, struct vm_process *process)
{
	static const int kinds[] = {MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS,
	                            MAP_PRIVATE, MAP_SHARED};
	struct range range = pick_range(world);
	int flags = kinds[pick(world, 4)] | MAP_FIXED;
	struct vm_file *file = NULL;

	range.len = MIN(range.len, PAGES * PAGE);
	if (!(flags & MAP_ANONYMOUS))
		file = open_file(&world->f, world->path, O_RDWR);
	vm_mmap(process, range.va, range.len, pick(world, 4) ? RW : PROT_READ, flags, file, 0);
	if (file != NULL)
		vm_file_unref(file);
}

static void do_advice(struct world *world, struct vm_process *process)
{
	static const int advice[] = {MADV_DONTNEED, MADV_FREE,          MADV_PAGEOUT,
	                             MADV_COLD,     MADV_REMOVE,        MADV_POPULATE_READ,
	                             MADV_WILLNEED, MADV_GUARD_INSTALL, MADV_GUARD_REMOVE};
	struct range range = pick_range(world);

	vm_madvise(process, range.va, range.len, advice[pick(world, G_N_ELEMENTS(advice))]);
}

static void do_mremap(struct world *world, struct vm_process *process)
{
	struct range from = pick_range(world), to = pick_range(world);

	from.len = MIN(from.len, PAGES * PAGE);
	vm_mremap(process, from.va, from.len, from.len, MREMAP_MAYMOVE | MREMAP_FIXED, to.va);
}

static void do_fork(struct world *world, int who)
{
	int child = 1 + pick(world, PROCESSES - 1);
	int error;

	if (world->processes[child] != NULL) {
		vm_process_exit(world->processes[child], 0);
		vm_process_unref(world->processes[child]);
		vm_context_free(world->contexts[child]);
		world->processes[child] = NULL;
		return;
	}
	vm_machine_set_knob(world->f.machine, VM_KNOB_FORK_COPY, (uint64_t)pick(world, 2));
	world->processes[child] = vm_fork(world->processes[who], &world->f.cred, &error);
	world->contexts[child] = vm_context_new(world->f.machine);
}

static void do_protect(struct world *world, struct vm_process *process)
{
	static const int prots[] = {RW, PROT_READ, PROT_NONE, RW | PROT_EXEC};
	struct range range = pick_range(world);

	vm_mprotect(process, range.va, range.len, prots[pick(world, 4)]);
}

/* A file gets shorter and longer again. The machine notices at the next access. */
static void do_truncate(struct world *world, struct vm_process *process)
{
	resize_file(world->path, (uint64_t)pick(world, PAGES) * PAGE + 100);
	vm_access(process, pick_range(world).va, 1, VM_ACCESS_READ, NULL, NULL);
	resize_file(world->path, PAGES * PAGE);
}

static void do_access(struct world *world, struct vm_process *process)
{
	struct range range = pick_range(world);

	vm_access(process, range.va, MIN(range.len, PAGES * PAGE),
	          pick(world, 2) ? VM_ACCESS_WRITE : VM_ACCESS_READ, NULL, NULL);
}

/* A store of another byte than the one that is there, not by user code. */
static void do_store(struct world *world, struct vm_process *process, uint64_t va)
{
	uint8_t byte;

	if (load(process, va, &byte, 1) != 1)
		return;
	byte++;
	vm_write(process, va, &byte, 1);
}

/* Memory that was given up, and then only loaded from, goes without a trace. */
static void do_free(struct world *world, int who)
{
	struct range range = pick_range(world);

	vm_madvise(world->processes[who], range.va, range.len, MADV_FREE);
	access_by_code(world, who, range.va, false);
	vm_machine_reclaim(world->f.machine, RAM_PAGES);
	access_by_code(world, who, range.va, false);
}

/* A store to a page of a file that was only loaded from copies it, if need be in place. */
static void do_copy(struct world *world, int who)
{
	struct range range = pick_range(world);

	access_by_code(world, who, range.va, false);
	vm_access(world->processes[who], range.va, 1, VM_ACCESS_READ, NULL, NULL);
	access_by_code(world, who, range.va, false);
	do_store(world, world->processes[who], range.va);
	access_by_code(world, who, range.va, false);
}

/* One random call by process number WHO, or for the whole machine. */
static void step(struct world *world, int who)
{
	struct vm_process *process = world->processes[who];
	struct vm_machine *machine = world->f.machine;
	struct range range = pick_range(world);

	switch (pick(world, 20)) {
	case 0:
	case 1:
		do_mmap(world, process);
		break;
	case 2:
		vm_munmap(process, range.va, range.len);
		break;
	case 3:
		do_protect(world, process);
		break;
	case 4:
	case 5:
		do_advice(world, process);
		break;
	case 6:
		do_mremap(world, process);
		break;
	case 7:
		do_fork(world, who);
		break;
	case 8:
		vm_machine_reclaim(machine, (uint64_t)pick(world, RAM_PAGES));
		break;
	case 9:
		vm_process_clear_refs(process, 1 + pick(world, 4));
		break;
	case 10:
		vm_machine_drop_caches(machine);
		break;
	case 11:
		vm_machine_drop_entries(machine);
		break;
	case 12:
		vm_msync(process, range.va, range.len, MS_SYNC);
		break;
	case 13:
		vm_machine_sync(machine);
		break;
	case 14:
		do_truncate(world, process);
		break;
	case 15:
		vm_mlock(process, range.va, MIN(range.len, 3 * PAGE), 0);
		vm_munlock(process, range.va, range.len);
		break;
	case 16:
		do_free(world, who);
		break;
	case 17:
		do_copy(world, who);
		break;
	default:
		do_access(world, process);
	}
}

/* --- A whole program -------------------------------------------------------------------------- */

static void world_begin(struct world *world, guint32 seed)
{
	struct vm_config config;
	char swap[] = "/tmp/vasfs-told.XXXXXX";
	int fd = mkstemp(swap);

	g_assert_cmpint(fd, >=, 0);
	unlink(swap);
	vm_config_init(&config);
	/* clock clears accessed bits, which is told, before it takes a page. */
	config.policy = seed % 2 == 0 ? "clock" : "fifo";
	/* In every fourth machine a copy often finds no second frame. */
	config.ram = (seed % 4 == 0 ? FEW_PAGES : RAM_PAGES) * PAGE;
	config.max_tables = TABLES;
	config.swap = 2 * MIB;
	config.swap_medium = vm_host_medium(fd);
	config.dirty_writeback_centisecs = 0;
	*world = (struct world){.rand = g_rand_new_with_seed(seed)};
	fixture_begin(&world->f, &config, (struct vm_cred){0, 0});
	world->path = make_file(&world->f, "shared", PAGES * PAGE, 'a');
	world->processes[0] = vm_process_ref(world->f.process);
	world->contexts[0] = vm_context_new(world->f.machine);
	map(world->f.process, ARENA, 1, RW | PROT_EXEC, PRIVATE_ANON);
	g_assert_cmpint(vm_write(world->f.process, ARENA + LOAD_AT, load_code, sizeof load_code), >,
	                0);
	g_assert_cmpint(vm_write(world->f.process, ARENA + STORE_AT, store_code, sizeof store_code),
	                >, 0);
}

static void world_end(struct world *world)
{
	for (int i = 0; i < PROCESSES; i++) {
		if (world->processes[i] == NULL)
			continue;
		if (i > 0)
			vm_process_exit(world->processes[i], 0);
		vm_process_unref(world->processes[i]);
		vm_context_free(world->contexts[i]);
	}
	g_free(world->path);
	g_rand_free(world->rand);
	fixture_teardown(&world->f, NULL);
}

static void play(struct world *world)
{
	for (int i = 0; i < STEPS && world->wrong == NULL; i++) {
		step(world, pick_process(world));
		for (int j = 0; j < ACCESSES && world->wrong == NULL; j++) {
			uint64_t va = REGION(pick(world, REGIONS)) +
			              (uint64_t)pick(world, PAGES) * PAGE +
			              (uint64_t)pick(world, (int)PAGE);
			access_by_code(world, pick_process(world), va, pick(world, 2));
		}
	}
}

/*
 * Play the program SEED in a new machine, without what TELLING leaves out. Returns what user code
 * did that it should not, or NULL. False in *HAS_CPU: there is none.
 */
static const char *play_seed(guint32 seed, struct telling *telling, bool *has_cpu)
{
	g_autofree char *why = NULL;
	struct world world;

	world_begin(&world, seed);
	*has_cpu = vm_cpu_open(world.f.machine, &why) == 0;
	if (*has_cpu) {
		world.telling = telling;
		telling->cpu = world.f.machine->cpu;
		g_array_set_size(telling->since, 0);
		memset(telling->entries, 0, TABLES * VM_PAGE_SIZE);
		pte_watch(world.f.machine, tell, telling);
		play(&world);
	} else {
		g_test_skip(why);
	}
	const char *wrong = world.wrong;
	world_end(&world);
	return wrong;
}

/* What place number I is, for whoever reads the output. */
static void show_place(const struct telling *telling, unsigned i)
{
	char **names = backtrace_symbols(&telling->places[i], 1);

	g_test_message("place %u, %u times: %s", i, telling->taken[i], names[0]);
	free(names);
}

static void told(void)
{
	struct telling telling = {.left_out = -1,
	                          .since = g_array_new(FALSE, FALSE, sizeof(struct told)),
	                          .entries = g_malloc(TABLES * VM_PAGE_SIZE)};
	unsigned unnoticed = 0;
	bool has_cpu;

	for (guint32 seed = 0; seed < SEEDS; seed++) {
		const char *wrong = play_seed(SETUP_SEED + seed, &telling, &has_cpu);
		if (!has_cpu)
			goto out;
		g_assert_cmpstr(wrong, ==, NULL);
	}
	unsigned places = telling.count;
	for (unsigned i = 0; LEAVE_OUT && i < places; i++) {
		const char *wrong = NULL;
		if (telling.taken[i] == 0)
			continue;
		telling.left_out = (int)i;
		for (guint32 seed = 0; seed < SEEDS && wrong == NULL; seed++)
			wrong = play_seed(SETUP_SEED + seed, &telling, &has_cpu);
		show_place(&telling, i);
		g_test_message("    %s", wrong != NULL ? wrong : "NOT NOTICED");
		unnoticed += wrong == NULL;
	}
	g_test_message("%u places, %u not noticed", places, unnoticed);
	g_assert_cmpuint(unnoticed, ==, 0);
out:
	g_array_unref(telling.since);
	g_free(telling.entries);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cpu/told", told);
	return g_test_run();
}
