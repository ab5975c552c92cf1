/*
 * test_core_out.c - core files of processes: what is in them, and that making one touches nothing.
 */
#include "tests/fixture/pressure.h"
#include "vm/vm_core.h"

#include <elf.h>
#include <sys/procfs.h>

static struct vm_core *core_of(struct vm_process *process)
{
	const struct vm_thread thread = {.tid = vm_process_pid(process), .regs = {.rip = 0x1234}};
	int error;
	struct vm_core *core = vm_core_new(process, VM_CORE_DEFAULT, &thread, &error);

	g_assert_nonnull(core);
	return core;
}

/* LEN bytes at OFFSET, all there. */
static void read_core(const struct vm_core *core, struct vm_process *process, void *buf, size_t len,
                      uint64_t offset)
{
	g_assert_cmpuint(vm_core_read(core, process, buf, len, offset), ==, len);
}

/* The program header of the area that starts at VA. */
static Elf64_Phdr header_of(const struct vm_core *core, struct vm_process *process, uint64_t va)
{
	Elf64_Ehdr header;
	Elf64_Phdr load;

	read_core(core, process, &header, sizeof header, 0);
	for (unsigned i = 0; i < header.e_phnum; i++) {
		read_core(core, process, &load, sizeof load, header.e_phoff + i * sizeof load);
		if (load.p_type == PT_LOAD && load.p_vaddr == va)
			return load;
	}
	g_assert_not_reached();
}

static uint64_t dumped(struct vm_process *process, uint64_t va)
{
	struct vm_core *core = core_of(process);
	uint64_t size = header_of(core, process, va).p_filesz;

	vm_core_free(core);
	return size;
}

/* Linux: vma_dump_size with the filter 0x33. */
static void test_sizes(struct vm_fixture *f, gconstpointer unused)
{
	struct vm_process *p = f->process;
	g_autofree char *data = make_file(f, "data", 4 * PAGE, 'a');

	map(p, ARENA, 4, RW, PRIVATE_ANON);
	g_assert_cmpuint(dumped(p, ARENA), ==, 0);
	put(p, ARENA + PAGE, 1);
	g_assert_cmpuint(dumped(p, ARENA), ==, 4 * PAGE);
	g_assert_cmpint(vm_madvise(p, ARENA, 4 * PAGE, MADV_DONTDUMP), ==, 0);
	g_assert_cmpuint(dumped(p, ARENA), ==, 0);
	map(p, ARENA + MIB, 2, RW, SHARED_ANON);
	g_assert_cmpuint(dumped(p, ARENA + MIB), ==, 2 * PAGE);
	map_path(f, p, data, O_RDONLY, ARENA + 2 * MIB, 4, RW, MAP_PRIVATE);
	g_assert_cmpuint(dumped(p, ARENA + 2 * MIB), ==, 0);
	put(p, ARENA + 2 * MIB, 1);
	g_assert_cmpuint(dumped(p, ARENA + 2 * MIB), ==, 4 * PAGE);
	map_path(f, p, data, O_RDWR, ARENA + 3 * MIB, 4, RW, MAP_SHARED);
	g_assert_cmpuint(dumped(p, ARENA + 3 * MIB), ==, 0);
}

