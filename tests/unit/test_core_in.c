/*
 * test_core_in.c - processes of core files: areas, names, bytes, threads; files with and without
 * the right build id; files that are cut short, strange or of another kind.
 */
#include "tests/fixture/core_maker.h"
#include "tests/fixture/vm_fixture.h"
#include "vm/vm_core.h"

#include <sys/procfs.h>
#include <unistd.h>

/* Any two addresses that are far from each other. */
enum { LOW = 0x10000000, MODULE = 0x40000000 };

static struct vm_file *open_as_test(void *ctx, const char *path, bool executable, int *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*error = fd < 0 ? -errno : 0;
	return fd >= 0 ? vm_file_new(ctx, fd, O_RDONLY, 0, error) : NULL;
}

/* Load BYTES, LEN of them, from a file. */
static struct vm_process *load_bytes(struct vm_fixture *f, const void *bytes, size_t len,
                                     int *error)
{
	const struct vm_opener opener = {open_as_test, f->machine};
	g_autofree char *path = g_build_filename(f->dir, "core", NULL);
	struct vm_process *process = NULL;
	struct vm_image image;

	g_assert_true(g_file_set_contents(path, bytes, (gssize)len, NULL));
	struct vm_file *file = open_file(f, path, O_RDONLY);
	vm_image_init(&image, file);
	vm_file_unref(file);
	vm_reason_clear();
	*error = vm_core_parse(&image, &opener);
	if (*error == 0)
		process = vm_process_load(f->machine, &f->cred, &image, error);
	vm_image_clear(&image);
	assert_sound(f->machine);
	return process;
}

/* Load what MAKER made. */
static struct vm_process *load_core(struct vm_fixture *f, struct core_maker *maker)
{
	g_autoptr(GByteArray) bytes = core_end(maker);
	int error;
	struct vm_process *process = load_bytes(f, bytes->data, bytes->len, &error);

	g_assert_cmpint(error, ==, 0);
	return process;
}

static void assert_refused(struct vm_fixture *f, const void *bytes, size_t len, enum vm_why why)
{
	struct vm_reason reason;
	int error;

	g_assert_null(load_bytes(f, bytes, len, &error));
	g_assert_cmpint(error, ==, -ENOEXEC);
	g_assert_true(vm_reason(error, &reason));
	g_assert_cmpint(reason.why, ==, why);
}

static bool add_area(void *ctx, const struct vm_area_info *area)
{
	const char *slash = area->name != NULL ? strrchr(area->name, '/') : NULL;

	g_string_append_printf(ctx, "%lx-%lx %s %lx %s\n", area->start, area->end, area->perm,
	                       area->offset,
	                       slash != NULL        ? slash + 1
	                       : area->name != NULL ? area->name
	                                            : "");
	return true;
}

static void assert_maps(struct vm_process *process, const char *expected)
{
	g_autoptr(GString) text = g_string_new(NULL);

	g_assert_cmpint(vm_process_areas(process, 0, add_area, text), ==, 0);
	g_assert_cmpstr(text->str, ==, expected);
}

/* PAGES pages full of BYTE. */
static uint8_t *pages_of(uint64_t pages, int byte)
{
	uint8_t *bytes = g_malloc(pages * PAGE);

	return memset(bytes, byte, pages * PAGE);
}

/* --- Bytes ------------------------------------------------------------------------------------ */

