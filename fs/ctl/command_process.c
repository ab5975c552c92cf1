/*
 * command_process.c - the table of the commands in PID/ctl, and those that are not about memory.
 */
#include "fs/ctl/command_help.h"
#include "fs/ctl/command_memory.h"
#include "fs/ctl/command_run.h"
#include "fs/ctl/command_table.h"
#include "fs/ctl/replay_note.h"
#include "fs/run/control.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

static const struct command_reason open_reasons[] = {
    {EMFILE, "the process has " G_STRINGIFY(VM_MAX_FDS) " descriptors"},
    {ENFILE, "you or all users together have too many files open"},
    {0, NULL},
};

static int run_open_file(struct command_call *call)
{
	uint64_t mode = WORD_RDONLY;
	struct vm_file *file;
	int result;

	if (call->count > 2 && !command_words(call, 2, open_words, &mode))
		return -EINVAL;
	if (word_access_mode(mode) < 0)
		return command_fail(call, -EINVAL, "it takes one of rdonly, rdwr, wronly");
	file = command_file(call, 1, word_access_mode(mode), &result);
	if (file == NULL)
		return result;
	result = vm_process_open(call->process, file);
	vm_file_unref(file);
	return command_done(call, result);
}

static int run_close(struct command_call *call)
{
	uint64_t fd;

	if (!command_number(call, 1, "FD", &fd))
		return -EINVAL;
	int error = fd <= INT_MAX ? vm_process_close(call->process, (int)fd) : -EBADF;
	if (error == -EBADF)
		return command_fail(call, error, "descriptor %s is not open", call->words[1]);
	return command_done(call, error);
}

static const struct command_reason fork_reasons[] = {
    {EAGAIN, "you or all users together have too many processes or descriptors"},
    {ENOMEM, "out of memory"},
    {0, NULL},
};

static int run_fork(struct command_call *call)
{
	const struct vm_cred cred = {call->caller->uid, call->caller->gid};
	struct vm_process *child;
	int error;

	/* Its registers would be those of no moment. */
	struct program *program = command_resting(call, &error);
	if (error < 0)
		return error;
	child = vm_fork(call->process, &cred, &error);
	if (child != NULL && program != NULL)
		error = command_fork_program(call, program, child);
	if (program != NULL)
		program_unref(program);
	if (child == NULL)
		return error;
	if (error < 0)
		vm_process_exit(child, 0);
	else
		command_answer(call, "%d", (int)vm_process_pid(child));
	vm_process_unref(child);
	return MIN(error, 0);
}

static int run_exec(struct command_call *call)
{
	uint64_t entry;
	int error;

	struct program *program = command_resting(call, &error);
	if (error == 0 && program != NULL && !command_exec_is_kernel_only(call, 1))
		error = command_fail(call, -EINVAL, "a program that runs needs exec -k");
	if (error == 0)
		error = command_exec(call, call->process, 1, &entry);
	if (program != NULL && error == 0)
		control_exec(program);
	if (program != NULL)
		program_unref(program);
	return error < 0 ? error : command_answer_address(call, entry);
}

static int run_exit(struct command_call *call)
{
	uint64_t status = 0;

	if (call->count > 1 && !command_number(call, 1, "STATUS", &status))
		return -EINVAL;
	return command_done(call, command_end(call, call->process, (int)(status & 0xff)));
}

static const struct command_reason kill_reasons[] = {
    {EINVAL, "no such signal"},
    {0, NULL},
};

static int run_kill(struct command_call *call)
{
	int number = SIGTERM;

	if (call->count > 1 && !command_signal(call, 1, &number))
		return -EINVAL;
	return command_done(call, command_send_signal(call, call->process, number));
}

static const struct command_reason setenv_reasons[] = {
    {EINVAL, "NAME must not be empty or have a ="},
    {ENOMEM, "the environment is too large, or those of all your processes are"},
    {0, NULL},
};

static int run_setenv(struct command_call *call)
{
	return command_done(call, vm_process_setenv(call->process, call->words[1], call->words[2]));
}

static const struct command_reason reset_reasons[] = {
    {ENOMEM, "out of memory, or of page tables for what a fork shares"},
    {0, NULL},
};

static int run_reset(struct command_call *call)
{
	int error = vm_process_reset(call->process);

	if (error == 0)
		replay_note_set(call->mount, call->process, NULL);
	return command_done(call, error);
}

