/*
 * test_exec.c - exec with hostile input: circles of interpreters, chains of scripts, files damaged
 * in any place. Whatever the bytes are, a failed exec leaves the process as it was, and the
 * machine's invariants hold.
 *
 *     test_exec STATIC STATIC_PIE FIXED    (three builds of exec_target.c)
 */
#include "tests/fixture/exec_fixture.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Exec of PATH fails with ERROR, and does not change the process. */
static void assert_fails(struct exec_fixture *f, const char *path, int error)
{
	g_autofree char *before = exec_areas(f);
	struct vm_process_info was, is;

	vm_process_info(f->process, &was);
	g_assert_cmpint(exec_path(f, path), ==, error);
	vm_process_info(f->process, &is);
	g_autofree char *after = exec_areas(f);
	g_assert_cmpstr(after, ==, before);
	g_assert_cmpstr(is.comm, ==, was.comm);
	g_assert_cmphex(is.layout.pc, ==, was.layout.pc);
	g_assert_cmphex(is.layout.sp, ==, was.layout.sp);
}

/* --- Interpreters ----------------------------------------------------------------------------- */

/* Linux maps the interpreter but ignores the interpreter's own PT_INTERP, so circles end. */
static void test_interpreter_itself(struct exec_fixture *f, gconstpointer data)
{
	static const uint16_t types[] = {ET_DYN, ET_EXEC};

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		g_autofree char *path = exec_path_of(f, "self");
		g_autofree char *written = exec_write_interpreted(f, "self", types[i], path);
		g_assert_cmpint(exec_path(f, written), ==, 0);
	}
}

static void test_interpreter_circle(struct exec_fixture *f, gconstpointer data)
{
	g_autofree char *b_path = exec_path_of(f, "b");
	g_autofree char *a = exec_write_interpreted(f, "a", ET_DYN, b_path);
	g_autofree char *b = exec_write_interpreted(f, "b", ET_DYN, a);

	g_assert_cmpint(exec_path(f, a), ==, 0);
	g_assert_cmpint(exec_path(f, b), ==, 0);
}

static void test_interpreter_bad(struct exec_fixture *f, gconstpointer data)
{
	g_autofree char *text =
	    exec_write_text(f, "text",
	                    "not an ELF file at all, but long enough to hold an ELF header, "
	                    "and then some more, to be sure");
	g_autofree char *script = exec_write_text(f, "script", "#!/bin/sh\n");
	g_autofree char *plain = exec_write_text(f, "plain", "");
	g_autofree char *missing_path = exec_path_of(f, "missing");
	g_autofree char *a = exec_write_interpreted(f, "a", ET_DYN, text);
	g_autofree char *b = exec_write_interpreted(f, "b", ET_EXEC, script);
	g_autofree char *c = exec_write_interpreted(f, "c", ET_DYN, missing_path);
	g_autofree char *d = exec_write_interpreted(f, "d", ET_DYN, f->folder);
	g_autofree char *e = exec_write_interpreted(f, "e", ET_DYN, plain);

	g_assert_cmpint(g_chmod(plain, 0644), ==, 0);
	assert_fails(f, a, -ELIBBAD);
	assert_fails(f, b, -EIO); /* it is shorter than a header */
	assert_fails(f, c, -ENOENT);
	assert_fails(f, d, -EACCES);
	assert_fails(f, e, -EACCES);
}

/* --- Scripts ---------------------------------------------------------------------------------- */

static void test_script_chain(struct exec_fixture *f, gconstpointer data)
{
	g_autofree char *path = g_strdup("/bin/true");

	for (int i = 1; i <= 6; i++) {
		g_autofree char *text = g_strdup_printf("#!%s\n", path);
		g_autofree char *name = g_strdup_printf("script%d", i);
		g_free(path);
		path = exec_write_text(f, name, text);
		if (i <= 5)
			g_assert_cmpint(exec_path(f, path), ==, 0);
		else
			assert_fails(f, path, -ELOOP);
	}
}

