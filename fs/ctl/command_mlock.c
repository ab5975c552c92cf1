/*
 * command_mlock.c - commands of a process that lock memory into frames.
 */
#include "fs/ctl/command_memory.h"

#include <errno.h>
#include <sys/mman.h>

const struct command_reason mlock_reasons[] = {
    {EAGAIN, "there is no room in physical memory for all of it"},
    {EINVAL, "the range is not all in user space"},
    {ENOMEM, "part of the range is not mapped, or locked memory is limited (limits), or physical "
             "memory is"},
    {EPERM, "this process may not lock memory (limits)"},
    {0, NULL},
};

const struct command_reason munlock_reasons[] = {
    {EINVAL, "the range is not all in user space"},
    {ENOMEM, "part of the range is not mapped"},
    {0, NULL},
};

const struct command_reason mlockall_reasons[] = {
    {EINVAL, "it takes current, future or both, and onfault besides"},
    {ENOMEM, "locked memory is limited (limits)"},
    {EPERM, "this process may not lock memory (limits)"},
    {0, NULL},
};

int command_mlock(struct command_call *call)
{
	uint64_t addr, len;

	if (!command_range(call, &addr, &len))
		return -EINVAL;
	return command_done(call, vm_mlock(call->process, addr, len, 0));
}

int command_mlock2(struct command_call *call)
{
	uint64_t addr, len, flags;

	if (!command_range(call, &addr, &len) || !command_words(call, 3, mlock2_words, &flags))
		return -EINVAL;
	return command_done(call, vm_mlock(call->process, addr, len, (int)flags));
}

int command_munlock(struct command_call *call)
{
	uint64_t addr, len;

	if (!command_range(call, &addr, &len))
		return -EINVAL;
	return command_done(call, vm_munlock(call->process, addr, len));
}

int command_mlockall(struct command_call *call)
{
	uint64_t flags;

	if (!command_words(call, 1, mlockall_words, &flags))
		return -EINVAL;
	return command_done(call, vm_mlockall(call->process, (int)flags));
}

int command_munlockall(struct command_call *call)
{
	return command_done(call, vm_munlockall(call->process));
}
