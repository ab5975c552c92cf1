/*
 * calls_futex.c - futexes. A program has one thread, so those that wait for each other are programs
 * that share memory. Linux: kernel/futex/.
 *
 * Where a futex is, is asked when one is woken: by then the page may have another frame.
 */
#include "fs/run/calls.h"
#include "fs/run/calltime.h"

#include <linux/futex.h>
#include <string.h>
#include <time.h>

/* --- The same futex? -------------------------------------------------------------------------- */

/* Whether memory of A at VA_A is memory of B at VA_B. */
static bool is_same_memory(struct vm_process *a, uint64_t va_a, struct vm_process *b, uint64_t va_b)
{
	struct vm_translation at_a, at_b;

	if (a == b)
		return va_a == va_b;
	if (va_a % VM_PAGE_SIZE != va_b % VM_PAGE_SIZE || vm_translate(a, va_a, &at_a) != 0 ||
	    vm_translate(b, va_b, &at_b) != 0)
		return false;
	return at_a.place == at_b.place && at_a.place_number == at_b.place_number &&
	       (at_a.place == VM_PLACE_FRAME || at_a.place == VM_PLACE_SLOT);
}

/* --- Waking ----------------------------------------------------------------------------------- */

/* Whether SLEEPER may wait for the caller's futex with one of BITS. The memory is not looked at. */
static bool is_candidate(const struct call *call, const struct program *sleeper, bool shared,
                         uint32_t bits)
{
	return sleeper->futex != 0 && (sleeper->futex_bits & bits) && sleeper != call->program &&
	       (sleeper->process == call->process || (shared && sleeper->futex_shared)) &&
	       sleeper->futex % VM_PAGE_SIZE == call->arg[0] % VM_PAGE_SIZE;
}

/* A program that may wait for the futex, and where it waits. */
struct sleeper {
	struct program *program; /* a reference */
	uint64_t futex;
};

static void sleeper_clear(gpointer sleeper)
{
	program_unref(((struct sleeper *)sleeper)->program);
}

/* All that may wait for the caller's futex: struct sleeper. */
static GArray *find_candidates(struct call *call, bool shared, uint32_t bits)
{
	GArray *found = g_array_new(FALSE, FALSE, sizeof(struct sleeper));
	GHashTableIter iter;
	gpointer value;

	g_array_set_clear_func(found, sleeper_clear);
	run_lock(call->run);
	g_hash_table_iter_init(&iter, run_programs_locked(call->run));
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct program *program = value;
		if (!is_candidate(call, program, shared, bits))
			continue;
		const struct sleeper sleeper = {program_ref(program), program->futex};
		g_array_append_val(found, sleeper);
	}
	run_unlock(call->run);
	return found;
}

/* Wake SLEEPER, if it still waits there. */
static bool wake_one(struct call *call, const struct sleeper *sleeper)
{
	run_lock(call->run);
	bool waits = sleeper->program->futex == sleeper->futex;
	if (waits) {
		sleeper->program->futex = 0;
		run_wake_locked(call->run, &sleeper->program->futex);
	}
	run_unlock(call->run);
	return waits;
}

/*
 * Wake up to MOST that wait for the caller's futex with one of BITS. Their number. To compare
 * memory takes locks of processes, which others may hold for long: the lock of all programs is not
 * held meanwhile.
 */
static int64_t wake(struct call *call, bool shared, int64_t most, uint32_t bits)
{
	int64_t woken = 0;
	uint32_t word;

	if (call->arg[0] % sizeof word != 0)
		return -EINVAL;
	/* The page must be there to be compared. */
	if (shared && call_get(call, call->arg[0], &word, sizeof word) != 0)
		return -EFAULT;
	g_autoptr(GArray) found = find_candidates(call, shared, bits);
	for (guint i = 0; i < found->len && woken < most; i++) {
		const struct sleeper *sleeper = &g_array_index(found, struct sleeper, i);
		woken += is_same_memory(call->process, call->arg[0], sleeper->program->process,
		                        sleeper->futex) &&
		         wake_one(call, sleeper);
	}
	return woken;
}

/* --- Waiting ---------------------------------------------------------------------------------- */

/* Begin to wait: who changes the word from now on, and wakes, wakes the caller. */
static void begin_wait(struct call *call, bool shared, uint32_t bits)
{
	struct program *program = call->program;

	run_lock(call->run);
	program->futex = call->arg[0];
	program->futex_shared = shared;
	program->futex_bits = bits;
	run_unlock(call->run);
}

