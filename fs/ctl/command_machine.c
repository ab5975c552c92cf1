/*
 * command_machine.c - the commands of the machine's ctl.
 */
#include "fs/ctl/command_help.h"
#include "fs/ctl/command_load.h"
#include "fs/ctl/command_run.h"
#include "fs/ctl/command_table.h"
#include "fs/host/hostprocess.h"
#include "fs/text/rights.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>

static const struct command_reason spawn_reasons[] = {
    {EAGAIN, "you or all users together have too many processes"},
    {ENOMEM, "out of memory"},
    {0, NULL},
};

static struct vm_process *spawn(struct command_call *call, const char *name, int *error)
{
	const struct vm_cred cred = {call->caller->uid, call->caller->gid};

	struct vm_process *process = vm_process_spawn(call->mount->machine, &cred, name, error);

	if (process != NULL)
		hostprocess_give_cwd(call->mount, call->caller, process);
	return process;
}

static int run_spawn(struct command_call *call)
{
	struct vm_process *process;
	int error;

	process = spawn(call, call->count > 1 ? call->words[1] : "spawn", &error);
	if (process == NULL)
		return error;
	command_answer(call, "%d", (int)vm_process_pid(process));
	vm_process_unref(process);
	return 0;
}

static int run_exec(struct command_call *call)
{
	int error;
	struct vm_process *process = command_exec_new(call, 1, &error);

	return process != NULL ? command_done_process(call, process, error) : error;
}

static const struct command_reason kill_reasons[] = {
    {EINVAL, "no such signal"},
    {EPERM, "the process is another user's"},
    {ESRCH, "no such process"},
    {0, NULL},
};

static int kill_process(struct command_call *call, struct vm_process *process, int number)
{
	uid_t uid = call->caller->uid;

	if (uid != 0 && uid != vm_process_cred(process).uid)
		return -EPERM;
	return command_send_signal(call, process, number);
}

static int run_kill(struct command_call *call)
{
	struct vm_process *process;
	int number = SIGTERM, result;
	uint64_t pid;

	if (!command_number(call, 1, "PID", &pid) ||
	    (call->count > 2 && !command_signal(call, 2, &number)))
		return -EINVAL;
	process = pid <= INT_MAX ? vm_process_find(call->mount->machine, (pid_t)pid) : NULL;
	if (process == NULL)
		return command_fail(call, -ESRCH, "no process %s", call->words[1]);
	result = kill_process(call, process, number);
	vm_process_unref(process);
	return command_done(call, result);
}

static const struct command_reason sync_reasons[] = {
    {EFBIG, "vasfs may not write that far into a file (ulimit -f); the page stays dirty"},
    {EIO, "a file could not be written; its pages stay dirty, unless it is deleted"},
    {ENOSPC, "the disk of a file is full; its pages stay dirty, unless it is deleted"},
    {0, NULL},
};

static int run_sync(struct command_call *call)
{
	return command_done(call, vm_machine_sync(call->mount->machine));
}

/* Anyone may use the machine's ctl, but some commands affect the memory of all users. */
static bool may_administer(const struct command_call *call)
{
	return rights_administer(call->mount, call->caller);
}

static const struct command_reason reclaim_reasons[] = {
    {EPERM, "only root and the user who runs vasfs may do this"},
    {0, NULL},
};

static int run_reclaim(struct command_call *call)
{
	uint64_t pages;

	if (!command_number(call, 1, "PAGES", &pages))
		return -EINVAL;
	if (!may_administer(call))
		return -EPERM;
	return command_done(call, (int64_t)vm_machine_reclaim(call->mount->machine, pages));
}

static const struct command_reason swapoff_reasons[] = {
    {EINVAL, "swap is off"},
    {EIO, "a page could not be read from the swap file; swap stays on"},
    {ENOMEM, "physical memory has no room for what is in swap; swap stays on"},
    {EPERM, "only root and the user who runs vasfs may do this"},
    {0, NULL},
};

static int run_swapoff(struct command_call *call)
{
	return may_administer(call) ? command_done(call, vm_machine_swapoff(call->mount->machine))
	                            : -EPERM;
}

const struct command machine_commands[] = {
    {"spawn", "[NAME]", 0, 1, run_spawn, "make an empty process; answers its pid", spawn_reasons},
    {"exec", "[-k] PATH [ARG ...]", 1, -1, run_exec,
     "make a process that runs a program; answers pid",
     .more = "It is a program of the host. -k: only what the kernel maps, no libraries."},
    {"run", "PATH [ARG ...]", 1, -1, command_run_path, "make a process, exec -k, and let it run",
     run_reasons,
     .more = "Answers its pid. PID/console is its terminal, PID/wait says how it ended.\n"
             "vasctl MOUNT run does this, and copies the console."},
    {"load", "FILE [NAME]", 1, 2, command_load, "make a process of a core file; answers pid",
     load_reasons,
     .more = "FILE is a core file of x86-64 Linux: the kernel's, gcore's, or PID/core.\n"
             "What it does not hold reads as SIGBUS. Its threads are in PID/task."},
    {"attach", "HOSTPID", 1, 1, command_attach, "make a process of one of the host; answers pid",
     attach_reasons, .more = "It is a snapshot. You need the rights that a debugger needs."},
    {"kill", "PID [SIGNAL]", 1, 2, run_kill, "send a process a signal, by default TERM",
     kill_reasons},
    {"sync", "", 0, 0, run_sync, "write every dirty shared page to its file", sync_reasons},
    {"reclaim", "PAGES", 1, 1, run_reclaim, "evict pages; answers how many it could",
     reclaim_reasons},
    {"swapoff", "", 0, 0, run_swapoff, "bring all pages back from swap, use it no more",
     swapoff_reasons},
    {"help", "[COMMAND]", 0, 1, command_help_run, "list the commands, or say what one takes"},
    {NULL},
};