/* The header page of an ELF file is there: if it is executed, or once it is seen to be one. */
static void test_elf_header(struct vm_fixture *f, gconstpointer unused)
{
	struct vm_process *p = f->process;
	g_autofree char *path = make_file(f, "elf", 4 * PAGE, 'a');

	write_file(path, 0, 1, '\x7f');
	for (int i = 0; i < 3; i++)
		write_file(path, 1 + (uint64_t)i, 1, "ELF"[i]);
	map_path(f, p, path, O_RDONLY, ARENA, 2, PROT_READ, MAP_PRIVATE);
	g_assert_cmpuint(dumped(p, ARENA), ==, 0);
	g_assert_cmpint(get(p, ARENA), ==, 0x7f);
	g_assert_cmpuint(dumped(p, ARENA), ==, PAGE);
	vm_machine_drop_entries(f->machine);
	vm_machine_drop_caches(f->machine);
	g_assert_cmpuint(dumped(p, ARENA), ==, 0);
	map_path(f, p, path, O_RDONLY, ARENA + MIB, 2, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	g_assert_cmpuint(dumped(p, ARENA), ==, PAGE);
}

static void test_form(struct vm_fixture *f, gconstpointer unused)
{
	static const uint32_t order[] = {NT_PRSTATUS, NT_PRPSINFO, NT_SIGINFO, NT_FILE,
	                                 NT_FPREGSET};
	g_autofree char *data = make_file(f, "data", PAGE, 'a');
	struct vm_process *p = f->process;
	struct elf_prstatus status;
	Elf64_Ehdr header;
	Elf64_Phdr note;
	Elf64_Nhdr head;

	map_path(f, p, data, O_RDONLY, ARENA, 1, PROT_READ, MAP_PRIVATE);
	struct vm_core *core = core_of(p);
	read_core(core, p, &header, sizeof header, 0);
	g_assert_cmpint(header.e_type, ==, ET_CORE);
	g_assert_cmpint(header.e_phnum, ==, 3); /* the notes, the stack, the file */
	read_core(core, p, &note, sizeof note, header.e_phoff);
	g_assert_cmpint(note.p_type, ==, PT_NOTE);
	uint64_t at = note.p_offset;
	for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
		read_core(core, p, &head, sizeof head, at);
		g_assert_cmphex(head.n_type, ==, order[i]);
		if (i == 0)
			read_core(core, p, &status, sizeof status, at + sizeof head + 8);
		at += sizeof head + 8 + ((head.n_descsz + 3) & ~3u);
	}
	g_assert_cmphex(at, ==, note.p_offset + note.p_filesz);
	g_assert_cmpint(status.pr_pid, ==, vm_process_pid(p));
	g_assert_cmphex(status.pr_reg[16], ==, 0x1234); /* rip */
	g_assert_cmpuint(header_of(core, p, ARENA).p_offset % PAGE, ==, 0);
	/* Nothing was touched, so the last offset is the end. */
	g_assert_cmpuint(header_of(core, p, ARENA).p_offset, ==, vm_core_size(core));
	char byte;
	g_assert_cmpuint(vm_core_read(core, p, &byte, 1, vm_core_size(core)), ==, 0);
	vm_core_free(core);
}

/* --- Nothing is touched ----------------------------------------------------------------------- */

static void assert_same_counts(const struct vm_process_info *was, const struct vm_process_info *is)
{
	g_assert_cmpuint(is->minor_faults, ==, was->minor_faults);
	g_assert_cmpuint(is->major_faults, ==, was->major_faults);
	g_assert_cmpuint(is->rss_anon, ==, was->rss_anon);
	g_assert_cmpuint(is->rss_file, ==, was->rss_file);
	g_assert_cmpuint(is->rss_shmem, ==, was->rss_shmem);
	g_assert_cmpuint(is->swap, ==, was->swap);
	g_assert_cmpuint(is->tables, ==, was->tables);
}

/* Every byte of the core of PROCESS, one read a page. */
static GByteArray *whole_core(struct vm_process *process, struct vm_core *core)
{
	GByteArray *bytes = g_byte_array_new();

	g_byte_array_set_size(bytes, (guint)vm_core_size(core));
	for (uint64_t at = 0; at < bytes->len; at += PAGE)
		read_core(core, process, bytes->data + at, MIN(PAGE, bytes->len - at), at);
	return bytes;
}