/* Sleep until somebody has woken the caller, who has begun to wait. */
static int64_t wait_on(struct call *call, int64_t deadline)
{
	struct program *program = call->program;
	int64_t result = 0;

	run_lock(call->run);
	if (program->futex != 0 && call_timed_out(call))
		result = -ETIMEDOUT;
	else if (program->futex != 0)
		result = call_sleep_locked(call, &program->futex, deadline);
	if (result != CALL_SLEEPS)
		program->futex = 0;
	run_unlock(call->run);
	return result;
}

/* The time of run_now until which a call waits that has a struct timespec at VA. 0, or an errno. */
static int get_deadline(struct call *call, uint64_t va, bool absolute, bool of_day,
                        int64_t *deadline)
{
	struct vm_machine_info info;
	int error = call_get_time(call, va, deadline);

	if (error != 0)
		return error;
	if (!absolute) {
		*deadline = call_deadline(call, *deadline);
	} else if (of_day) {
		vm_machine_info(run_machine(call->run), &info);
		*deadline = MAX(*deadline - info.start, 0);
	}
	return 0;
}

static uint32_t bits_of(const struct call *call)
{
	bool all = (call->arg[1] & FUTEX_CMD_MASK) == FUTEX_WAIT;

	return all ? UINT32_MAX : (uint32_t)call->arg[5];
}

/* Wait until DEADLINE as long as the word has the value that the caller says. */
static int64_t wait_until(struct call *call, int64_t deadline)
{
	bool shared = !(call->arg[1] & FUTEX_PRIVATE_FLAG);
	uint32_t word;
	int error = 0;

	begin_wait(call, shared, bits_of(call));
	if (call_get(call, call->arg[0], &word, sizeof word) != 0)
		error = -EFAULT;
	else if (word != (uint32_t)call->arg[2])
		error = -EAGAIN;
	if (error == 0)
		return wait_on(call, deadline);
	run_lock(call->run);
	call->program->futex = 0;
	run_unlock(call->run);
	return error;
}

static int64_t wait_rest(struct call *call);

/* RESULT of a wait; one with a time that a signal has interrupted goes on to the same moment. */
static int64_t end_wait(struct call *call, int64_t result, int64_t deadline)
{
	struct restart *restart = &call->program->restart;

	if (result != -ERESTARTSYS || deadline < 0)
		return result;
	restart->fn = wait_rest;
	restart->deadline = deadline;
	memcpy(restart->arg, call->arg, sizeof restart->arg);
	return -ERESTART_RESTARTBLOCK;
}

static int64_t wait_rest(struct call *call)
{
	const struct restart *restart = &call->program->restart;
	int64_t deadline = restart->deadline;

	memcpy(call->arg, restart->arg, sizeof call->arg);
	int64_t result =
	    call->program->again ? wait_on(call, deadline) : wait_until(call, deadline);
	return end_wait(call, result, deadline);
}

static int64_t wait_for_word(struct call *call, bool absolute, bool of_day)
{
	int64_t deadline = -1;
	int error = 0;

	if (call->program->again) {
		deadline = call->program->deadline;
		return end_wait(call, wait_on(call, deadline), deadline);
	}
	if (bits_of(call) == 0 || call->arg[0] % sizeof(uint32_t) != 0)
		return -EINVAL;
	if (call->arg[3] != 0)
		error = get_deadline(call, call->arg[3], absolute, of_day, &deadline);
	return error != 0 ? error : end_wait(call, wait_until(call, deadline), deadline);
}

/* FUTEX_CMP_REQUEUE: all are woken that would wait elsewhere; they look, and wait there. */
static int64_t requeue(struct call *call, bool shared, bool compare)
{
	uint32_t word;

	if (compare) {
		if (call_get(call, call->arg[0], &word, sizeof word) != 0)
			return -EFAULT;
		if (word != (uint32_t)call->arg[5])
			return -EAGAIN;
	}
	return wake(call, shared, INT64_MAX, UINT32_MAX);
}

int64_t sys_futex(struct call *call)
{
	int operation = (int)call->arg[1];
	bool shared = !(operation & FUTEX_PRIVATE_FLAG);
	bool of_day = operation & FUTEX_CLOCK_REALTIME;
	int64_t most = MAX((int32_t)call->arg[2], 1);

	switch (operation & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
		return wait_for_word(call, false, false);
	case FUTEX_WAIT_BITSET:
		return wait_for_word(call, true, of_day);
	case FUTEX_WAKE:
		return wake(call, shared, most, UINT32_MAX);
	case FUTEX_WAKE_BITSET:
		return (uint32_t)call->arg[5] != 0
		           ? wake(call, shared, most, (uint32_t)call->arg[5])
		           : -EINVAL;
	case FUTEX_REQUEUE:
		return requeue(call, shared, false);
	case FUTEX_CMP_REQUEUE:
		return requeue(call, shared, true);
	default:
		return -ENOSYS;
	}
}
