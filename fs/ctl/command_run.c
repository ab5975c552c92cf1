/*
 * command_run.c - the commands about programs that run. fs/run/control.h does what they say.
 *
 * A process gets its program with the first of these commands. No answer waits for the program,
 * but that of `step` and `stop`, which wait for a moment (control.h).
 */
#include "fs/ctl/command_run.h"

#include "fs/run/calls.h"
#include "fs/run/control.h"
#include "util/number.h"

#include <errno.h>
#include <string.h>

const struct command_reason run_reasons[] = {
    {EINVAL, "it was not made by exec -k: no ld.so has prepared its libraries"},
    {EMFILE, "the daemon has no descriptor left"},
    {ENOMEM, "out of memory"},
    {0, NULL},
};

static const char runs[] = "the program runs: stop it first";

/* --- Programs --------------------------------------------------------------------------------- */

/* Open the processor. 0, or a negative errno with the reason set. */
static int open_processor(struct command_call *call)
{
	g_autofree char *why = NULL;

	if (call->mount->run == NULL)
		return command_fail(call, -ENODEV, "this machine has no processor");
	int error = run_open(call->mount->run, &why);
	return error < 0 ? command_fail(call, error, "%s",
	                                why != NULL ? why : "the processor cannot be had")
	                 : 0;
}

static struct program *find_locked(struct run *run, struct vm_process *process)
{
	struct program *program = program_find_locked(run, vm_process_pid(process));

	if (program == NULL || program->state != PROGRAM_ENDED)
		return program;
	program_unref(program);
	return NULL;
}

struct program *command_program(struct command_call *call, struct vm_process *process)
{
	struct run *run = call->mount->run;
	struct program *program;

	if (run == NULL)
		return NULL;
	run_lock(run);
	program = find_locked(run, process);
	run_unlock(run);
	return program;
}

/* The program of PROCESS, made if there is none. NULL with *ERROR set. */
static struct program *need_locked(struct command_call *call, struct vm_process *process,
                                   int *error)
{
	struct run *run = call->mount->run;
	struct program *program = find_locked(run, process);

	return program != NULL ? program : program_new_locked(run, process, call->caller, error);
}

struct program *command_resting(struct command_call *call, int *error)
{
	struct program *program = command_program(call, call->process);

	*error = 0;
	if (program == NULL)
		return NULL;
	run_lock(program->run);
	bool rests = control_rests_locked(program);
	run_unlock(program->run);
	if (rests)
		return program;
	program_unref(program);
	*error = command_fail(call, -EBUSY, "%s", runs);
	return NULL;
}

void command_changed(struct command_call *call)
{
	if (call->mount->run == NULL)
		return;
	run_lock(call->mount->run);
	run_changed_locked(call->mount->run);
	run_unlock(call->mount->run);
}

/* --- Running ---------------------------------------------------------------------------------- */

static const struct control_how freely = {.call = -1};

/* Let PROCESS go as HOW says. If it runs already, ERROR_IF_RUNNING is the answer. */
static int go(struct command_call *call, struct vm_process *process, const struct control_how *how,
              int error_if_running, struct program **went)
{
	struct run *run = call->mount->run;
	struct program *program;
	int error = open_processor(call);

	if (error < 0)
		return error;
	command_tick(call);
	run_lock(run);
	program = need_locked(call, process, &error);
	if (program != NULL && !control_rests_locked(program))
		error = error_if_running;
	else if (program != NULL)
		control_go_locked(program, how);
	run_unlock(run);
	if (program == NULL)
		return error;
	command_blame(call, error == -EPERM,
	              "only its owner may let it run, because it uses host files as its owner");
	command_blame(call, error < 0, runs);
	if (error == 0 && went != NULL)
		*went = program;
	else
		program_unref(program);
	return error;
}

int command_run_program(struct command_call *call)
{
	return command_done(call, go(call, call->process, &freely, 0, NULL));
}

int command_step(struct command_call *call)
{
	struct program *program;
	struct vm_regs regs;
	uint64_t steps = 1;

	if (call->count > 1 && !command_number(call, 1, "N", &steps))
		return -EINVAL;
	if (steps < 1 || steps > CONTROL_STEPS_MAX)
		return command_fail(call, -EINVAL, "N must be 1 to %d", CONTROL_STEPS_MAX);
	const struct control_how how = {.steps = (unsigned)steps, .call = -1};
	int error = go(call, call->process, &how, -EBUSY, &program);
	if (error < 0)
		return error;
	run_lock(program->run);
	error = control_await_locked(program);
	if (error == -EINTR)
		control_stop_locked(program);
	bool ended = program->state == PROGRAM_ENDED;
	run_unlock(program->run);
	program_unref(program);
	if (error == -EBUSY)
		return command_fail(call, error,
		                    "a step takes long, perhaps in a system call that waits; it "
		                    "goes on, and wait tells when it is done");
	if (error == 0 && ended)
		return command_fail(call, -ESRCH, "the program has ended: wait tells how");
	if (error < 0)
		return error;
	control_regs(call->mount->run, call->process, &regs);
	return command_answer_address(call, regs.rip);
}

