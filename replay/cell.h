/*
 * cell.h - one cell of the table: a policy with a number of frames, on a machine of its own.
 */
#ifndef REPLAY_CELL_H
#define REPLAY_CELL_H

#include "replay/job.h"

struct cell {
	struct job job;     /* must be first */
	const char *policy; /* vm_policy_name */
	uint64_t frames;
	struct vm_replay_counts counts; /* after the job's finish */
	struct vm_machine *machine;
	struct vm_process *process;
};

/*
 * Set up *CELL, with a TLB of TLB_SETS x TLB_WAYS. False: there is no memory, thread or descriptor
 * for its machine, and *ERROR says so. Clear it with cell_clear in either case.
 */
bool cell_init(struct cell *cell, const char *policy, uint64_t frames, unsigned tlb_sets,
               unsigned tlb_ways, GError **error);

void cell_clear(struct cell *cell);

#endif