static void test_bytes(struct vm_fixture *f, gconstpointer unused)
{
	g_autofree uint8_t *bytes = pages_of(3, 'b');
	struct core_maker maker;
	struct vm_process_info info;

	core_begin(&maker);
	maker.data_at = 0x4a1; /* as gcore has it */
	maker.notes_last = true;
	core_load(&maker, LOW, 3 * PAGE, PF_R | PF_W, bytes, 3 * PAGE);
	/* Less in the file than in memory; no rights; not at all; in the kernel's half. */
	core_load(&maker, LOW + MIB, 3 * PAGE, PF_R, bytes, PAGE);
	core_load(&maker, LOW + 2 * MIB, PAGE, 0, bytes, 0);
	core_load(&maker, LOW + 3 * MIB, PAGE, PF_R, bytes, 0);
	core_load(&maker, UINT64_C(0xffffffffff600000), PAGE, PF_R | PF_X, bytes, PAGE);
	struct vm_process *process = load_core(f, &maker);
	assert_maps(process, "10000000-10003000 rw-p 0 \n"
	                     "10100000-10103000 r--p 0 \n"
	                     "10200000-10201000 ---p 0 \n"
	                     "10300000-10301000 r--p 0 \n");
	vm_process_info(process, &info);
	g_assert_cmpuint(info.rss_file, ==, 0);
	assert_filled(process, LOW, 3, 'b');
	g_assert_cmpint(get(process, LOW + MIB), ==, 'b');
	g_assert_cmpint(get(process, LOW + MIB + PAGE), ==, -EIO);
	g_assert_cmpint(get(process, LOW + 2 * MIB), ==, -EACCES);
	g_assert_cmpint(get(process, LOW + 3 * MIB), ==, -EIO);
	/* It is a process like others. The file stays as it is. */
	put(process, LOW, 'c');
	struct vm_process *child = fork_of(process);
	put(child, LOW, 'd');
	g_assert_cmpint(get(process, LOW), ==, 'c');
	g_assert_cmpint(vm_mprotect(process, LOW + PAGE, PAGE, PROT_READ), ==, 0);
	g_assert_cmpint(vm_mprotect(process, LOW + PAGE, PAGE, RW), ==, 0);
	g_assert_cmpint(vm_madvise(process, LOW, PAGE, MADV_DONTNEED), ==, 0);
	g_assert_cmpint(get(process, LOW), ==, 'b');
	end(child);
	end(process);
}

/* Wherever a file is cut, each byte is that of the whole one, or cannot be read. */
static void test_cut(struct vm_fixture *f, gconstpointer unused)
{
	g_autofree uint8_t *bytes = pages_of(2, 'b');
	struct core_maker maker;
	int error;

	core_begin(&maker);
	core_load(&maker, LOW, 2 * PAGE, PF_R, bytes, 2 * PAGE);
	core_load(&maker, LOW + MIB, 2 * PAGE, PF_R, bytes, 2 * PAGE);
	g_autoptr(GByteArray) whole = core_end(&maker);
	for (size_t cut = 0; cut < whole->len; cut += 511) {
		struct vm_process *process = load_bytes(f, whole->data, cut, &error);
		if (process == NULL) {
			g_assert_cmpint(error, ==, -ENOEXEC);
			g_assert_cmpuint(cut, <, sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr));
			continue;
		}
		uint64_t left = cut > whole->len - 4 * PAGE ? cut - (whole->len - 4 * PAGE) : 0;
		for (uint64_t page = 0; page < 2; page++)
			g_assert_cmpint(get(process, LOW + page * PAGE), ==,
			                left >= (page + 1) * PAGE ? 'b' : -EIO);
		end(process);
	}
}

/* More program headers than the ELF header can count. */
static void load_many(struct vm_fixture *f, bool missing)
{
	g_autofree uint8_t *bytes = pages_of(1, 'b');
	const uint64_t count = 66000;
	struct vm_process_info info;
	struct core_maker maker;

	core_begin(&maker);
	maker.no_section = missing;
	for (uint64_t i = 0; i < count; i++)
		core_load(&maker, LOW + 2 * i * PAGE, PAGE, PF_R, bytes, i + 1 == count ? PAGE : 0);
	struct vm_process *process = load_core(f, &maker);
	vm_process_info(process, &info);
	g_assert_cmpuint(info.areas, ==, count);
	g_assert_cmpint(get(process, LOW + 2 * (count - 1) * PAGE), ==, 'b');
	/* Its own core counts in the same way. */
	const struct vm_thread thread = {.tid = 1};
	Elf64_Shdr section;
	int error;
	struct vm_core *core = vm_core_new(process, VM_CORE_DEFAULT, &thread, &error);
	g_assert_nonnull(core);
	g_assert_cmpuint(vm_core_read(core, process, &section, sizeof section,
	                              vm_core_size(core) - sizeof section),
	                 ==, sizeof section);
	g_assert_cmpuint(section.sh_info, ==, count + 1);
	vm_core_free(core);
	end(process);
}

static void test_many(struct vm_fixture *f, gconstpointer unused)
{
	load_many(f, false);
}

static void test_many_without_count(struct vm_fixture *f, gconstpointer unused)
{
	load_many(f, true);
}

