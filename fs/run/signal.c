/*
 * signal.c - signals on their way: sending, what is pending, and alarms. signal_deliver.c has what
 * they do to the program.
 */
#include "fs/run/signal.h"
#include "fs/run/syscall.h"

#include <string.h>

/* --- Sets ------------------------------------------------------------------------------------- */

#define STOP_SIGNALS \
	(signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU))
#define IGNORED_SIGNALS \
	(signal_bit(SIGCHLD) | signal_bit(SIGCONT) | signal_bit(SIGURG) | signal_bit(SIGWINCH))
/* Those that the program's own instructions raise: they are delivered first. */
#define OWN_SIGNALS \
	(signal_bit(SIGSEGV) | signal_bit(SIGBUS) | signal_bit(SIGILL) | signal_bit(SIGTRAP) | \
	 signal_bit(SIGFPE) | signal_bit(SIGSYS))

enum { DEFAULT, IGNORED }; /* handlers */

enum { NS_PER_CLOCK_TICK = 10000000 };

void signals_init(struct signals *signals)
{
	memset(signals, 0, sizeof *signals);
	signals->result = CALL_REGS_SET;
}

void signals_fork(struct signals *child, const struct signals *parent)
{
	signals_init(child);
	memcpy(child->action, parent->action, sizeof child->action);
	child->blocked = parent->blocked;
	child->stack = parent->stack;
	child->stack_size = parent->stack_size;
	child->stack_flags = parent->stack_flags;
}

void signals_exec(struct signals *signals)
{
	for (int i = 0; i < SIGNALS; i++)
		signals->action[i] = (struct signal_action){
		    .handler = signals->action[i].handler == IGNORED ? IGNORED : DEFAULT};
	signals->stack = signals->stack_size = 0;
	signals->restore_blocked = false;
}

char *signal_name(int number)
{
	const char *name = sigabbrev_np(number);

	return name != NULL ? g_strdup_printf("SIG%s", name)
	                    : g_strdup_printf("SIGRT_%d", number - 32);
}

siginfo_t signal_info(int number, int code, pid_t pid, uid_t uid)
{
	siginfo_t info;

	/* All bytes go to the program. */
	memset(&info, 0, sizeof info);
	info.si_signo = number;
	info.si_code = code;
	info.si_pid = pid;
	info.si_uid = uid;
	return info;
}

/* --- Sending ---------------------------------------------------------------------------------- */

bool signal_pending_locked(const struct program *program)
{
	const struct signals *signals = &program->signals;

	/* Nor does one sleep that another thread has ended meanwhile. */
	return program->state == PROGRAM_ENDED || (signals->pending & ~signals->blocked) != 0;
}

/* Whether ACTION of signal NUMBER is to do nothing. */
static bool action_ignores(const struct signal_action *action, int number)
{
	return action->handler == IGNORED ||
	       (action->handler == DEFAULT && (IGNORED_SIGNALS & signal_bit(number)));
}

/* One that is blocked is kept: it may have a handler once it is not blocked any more. */
static bool vanishes_locked(const struct signals *signals, int number)
{
	return !(signals->blocked & signal_bit(number)) &&
	       action_ignores(&signals->action[number - 1], number);
}

/* What a signal does at once, whatever the program does with it (prepare_signal). */
static void prepare_locked(struct program *program, int number)
{
	struct signals *signals = &program->signals;

	if (signal_bit(number) & STOP_SIGNALS)
		signals->pending &= ~signal_bit(SIGCONT);
	if (number != SIGCONT)
		return;
	signals->pending &= ~STOP_SIGNALS;
	if (program->state != PROGRAM_STOPPED || program->stop != STOP_SIGNAL)
		return;
	signal_tell_stop_locked(program, 0);
	run_ready_locked(program);
}

void signal_send_locked(struct program *program, const siginfo_t *info)
{
	struct signals *signals = &program->signals;
	int number = info->si_signo;
	uint64_t bit = signal_bit(number);

	if (program->state == PROGRAM_ENDED)
		return;
	prepare_locked(program, number);
	if (vanishes_locked(signals, number) || (signals->pending & bit))
		return;
	signals->pending |= bit;
	signals->info[number - 1] = *info;
	run_changed_locked(program->run);
	if (signals->waited & bit)
		run_wake_locked(program->run, &signals->waited);
	if (signals->blocked & bit)
		return;
	/* It must also reach one that the user has stopped, or that was never continued. */
	if (number == SIGKILL) {
		program->stop_wanted = false;
		if (program->state == PROGRAM_STOPPED)
			run_ready_locked(program);
	}
	run_attend_locked(program);
}

