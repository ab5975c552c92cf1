/*
 * machine.c - the life of a machine: its configuration, making and freeing it, its counters.
 *
 * Physical memory, its descriptors and the region of page tables are reserved as a whole. They cost
 * nothing until they are used: the host allocates a cleared page when one is first touched.
 */
#include "util/nanoseconds.h"
#include "vm/base/account.h"
#include "vm/base/host.h"
#include "vm/base/lock.h"
#include "vm/base/memory.h"
#include "vm/base/pool.h"
#include "vm/cache/file.h"
#include "vm/cache/flusher.h"
#include "vm/cache/object.h"
#include "vm/cache/twin.h"
#include "vm/exec/vdso.h"
#include "vm/memory/pagetable.h"
#include "vm/memory/swap.h"
#include "vm/policy/policy.h"
#include "vm/process/process.h"
#include "vm/vm_cpu.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- Life ------------------------------------------------------------------------------------- */

void vm_config_init(struct vm_config *config)
{
	*config = (struct vm_config){
	    .ram = UINT64_C(256) << 20,
	    .max_tables = UINT64_C(1) << 20,
	    .max_map_count = 65530,
	    .mmap_min_addr = 65536,
	    .most = {[VM_AREAS] = UINT64_C(1) << 20,
	             [VM_PROCESSES] = UINT64_C(1) << 20,
	             [VM_FDS] = UINT64_C(1) << 20,
	             [VM_HANDLES] = UINT64_MAX,
	             [VM_NOTES] = UINT64_C(512) << 20,
	             [VM_SNAPSHOTS] = UINT64_C(4) << 30},
	    .owner = geteuid(),
	    .dirty_writeback_centisecs = 500,
	    .dirty_ratio = 20,
	    .proc = -1,
	    .seed = 1,
	    .first_pid = 1,
	    .file_ops = &vm_host_ops,
	    .policy = "clock",
	    .clock = -1,
	    .tlb_sets = 16,
	    .tlb_ways = 4,
	    .overcommit_ratio = 50,
	    .swappiness = 60,
	};
}

/*
 * Numbers of frames and of entries have 32 bits. One frame number means "no frame" (VM_PFN_NONE),
 * and a table has 512 entries.
 */
#define MAX_FRAMES (UINT64_C(1) << 31)
#define MAX_TABLES (UINT64_C(1) << 22)

static bool check_config(const struct vm_config *config, GError **error)
{
	const char *wrong = NULL;

	if (config->ram < VM_PAGE_SIZE)
		wrong = "ram must be at least one page (4096 bytes)";
	else if (config->ram >> VM_PAGE_SHIFT > MAX_FRAMES)
		wrong = "ram must be at most 8T";
	else if (config->max_tables < 16 || config->max_tables > MAX_TABLES)
		wrong = "the number of page-table pages must be 16 to 4194304";
	else if (config->first_pid < 1)
		wrong = "the first pid must be at least 1";
	else if (config->policy == NULL || policy_find(config->policy) == NULL)
		wrong = "no such policy";
	else if (config->swap >> VM_PAGE_SHIFT > MAX_FRAMES)
		wrong = "swap must be at most 8T";
	else if (config->tlb_ways > 0 && config->tlb_sets > VM_MAX_TLB / config->tlb_ways)
		wrong = "the TLB must have at most 65536 entries";
	if (wrong != NULL)
		g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, wrong);
	return wrong == NULL;
}

/* Which frames and table pages are free. Frame 0 is reserved, table page 0 is the zero page. */
static bool init_pools(struct vm_machine *machine)
{
	struct vm_pool *frames = &machine->frame_pool, *tables = &machine->table_pool;

	if (!pool_init(frames, (uint32_t)machine->nr_frames, 1) ||
	    !pool_init(tables, machine->nr_tables, 1))
		return false;
	if (!machine->config.no_contents)
		pool_add_part(frames, machine->ram, VM_PAGE_SIZE);
	pool_add_part(frames, machine->frames, sizeof *machine->frames);
	pool_add_part(frames, machine->order, sizeof *machine->order);
	pool_add_part(tables, machine->table_mem, VM_PAGE_SIZE);
	pool_add_part(tables, machine->tables, sizeof *machine->tables);
	/* The links of a table without entries are all 0. */
	pool_add_part(tables, machine->links, VM_TABLE_ENTRIES * sizeof *machine->links);
	return true;
}

