/*
 * knobs.c - values that can be set at run time: what sys/vm/ shows, and the policy.
 *
 * The engine reads a knob without the lock wherever it needs it (machine_knob). So each is one word
 * that is stored atomically.
 */
#include "vm/base/lock.h"
#include "vm/policy/policy.h"

#include <errno.h>

struct knob {
	uint64_t min, max;
	/* the type of the member of struct vm_config: uint64_t, bool, else unsigned */
	bool is_wide, is_flag;
	size_t offset;
};

#define WIDE(member, most) \
	{ \
		.max = (most), .is_wide = true, .offset = offsetof(struct vm_config, member) \
	}
#define WORD(member, most) \
	{ \
		.max = (most), .offset = offsetof(struct vm_config, member) \
	}
#define RANGE(member, least, most) \
	{ \
		.min = (least), .max = (most), .offset = offsetof(struct vm_config, member) \
	}
#define FLAG(member) \
	{ \
		.max = 1, .is_flag = true, .offset = offsetof(struct vm_config, member) \
	}

static const struct knob knobs[] = {
    [VM_KNOB_SWAPPINESS] = WORD(swappiness, 200),
    [VM_KNOB_OVERCOMMIT_MEMORY] = WORD(overcommit_memory, VM_OVERCOMMIT_NEVER),
    [VM_KNOB_OVERCOMMIT_RATIO] = WORD(overcommit_ratio, G_MAXINT),
    [VM_KNOB_MAX_MAP_COUNT] = WIDE(max_map_count, G_MAXINT),
    [VM_KNOB_MMAP_MIN_ADDR] = WIDE(mmap_min_addr, VM_USER_END),
    [VM_KNOB_DIRTY_WRITEBACK_CENTISECS] = WIDE(dirty_writeback_centisecs, G_MAXINT),
    [VM_KNOB_DIRTY_RATIO] = RANGE(dirty_ratio, 1, 100),
    [VM_KNOB_OOM_KILL] = FLAG(oom_kill),
    [VM_KNOB_SEGV_KILL] = FLAG(segv_kill),
    [VM_KNOB_FORK_COPY] = FLAG(fork_copy),
    [VM_KNOB_LOCAL_FRAMES] = WIDE(local_frames, G_MAXINT64),
};

int vm_machine_set_knob(struct vm_machine *machine, enum vm_knob number, uint64_t value)
{
	const struct knob *knob = &knobs[number];
	void *member = (char *)&machine->config + knob->offset;

	if (value < knob->min || value > knob->max)
		return -EINVAL;
	machine_lock(machine);
	if (knob->is_wide)
		__atomic_store_n((uint64_t *)member, value, __ATOMIC_RELAXED);
	else if (knob->is_flag)
		__atomic_store_n((bool *)member, value != 0, __ATOMIC_RELAXED);
	else
		__atomic_store_n((unsigned *)member, (unsigned)value, __ATOMIC_RELAXED);
	/* The period of the write-back thread may have changed. */
	pthread_cond_broadcast(&machine->clock_wake);
	machine_unlock(machine);
	return 0;
}

uint64_t vm_machine_knob(struct vm_machine *machine, enum vm_knob number)
{
	const struct knob *knob = &knobs[number];
	const void *member = (const char *)&machine->config + knob->offset;

	if (knob->is_wide)
		return __atomic_load_n((const uint64_t *)member, __ATOMIC_RELAXED);
	if (knob->is_flag)
		return __atomic_load_n((const bool *)member, __ATOMIC_RELAXED);
	return __atomic_load_n((const unsigned *)member, __ATOMIC_RELAXED);
}

int vm_machine_set_policy(struct vm_machine *machine, const char *name)
{
	const struct vm_policy *policy = policy_find(name);

	if (policy == NULL)
		return -EINVAL;
	machine_lock(machine);
	int error = policy_set_locked(machine, policy);
	machine_unlock(machine);
	return error;
}

bool vm_machine_policy_has_hand(struct vm_machine *machine)
{
	machine_lock(machine);
	bool has = machine->policy->hand;
	machine_unlock(machine);
	return has;
}

const char *vm_machine_policy(struct vm_machine *machine)
{
	machine_lock(machine);
	const char *name = machine->policy->name;
	machine_unlock(machine);
	return name;
}
