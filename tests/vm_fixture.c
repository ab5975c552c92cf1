/*
 * vm_fixture.c - see vm_fixture.h.
 */
#include "tests/vm_fixture.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- The machine ---------------------------------------------------------------------------------- */

static void configure(struct vm_config *config, const struct vm_limits *limits)
{
	vm_config_init(config);
	config->ram = 64 * MIB;
	config->dirty_writeback_centisecs = 0;
	if (limits == NULL)
		return;
	if (limits->ram_pages > 0) {
		config->ram = limits->ram_pages * PAGE;
		/* Areas are larger than such a machine. */
		config->overcommit_memory = VM_OVERCOMMIT_ALWAYS;
	}
	if (limits->max_tables > 0)
		config->max_tables = limits->max_tables;
	if (limits->max_processes > 0)
		config->max_processes = limits->max_processes;
	if (limits->max_map_count > 0)
		config->max_map_count = limits->max_map_count;
	config->dirty_writeback_centisecs = limits->writeback_centisecs;
	config->segv_kill = limits->segv_kill;
}

void fixture_setup(struct vm_fixture *f, gconstpointer data)
{
	const struct vm_limits *limits = data;
	struct vm_machine_info info;
	struct vm_config config;

	configure(&config, limits);
	f->machine = vm_machine_new(&config, NULL);
	g_assert_nonnull(f->machine);
	vm_machine_info(f->machine, &info);
	f->tables = info.tables;
	f->cred = (struct vm_cred){.uid = limits != NULL ? limits->uid : 0, .gid = 0};
	f->process = spawn(f);
	f->dir = g_dir_make_tmp("vasfs-test-XXXXXX", NULL);
	g_assert_nonnull(f->dir);
}

static void end_all(struct vm_machine *machine)
{
	GArray *pids = vm_machine_pids(machine);

	for (guint i = 0; i < pids->len; i++)
		end(vm_process_find(machine, g_array_index(pids, pid_t, i)));
	g_array_unref(pids);
}

/* The write-back thread may hold an object for an instant. */
static bool all_free(void *ctx)
{
	const struct vm_fixture *f = ctx;
	struct vm_machine_info info;

	vm_machine_info(f->machine, &info);
	return info.frames_free == info.frames_total && info.tables == f->tables && info.processes == 0 &&
	       info.committed == 0 && info.frames_dirty == 0 && info.frames_mapped == 0;
}

static void remove_files(const char *path)
{
	GDir *dir = g_dir_open(path, 0, NULL);
	const char *name;

	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *file = g_build_filename(path, name, NULL);
		g_unlink(file);
	}
	g_dir_close(dir);
	g_rmdir(path);
}

void fixture_teardown(struct vm_fixture *f, gconstpointer data)
{
	assert_sound(f->machine);
	if (f->process != NULL)
		vm_process_unref(f->process);
	end_all(f->machine);
	wait_until(all_free, f);
	assert_sound(f->machine);
	vm_machine_free(f->machine);
	remove_files(f->dir);
	g_free(f->dir);
}

void assert_sound(struct vm_machine *machine)
{
	g_autofree char *wrong = vm_machine_check(machine);

	g_assert_cmpstr(wrong, ==, NULL);
}

struct vm_process *spawn(struct vm_fixture *f)
{
	int error;
	struct vm_process *process = vm_process_spawn(f->machine, &f->cred, "test", &error);

	g_assert_cmpint(error, ==, 0);
	return process;
}

struct vm_process *fork_of(struct vm_process *process)
{
	struct vm_cred cred = vm_process_cred(process);
	int error;
	struct vm_process *child = vm_fork(process, &cred, &error);

	g_assert_cmpint(error, ==, 0);
	return child;
}

void end(struct vm_process *process)
{
	g_assert_cmpint(vm_process_exit(process, 0), ==, 0);
	vm_process_unref(process);
}

/* --- Memory --------------------------------------------------------------------------------------- */