/* The number of the system call in `call:NAME`, or -1. */
static int call_number(const char *word)
{
	enum { NUMBERS = 512 };

	for (int i = 0; i < NUMBERS; i++) {
		const struct call_row *row = call_row_find((uint64_t)i);

		if (row != NULL && strcmp(row->name, word) == 0)
			return i;
	}
	return -1;
}

int command_until(struct command_call *call)
{
	struct control_how how = {.call = -1};
	const char *word = call->words[1];
	uint64_t address;

	if (g_str_has_prefix(word, "call:")) {
		how.call = call_number(word + strlen("call:"));
		if (how.call < 0)
			return command_fail(call, -EINVAL, "%s: no such system call", word);
	} else if (command_address(call, 1, "ADDR", &address)) {
		how.at = &address;
	} else {
		return -EINVAL;
	}
	return command_done(call, go(call, call->process, &how, -EBUSY, NULL));
}

int command_stop(struct command_call *call)
{
	struct program *program = command_program(call, call->process);
	int error;

	if (program == NULL)
		return command_fail(call, -EINVAL, "no program runs in it");
	run_lock(program->run);
	control_stop_locked(program);
	error = control_await_locked(program);
	run_unlock(program->run);
	program_unref(program);
	command_blame(call, error == -EBUSY,
	              "it waits for a file of the host, and stops when that has answered");
	return command_done(call, error);
}

int command_setreg(struct command_call *call)
{
	const char *name = call->words[1];
	struct run *run = call->mount->run;
	struct program *program;
	uint64_t value;
	int error = 0;

	if (!command_address(call, 2, "VALUE", &value))
		return -EINVAL;
	if (run == NULL)
		return open_processor(call);
	run_lock(run);
	program = need_locked(call, call->process, &error);
	if (program != NULL)
		error = control_rests_locked(program) ? control_set_reg_locked(program, name, value)
		                                      : -EBUSY;
	run_unlock(run);
	if (program == NULL)
		return error;
	program_unref(program);
	command_blame(call, error == -EBUSY, runs);
	if (error == -EINVAL)
		return command_fail(call, error, "%s: no register that can be set", name);
	if (error == -ERANGE)
		return command_fail(call, -EINVAL,
		                    "%s: 0x%" G_GINT64_MODIFIER "x is no address of "
		                    "a program (they are below 0x7ffffffff000)",
		                    name, value);
	return command_done(call, error);
}

int command_run_path(struct command_call *call)
{
	int error = open_processor(call);

	if (error < 0)
		return error;
	struct vm_process *process = command_exec_new_kernel(call, 1, &error);
	if (process == NULL)
		return error;
	error = go(call, process, &freely, 0, NULL);
	return command_done_process(call, process, error);
}

int command_fork_program(struct command_call *call, struct program *program,
                         struct vm_process *child)
{
	struct program *copy;
	int error = 0;

	run_lock(program->run);
	copy = program_new_locked(program->run, child, call->caller, &error);
	if (copy != NULL)
		error = control_fork_locked(copy, program);
	run_unlock(program->run);
	if (copy != NULL)
		program_unref(copy);
	return error;
}

/* --- The end ---------------------------------------------------------------------------------- */

int command_send_signal(struct command_call *call, struct vm_process *process, int number)
{
	siginfo_t info = {.si_signo = number, .si_code = SI_USER};
	struct program *program = command_program(call, process);
	int error;

	if (program == NULL) {
		error = vm_process_kill(process, number);
		command_changed(call);
		return error;
	}
	info.si_uid = call->caller->uid;
	error = number < 0 || number > SIGNALS ? -EINVAL : 0;
	run_lock(program->run);
	if (error == 0 && number > 0)
		signal_send_locked(program, &info);
	run_unlock(program->run);
	/* The thread that works for it may hang in a host file, and never come to look. */
	if (number == SIGKILL)
		program_exit(program, SIGKILL);
	program_unref(program);
	return error;
}

int command_end(struct command_call *call, struct vm_process *process, int status)
{
	struct program *program = command_program(call, process);
	int error = 0;

	if (program == NULL) {
		error = vm_process_exit(process, status);
		command_changed(call);
	} else {
		program_exit(program, (status & 0xff) << 8);
		program_unref(program);
	}
	return error;
}