static void test_script_errors(struct exec_fixture *f, gconstpointer data)
{
	g_autofree char *self_path = exec_path_of(f, "self");
	g_autofree char *self_text = g_strconcat("#!", self_path, "\n", NULL);
	g_autofree char *self = exec_write_text(f, "self", self_text);
	g_autofree char *missing = exec_write_text(f, "missing", "#!/nowhere/at/all\n");
	g_autofree char *nameless = exec_write_text(f, "nameless", "#! \n");
	g_autofree char *empty = exec_write_text(f, "empty", "");
	g_autofree char *text = exec_write_text(f, "text", "echo hello\n");

	assert_fails(f, self, -ELOOP);
	assert_fails(f, missing, -ENOENT);
	assert_fails(f, nameless, -ENOEXEC);
	assert_fails(f, empty, -ENOEXEC);
	assert_fails(f, text, -ENOEXEC);
	assert_fails(f, f->folder, -EACCES);
	assert_fails(f, "/nowhere", -ENOENT);
}

static void test_too_big(struct exec_fixture *f, gconstpointer data)
{
	g_autofree char *before = exec_areas(f);
	g_autofree char *text = g_strnfill(131072, 'x');
	const char *const argv[] = {"x", text, NULL};
	uint64_t entry;

	g_assert_cmpint(exec_with(f, "/bin/true", argv, false, &entry), ==, -E2BIG);
	g_autofree char *after = exec_areas(f);
	g_assert_cmpstr(after, ==, before);
}

/* --- Damaged files ---------------------------------------------------------------------------- */

static void test_truncated(struct exec_fixture *f, gconstpointer data)
{
	g_autofree char *bytes = NULL;
	size_t size;

	g_assert_true(g_file_get_contents("/bin/ls", &bytes, &size, NULL));
	for (size_t cut = 0; cut < 3 * VM_PAGE_SIZE; cut += 97) {
		g_autofree char *path = exec_write(f, "cut", bytes, cut);
		assert_fails(f, path, -ENOEXEC);
	}
}

static Elf64_Phdr *load_segment(char *bytes, unsigned number)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)bytes;
	Elf64_Phdr *segments = (Elf64_Phdr *)(bytes + header->e_phoff);

	for (unsigned i = 0; i < header->e_phnum; i++)
		if (segments[i].p_type == PT_LOAD && number-- == 0)
			return &segments[i];
	return NULL;
}

/* Segments that overlap the stack, wrap around, or are larger than the address space. */
static void test_huge(struct exec_fixture *f, gconstpointer data)
{
	static const uint64_t sizes[] = {UINT64_MAX, UINT64_MAX - 0xfff, VM_USER_END,
	                                 VM_USER_END - 0x400000};

	for (size_t t = 0; t < G_N_ELEMENTS(exec_targets); t++) {
		g_autofree char *bytes = NULL;
		size_t size;
		g_assert_true(g_file_get_contents(exec_targets[t], &bytes, &size, NULL));
		for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
			load_segment(bytes, 3)->p_memsz = sizes[i];
			g_autofree char *path = exec_write(f, "huge", bytes, size);
			g_autofree char *before = exec_areas(f);
			int error = exec_path(f, path);
			g_assert_true(error == -ENOEXEC || error == -ENOMEM);
			g_autofree char *after = exec_areas(f);
			g_assert_cmpstr(after, ==, before);
		}
	}
}

/* Segments that are valid by themselves, but do not fit where the image goes, or overlap others. */
static void test_no_room(struct exec_fixture *f, gconstpointer data)
{
	static const struct {
		bool interpreter; /* change the interpreter's segment, not the program's */
		uint16_t type;
		uint64_t addr, size; /* 0: unchanged */
	} cases[] = {
	    {false, ET_DYN, 0, UINT64_C(0x600000000000)}, /* does not fit above PIE_BASE */
	    {true, ET_DYN, 0, VM_USER_END - VM_PAGE_SIZE},
	    {true, ET_EXEC, VM_USER_END - VM_PAGE_SIZE, 0}, /* overlaps the strings */
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *interpreter = exec_path_of(f, "interpreter"), *bytes = NULL;
		g_autofree char *program =
		    exec_write_interpreted(f, "program", ET_DYN, interpreter);
		g_free(exec_write_interpreted(f, "interpreter", cases[i].type, "/nowhere"));
		size_t size;
		const char *changed = cases[i].interpreter ? "interpreter" : "program";
		g_assert_true(g_file_get_contents(cases[i].interpreter ? interpreter : program,
		                                  &bytes, &size, NULL));
		Elf64_Phdr *segment = load_segment(bytes, 0);
		segment->p_flags = PF_R;
		segment->p_vaddr = cases[i].addr > 0 ? cases[i].addr : segment->p_vaddr;
		segment->p_memsz = cases[i].size > 0 ? cases[i].size : segment->p_memsz;
		g_free(exec_write(f, changed, bytes, size));
		assert_fails(f, program, -ENOEXEC);
	}
}