static void test_untouched(void)
{
	struct vm_process_info was, is;
	struct vm_machine_info before;
	struct pressure p;

	pressure_begin(&p, &roomy);
	struct vm_process *process = p.f.process;
	map_pushed_out(&p, ARENA, 4, PRIVATE_ANON, 'a');
	map_pushed_out(&p, ARENA + MIB, 4, SHARED_ANON, 'm');
	g_autofree char *path = make_file(&p.f, "file", 4 * PAGE, 'A');
	map_path(&p.f, process, path, O_RDONLY, ARENA + 2 * MIB, 4, RW, MAP_PRIVATE);
	put(process, ARENA + 2 * MIB + PAGE, 'z');
	vm_machine_reclaim(p.f.machine, 100);
	g_assert_cmpuint(frames_used(&p), ==, 0);
	vm_process_info(process, &was);
	vm_machine_info(p.f.machine, &before);
	struct vm_core *core = core_of(process);
	g_autoptr(GByteArray) bytes = whole_core(process, core);
	vm_process_info(process, &is);
	assert_same_counts(&was, &is);
	g_assert_cmpuint(frames_used(&p), ==, 0);
	g_assert_cmpuint(machine_info(&p).faults, ==, before.faults);
	const uint8_t *anon = bytes->data + header_of(core, process, ARENA).p_offset;
	const uint8_t *shmem = bytes->data + header_of(core, process, ARENA + MIB).p_offset;
	const uint8_t *file = bytes->data + header_of(core, process, ARENA + 2 * MIB).p_offset;
	vm_core_free(core);
	assert_sound(p.f.machine);
	/* The bytes are those that accesses find. */
	for (uint64_t at = 0; at < 4 * PAGE; at += 511) {
		g_assert_cmpint(anon[at], ==, get(process, ARENA + at));
		g_assert_cmpint(shmem[at], ==, get(process, ARENA + MIB + at));
		g_assert_cmpint(file[at], ==, get(process, ARENA + 2 * MIB + at));
	}
	g_assert_cmpint(file[PAGE], ==, 'z');
	g_assert_cmpint(file[3 * PAGE], ==, 'D');
	pressure_end(&p);
}

/* --- Holes ------------------------------------------------------------------------------------ */

static void test_holes(struct vm_fixture *f, gconstpointer unused)
{
	const uint64_t size = UINT64_C(64) << 30, far = size - 3 * PAGE;
	struct vm_process *p = f->process;

	map(p, UINT64_C(1) << 40, size / PAGE, RW, PRIVATE_ANON | MAP_NORESERVE);
	put(p, (UINT64_C(1) << 40) + far, 'x');
	struct vm_core *core = core_of(p);
	uint64_t start = header_of(core, p, UINT64_C(1) << 40).p_offset;
	g_assert_cmpuint(header_of(core, p, UINT64_C(1) << 40).p_filesz, ==, size);
	g_assert_cmpint(vm_core_seek(core, p, 0, false), ==, 0);
	g_assert_cmpint(vm_core_seek(core, p, 0, true), ==, (int64_t)start);
	g_assert_cmpint(vm_core_seek(core, p, start + 5, false), ==, (int64_t)(start + far));
	g_assert_cmpint(vm_core_seek(core, p, start + far + 7, false), ==,
	                (int64_t)(start + far + 7));
	g_assert_cmpint(vm_core_seek(core, p, start + far, true), ==,
	                (int64_t)(start + far + PAGE));
	g_assert_cmpint(vm_core_seek(core, p, start + far + PAGE, false), ==, -ENXIO);
	g_assert_cmpint(vm_core_seek(core, p, vm_core_size(core), true), ==, -ENXIO);
	/* What is gone meanwhile is zeros; the layout stays. */
	char bytes[2] = "ab";
	read_core(core, p, bytes, 1, start + far);
	g_assert_cmpint(bytes[0], ==, 'x');
	g_assert_cmpint(vm_munmap(p, UINT64_C(1) << 40, size), ==, 0);
	read_core(core, p, bytes, 2, start + far);
	g_assert_cmpint(bytes[0] | bytes[1], ==, 0);
	vm_core_free(core);
}

static void test_ended(struct vm_fixture *f, gconstpointer unused)
{
	struct vm_process *process = spawn(f);
	const struct vm_thread thread = {.tid = 1};
	struct vm_core *core = core_of(process);
	char byte = 'x';
	int error;

	g_assert_cmpint(vm_process_exit(process, 0), ==, 0);
	read_core(core, process, &byte, 1, 0);
	g_assert_cmpint(byte, ==, 0x7f);
	vm_core_free(core);
	g_assert_null(vm_core_new(process, VM_CORE_DEFAULT, &thread, &error));
	g_assert_cmpint(error, ==, -ESRCH);
	vm_process_unref(process);
}