uint64_t map(struct vm_process *process, uint64_t addr, uint64_t pages, int prot, int flags)
{
	return map_file(process, addr, pages, prot, flags, NULL, 0);
}

uint64_t map_file(struct vm_process *process, uint64_t addr, uint64_t pages, int prot, int flags, struct vm_file *file,
                  uint64_t offset)
{
	int64_t at =
	    vm_mmap(process, addr, pages * PAGE, prot, flags | (addr != 0 ? MAP_FIXED : 0), file, offset * PAGE);

	g_assert_cmpint(at, >, 0);
	return (uint64_t)at;
}

void put(struct vm_process *process, uint64_t va, uint8_t byte)
{
	g_assert_cmpint(vm_write(process, va, &byte, 1), ==, 1);
}

void fill(struct vm_process *process, uint64_t va, uint64_t pages, uint8_t byte)
{
	uint8_t bytes[VM_PAGE_SIZE];

	memset(bytes, byte, sizeof bytes);
	for (uint64_t i = 0; i < pages; i++)
		g_assert_cmpint(vm_write(process, va + i * PAGE, bytes, sizeof bytes), ==, sizeof bytes);
}

uint64_t map_filled(struct vm_process *process, uint64_t addr, uint64_t pages, int flags, uint8_t byte)
{
	uint64_t at = map(process, addr, pages, RW, flags);

	fill(process, at, pages, byte);
	return at;
}

struct sink {
	uint8_t *to;
	size_t len;
};

static void collect(void *ctx, const struct iovec *iov, int count)
{
	struct sink *sink = ctx;

	for (int i = 0; i < count; i++) {
		/* Simulated processes may race for their bytes; the copy is one that ThreadSanitizer does not watch. */
		void *to = sink->to + sink->len;
		const void *from = iov[i].iov_base;
		size_t len = iov[i].iov_len;
		__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len) : : "memory");
		sink->len += iov[i].iov_len;
	}
}

ssize_t load(struct vm_process *process, uint64_t va, void *buf, size_t len)
{
	struct sink sink = {.to = buf};
	ssize_t result = vm_read(process, va, len, collect, &sink);

	g_assert_cmpint(sink.len, ==, MAX(result, 0));
	return result;
}

int get(struct vm_process *process, uint64_t va)
{
	uint8_t byte;
	ssize_t result = load(process, va, &byte, 1);

	return result == 1 ? byte : (int)result;
}

void assert_filled(struct vm_process *process, uint64_t va, uint64_t pages, uint8_t byte)
{
	uint8_t expected[VM_PAGE_SIZE], bytes[VM_PAGE_SIZE];

	memset(expected, byte, sizeof expected);
	for (uint64_t i = 0; i < pages; i++) {
		g_assert_cmpint(load(process, va + i * PAGE, bytes, sizeof bytes), ==, sizeof bytes);
		g_assert_cmpmem(bytes, sizeof bytes, expected, sizeof expected);
	}
}

static void keep_record(void *ctx, const struct vm_fault *fault)
{
	*(struct vm_fault *)ctx = *fault;
}

int touch(struct vm_process *process, uint64_t va, enum vm_access access, struct vm_fault *record)
{
	*record = (struct vm_fault){.kind = VM_FAULT_KINDS};
	return vm_access(process, va, 1, access, keep_record, record);
}

void assert_touch(struct vm_process *process, uint64_t va, enum vm_access access, enum vm_outcome outcome,
                  enum vm_fault_kind kind)
{
	struct vm_fault record;
	int error = touch(process, va, access, &record);

	g_assert_cmpstr(vm_fault_kind_name(record.kind), ==, vm_fault_kind_name(kind));
	g_assert_cmpstr(vm_outcome_name(record.outcome), ==, vm_outcome_name(outcome));
	g_assert_cmpint(error != 0, ==, outcome == VM_FATAL);
	g_assert_cmphex(record.va, ==, va);
	g_assert_cmpint(record.pid, ==, vm_process_pid(process));
}

