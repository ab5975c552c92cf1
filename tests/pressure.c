/*
 * pressure.c - see pressure.h.
 */
#include "tests/pressure.h"

#include <glib/gstdio.h>
#include <pthread.h>
#include <unistd.h>

/* --- The medium ----------------------------------------------------------------------------------- */

struct errand {
	void (*fn)(void *ctx);
	void *ctx;
};

static void *errand_main(void *arg)
{
	struct errand *errand = arg;

	errand->fn(errand->ctx);
	return NULL;
}

/* The engine's callbacks may not call it: another thread does. */
static void run_elsewhere(void (*fn)(void *ctx), void *ctx)
{
	struct errand errand = {fn, ctx};
	pthread_t thread;

	g_assert_cmpint(pthread_create(&thread, NULL, errand_main, &errand), ==, 0);
	pthread_join(thread, NULL);
}

static unsigned kind_of(const struct medium *medium, bool write, int fd)
{
	if (fd == medium->swap_fd)
		return write ? SWAP_WRITE : SWAP_READ;
	return write ? FILE_WRITE : FILE_READ;
}

static ssize_t transfer(void *ctx, bool write, int fd, size_t len, uint64_t offset)
{
	struct medium *medium = ctx;
	size_t piece = __atomic_load_n(&medium->piece, __ATOMIC_ACQUIRE);

	if (!(kind_of(medium, write, fd) & __atomic_load_n(&medium->kinds, __ATOMIC_ACQUIRE)))
		return (ssize_t)len;
	unsigned number = __atomic_add_fetch(&medium->seen, 1, __ATOMIC_ACQ_REL);
	if (number >= medium->first && number - medium->first < medium->count) {
		/* What runs may set the medium anew. */
		int error = medium->error;
		if (medium->during != NULL)
			run_elsewhere(medium->during, medium->ctx);
		if (error != 0)
			return error;
	}
	return (ssize_t)(piece > 0 ? MIN(len, piece) : len);
}

static void set_medium(struct pressure *p, unsigned kinds, const struct medium *medium)
{
	__atomic_store_n(&p->medium.kinds, 0, __ATOMIC_RELEASE);
	p->medium.first = medium->first;
	p->medium.count = medium->count;
	p->medium.error = medium->error;
	p->medium.during = medium->during;
	p->medium.ctx = medium->ctx;
	__atomic_store_n(&p->medium.piece, medium->piece, __ATOMIC_RELEASE);
	__atomic_store_n(&p->medium.seen, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&p->medium.kinds, kinds, __ATOMIC_RELEASE);
}

void medium_fails(struct pressure *p, unsigned kinds, unsigned first, unsigned count, int error)
{
	set_medium(p, kinds, &(struct medium){.first = first, .count = count, .error = error});
}

void medium_calls(struct pressure *p, unsigned kinds, void (*fn)(void *ctx), void *ctx)
{
	set_medium(p, kinds,
	           &(struct medium){.first = 2, .count = 1, .during = fn, .ctx = ctx, .piece = VM_PAGE_SIZE / 2});
}

unsigned medium_heals(struct pressure *p)
{
	unsigned seen = __atomic_load_n(&p->medium.seen, __ATOMIC_ACQUIRE);

	set_medium(p, 0, &(struct medium){.first = 0});
	return seen;
}

/* --- The machine ---------------------------------------------------------------------------------- */

static int swap_file(unsigned slots)
{
	g_autofree char *path = NULL;
	int fd = g_file_open_tmp("vasfs-swap-XXXXXX", &path, NULL);

	unlink(path);
	g_assert_cmpint(ftruncate(fd, (off_t)slots * VM_PAGE_SIZE), ==, 0);
	return fd;
}

static void configure(struct pressure *p, const struct pressure_size *size, struct vm_config *config)
{
	vm_config_init(config);
	config->ram = size->frames * PAGE;
	config->dirty_writeback_centisecs = size->writeback_centisecs;
	config->overcommit_memory = size->overcommit;
	config->oom_kill = size->oom_kill;
	config->inject = transfer;
	config->inject_ctx = &p->medium;
	if (size->policy != NULL)
		config->policy = size->policy;
	if (size->overcommit_ratio > 0)
		config->overcommit_ratio = size->overcommit_ratio;
	if (size->seed > 0)
		config->seed = size->seed;
	if (size->tlb_sets > 0) {
		config->tlb_sets = size->tlb_sets;
		config->tlb_ways = size->tlb_ways;
	}
	if (size->no_tlb)
		config->tlb_sets = 0;
	if (size->slots > 0) {
		config->swap_fd = swap_file(size->slots);
		config->swap = size->slots * PAGE;
	}
	p->medium.swap_fd = config->swap_fd;
}

const struct pressure_size roomy = {.frames = 64, .slots = 64};

void pressure_begin(struct pressure *p, const struct pressure_size *size)
{
	struct vm_config config;

	memset(p, 0, sizeof *p);
	configure(p, size, &config);
	p->f.machine = vm_machine_new(&config, NULL);
	g_assert_nonnull(p->f.machine);
	p->f.tables = machine_info(p).tables;
	p->f.cred = (struct vm_cred){.uid = size->uid, .gid = size->uid};
	p->f.process = spawn(&p->f);
	p->f.dir = g_dir_make_tmp("vasfs-test-XXXXXX", NULL);
	g_assert_nonnull(p->f.dir);
}

void pressure_end(struct pressure *p)
{
	medium_heals(p);
	assert_sound(p->f.machine);
	g_clear_pointer(&p->f.process, vm_process_unref);
	GArray *pids = vm_machine_pids(p->f.machine);
	for (guint i = 0; i < pids->len; i++)
		end(vm_process_find(p->f.machine, g_array_index(pids, pid_t, i)));
	g_array_unref(pids);
	g_assert_cmpuint(machine_info(p).swap_used, ==, 0);
	g_assert_cmpuint(machine_info(p).swap_cached, ==, 0);
	g_assert_cmpuint(machine_info(p).locked, ==, 0);
	fixture_teardown(&p->f, NULL);
}

/* --- Looking -------------------------------------------------------------------------------------- */

struct vm_machine_info machine_info(struct pressure *p)
{
	struct vm_machine_info info;

	vm_machine_info(p->f.machine, &info);
	return info;
}

uint64_t frames_used(struct pressure *p)
{
	struct vm_machine_info info = machine_info(p);

	return info.frames_total - info.frames_free;
}

uint64_t slots_used(struct pressure *p)
{
	return machine_info(p).swap_used;
}

struct vm_process_info process_info(struct vm_process *process)
{
	struct vm_process_info info;

	vm_process_info(process, &info);
	return info;
}

void evict_all(struct pressure *p)
{
	vm_machine_reclaim(p->f.machine, machine_info(p).frames_total);
}

int entry_kind(struct vm_process *process, uint64_t va)
{
	struct vm_entry_info entry;

	return entry_of(process, va, &entry) ? (int)entry.kind : -1;
}

/* --- exec ----------------------------------------------------------------------------------------- */

static struct vm_file *open_host_file(void *ctx, const char *path, bool executable, int *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*error = fd < 0 ? -errno : 0;
	return fd >= 0 ? vm_file_new(ctx, fd, O_RDONLY, error) : NULL;
}

void exec_program(struct pressure *p, struct vm_process *process, const char *path)
{
	const char *argv[] = {path, NULL}, *envp[] = {NULL};
	struct vm_exec_args args = {.path = path, .argv = argv, .envp = envp, .opener = {open_host_file, p->f.machine}};
	uint64_t entry;

	g_assert_cmpint(vm_exec(process, &args, &entry), ==, 0);
}
