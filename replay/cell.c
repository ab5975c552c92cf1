#include "replay/cell.h"

#include <limits.h>
#include <unistd.h>

/* Slots take memory only when they are used for the first time. */
#define SWAP_SIZE (UINT64_C(256) << 30)

static char *cell_take(struct job *job, const struct trace_batch *batch)
{
	struct cell *cell = (struct cell *)job;
	int error = 0;
	size_t done = vm_replay(cell->process, batch->reference, batch->count, &error);

	if (done == batch->count)
		return NULL;
	return g_strdup_printf("line %" G_GUINT64_FORMAT
	                       ": the access failed with %s and %" G_GUINT64_FORMAT " frames: %s",
	                       batch->line[done], cell->policy, cell->frames, g_strerror(-error));
}

static char *cell_finish(struct job *job)
{
	struct cell *cell = (struct cell *)job;

	vm_process_replay_counts(cell->process, &cell->counts);
	return NULL;
}

bool cell_init(struct cell *cell, const char *policy, uint64_t frames, unsigned tlb_sets,
               unsigned tlb_ways, GError **error)
{
	struct vm_config config;
	struct vm_cred cred = {geteuid(), getegid()};
	int failed = 0;

	*cell = (struct cell){.job = {cell_take, cell_finish, NULL}};
	cell->policy = policy;
	cell->frames = frames;
	vm_config_init(&config);
	config.ram = frames << VM_PAGE_SHIFT;
	config.swap = SWAP_SIZE;
	config.no_contents = true;
	config.policy = policy;
	config.tlb_sets = tlb_sets;
	config.tlb_ways = tlb_ways;
	config.overcommit_memory = VM_OVERCOMMIT_ALWAYS;
	config.max_map_count = INT_MAX;
	config.mmap_min_addr = 0;
	config.most[VM_AREAS] = UINT32_MAX;
	config.dirty_writeback_centisecs = 0;
	cell->machine = vm_machine_new(&config, error);
	if (cell->machine == NULL)
		return false;
	cell->process = vm_process_spawn(cell->machine, &cred, "replay", &failed);
	/* A page of the stack is private: one that is only read would need no frame. */
	if (cell->process != NULL)
		failed = vm_munmap(cell->process, 0, VM_USER_END);
	if (failed != 0)
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOMEM, "no process can be made: %s",
		            g_strerror(-failed));
	return failed == 0;
}

void cell_clear(struct cell *cell)
{
	if (cell->process != NULL)
		vm_process_unref(cell->process);
	if (cell->machine != NULL)
		vm_machine_free(cell->machine);
	g_free(cell->job.error);
	*cell = (struct cell){0};
}