/* --- Host files ----------------------------------------------------------------------------------- */

char *make_file(struct vm_fixture *f, const char *name, uint64_t size, char first)
{
	char *path = g_build_filename(f->dir, name, NULL);

	resize_file(path, 0);
	for (uint64_t at = 0; at < size; at += PAGE)
		write_file(path, at, MIN(PAGE, size - at), (char)(first + (char)(at / PAGE)));
	return path;
}

struct vm_file *open_file(struct vm_fixture *f, const char *path, int access)
{
	int error, fd = open(path, access | O_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	struct vm_file *file = vm_file_new(f->machine, fd, access, &error);
	g_assert_cmpint(error, ==, 0);
	return file;
}

int file_byte(const char *path, uint64_t offset)
{
	uint8_t byte;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = pread(fd, &byte, 1, (off_t)offset);

	close(fd);
	return n == 1 ? byte : -1;
}

uint64_t file_size(const char *path)
{
	struct stat status;

	g_assert_cmpint(stat(path, &status), ==, 0);
	return (uint64_t)status.st_size;
}

/* File systems stamp a file with the time of the last clock tick: a change within a tick would not show. */
static void stamp(int fd)
{
	static int64_t ticks;
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec += ++ticks;
	times[1] = times[0];
	g_assert_cmpint(futimens(fd, times), ==, 0);
	close(fd);
}

void write_file(const char *path, uint64_t offset, uint64_t len, char byte)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	g_autofree char *bytes = g_malloc(len);

	memset(bytes, byte, len);
	g_assert_cmpint(pwrite(fd, bytes, len, (off_t)offset), ==, len);
	stamp(fd);
}

void resize_file(const char *path, uint64_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	g_assert_cmpint(ftruncate(fd, (off_t)size), ==, 0);
	stamp(fd);
}

/* --- Looking -------------------------------------------------------------------------------------- */

static void print_area(void *ctx, const struct vm_area_info *area)
{
	if (area->start >= ARENA && area->start < ARENA_END)
		g_string_append_printf(ctx, "%lx-%lx %s %lx\n", area->start, area->end, area->perm, area->offset);
}

char *areas_text(struct vm_process *process)
{
	GString *text = g_string_new(NULL);

	g_assert_cmpint(vm_process_areas(process, print_area, text), ==, 0);
	return g_string_free(text, FALSE);
}

void assert_areas(struct vm_process *process, const char *expected)
{
	g_autofree char *text = areas_text(process);

	g_assert_cmpstr(text, ==, expected);
}

struct wanted_entry {
	uint64_t va;
	enum vm_level level;
	struct vm_entry_info *entry;
	bool found;
};

static void look_for_entry(void *ctx, const struct vm_entry_info *entry)
{
	struct wanted_entry *wanted = ctx;
	uint64_t span = PAGE << (9 * (unsigned)wanted->level);

	if (entry->level != wanted->level || entry->va != (wanted->va & -span))
		return;
	*wanted->entry = *entry;
	wanted->found = true;
}

bool entry_at(struct vm_process *process, uint64_t va, enum vm_level level, struct vm_entry_info *entry)
{
	struct wanted_entry wanted = {.va = va, .level = level, .entry = entry};

	g_assert_cmpint(vm_process_entries(process, look_for_entry, &wanted), ==, 0);
	return wanted.found;
}

bool entry_of(struct vm_process *process, uint64_t va, struct vm_entry_info *entry)
{
	return entry_at(process, va, VM_PTE, entry);
}

bool soft_dirty(struct vm_process *process, uint64_t va)
{
	uint64_t word;

	g_assert_cmpint(vm_process_pagemap(process, va / PAGE, 1, &word), ==, 0);
	return word >> 55 & 1;
}

void wait_until(bool (*fn)(void *ctx), void *ctx)
{
	for (int i = 0; i < 3000 && !fn(ctx); i++)
		g_usleep(10000);
	g_assert_true(fn(ctx));
}
