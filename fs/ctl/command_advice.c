/*
 * command_advice.c - commands of a process that give advice about memory, ask which pages are in
 * memory, and limit it.
 */
#include "fs/ctl/command_memory.h"

#include "util/number.h"

#include <errno.h>
#include <string.h>

/* --- madvise ---------------------------------------------------------------------------------- */

const struct command_reason madvise_reasons[] = {
    {EACCES, "remove needs a shared mapping that may be written"},
    {EAGAIN, "there would be too many areas"},
    {EFAULT, "a guard page, beyond the end of the file, or no room on its disk"},
    {EINVAL, "the range is not valid, or an area of this kind does not take this advice"},
    {ENOMEM, "part of the range is not mapped; the rest was advised"},
    {EOPNOTSUPP, "the file system cannot make holes"},
    {0, NULL},
};

int command_madvise(struct command_call *call)
{
	uint64_t addr, len, advice;

	if (!command_range(call, &addr, &len))
		return -EINVAL;
	if (!command_word(call, 3, madvise_words, &advice))
		return -EINVAL;
	command_blame_unaligned(call, addr);
	return command_done(call, vm_madvise(call->process, addr, len, (int)advice));
}

/* --- mincore ---------------------------------------------------------------------------------- */

/* The most pages that one command reports. They make one result line, which must be kept whole. */
#define MINCORE_MAX (UINT64_C(512) << 10)

const struct command_reason mincore_reasons[] = {
    {E2BIG, "one command reports at most 2G"},
    {ENOMEM, "part of the range is not mapped"},
    {0, NULL},
};

/*
 * Whether the range alone does not make the call fail. Only then the length decides how much to
 * allocate.
 */
static bool is_valid_range(uint64_t addr, uint64_t len)
{
	return addr % VM_PAGE_SIZE == 0 && addr <= VM_USER_END && len <= VM_USER_END - addr;
}

int command_mincore(struct command_call *call)
{
	g_autofree char *line = NULL;
	uint64_t addr, len;

	if (!command_range(call, &addr, &len))
		return -EINVAL;
	command_blame_unaligned(call, addr);
	uint64_t pages = is_valid_range(addr, len) ? (len + VM_PAGE_SIZE - 1) / VM_PAGE_SIZE : 0;
	if (pages > MINCORE_MAX)
		return -E2BIG;
	line = g_try_malloc0(pages + 1);
	if (line == NULL)
		return command_fail(call, -ENOMEM, "no room for the answer");
	int error = vm_mincore(call->process, addr, len, (uint8_t *)line);
	if (error < 0)
		return error;
	for (uint64_t i = 0; i < pages; i++)
		line[i] = line[i] ? '1' : '0';
	command_answer(call, "%s", line);
	return 0;
}

/* --- setrlimit -------------------------------------------------------------------------------- */

const struct command_reason setrlimit_reasons[] = {
    {EINVAL, "SOFT is above HARD"},
    {EPERM, "only root raises HARD"},
    {0, NULL},
};

/* Parse a number of bytes, or `unlimited`, which the system call has as the largest number. */
static bool parse_bytes(struct command_call *call, int index, const char *name, uint64_t *bytes)
{
	if (strcmp(call->words[index], "unlimited") != 0)
		return command_size(call, index, name, bytes);
	*bytes = VM_UNLIMITED;
	return true;
}

int command_setrlimit(struct command_call *call)
{
	uint64_t limit, soft, hard, ignored;

	if (!command_word(call, 1, limit_words, &limit) || !parse_bytes(call, 2, "SOFT", &soft))
		return -EINVAL;
	vm_process_limit(call->process, (enum vm_limit)limit, &ignored, &hard);
	if (call->count > 3 && !parse_bytes(call, 3, "HARD", &hard))
		return -EINVAL;
	return command_done(call,
	                    vm_process_set_limit(call->process, (enum vm_limit)limit, soft, hard));
}
