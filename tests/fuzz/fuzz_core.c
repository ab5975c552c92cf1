/*
 * fuzz_core.c - load of any file. The first byte of the input says how (enum mode); the rest is the
 * core file. It may name the file "module", which has a build id.
 *
 * A load must succeed or fail with an errno that vm_core.h lists. What was loaded is touched, and
 * dumped: that is a core file, too, and loads again.
 */
#include "tests/fixture/core_maker.h"
#include "tests/fuzz/fuzz_fixture.h"

#include "fs/host/hostfile.h"
#include "vm/vm_core.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum mode {
	SMALL = 1,    /* little physical memory */
	NO_FILES = 2, /* no opener */
};

#define DUMP_MAX (UINT64_C(1) << 20) /* bytes of a dump that is loaded again */

static bool is_documented(int error)
{
	static const int errors[] = {0, ENOEXEC, ENOMEM, ENFILE, EAGAIN};

	for (size_t i = 0; i < G_N_ELEMENTS(errors); i++)
		if (error == -errors[i])
			return true;
	return false;
}

/* Load the file NAME. NULL: it is none, or too large. */
static struct vm_process *load(struct fuzz *f, const char *name, bool with_files)
{
	struct hostfile_context context = {&f->mount, &f->caller};
	const struct vm_cred cred = {f->caller.uid, f->caller.gid};
	struct vm_opener opener = hostfile_opener(&context);
	struct vm_process *process = NULL;
	struct vm_image image;
	int error;
	struct vm_file *file = hostfile_open(&context, name, O_RDONLY, &error);

	g_assert_nonnull(file);
	vm_image_init(&image, file);
	vm_file_unref(file);
	error = vm_core_parse(&image, with_files ? &opener : NULL);
	g_assert_true(is_documented(error));
	if (error == 0)
		process = vm_process_load(f->mount.machine, &cred, &image, &error);
	g_assert_true(is_documented(error));
	g_assert_true((process != NULL) == (error == 0));
	vm_image_clear(&image);
	fuzz_check(f);
	return process;
}

struct edges {
	uint64_t addresses[32];
	size_t count;
};

static bool add_edges(void *ctx, const struct vm_area_info *area)
{
	struct edges *edges = ctx;

	g_assert_cmphex(area->start, <, area->end);
	g_assert_cmphex(area->end, <=, VM_USER_END);
	if (edges->count + 2 > G_N_ELEMENTS(edges->addresses))
		return true;
	edges->addresses[edges->count++] = area->start;
	edges->addresses[edges->count++] = area->end - 1;
	return true;
}

static void touch(struct vm_process *process)
{
	struct edges edges = {.count = 0};
	struct vm_thread thread;
	uint64_t va;

	vm_process_areas(process, 0, add_edges, &edges);
	vm_process_symbol(process, VM_SYMBOLS_ALL, NULL, "main", &va);
	for (pid_t tid = 0; (tid = vm_process_next_thread(process, tid)) != 0;)
		g_assert_cmpint(tid, >=, vm_process_pid(process));
	vm_process_thread(process, 0, &thread);
	for (size_t i = 0; i < edges.count; i++) {
		g_free(vm_process_symbol_at(process, edges.addresses[i], &va));
		for (int access = VM_ACCESS_READ; access <= VM_ACCESS_EXEC; access++)
			vm_access(process, edges.addresses[i], 1, (enum vm_access)access, NULL,
			          NULL);
	}
}

/* Write CORE to the file FD, as cp --sparse does. */
static void copy_core(const struct vm_core *core, struct vm_process *process, int fd)
{
	g_autofree char *piece = g_malloc(VM_PAGE_SIZE);
	int64_t at = 0;

	g_assert_cmpint(ftruncate(fd, (off_t)vm_core_size(core)), ==, 0);
	while ((at = vm_core_seek(core, process, (uint64_t)at, false)) >= 0) {
		size_t got = vm_core_read(core, process, piece, VM_PAGE_SIZE, (uint64_t)at);
		g_assert_cmpuint(got, >, 0);
		g_assert_cmpint(pwrite(fd, piece, got, at), ==, (ssize_t)got);
		at += (int64_t)got;
	}
}

/* Dump PROCESS, and load that. */
static void again(struct fuzz *f, struct vm_process *process)
{
	const struct vm_thread thread = {.tid = vm_process_pid(process)};
	int error;
	struct vm_core *core = vm_core_new(process, VM_CORE_DEFAULT, &thread, &error);

	g_assert_nonnull(core);
	g_assert_cmpint(vm_core_seek(core, process, vm_core_size(core) - 1, true), >, 0);
	if (vm_core_size(core) <= DUMP_MAX) {
		fuzz_add_file(f, "again", NULL, 0);
		copy_core(core, process, f->files[f->file_count - 1].fd);
		struct vm_process *copy = load(f, "again", true);
		g_assert_nonnull(copy);
		touch(copy);
		vm_process_unref(copy);
	}
	vm_core_free(core);
	fuzz_check(f);
}

static void run(uint8_t mode, const uint8_t *bytes, size_t size)
{
	g_autoptr(GByteArray) module = core_module(3, 'i');
	struct vm_config config;
	struct fuzz f;

	vm_config_init(&config);
	config.ram = (mode & SMALL ? 6 : 128) * VM_PAGE_SIZE;
	config.max_tables = mode & SMALL ? 32 : 256;
	fuzz_start(&f, &config);
	fuzz_add_file(&f, "core", bytes, size);
	fuzz_add_file(&f, "module", module->data, module->len);
	struct vm_process *process = load(&f, "core", !(mode & NO_FILES));
	if (process != NULL) {
		touch(process);
		if (!(mode & SMALL))
			again(&f, process);
		vm_process_unref(process);
	}
	fuzz_end(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size > 0)
		run(bytes[0], bytes + 1, size - 1);
	return 0;
}