static bool reserve_memory(struct vm_machine *machine)
{
	size_t frames = machine->nr_frames, tables = machine->nr_tables;

	machine->ram = machine_reserve(frames * VM_PAGE_SIZE);
	machine->frames = machine_reserve(frames * sizeof *machine->frames);
	machine->order = machine_reserve(frames * sizeof *machine->order);
	machine->cache = machine_reserve((machine->cache_mask + 1) * sizeof *machine->cache);
	machine->table_mem = machine_reserve(tables * VM_PAGE_SIZE);
	machine->tables = machine_reserve(tables * sizeof *machine->tables);
	machine->links = machine_reserve(tables * VM_TABLE_ENTRIES * sizeof *machine->links);
	if (machine->ram == NULL || machine->frames == NULL || machine->order == NULL ||
	    machine->cache == NULL || machine->table_mem == NULL || machine->tables == NULL ||
	    machine->links == NULL || !twin_init(machine) || !object_table_init(machine) ||
	    !init_pools(machine))
		return false;
	madvise(machine->ram, frames * VM_PAGE_SIZE, MADV_HUGEPAGE);
	madvise(machine->frames, frames * sizeof *machine->frames, MADV_HUGEPAGE);
	madvise(machine->order, frames * sizeof *machine->order, MADV_HUGEPAGE);
	madvise(machine->table_mem, tables * VM_PAGE_SIZE, MADV_HUGEPAGE);
	madvise(machine->cache, (machine->cache_mask + 1) * sizeof *machine->cache, MADV_HUGEPAGE);
	madvise(machine->tables, tables * sizeof *machine->tables, MADV_HUGEPAGE);
	return true;
}

static void free_memory(struct vm_machine *machine)
{
	size_t frames = machine->nr_frames, tables = machine->nr_tables;

	twin_fini(machine);
	object_table_fini(machine);
	pool_fini(&machine->frame_pool);
	pool_fini(&machine->table_pool);
	machine_unreserve(machine->ram, frames * VM_PAGE_SIZE);
	machine_unreserve(machine->frames, frames * sizeof *machine->frames);
	machine_unreserve(machine->order, frames * sizeof *machine->order);
	machine_unreserve(machine->cache, (machine->cache_mask + 1) * sizeof *machine->cache);
	machine_unreserve(machine->table_mem, tables * VM_PAGE_SIZE);
	machine_unreserve(machine->tables, tables * sizeof *machine->tables);
	machine_unreserve(machine->links, tables * VM_TABLE_ENTRIES * sizeof *machine->links);
}

static void init_locks(struct vm_machine *machine)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&machine->lock, NULL);
	pthread_mutex_init(&machine->turn, NULL);
	pthread_cond_init(&machine->io, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&machine->flusher_wake, NULL);
	pthread_cond_init(&machine->clock_wake, &attr);
	pthread_condattr_destroy(&attr);
}

static struct vm_machine *machine_alloc(const struct vm_config *config)
{
	struct vm_machine *machine = g_new0(struct vm_machine, 1);

	machine->config = *config;
	machine->nr_frames = (config->ram >> VM_PAGE_SHIFT) + 1;
	machine->nr_tables = (uint32_t)config->max_tables;
	machine->cache_mask = 1;
	/* Chains that are longer than one page cost the host a cache miss for each further one. */
	while (machine->cache_mask < 4 * machine_ram_pages(machine))
		machine->cache_mask <<= 1;
	machine->cache_mask--;
	machine->oldest = machine->newest = VM_PFN_NONE;
	machine->next_pid = config->first_pid;
	machine->sharing = machine->paths = 1;
	machine->may_evict = 1;
	machine->rand = g_rand_new_with_seed((guint32)config->seed);
	list_init(&machine->objects);
	list_init(&machine->flushers);
	machine->start_real = config->clock >= 0 ? config->clock : ns_now(CLOCK_REALTIME);
	machine->start_mono = ns_now(CLOCK_MONOTONIC);
	init_locks(machine);
	machine_open_host(machine);
	return machine;
}

static bool init_tables(struct vm_machine *machine)
{
	/* The zero page, so that no entry has the number 0. */
	machine->tables[0].level = VM_TABLE_SPECIAL;
	machine_lock(machine);
	bool done = pagetable_init_kernel_locked(machine) &&
	            policy_set_locked(machine, policy_find(machine->config.policy)) == 0;
	machine_unlock(machine);
	return done;
}

static void machine_destroy(struct vm_machine *machine)
{
	policy_free(machine);
	free_memory(machine);
	swap_destroy(machine);
	g_rand_free(machine->rand);
	pthread_cond_destroy(&machine->flusher_wake);
	pthread_cond_destroy(&machine->clock_wake);
	pthread_cond_destroy(&machine->io);
	pthread_mutex_destroy(&machine->turn);
	pthread_mutex_destroy(&machine->lock);
	machine_close_host(machine);
	g_free(machine->vdso);
	g_free(machine->vdso_layout);
	g_free(machine);
}

struct vm_machine *vm_machine_new(const struct vm_config *config, GError **error)
{
	if (!check_config(config, error))
		return NULL;
	/* machine_destroy frees a machine of which only the first of these steps were done. */
	struct vm_machine *machine = machine_alloc(config);
	if (config->proc >= 0 && machine->proc < 0) {
		g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_MFILE,
		                    "no descriptor is left for the machine (ulimit -n)");
		machine_destroy(machine);
		return NULL;
	}
	if (!reserve_memory(machine) || !swap_init(machine) || !init_tables(machine) ||
	    vdso_init(machine) != 0) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOMEM,
		            "no memory for a machine with %" G_GUINT64_FORMAT
		            " bytes of RAM, or no address space for it and its page tables "
		            "(ulimit -v)",
		            config->ram);
	} else {
		int failure = flusher_start(machine);
		if (failure == 0)
			return machine;
		g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(-failure),
		            "cannot start a thread: %s", g_strerror(-failure));
	}
	machine_destroy(machine);
	return NULL;
}

