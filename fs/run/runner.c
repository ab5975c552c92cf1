/*
 * runner.c - the threads of programs: the runner, which has the processor, and the ticker, which
 * looks at the time.
 */
#include "fs/run/state.h"
#include "util/nanoseconds.h"

#include <errno.h>
#include <signal.h>

enum {
	TICK_MS = 10,     /* how often the ticker looks while something runs */
	SLICE_MS = 50,    /* user code without an event gives way after this time */
	PATIENCE_MS = 50, /* a call or a fault that takes longer costs its thread the processor */
	/* The same by a clock of the machine's own: user code by CPU time, calls by the host's. */
	OWN_SLICE_MS = 1000,
	OWN_PATIENCE_MS = 5000,
	END_MS = 1000, /* how long run_stop waits for threads */
};

/* --- The time --------------------------------------------------------------------------------- */

static bool is_idle_locked(const struct run *run)
{
	return list_empty(&run->ready) && (run->runner == NULL || run->runner->program == NULL);
}

/*
 * All that is due at this time of the machine. Returns when something is due next, or INT64_MAX.
 *
 * A clock of the machine's own stands still while nothing is done. If all programs sleep, it jumps
 * to the next moment at which one of them does not. As long as one does not sleep, its turn sees
 * to what is due (turn.c): at the same events in every run, and not when this thread comes to look.
 */
static int64_t do_due_locked(struct run *run)
{
	if (!run->mount->own_clock)
		return due_look_locked(run);
	while (is_idle_locked(run)) {
		int64_t next = due_look_locked(run);
		if (next == INT64_MAX || !is_idle_locked(run))
			break;
		vm_machine_pass(run->mount->machine, next - run_now(run));
	}
	return INT64_MAX;
}

static void *runner_begin(void *ctx);

/*
 * A new thread becomes the runner. If there is none to be had, all stays as it is: the programs
 * that are ready wait for the old one.
 */
static bool hand_over_locked(struct run *run)
{
	struct runner *runner = g_try_new0(struct runner, 1);
	pthread_t thread;

	if (runner == NULL)
		return false;
	runner->run = run;
	if (pthread_create(&thread, NULL, runner_begin, runner) != 0) {
		g_free(runner);
		return false;
	}
	pthread_detach(thread);
	run->runner = runner;
	run->threads++;
	return true;
}

/*
 * Whether RUNNER, of which others wait for the processor, has had it for long enough.
 *
 * With a clock of the machine's own two runs must be equal, however busy the host is. So only a
 * call that hangs and user code that waits for another program without an event come to an end by
 * the time of the host. The limits are far from what a program needs else.
 */
static bool is_over_time_locked(const struct runner *runner, int64_t now)
{
	int64_t spent = now - runner->since;

	if (!runner->run->mount->own_clock)
		return spent > (runner->in_user ? SLICE_MS : PATIENCE_MS) * NS_PER_MS;
	if (!runner->in_user)
		return spent > OWN_PATIENCE_MS * NS_PER_MS;
	return ns_now(runner->cpu) - runner->cpu_since > OWN_SLICE_MS * NS_PER_MS;
}

/* See whether the runner has to give way. */
static void watch_runner_locked(struct run *run, int64_t now)
{
	struct runner *runner = run->runner;

	if (runner == NULL || runner->program == NULL)
		return;
	/* Whoever comes back from a wait inside the engine cannot ask for the lock by himself. */
	if (runner->in_user && now - runner->since > TICK_MS * NS_PER_MS)
		vm_cpu_breathe(run->mount->machine);
	if (list_empty(&run->ready) || !is_over_time_locked(runner, now))
		return;
	if (!runner->in_user) {
		hand_over_locked(run);
	} else {
		runner->give_way = true;
		vm_cpu_kick(run->mount->machine);
	}
}

static void *ticker_main(void *ctx)
{
	struct run *run = ctx;

	run_lock(run);
	while (!run->stopping) {
		int64_t due = do_due_locked(run), now = ns_now(CLOCK_MONOTONIC);
		run->looks = now + STATE_LONGEST;
		if (due != INT64_MAX && !run->mount->own_clock)
			run->looks = now + CLAMP(due - run_now(run), 0, STATE_LONGEST) + 1;
		if (!is_idle_locked(run))
			run->looks = MIN(run->looks, now + TICK_MS * NS_PER_MS);
		watch_runner_locked(run, now);
		struct timespec time = ns_to_timespec(run->looks);
		pthread_cond_timedwait(&run->tick, &run->lock, &time);
	}
	run_unlock(run);
	return NULL;
}

/* --- The runner ------------------------------------------------------------------------------- */

/* Wait for a program that is ready, and make it the one that RUNNER works for. NULL: end. */
static struct program *next_locked(struct runner *runner)
{
	struct run *run = runner->run;

