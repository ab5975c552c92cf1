/*
 * fuzz_elf.c - exec of any file. The first byte of the input says how (enum mode); the rest is the
 * file. The file is a program or script, its interpreter, a library that a program needs,
 * ld.so.cache or ld.so.preload.
 *
 * Exec must return success or an errno that vm.h lists. If it fails, the process must not have
 * changed.
 */
#include "tests/fuzz/programs.h"

#include "fs/host/hostfile.h"

#include <errno.h>
#include <sys/mman.h>

enum mode {
	ROLE = 3,    /* the index in roles: these bits */
	SMALL = 4,   /* little physical memory */
	LIMITED = 8, /* a small limit of the address space */
	ASLR = 16,
	VARIABLES = 32, /* set LD_PRELOAD and LD_LIBRARY_PATH */
	PRELOAD = 64    /* the file is ld.so.preload */
};

static const char *const roles[] = {PROGRAM, INTERPRETER, LIBRARY, "ld.so.cache"};

static const uint64_t old_area = 0x10000;

/* --- What a process has ----------------------------------------------------------------------- */

static bool append_area(void *ctx, const struct vm_area_info *area)
{
	g_string_append_printf(ctx, "%lx-%lx %s %lx %s\n", area->start, area->end, area->perm,
	                       area->offset, area->name != NULL ? area->name : "");
	return true;
}

struct state {
	struct vm_machine_info machine;
	struct vm_process_info process;
	GString *areas;
};

static void state_take(struct state *state, struct fuzz *f, struct vm_process *process)
{
	vm_machine_info(f->mount.machine, &state->machine);
	vm_process_info(process, &state->process);
	state->areas = g_string_new(NULL);
	g_assert_cmpint(vm_process_areas(process, 0, append_area, state->areas), ==, 0);
}

static void assert_unchanged(const struct state *was, const struct state *is)
{
	g_assert_cmpstr(is->areas->str, ==, was->areas->str);
	g_assert_cmpstr(is->process.comm, ==, was->process.comm);
	g_assert_cmphex(is->process.layout.pc, ==, was->process.layout.pc);
	g_assert_cmphex(is->process.layout.sp, ==, was->process.layout.sp);
	g_assert_cmphex(is->process.layout.brk, ==, was->process.layout.brk);
	g_assert_cmpuint(is->process.tables, ==, was->process.tables);
	g_assert_cmpuint(is->process.rss_anon, ==, was->process.rss_anon);
	g_assert_cmpuint(is->machine.tables, ==, was->machine.tables);
	g_assert_cmpuint(is->machine.committed, ==, was->machine.committed);
	/* Clean pages may have been evicted. */
	g_assert_cmpuint(is->machine.frames_free, >=, was->machine.frames_free);
}

/* --- exec ------------------------------------------------------------------------------------- */

static int exec_program(struct fuzz *f, struct vm_process *process, bool kernel_only,
                        bool variables)
{
	static const char *const argv[] = {PROGRAM, "one", NULL}, *const none[] = {NULL};
	static const char *const envp[] = {"LD_PRELOAD=libtwo.so:/lib/libone.so",
	                                   "LD_LIBRARY_PATH=$ORIGIN;/x:", NULL};
	struct hostfile_context context = {&f->mount, &f->caller};
	const struct vm_exec_args args = {.path = "/bin/" PROGRAM,
	                                  .argv = argv,
	                                  .envp = variables ? envp : none,
	                                  .opener = hostfile_opener(&context),
	                                  .kernel_only = kernel_only};
	uint64_t entry;

	return vm_exec(process, &args, &entry);
}

static bool is_documented(int error)
{
	static const int errors[] = {0,      ENOEXEC, ELIBBAD, EIO,   E2BIG,
	                             EACCES, ELOOP,   ENOENT,  ENOMEM};

	for (size_t i = 0; i < G_N_ELEMENTS(errors); i++)
		if (error == -errors[i])
			return true;
	return false;
}

struct edges {
	uint64_t addresses[32];
	size_t count;
};

static bool add_edges(void *ctx, const struct vm_area_info *area)
{
	struct edges *edges = ctx;

	if (edges->count + 2 > G_N_ELEMENTS(edges->addresses))
		return true;
	edges->addresses[edges->count++] = area->start;
	edges->addresses[edges->count++] = area->end - 1;
	return true;
}

/* Let the new program touch the first and last bytes of its areas, and look for symbols there. */
static void touch(struct vm_process *process)
{
	struct edges edges = {.count = 0};

	vm_process_areas(process, 0, add_edges, &edges);
	uint64_t va;
	vm_process_symbol(process, VM_SYMBOLS_ALL, NULL, "main", &va);
	for (size_t i = 0; i < edges.count; i++)
		g_free(vm_process_symbol_at(process, edges.addresses[i], &va));
	for (size_t i = 0; i < edges.count; i++)
		for (int access = VM_ACCESS_READ; access <= VM_ACCESS_EXEC; access++)
			vm_access(process, edges.addresses[i], 1, (enum vm_access)access, NULL,
			          NULL);
}

static void try_exec(struct fuzz *f, struct vm_process *process, bool kernel_only, bool variables)
{
	struct state was, is;

	state_take(&was, f, process);
	int error = exec_program(f, process, kernel_only, variables);
	g_assert_true(is_documented(error));
	fuzz_check(f);
	state_take(&is, f, process);
	if (error != 0)
		assert_unchanged(&was, &is);
	else
		touch(process);
	g_string_free(was.areas, TRUE);
	g_string_free(is.areas, TRUE);
}

/* --- The input -------------------------------------------------------------------------------- */

/* An area that the old program loses in exec. */
static void make_old_area(struct vm_process *process)
{
	g_assert_cmpint(vm_mmap(process, old_area, 2 * VM_PAGE_SIZE, PROT_READ | PROT_WRITE,
	                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0),
	                ==, (int64_t)old_area);
	vm_access(process, old_area, 1, VM_ACCESS_WRITE, NULL, NULL);
}

static void run(uint8_t mode, const uint8_t *bytes, size_t size)
{
	const char *role = mode & PRELOAD ? "ld.so.preload" : roles[mode & ROLE];
	struct vm_config config;
	struct fuzz f;

	vm_config_init(&config);
	config.ram = (mode & SMALL ? 6 : 128) * VM_PAGE_SIZE;
	config.max_tables = mode & SMALL ? 32 : 256;
	config.aslr = mode & ASLR;
	fuzz_start(&f, &config);
	fuzz_add_file(&f, role, bytes, size);
	programs_add(&f, role);
	struct vm_process *process = fuzz_spawn(&f, mode & LIMITED ? 512 << 10 : VM_UNLIMITED);
	make_old_area(process);
	try_exec(&f, process, true, mode & VARIABLES);
	try_exec(&f, process, false, mode & VARIABLES);
	vm_process_unref(process);
	fuzz_end(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size > 0)
		run(bytes[0], bytes + 1, size - 1);
	return 0;
}