/* An object that is kept because its dirty pages could not be written yet, or NULL. */
static struct vm_object *kept_object(struct vm_machine *machine)
{
	struct vm_object *found = NULL;

	machine_lock(machine);
	for (struct list_link *l = machine->objects.next; l != &machine->objects && found == NULL;
	     l = l->next)
		if (LIST_ENTRY(l, struct vm_object, link)->kept != NULL)
			found = LIST_ENTRY(l, struct vm_object, link);
	machine_unlock(machine);
	return found;
}

/*
 * Drop all dirty pages that could not be written, and say so. Returns how many. No other thread
 * uses MACHINE.
 */
static uint64_t give_up_dirty_objects(struct vm_machine *machine)
{
	struct vm_object *object;
	uint64_t lost = 0;

	while ((object = kept_object(machine)) != NULL) {
		g_message("%" G_GUINT64_FORMAT " pages of %s could not be written and are lost",
		          object->dirty_pages, object->name);
		lost += object->dirty_pages;
		file_release_kept(object, true);
	}
	return lost;
}

uint64_t vm_machine_free(struct vm_machine *machine)
{
	for (pid_t pid = 0; (pid = vm_machine_next_pid(machine, pid)) != 0;) {
		struct vm_process *process = vm_process_find(machine, pid);
		/* segv_kill or oom_kill may have ended it. */
		if (process == NULL)
			continue;
		vm_process_kill(process, SIGKILL);
		vm_process_release(process);
		vm_process_unref(process);
	}
	vm_cpu_close(machine);
	/* The flushers must still run for this. */
	vm_machine_sync(machine);
	flusher_stop(machine);
	uint64_t lost = give_up_dirty_objects(machine);
	machine_destroy(machine);
	return lost;
}

static uint64_t active_locked(const struct vm_machine *machine, bool files)
{
	const uint64_t *frames = machine->count.frames;
	uint64_t all =
	    files ? frames[VM_FRAME_FILE] : frames[VM_FRAME_ANON] + frames[VM_FRAME_SHMEM];

	return machine->policy->active != NULL ? MIN(machine->policy->active(machine, files), all)
	                                       : 0;
}

void vm_machine_info(struct vm_machine *machine, struct vm_machine_info *info)
{
	const struct vm_counters *count = &machine->count;

	machine_lock(machine);
	*info = (struct vm_machine_info){
	    .frames_total = machine_ram_pages(machine),
	    .tables_at = machine->nr_frames,
	    .frames_free = pool_free(&machine->frame_pool),
	    .frames_anon = count->frames[VM_FRAME_ANON],
	    .frames_file = count->frames[VM_FRAME_FILE],
	    .frames_shmem = count->frames[VM_FRAME_SHMEM],
	    .active_file = active_locked(machine, true),
	    .active_anon = active_locked(machine, false),
	    .frames_mapped = count->mapped,
	    .frames_dirty = count->dirty,
	    .frames_writeback = count->writeback,
	    .tables = machine->table_count,
	    .tables_total = machine->table_pool.used,
	    .processes = machine->process_count,
	    .seed = machine->config.seed,
	    .forks = count->forks,
	    .committed = count->committed,
	    .faults = count->faults,
	    .major_faults = count->major_faults,
	    .zeroed = count->zeroed,
	    .cow_copies = count->cow_copies,
	    .cow_reuses = count->cow_reuses,
	    .file_reads = count->file_reads,
	    .file_writes = count->file_writes,
	    .frames_taken = count->taken,
	    .frames_put = count->put,
	    .stalls = count->stalls,
	    .direct_map = (uint64_t)machine->tables[machine->kernel_pud].used *
	                  (pagetable_span(VM_PUD) >> VM_PAGE_SHIFT),
	    .areas = __atomic_load_n(&machine->held[VM_AREAS], __ATOMIC_RELAXED),
	    .descriptors = __atomic_load_n(&machine->held[VM_FDS], __ATOMIC_RELAXED),
	    /* While swapoff brings pages back, only their slots are left. */
	    .swap_total = machine->swap.on ? machine->swap.total : machine->swap.used,
	    .swap_used = machine->swap.used,
	    .swap_cached = count->swap_cached,
	    .swap_ins = count->swap_ins,
	    .swap_outs = count->swap_outs,
	    .scanned = count->scanned,
	    .reclaimed = count->reclaimed,
	    .oom_kills = count->oom_kills,
	    .locked = count->locked,
	    .commit_limit = account_commit_limit(machine),
	    .start = machine->start_real,
	};
	machine_unlock(machine);
	info->uptime = machine_uptime(machine);
}