static void test_overlapping(struct exec_fixture *f, gconstpointer data)
{
	g_autofree char *bytes = NULL;
	size_t size;

	g_assert_true(g_file_get_contents(exec_targets[0], &bytes, &size, NULL));
	for (unsigned i = 1; i < 4; i++)
		load_segment(bytes, i)->p_vaddr =
		    load_segment(bytes, 0)->p_vaddr + load_segment(bytes, i)->p_offset % 4096;
	g_autofree char *path = exec_write(f, "overlapping", bytes, size);
	/* The later segment wins, as in Linux. */
	g_assert_cmpint(exec_path(f, path), ==, 0);
}

/* Write extreme values to random places in the headers and the dynamic section of real programs. */
static void test_damaged(struct exec_fixture *f, gconstpointer data)
{
	static const uint64_t values[] = {
	    0,          1,         0xfff,      0x1000,   0x7fffffff,
	    UINT32_MAX, INT64_MAX, UINT64_MAX, 0x400000, 0x7ffffffff000};
	enum { ROUNDS = 400, HEADERS = 1024 };

	for (size_t t = 0; t < G_N_ELEMENTS(exec_targets); t++) {
		g_autofree char *bytes = NULL;
		size_t size;
		g_assert_true(g_file_get_contents(exec_targets[t], &bytes, &size, NULL));
		for (int i = 0; i < ROUNDS; i++) {
			g_autofree char *copy = g_memdup2(bytes, size);
			for (int n = g_test_rand_int_range(1, 4); n > 0; n--) {
				size_t at = (size_t)g_test_rand_int_range(0, HEADERS - 8) &
				            ~(size_t)(n % 2 ? 7 : 0);
				uint64_t value =
				    values[g_test_rand_int_range(0, G_N_ELEMENTS(values))];
				memcpy(copy + at, &value, n % 2 ? 8 : 2);
			}
			g_autofree char *path = exec_write(f, "damaged", copy, size);
			exec_path(f, path);
		}
		g_autofree char *wrong = vm_machine_check(f->machine);
		g_assert_cmpstr(wrong, ==, NULL);
	}
}

/* --- The rest --------------------------------------------------------------------------------- */

static void test_result(struct exec_fixture *f, gconstpointer data)
{
	const char *const argv[] = {"a-name", NULL};
	struct vm_process_info info;
	uint64_t entry = 0;

	g_assert_cmpint(exec_with(f, exec_targets[2], argv, false, &entry), ==, 0);
	g_autofree char *exe = vm_process_exe(f->process);
	vm_process_info(f->process, &info);
	g_assert_true(entry >= info.layout.start_code && entry < info.layout.end_code);
	g_assert_true(g_str_has_suffix(exe, "exec_target_fixed"));
	g_assert_cmpstr(info.comm, ==, "exec_target_fix");
	g_assert_cmphex(info.layout.brk, ==, info.layout.start_brk + 0x21000);
}

static uint64_t locked_pages(struct exec_fixture *f)
{
	struct vm_process_info info;

	vm_process_info(f->process, &info);
	return info.vm_locked;
}

/* Give an area every kind of advice, lock current and future memory, and set a limit. */
static void mark_areas(struct exec_fixture *f)
{
	static const int advices[] = {MADV_DONTFORK, MADV_WIPEONFORK, MADV_DONTDUMP, MADV_RANDOM};
	int64_t at = vm_mmap(f->process, 0, 4 * VM_PAGE_SIZE, PROT_READ | PROT_WRITE,
	                     MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);

	g_assert_cmpint(at, >, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(advices); i++)
		g_assert_cmpint(vm_madvise(f->process, (uint64_t)at, 4 * VM_PAGE_SIZE, advices[i]),
		                ==, 0);
	g_assert_cmpint(vm_mlockall(f->process, MCL_CURRENT | MCL_FUTURE), ==, 0);
	g_assert_cmpint(vm_process_set_limit(f->process, VM_LIMIT_MEMLOCK, 1 << 20, 2 << 20), ==,
	                0);
}

