/*
 * command_process.c - the table of the commands in PID/ctl, and those that are not about memory.
 */
#include "fs/ctl/command_memory.h"
#include "fs/ctl/command_table.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

static const struct command_reason open_reasons[] = {
    {EMFILE, "the process has " G_STRINGIFY(VM_MAX_FDS) " descriptors"},
    {0, NULL},
};

static int run_open(struct command_call *call)
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

static const struct command_reason close_reasons[] = {
    {EBADF, "no such descriptor"},
    {0, NULL},
};

static int run_close(struct command_call *call)
{
	uint64_t fd;

	if (!command_number(call, 1, "FD", &fd))
		return -EINVAL;
	return command_done(call,
	                    fd <= INT_MAX ? vm_process_close(call->process, (int)fd) : -EBADF);
}

static const struct command_reason fork_reasons[] = {
    {EAGAIN, "there are too many processes"},
    {ENOMEM, "out of memory"},
    {0, NULL},
};

static int run_fork(struct command_call *call)
{
	const struct vm_cred cred = {call->caller->uid, call->caller->gid};
	struct vm_process *child;
	int error;

	child = vm_fork(call->process, &cred, &error);
	if (child == NULL)
		return error;
	command_answer(call, "%d", (int)vm_process_pid(child));
	vm_process_unref(child);
	return 0;
}

static int run_exec(struct command_call *call)
{
	uint64_t entry;
	int error = command_exec(call, call->process, 1, &entry);

	return error < 0 ? error : command_done_address(call, (int64_t)entry);
}

static int run_exit(struct command_call *call)
{
	uint64_t status = 0;

	if (call->count > 1 && !command_number(call, 1, "STATUS", &status))
		return -EINVAL;
	return command_done(call, vm_process_exit(call->process, (int)(status & 0xff)));
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
	return command_done(call, vm_process_kill(call->process, number));
}

static const struct command_reason setenv_reasons[] = {
    {EINVAL, "NAME must not be empty or have a ="},
    {ENOMEM, "the environment is too large"},
    {0, NULL},
};

static int run_setenv(struct command_call *call)
{
	return command_done(call, vm_process_setenv(call->process, call->words[1], call->words[2]));
}

const struct command process_commands[] = {
    {"mmap", "ADDR LEN PROT FLAGS [FILE [OFFSET]]", 4, 6, command_mmap,
     "map memory or a file: mmap 0 8K rw- private,anon; answers the address", mmap_reasons},
    {"munmap", "ADDR LEN", 2, 2, command_munmap, "unmap a range", munmap_reasons},
    {"mprotect", "ADDR LEN PROT[,growsdown]", 3, 3, command_mprotect,
     "change the protection of a range", mprotect_reasons},
    {"mremap", "ADDR OLDLEN NEWLEN [maymove[,fixed][,dontunmap] [NEWADDR]]", 3, 5, command_mremap,
     "resize or move a mapping; answers its address", mremap_reasons},
    {"open", "FILE [rdonly|rdwr|wronly]", 1, 2, run_open,
     "open a host file; answers the descriptor, for mmap's fd:N", open_reasons},
    {"close", "FD", 1, 1, run_close, "close a descriptor", close_reasons},
    {"brk", "ADDR", 1, 1, command_brk, "set the end of the heap (0 asks); answers it"},
    {"sbrk", "INCREMENT", 1, 1, command_sbrk, "move the end of the heap; answers where it was",
     sbrk_reasons},
    {"msync", "ADDR LEN FLAGS", 3, 3, command_msync,
     "write a range back: sync, async, invalidate, or 0", msync_reasons},
    {"mlock", "ADDR LEN", 2, 2, command_mlock, "load a range and keep it in physical memory",
     mlock_reasons},
    {"mlock2", "ADDR LEN onfault", 3, 3, command_mlock2,
     "keep the pages of a range from when they are loaded", mlock_reasons},
    {"munlock", "ADDR LEN", 2, 2, command_munlock, "let a range be evicted again", munlock_reasons},
    {"mlockall", "current[,future][,onfault]", 1, 1, command_mlockall,
     "lock all that is mapped, and what will be mapped", mlockall_reasons},
    {"munlockall", "", 0, 0, command_munlockall, "let all memory be evicted again"},
    {"madvise", "ADDR LEN ADVICE", 3, 3, command_madvise,
     "give advice about a range: dontneed, free, willneed, cold, pageout, wipeonfork, "
     "guard_install ...",
     madvise_reasons},
    {"mincore", "ADDR LEN", 2, 2, command_mincore, "which pages are in memory: a 0 or 1 for each",
     mincore_reasons},
    {"fork", "", 0, 0, run_fork, "make a copy of the process; answers its pid", fork_reasons},
    {"exec", "[-k] PATH [ARG ...]", 1, -1, run_exec,
     "run a program of the host (-k: only what the kernel maps); answers its entry point"},
    {"exit", "[STATUS]", 0, 1, run_exit, "end the process"},
    {"kill", "[SIGNAL]", 0, 1, run_kill, "send it a signal, by default TERM", kill_reasons},
    {"access", "r|w|x ADDR [LEN]", 2, 3, command_access,
     "touch each page of a range; answers what each found", access_reasons},
    {"translate", "ADDR", 1, 1, command_translate,
     "walk the page tables without touching anything"},
    {"setrlimit", "NAME SOFT [HARD]", 2, 3, command_setrlimit,
     "limit as, stack, data, memlock or core: bytes, or unlimited", setrlimit_reasons},
    {"setenv", "NAME [VALUE]", 1, 2, run_setenv, "set or remove a variable for the next exec",
     setenv_reasons},
    {NULL},
};