static void test_refused(struct vm_fixture *f, gconstpointer unused)
{
	static const struct {
		uint8_t bits;
		uint16_t machine, type;
		enum vm_why why;
	} kinds[] = {
	    {ELFCLASS32, EM_386, ET_CORE, VM_WHY_CORE_MACHINE},
	    {ELFCLASS64, EM_AARCH64, ET_CORE, VM_WHY_CORE_MACHINE},
	    {ELFCLASS32, EM_X86_64, ET_CORE, VM_WHY_CORE_MACHINE},
	    {ELFCLASS64, EM_X86_64, ET_DYN, VM_WHY_CORE_TYPE},
	    {ELFCLASS64, EM_X86_64, ET_CORE, VM_WHY_CORE_EMPTY},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		struct core_maker maker;
		core_begin(&maker);
		maker.header.e_ident[EI_CLASS] = kinds[i].bits;
		maker.header.e_machine = kinds[i].machine;
		maker.header.e_type = kinds[i].type;
		g_autoptr(GByteArray) bytes = core_end(&maker);
		assert_refused(f, bytes->data, bytes->len, kinds[i].why);
	}
	assert_refused(f, "", 0, VM_WHY_CORE_NOT_ELF);
	assert_refused(f, "#!/bin/sh\necho no core\n", 23, VM_WHY_CORE_NOT_ELF);
}

/* --- Files ------------------------------------------------------------------------------------ */

/* A core of a process that had mapped the module PATH: header, text, and data that it changed. */
static void make_module_core(struct core_maker *maker, const char *path, bool with_text)
{
	const uint64_t ranges[][3] = {{MODULE, MODULE + PAGE, 0},
	                              {MODULE + PAGE, MODULE + 3 * PAGE, 1},
	                              {MODULE + 3 * PAGE, MODULE + 4 * PAGE, 3}};
	const char *names[] = {path, path, path};
	g_autoptr(GByteArray) module = core_module(4, 'i');
	g_autofree uint8_t *changed = pages_of(1, 'Z');

	core_begin(maker);
	core_files(maker, ranges, names, 3);
	core_load(maker, MODULE, PAGE, PF_R, module->data, PAGE);
	if (with_text)
		core_load(maker, MODULE + PAGE, 2 * PAGE, PF_R | PF_X, NULL, 0);
	core_load(maker, MODULE + 3 * PAGE, PAGE, PF_R | PF_W, changed, PAGE);
}

static char *write_module(struct vm_fixture *f, uint8_t id)
{
	g_autoptr(GByteArray) module = core_module(4, id);
	char *path = g_build_filename(f->dir, "module", NULL);

	g_assert_true(g_file_set_contents(path, (const char *)module->data, module->len, NULL));
	return path;
}

static const char module_maps[] = "40000000-40001000 r--p 0 module\n"
                                  "40001000-40003000 r-xp 1000 module\n"
                                  "40003000-40004000 rw-p 3000 module\n";

/* The same file is mapped where the core has no bytes, whether there is a PT_LOAD or not. */
static void load_same_file(struct vm_fixture *f, bool with_text)
{
	g_autofree char *path = write_module(f, 'i');
	struct core_maker maker;

	make_module_core(&maker, path, with_text);
	struct vm_process *process = load_core(f, &maker);
	assert_maps(process, module_maps);
	g_assert_cmpint(get(process, MODULE), ==, 0x7f);
	assert_filled(process, MODULE + PAGE, 1, 'b');
	assert_filled(process, MODULE + 2 * PAGE, 1, 'c');
	assert_filled(process, MODULE + 3 * PAGE, 1, 'Z');
	end(process);
}

static void test_same_file(struct vm_fixture *f, gconstpointer unused)
{
	load_same_file(f, true);
}

static void test_same_file_without_load(struct vm_fixture *f, gconstpointer unused)
{
	load_same_file(f, false);
}

/* Another file of that name, or none: the bytes are nowhere. */
static void load_other_file(struct vm_fixture *f, bool missing)
{
	g_autofree char *path = write_module(f, 'j');
	struct core_maker maker;

	if (missing)
		g_assert_cmpint(unlink(path), ==, 0);
	make_module_core(&maker, path, true);
	struct vm_process *process = load_core(f, &maker);
	assert_maps(process, module_maps);
	g_assert_cmpint(get(process, MODULE), ==, 0x7f);
	g_assert_cmpint(get(process, MODULE + PAGE), ==, -EIO);
	assert_filled(process, MODULE + 3 * PAGE, 1, 'Z');
	end(process);
}