	runner->program = NULL;
	while (run->runner == runner && !run->stopping) {
		if (!list_empty(&run->ready)) {
			struct program *program =
			    LIST_ENTRY(run->ready.next, struct program, queue);
			runner->program = program_ref(program);
			runner->events = 0;
			runner->give_way = false;
			runner->counted = ns_now(runner->cpu);
			state_set_locked(program, PROGRAM_ON_CPU);
			return program;
		}
		/* Programs that sleep may have a deadline, by which nobody looked yet. */
		state_look_by_locked(run, 0);
		pthread_cond_wait(&run->work, &run->lock);
	}
	return NULL;
}

/* The turn of PROGRAM is over for the reason END. */
static void put_away_locked(struct program *program, enum turn_end end)
{
	/* One that sleeps was put away by call_sleep_locked. Others may have woken it since. */
	if (end == TURN_SLEEPS || program->state == PROGRAM_ENDED)
		return;
	if (end == TURN_STOPPED)
		state_set_locked(program, PROGRAM_STOPPED);
	else
		state_set_locked(program, PROGRAM_READY);
}

static void *runner_begin(void *ctx)
{
	struct runner *runner = ctx;
	struct run *run = runner->run;
	struct program *program;

	pthread_getcpuclockid(pthread_self(), &runner->cpu);
	run_lock(run);
	while ((program = next_locked(runner)) != NULL) {
		runner->since = ns_now(CLOCK_MONOTONIC);
		run_unlock(run);
		enum turn_end end = turn_take(runner, program);
		run_lock(run);
		runner_count_locked(runner);
		put_away_locked(program, end);
		runner->program = NULL;
		run_unlock(run);
		/* The last reference may have to write dirty pages. */
		program_unref(program);
		run_lock(run);
	}
	/* At the end of RUN nobody has taken over from this one. */
	if (run->runner == runner)
		run->runner = NULL;
	run->threads--;
	run_changed_locked(run);
	/* Another one may have the role by now, and wait for the program that this one had. */
	pthread_cond_signal(&run->work);
	run_unlock(run);
	g_free(runner);
	return NULL;
}

static int start_threads_locked(struct run *run)
{
	if (pthread_create(&run->ticker, NULL, ticker_main, run) != 0)
		return -EAGAIN;
	run->opened = true;
	return hand_over_locked(run) ? 0 : -EAGAIN;
}

int run_open(struct run *run, char **why)
{
	int error = 0;

	*why = NULL;
	if (run->no_cpu) {
		*why = g_strdup("the mount has no processor (option cpu=none)");
		return -ENODEV;
	}
	run_lock(run);
	if (run->failed != 0) {
		error = run->failed;
		*why = g_strdup(run->failed_why);
	} else if (!run->opened) {
		error = vm_cpu_open(run->mount->machine, why);
	}
	/* Each try costs pages. Only the device may be there next time. */
	if (error != 0 && error != -ENODEV && run->failed == 0) {
		run->failed = error;
		run->failed_why = g_strdup(*why);
	}
	if (error == 0 && (!run->opened || run->runner == NULL)) {
		error = run->opened ? -EAGAIN : start_threads_locked(run);
		if (error != 0)
			*why = g_strdup("the host has no thread for it");
	}
	run_unlock(run);
	return error;
}

/* --- The end ---------------------------------------------------------------------------------- */

/* Any program of RUN that has not ended, with a reference, or NULL. */
static struct program *any_living_locked(struct run *run)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, run->programs);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct program *program = value;
		if (program->state != PROGRAM_ENDED)
			return program_ref(program);
	}
	return NULL;
}

/* Drop all programs; no thread works for them any more. */
static void drop_programs(struct run *run)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, run->programs);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		g_hash_table_iter_remove(&iter);
		program_unref(value);
	}
}

bool run_stop(struct run *run)
{
	int64_t deadline = ns_now(CLOCK_MONOTONIC) + END_MS * NS_PER_MS;
	struct program *program;

	run_lock(run);
	run->stopping = true;
	while ((program = any_living_locked(run)) != NULL) {
		run_unlock(run);
		program_exit(program, SIGKILL);
		program_unref(program);
		run_lock(run);
	}
	pthread_cond_broadcast(&run->work);
	pthread_cond_broadcast(&run->tick);
	run_changed_locked(run);
	if (run->runner != NULL)
		vm_cpu_kick(run->mount->machine);
	bool opened = run->opened;
	while (run->threads > 0 && !run_wait_locked(run, deadline))
		continue;
	bool ended = run->threads == 0;
	run_unlock(run);
	if (opened)
		pthread_join(run->ticker, NULL);
	if (ended)
		drop_programs(run);
	return ended;
}
