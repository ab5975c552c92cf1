#include "fs/run/run.h"
#include "fs/run/state.h"
#include "util/nanoseconds.h"

#include <errno.h>
#include <string.h>

enum {
	TICK_MS = 10,     /* when the ticker looks at the latest once something runs */
	LOAD_EVERY_S = 5, /* when the load is sampled */
};

/* --- Life ------------------------------------------------------------------------------------- */

static void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

struct run *run_new(struct fs_mount *mount, bool no_cpu)
{
	struct run *run = g_new0(struct run, 1);

	run->mount = mount;
	run->no_cpu = no_cpu;
	pthread_mutex_init(&run->lock, NULL);
	cond_init(&run->work);
	cond_init(&run->tick);
	cond_init(&run->changed);
	list_init(&run->ready);
	list_init(&run->blocked);
	run->programs = g_hash_table_new(NULL, NULL);
	return run;
}

struct fs_mount *run_mount(const struct run *run)
{
	return run->mount;
}

struct vm_machine *run_machine(const struct run *run)
{
	return run->mount->machine;
}

GHashTable *run_programs_locked(struct run *run)
{
	return run->programs;
}

void run_lock(struct run *run)
{
	pthread_mutex_lock(&run->lock);
}

void run_unlock(struct run *run)
{
	pthread_mutex_unlock(&run->lock);
}

int64_t run_now(const struct run *run)
{
	return vm_machine_uptime(run->mount->machine);
}

void run_free(struct run *run)
{
	if (run == NULL)
		return;
	g_hash_table_destroy(run->programs);
	g_free(run->failed_why);
	pthread_cond_destroy(&run->work);
	pthread_cond_destroy(&run->tick);
	pthread_cond_destroy(&run->changed);
	pthread_mutex_destroy(&run->lock);
	g_free(run);
}

/* --- Ready, asleep, awake --------------------------------------------------------------------- */

void state_look_by_locked(struct run *run, int64_t when)
{
	if (run->looks <= when)
		return;
	run->looks = when;
	pthread_cond_signal(&run->tick);
}

static void look_soon_locked(struct run *run)
{
	state_look_by_locked(run, ns_now(CLOCK_MONOTONIC) + TICK_MS * NS_PER_MS);
}

static unsigned runnable_locked(const struct run *run)
{
	const struct program *program = run->runner != NULL ? run->runner->program : NULL;
	unsigned count = program != NULL && program->state == PROGRAM_ON_CPU;

	for (struct list_link *link = run->ready.next; link != &run->ready; link = link->next)
		count++;
	return count;
}

static double power(double base, int64_t exponent)
{
	double product = 1;

	for (; exponent > 0; exponent /= 2, base *= base)
		product *= exponent % 2 != 0 ? base : 1;
	return product;
}

/*
 * Take the samples of the load that were due since the last time. What is runnable has not changed
 * since then. Linux: calc_load_n.
 */
static void sample_locked(struct run *run)
{
	/* e^(-5 s / 1, 5, 15 min) */
	static const double keeps[] = {0.920044414629323, 0.983471453821617, 0.994459848004897};
	int64_t due = run_now(run) / (LOAD_EVERY_S * NS_PER_SEC);
	unsigned runnable = due > run->samples ? runnable_locked(run) : 0;

	for (size_t i = 0; due > run->samples && i < G_N_ELEMENTS(keeps); i++) {
		double kept = power(keeps[i], due - run->samples);
		run->average[i] = run->average[i] * kept + runnable * (1 - kept);
	}
	run->samples = MAX(run->samples, due);
}

void state_set_locked(struct program *program, enum program_state state)
{
	sample_locked(program->run);
	program->state = state;
	list_remove(&program->queue);
	if (state == PROGRAM_READY)
		list_append(&program->run->ready, &program->queue);
	else if (state == PROGRAM_BLOCKED)
		list_append(&program->run->blocked, &program->queue);
	run_changed_locked(program->run);
}

void run_ready_locked(struct program *program)
{
	struct run *run = program->run;

	if (program->state == PROGRAM_ENDED || program->state == PROGRAM_ON_CPU ||
	    program->state == PROGRAM_READY)
		return;
	state_set_locked(program, PROGRAM_READY);
	pthread_cond_signal(&run->work);
	look_soon_locked(run);
}

void run_attend_locked(struct program *program)
{
	struct run *run = program->run;

	if (program->state == PROGRAM_BLOCKED)
		run_ready_locked(program);
	else if (program->state == PROGRAM_ON_CPU && run->runner != NULL &&
	         run->runner->program == program && run->runner->in_user)
		vm_cpu_kick(run->mount->machine);
}

void run_leave_locked(struct program *program)
{
	state_set_locked(program, PROGRAM_ENDED);
	if (program->run->runner != NULL && program->run->runner->program == program)
		vm_cpu_kick(program->run->mount->machine);
}

void run_wake_locked(struct run *run, const void *channel)
{
	struct list_link *link = run->blocked.next;

	while (link != &run->blocked) {
		struct program *program = LIST_ENTRY(link, struct program, queue);
		link = link->next;
		if (program->channel == NULL || program->channel == channel)
			run_ready_locked(program);
	}
	run_changed_locked(run);
}

void run_changed_locked(struct run *run)
{
	pthread_cond_broadcast(&run->changed);
}

bool run_wait_locked(struct run *run, int64_t deadline)
{
	struct timespec time = ns_to_timespec(deadline);

	return pthread_cond_timedwait(&run->changed, &run->lock, &time) == ETIMEDOUT;
}

void run_alarm_locked(struct run *run, int64_t when)
{
	int64_t left = CLAMP(when - run_now(run), 0, STATE_LONGEST);

	state_look_by_locked(run, run->mount->own_clock ? 0 : ns_now(CLOCK_MONOTONIC) + left);
}

/* --- The time of the processor ---------------------------------------------------------------- */

void run_charge_locked(struct program *program, bool user, int64_t ns)
{
	*(user ? &program->used.user : &program->used.system) += ns;
	*(user ? &program->run->used.user : &program->run->used.system) += ns;
}

void runner_count_locked(struct runner *runner)
{
	if (runner->program == NULL || runner->run->mount->own_clock)
		return;
	int64_t now = ns_now(runner->cpu);
	run_charge_locked(runner->program, runner->in_user, now - runner->counted);
	runner->counted = now;
}

void run_count_locked(struct run *run)
{
	if (run->runner != NULL)
		runner_count_locked(run->runner);
}

struct run_load run_load(struct run *run)
{
	struct run_load load = {0};

	if (run == NULL)
		return load;
	run_lock(run);
	run_count_locked(run);
	load.user = run->used.user;
	load.system = run->used.system;
	sample_locked(run);
	memcpy(load.average, run->average, sizeof load.average);
	load.runnable = runnable_locked(run);
	run_unlock(run);
	return load;
}

/* --- Runners ---------------------------------------------------------------------------------- */

bool runner_goes_on_locked(struct runner *runner)
{
	return runner->run->runner == runner && !runner->run->stopping;
}

bool runner_shares_locked(const struct runner *runner)
{
	return !list_empty(&runner->run->ready);
}