static void test_other_file(struct vm_fixture *f, gconstpointer unused)
{
	load_other_file(f, false);
}

static void test_missing_file(struct vm_fixture *f, gconstpointer unused)
{
	load_other_file(f, true);
}

/* Data that the core should have is not taken from the file. */
static void test_cut_data(struct vm_fixture *f, gconstpointer unused)
{
	g_autofree char *path = write_module(f, 'i');
	struct core_maker maker;
	int error;

	make_module_core(&maker, path, true);
	g_autoptr(GByteArray) bytes = core_end(&maker);
	struct vm_process *process = load_bytes(f, bytes->data, bytes->len - PAGE, &error);
	g_assert_nonnull(process);
	assert_filled(process, MODULE + PAGE, 1, 'b');
	g_assert_cmpint(get(process, MODULE + 3 * PAGE), ==, -EIO);
	end(process);
}

/* --- Threads, names, the stack ---------------------------------------------------------------- */

static void test_threads(struct vm_fixture *f, gconstpointer unused)
{
	g_autofree uint8_t *bytes = pages_of(1, 'b');
	const struct elf_prpsinfo ps = {.pr_fname = "crashed"};
	struct vm_process_info info;
	struct core_maker maker;
	struct vm_thread thread;

	core_begin(&maker);
	for (int i = 0; i < 3; i++) {
		struct elf_prstatus status = {.pr_pid = 500 + i, .pr_cursig = 11};
		uint8_t fpu[VM_FPU_LEN] = {[7] = (uint8_t)i};
		status.pr_reg[16] = 0x1000 + (uint64_t)i; /* rip */
		core_note(&maker, NT_PRSTATUS, &status, sizeof status);
		if (i == 0)
			core_note(&maker, NT_PRPSINFO, &ps, sizeof ps);
		core_note(&maker, NT_FPREGSET, fpu, sizeof fpu);
	}
	core_load(&maker, LOW, PAGE, PF_R, bytes, PAGE);
	struct vm_process *process = load_core(f, &maker);
	pid_t pid = vm_process_pid(process);
	vm_process_info(process, &info);
	g_assert_cmpstr(info.comm, ==, "crashed");
	g_assert_cmpint(info.last_signal, ==, 11);
	g_assert_cmphex(info.layout.pc, ==, 0x1000);
	for (unsigned i = 0; i < 3; i++) {
		g_assert_cmpint(vm_process_next_thread(process, pid + (pid_t)i - 1), ==,
		                pid + (pid_t)i);
		g_assert_true(vm_process_thread(process, i, &thread));
		g_assert_cmpint(thread.tid, ==, pid + (pid_t)i);
		g_assert_cmpint(thread.lwp, ==, 500 + (int)i);
		g_assert_cmphex(thread.regs.rip, ==, 0x1000 + i);
		g_assert_cmpint(thread.fpu[7], ==, (int)i);
		struct vm_process *found = vm_process_find(f->machine, pid + (pid_t)i);
		g_assert_true(found == process);
		vm_process_unref(found);
	}
	g_assert_cmpint(vm_process_next_thread(process, pid + 2), ==, 0);
	g_assert_cmpint(vm_machine_next_pid(f->machine, pid), ==, 0);
	struct vm_process *next = spawn(f);
	g_assert_cmpint(vm_process_pid(next), ==, pid + 3);
	end(next);
	g_assert_cmpint(vm_process_exit(process, 0), ==, 0);
	g_assert_null(vm_process_find(f->machine, pid + 1));
	vm_process_unref(process);
}