void signal_set_action_locked(struct program *program, int number,
                              const struct signal_action *action)
{
	struct signals *signals = &program->signals;

	signals->action[number - 1] = *action;
	signals->action[number - 1].mask &= ~SIGNALS_SURE;
	/* POSIX 3.3.1.3: also one that is blocked. */
	if (action_ignores(action, number))
		signals->pending &= ~signal_bit(number);
}

int signal_take_locked(struct program *program, uint64_t wanted, siginfo_t *info)
{
	struct signals *signals = &program->signals;
	uint64_t found = signals->pending & wanted;

	if (found == 0)
		return 0;
	if (found & signal_bit(SIGKILL))
		found = signal_bit(SIGKILL);
	else if (found & OWN_SIGNALS)
		found &= OWN_SIGNALS;
	int number = __builtin_ctzll(found) + 1;
	signals->pending &= ~signal_bit(number);
	*info = signals->info[number - 1];
	return number;
}

/* --- News of children ------------------------------------------------------------------------- */

siginfo_t signal_child_info(const struct program *program)
{
	siginfo_t info =
	    signal_info(SIGCHLD, 0, program->pid, vm_process_cred(program->process).uid);

	info.si_utime = program->used.user / NS_PER_CLOCK_TICK;
	info.si_stime = program->used.system / NS_PER_CLOCK_TICK;
	return info;
}

void signal_tell_stop_locked(struct program *program, int number)
{
	struct program *parent = program->parent;
	siginfo_t info = signal_child_info(program);

	program->stop_news = number;
	program->continue_news = number == 0;
	run_changed_locked(program->run);
	if (parent == NULL)
		return;
	const struct signal_action *action = &parent->signals.action[SIGCHLD - 1];
	info.si_code = number != 0 ? CLD_STOPPED : CLD_CONTINUED;
	info.si_status = number != 0 ? number : SIGCONT;
	if (action->handler > 1 && !(action->flags & SA_NOCLDSTOP))
		signal_send_locked(parent, &info);
	run_wake_locked(program->run, parent);
}

/* --- Faults ----------------------------------------------------------------------------------- */

/* A handler that cannot be entered because the signal is blocked or ignored is no handler. */
static void force_locked(struct program *program, const siginfo_t *info)
{
	struct signals *signals = &program->signals;
	struct signal_action *action = &signals->action[info->si_signo - 1];
	uint64_t bit = signal_bit(info->si_signo);

	if ((signals->blocked & bit) || action->handler == IGNORED)
		action->handler = DEFAULT;
	signals->blocked &= ~bit;
	/* The one that is pending was not raised here, and does not count beside this one. */
	signals->pending |= bit;
	signals->info[info->si_signo - 1] = *info;
}

void signal_force(struct program *program, int number, int code, uint64_t address, unsigned vector,
                  uint64_t error_code)
{
	struct signals *signals = &program->signals;
	siginfo_t info;

	memset(&info, 0, sizeof info);
	info.si_signo = number;
	info.si_code = code;
	info.si_addr = (void *)(uintptr_t)address;
	run_lock(program->run);
	signals->trap_vector = vector;
	signals->trap_error = error_code;
	if (vector == 14)
		signals->trap_address = address;
	force_locked(program, &info);
	run_unlock(program->run);
}

/* --- Alarms ----------------------------------------------------------------------------------- */

/* The alarm of SIGNALS was due at NOW: when is the next one? */
static void set_next_alarm(struct signals *signals, int64_t now)
{
	int64_t interval = signals->alarm_interval;

	if (interval == 0)
		signals->alarm = 0;
	else
		signals->alarm += ((now - signals->alarm) / interval + 1) * interval;
}

int64_t signal_alarms_locked(struct run *run, int64_t now)
{
	int64_t next = INT64_MAX;
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, run_programs_locked(run));
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct program *program = value;
		struct signals *signals = &program->signals;
		if (signals->alarm == 0)
			continue;
		if (signals->alarm <= now) {
			siginfo_t info = signal_info(SIGALRM, SI_KERNEL, 0, 0);
			signal_send_locked(program, &info);
			set_next_alarm(signals, now);
		}
		/* One that nobody would notice does not wake the ticker: it is looked at later. */
		if (signals->alarm != 0 && program->state != PROGRAM_STOPPED &&
		    !(signals->pending & signal_bit(SIGALRM)) && !vanishes_locked(signals, SIGALRM))
			next = MIN(next, signals->alarm);
	}
	return next;
}