/*
 * A page of zeros is not written to its slot, on whose place in the swap file there may still be
 * another one.
 */
static void test_blank_in_swap(void)
{
	struct pressure p;
	uint8_t bytes[PAGE], zeros[PAGE] = {0};

	pressure_begin(&p, &roomy);
	struct vm_process *other = spawn(&p.f);
	map_pattern(other, ARENA, 4, PRIVATE_ANON, 'o');
	push_out(&p);
	end(other);
	map(p.f.process, ARENA, 1, RW, PRIVATE_ANON);
	map(p.f.process, FAR, 1, RW, SHARED_ANON);
	assert_touch(p.f.process, ARENA, VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_DEMAND_ZERO);
	assert_touch(p.f.process, FAR, VM_ACCESS_READ, VM_MINOR, VM_FAULT_DEMAND_ZERO);
	push_out(&p);
	g_assert_cmpuint(slots_used(&p), ==, 2);
	struct vm_core *core = core_of(p.f.process);
	read_core(core, p.f.process, bytes, PAGE, header_of(core, p.f.process, ARENA).p_offset);
	g_assert_cmpmem(bytes, PAGE, zeros, PAGE);
	read_core(core, p.f.process, bytes, PAGE, header_of(core, p.f.process, FAR).p_offset);
	g_assert_cmpmem(bytes, PAGE, zeros, PAGE);
	vm_core_free(core);
	g_assert_cmpuint(slots_used(&p), ==, 2);
	pressure_end(&p);
}

/* An area that has the name of a file, of which nobody touched anything. */
static void test_untouched_file(struct vm_fixture *f, gconstpointer unused)
{
	g_autofree char *path = make_file(f, "source", PAGE, 'a');
	struct vm_file *source = open_file(f, path, O_RDONLY);
	struct vm_image image;
	int error;

	vm_image_init(&image, source);
	vm_file_unref(source);
	struct vm_image_area *area = vm_image_add_area(&image);
	*area = (struct vm_image_area){.end = PAGE,
	                               .prot = PROT_READ,
	                               .shared = true,
	                               .untouched = true,
	                               .name = g_strdup("/some/file")};
	struct vm_process *process = vm_process_load(f->machine, &f->cred, &image, &error);
	vm_image_clear(&image);
	g_assert_nonnull(process);
	g_assert_cmpuint(dumped(process, 0), ==, 0);
	end(process);
}

/* What a layout takes is known before, about: threads count, too. */
static void test_estimate(struct vm_fixture *f, gconstpointer unused)
{
	g_autofree char *path = make_file(f, "source", PAGE, 'a');
	struct vm_file *source = open_file(f, path, O_RDONLY);
	struct vm_image image;
	int error;

	vm_image_init(&image, source);
	vm_file_unref(source);
	*vm_image_add_area(&image) = (struct vm_image_area){.start = ARENA, .end = ARENA + PAGE};
	for (int i = 0; i < 2048; i++)
		g_assert_nonnull(vm_image_add_thread(&image));
	struct vm_process *process = vm_process_load(f->machine, &f->cred, &image, &error);
	vm_image_clear(&image);
	g_assert_nonnull(process);
	struct vm_core *core = core_of(process);
	g_assert_cmpuint(vm_core_memory(core), <=, vm_core_estimate(process));
	vm_core_free(core);
	end(process);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/core/out/sizes", NULL, test_sizes);
	FIXTURE_TEST("/core/out/elf-header", NULL, test_elf_header);
	FIXTURE_TEST("/core/out/form", NULL, test_form);
	FIXTURE_TEST("/core/out/holes", NULL, test_holes);
	FIXTURE_TEST("/core/out/untouched-file", NULL, test_untouched_file);
	FIXTURE_TEST("/core/out/estimate", NULL, test_estimate);
	FIXTURE_TEST("/core/out/ended", NULL, test_ended);
	g_test_add_func("/core/out/untouched", test_untouched);
	g_test_add_func("/core/out/blank-in-swap", test_blank_in_swap);
	return g_test_run();
}