/* execve(2) drops mappings and locks, and keeps limits. An exec that fails changes nothing. */
static void test_keeps_and_drops(struct exec_fixture *f, gconstpointer data)
{
	g_autofree char *bad = exec_write_text(f, "bad", "no program");
	uint64_t soft, hard;

	mark_areas(f);
	g_autofree char *before = exec_areas(f);
	uint64_t locked = locked_pages(f);
	g_assert_cmpuint(locked, >, 0);
	g_assert_cmpint(exec_path(f, bad), ==, -ENOEXEC);
	g_autofree char *kept = exec_areas(f);
	g_assert_cmpstr(kept, ==, before);
	g_assert_cmpuint(locked_pages(f), ==, locked);
	g_assert_cmpint(exec_path(f, "/bin/true"), ==, 0);
	g_assert_cmpuint(locked_pages(f), ==, 0);
	g_assert_cmpint(vm_mmap(f->process, 0, VM_PAGE_SIZE, PROT_READ | PROT_WRITE,
	                        MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0),
	                >, 0);
	g_assert_cmpuint(locked_pages(f), ==, 0);
	vm_process_limit(f->process, VM_LIMIT_MEMLOCK, &soft, &hard);
	g_assert_cmpuint(soft, ==, 1 << 20);
	g_assert_cmpuint(hard, ==, 2 << 20);
}

static void test_ended(struct exec_fixture *f, gconstpointer data)
{
	vm_process_exit(f->process, 0);
	g_assert_cmpint(exec_path(f, "/bin/true"), ==, -ESRCH);
}

static char *layout_with_seed(uint64_t seed)
{
	struct exec_fixture f = {.aslr = true, .seed = seed};

	exec_setup(&f, NULL);
	g_assert_cmpint(exec_path(&f, "/bin/true"), ==, 0);
	char *text = exec_areas(&f);
	exec_teardown(&f, NULL);
	return text;
}

static void test_aslr(void)
{
	g_autofree char *one = layout_with_seed(1), *again = layout_with_seed(1),
	                *two = layout_with_seed(2);

	g_assert_cmpstr(one, ==, again);
	g_assert_cmpstr(one, !=, two);
}

/* Too little memory for the pages that exec itself writes. */
static void test_no_memory(void)
{
	struct vm_cred cred = {.uid = getuid(), .gid = getgid()};
	struct vm_config config;
	struct exec_fixture f = {0};
	int error = 0;

	vm_config_init(&config);
	config.ram = VM_PAGE_SIZE;
	f.machine = vm_machine_new(&config, NULL);
	f.process = vm_process_spawn(f.machine, &cred, "before", &error);
	g_assert_nonnull(f.process);
	g_autofree char *text = g_strnfill(3 * VM_PAGE_SIZE, 'x');
	const char *const argv[] = {text, NULL};
	uint64_t entry;
	g_assert_cmpint(exec_with(&f, "/bin/true", argv, false, &entry), ==, -ENOMEM);
	vm_process_exit(f.process, 0);
	vm_process_unref(f.process);
	vm_machine_free(f.machine);
}

int main(int argc, char **argv)
{
	static const struct exec_test tests[] = {
	    {"/exec/interpreter/itself", test_interpreter_itself},
	    {"/exec/interpreter/circle", test_interpreter_circle},
	    {"/exec/interpreter/bad", test_interpreter_bad},
	    {"/exec/script/chain", test_script_chain},
	    {"/exec/script/errors", test_script_errors},
	    {"/exec/too-big", test_too_big},
	    {"/exec/damage/truncated", test_truncated},
	    {"/exec/damage/huge", test_huge},
	    {"/exec/damage/no-room", test_no_room},
	    {"/exec/damage/overlapping", test_overlapping},
	    {"/exec/damage/random", test_damaged},
	    {"/exec/result", test_result},
	    {"/exec/keeps-and-drops", test_keeps_and_drops},
	    {"/exec/ended", test_ended},
	};

	exec_begin(argc, argv, tests, G_N_ELEMENTS(tests));
	g_test_add_func("/exec/aslr", test_aslr);
	g_test_add_func("/exec/no-memory", test_no_memory);
	return g_test_run();
}