const struct command process_commands[] = {
    {"mmap", "ADDR LEN PROT FLAGS [FILE [OFFSET]]", 4, 6, command_mmap,
     "map memory or a file; answers the address", mmap_reasons, 4, mmap_words,
     "ADDR 0 or - lets the system choose, unless FLAGS have fixed. FLAGS need one of\n"
     "private, shared, shared_validate, and anonymous unless there is a FILE: a path\n"
     "of the host, or fd:N. Example: mmap 0 8K rw- private,anon"},
    {"munmap", "ADDR LEN", 2, 2, command_munmap, "unmap a range", munmap_reasons},
    {"mprotect", "ADDR LEN PROT[,growsdown]", 3, 3, command_mprotect,
     "change the protection of a range", mprotect_reasons, 3, prot_words},
    {"mremap", "ADDR OLDLEN NEWLEN [FLAGS [NEWADDR]]", 3, 5, command_mremap,
     "resize or move a mapping; answers its address", mremap_reasons, 4, mremap_words},
    {"open", "FILE [MODE]", 1, 2, run_open_file, "open a host file; answers the descriptor",
     open_reasons, 2, open_words, "mmap takes the descriptor N as fd:N."},
    {"close", "FD", 1, 1, run_close, "close a descriptor"},
    {"brk", "ADDR", 1, 1, command_brk, "set the end of the heap (0 asks); answers it"},
    {"sbrk", "INCREMENT", 1, 1, command_sbrk, "move the end of the heap; answers where it was",
     sbrk_reasons},
    {"msync", "ADDR LEN FLAGS", 3, 3, command_msync, "write a range back to its file",
     msync_reasons, 3, msync_words},
    {"mlock", "ADDR LEN", 2, 2, command_mlock, "load a range and keep it in memory", mlock_reasons},
    {"mlock2", "ADDR LEN onfault", 3, 3, command_mlock2, "keep pages from when they are loaded",
     mlock_reasons, 3, mlock2_words},
    {"munlock", "ADDR LEN", 2, 2, command_munlock, "let a range be evicted again", munlock_reasons},
    {"mlockall", "FLAGS", 1, 1, command_mlockall, "lock all that is mapped, or will be",
     mlockall_reasons, 1, mlockall_words},
    {"munlockall", "", 0, 0, command_munlockall, "let all memory be evicted again"},
    {"madvise", "ADDR LEN ADVICE", 3, 3, command_madvise, "give advice about a range",
     madvise_reasons, 3, madvise_words},
    {"mincore", "ADDR LEN", 2, 2, command_mincore, "which pages are in memory: a 0 or 1 for each",
     mincore_reasons},
    {"reset", "", 0, 0, run_reset, "forget its pages, counts, TLB: the next trace", reset_reasons,
     .more = "PID/replay, the fault counts and the TLB begin with 0. Its pages go, in frames\n"
             "and in swap, as far as nobody else maps them: private memory reads as zeros.\n"
             "Its areas stay. If no page is left in the machine, the policy starts anew."},
    {"fork", "", 0, 0, run_fork, "make a copy of the process; answers its pid", fork_reasons},
    {"exec", "[-k] PATH [ARG ...]", 1, -1, run_exec, "run a program; answers its entry point",
     .more = "It is a program of the host. -k: only what the kernel maps, no libraries."},
    {"run", "", 0, 0, command_run_program, "let its program run; answers at once", run_reasons,
     .more = "It runs until it ends, is stopped, or a signal ends it: PID/wait says so. The\n"
             "process must have been made by exec -k. PID/console is its terminal."},
    {"step", "[N]", 0, 1, command_step, "run N instructions, by default 1; answers the pc",
     run_reasons, .more = "At most 1000. What the system calls among them do is done, too."},
    {"until", "ADDR", 1, 1, command_until, "let it run up to an address; answers at once",
     run_reasons,
     .more = "PID/wait says when it is there: until 0x401136. ADDR may be a name: until main.\n"
             "until call:NAME stops before that system call: until call:exit_group."},
    {"stop", "", 0, 0, command_stop, "stop its program", run_reasons},
    {"setreg", "NAME VALUE", 2, 2, command_setreg,
     "set a register of its program, which is stopped", run_reasons,
     .more = "NAME as gdb has it: rax to r15, rip, rsp, eflags, fs_base, gs_base."},
    {"exit", "[STATUS]", 0, 1, run_exit, "end the process"},
    {"kill", "[SIGNAL]", 0, 1, run_kill, "send it a signal, by default TERM", kill_reasons},
    {"access", "r|w|x ADDR [LEN]", 2, 3, command_access, "touch each page of a range; answers what",
     access_reasons, 1, access_words,
     "A line for each page: its address, what happened (hit, minor, major), and the\n"
     "columns of the file faults. r reads, w writes, x fetches an instruction."},
    {"peek", "ADDR [LEN]", 1, 2, command_peek, "read memory: 64 bytes, or LEN; as xxd prints it",
     peek_reasons, .more = "It is an access by the process: pages may fault. At most 64K."},
    {"poke", "ADDR TEXT", 2, 2, command_poke, "write TEXT to memory; answers as access w",
     .more = "TEXT is stored as it is, without a newline. hex:DEADBEEF stores these bytes;\n"
             "u8:N, u16:N, u32:N, u64:N store a number, the lowest byte first."},
    {"where", "ADDR", 1, 1, command_where, "what is there: area, file, symbol, page",
     .more = "START-END PERM FILE+OFFSET SYMBOL+OFFSET PAGE. PAGE is frame= its frame, slot=\n"
             "its swap slot, file (not mapped yet), zero (the zero page), untouched, guard,\n"
             "or sigbus (past the end of the file). Touches nothing."},
    {"translate", "ADDR", 1, 1, command_translate, "walk the page tables, in one line",
     .more = "VA -> PA and the entries of the walk, or the fault that a read would take.\n"
             "Touches nothing."},
    {"walk", "ADDR", 1, 1, command_walk, "walk the page tables, a line for each level",
     .more = "For each level: index, physical address of the entry, the entry, its bits, and\n"
             "what it points to. Then the rights that all levels give together, and the\n"
             "physical address, or the fault that a read would take. Touches nothing."},
    {"setrlimit", "NAME SOFT [HARD]", 2, 3, command_setrlimit, "set a limit: bytes, or unlimited",
     setrlimit_reasons, 1, limit_words},
    {"setenv", "NAME [VALUE]", 1, 2, run_setenv, "set or remove a variable for the next exec",
     setenv_reasons},
    {"help", "[COMMAND]", 0, 1, command_help_run, "list the commands, or say what one takes"},
    {NULL},
};