/* The arguments are found by the auxiliary vector on the stack. AT_RANDOM has any alignment. */
static void find_stack(struct vm_fixture *f, uint64_t shift)
{
	const uint64_t top = 0x7ffff000, pages = 4, strings = top - 0x100;
	g_autofree uint8_t *bytes = pages_of(pages, 0);
	uint8_t *last = bytes + pages * PAGE;
	const uint64_t auxv[] = {
	    AT_RANDOM, strings - 0x20 + shift, AT_EXECFN, strings + 0x20, AT_NULL, 0};
	const uint64_t words[] = {2, strings, strings + 5, 0, strings + 8, 0};
	struct vm_process_info info;
	struct core_maker maker;

	memcpy(last - 0x100, "prog\0-x\0A=B\0", 12);
	memcpy(last - 0x200, words, sizeof words);
	memcpy(last - 0x200 + sizeof words, auxv, sizeof auxv);
	core_begin(&maker);
	core_note(&maker, NT_AUXV, auxv, sizeof auxv);
	core_load(&maker, top - pages * PAGE, pages * PAGE, PF_R | PF_W, bytes, pages * PAGE);
	struct vm_process *process = load_core(f, &maker);
	vm_process_info(process, &info);
	g_assert_cmphex(info.layout.start_stack, ==, top - 0x200);
	g_assert_cmphex(info.layout.arg_start, ==, strings);
	g_assert_cmphex(info.layout.arg_end, ==, strings + 8);
	g_assert_cmphex(info.layout.env_end, ==, strings + 0x20);
	assert_maps(process, "7fffb000-7ffff000 rw-p 0 [stack]\n");
	end(process);
}

static void test_stack(struct vm_fixture *f, gconstpointer unused)
{
	for (uint64_t shift = 0; shift < 8; shift++)
		find_stack(f, shift);
}

/* --- Bounds ----------------------------------------------------------------------------------- */

/* What a user may have, counts for loaded processes, too; nothing is left of a load that fails. */
static void test_too_many(struct vm_fixture *f, gconstpointer unused)
{
	g_autofree uint8_t *bytes = pages_of(1, 'b');
	struct vm_config config;
	struct core_maker maker;
	int error;

	vm_config_init(&config);
	config.ram = 16 * PAGE;
	config.most[VM_AREAS] = 8;
	struct vm_machine *machine = vm_machine_new(&config, NULL);
	struct vm_machine *other = f->machine;
	core_begin(&maker);
	for (uint64_t i = 0; i < 9; i++)
		core_load(&maker, LOW + 2 * i * PAGE, PAGE, PF_R, bytes, PAGE);
	g_autoptr(GByteArray) core = core_end(&maker);
	f->machine = machine;
	g_assert_null(load_bytes(f, core->data, core->len, &error));
	g_assert_cmpint(error, ==, -ENOMEM);
	f->machine = other;
	vm_machine_free(machine);
}

/* A long name of which each of many areas would have a copy. */
static void test_names(struct vm_fixture *f, gconstpointer unused)
{
	enum { LOADS = 256 };
	const uint64_t range[][3] = {{LOW, LOW + 2 * LOADS * PAGE, 0}};
	g_autofree char *name = g_strnfill(MIB, 'n');
	g_autofree char *path = g_build_filename(f->dir, "core", NULL);
	const char *const names[] = {name};
	struct core_maker maker;
	struct vm_image image;

	core_begin(&maker);
	core_files(&maker, range, names, 1);
	for (uint64_t i = 0; i < LOADS; i++)
		core_load(&maker, LOW + 2 * i * PAGE, PAGE, PF_R, "", 0);
	g_autoptr(GByteArray) bytes = core_end(&maker);
	g_assert_true(g_file_set_contents(path, (char *)bytes->data, bytes->len, NULL));
	struct vm_file *file = open_file(f, path, O_RDONLY);
	vm_image_init(&image, file);
	vm_file_unref(file);
	g_assert_cmpint(vm_core_parse(&image, NULL), ==, -ENOMEM);
	vm_image_clear(&image);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/core/in/bytes", NULL, test_bytes);
	FIXTURE_TEST("/core/in/cut", NULL, test_cut);
	FIXTURE_TEST("/core/in/many", NULL, test_many);
	FIXTURE_TEST("/core/in/many-without-count", NULL, test_many_without_count);
	FIXTURE_TEST("/core/in/names", NULL, test_names);
	FIXTURE_TEST("/core/in/refused", NULL, test_refused);
	FIXTURE_TEST("/core/in/same-file", NULL, test_same_file);
	FIXTURE_TEST("/core/in/same-file-without-load", NULL, test_same_file_without_load);
	FIXTURE_TEST("/core/in/other-file", NULL, test_other_file);
	FIXTURE_TEST("/core/in/missing-file", NULL, test_missing_file);
	FIXTURE_TEST("/core/in/cut-data", NULL, test_cut_data);
	FIXTURE_TEST("/core/in/threads", NULL, test_threads);
	FIXTURE_TEST("/core/in/stack", NULL, test_stack);
	FIXTURE_TEST("/core/in/too-many", NULL, test_too_many);
	return g_test_run();
}
