/*
 * command_memory.c - commands of a process that map memory. Each parses its words and makes one
 * call of the engine, which decides. After a failure it only looks for the sentence that explains
 * it.
 */
#include "fs/ctl/command_memory.h"

#include "util/linux_constants.h"
#include "util/number.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

static const char why_length[] = "length must not be 0";

static bool unaligned(uint64_t value)
{
	return value % VM_PAGE_SIZE != 0;
}

/* --- mmap ------------------------------------------------------------------------------------- */

struct mmap_words {
	uint64_t addr, len, flags, offset; /* flags: MAP_ and WORD_ bits */
	int prot;
};

const struct command_reason mmap_reasons[] = {
    {EACCES, "the way the file is opened does not permit such a mapping"},
    {EAGAIN, "the limit on locked memory is reached"},
    {EBADF, "no such descriptor: open makes one"},
    {EEXIST, "fixed_noreplace: something is mapped there"},
    {EINVAL, "these flags do not go together"},
    {ENODEV, "the file cannot be mapped"},
    {ENOMEM, "no room: address space, number of areas, or memory"},
    {EOVERFLOW, "offset and length are too large together"},
    {EPERM, "addresses this low may not be mapped (mmap_min_addr)"},
    {0, NULL},
};

static bool one_bit(uint64_t bits)
{
	return bits != 0 && (bits & (bits - 1)) == 0;
}

static int check_mmap_flags(struct command_call *call, uint64_t flags)
{
	uint64_t modes = flags & WORD_MODES;
	bool has_file = call->count > 5;

	if (!one_bit(flags & WORD_TYPES))
		return command_fail(call, -EINVAL,
		                    "FLAGS must have one of private, shared, shared_validate");
	if (modes != 0 && !one_bit(modes))
		return command_fail(call, -EINVAL,
		                    "FLAGS may have only one of rdonly, rdwr, wronly");
	if (modes != 0 && !has_file)
		return command_fail(call, -EINVAL, "rdonly, rdwr and wronly are for a FILE");
	if (has_file && (flags & MAP_ANONYMOUS) != 0)
		return command_fail(call, -EINVAL, "an anonymous mapping has no FILE");
	if (!has_file && (flags & MAP_ANONYMOUS) == 0)
		return command_fail(call, -EBADF, "FILE is missing, or the flag anonymous");
	return 0;
}

static int parse_mmap(struct command_call *call, struct mmap_words *words)
{
	bool choose;

	*words = (struct mmap_words){0};
	if (!command_words(call, 4, mmap_words, &words->flags))
		return -EINVAL;
	choose = (words->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) == 0 &&
	         strcmp(call->words[1], "-") == 0;
	if ((!choose && !command_address(call, 1, "ADDR", &words->addr)) ||
	    !command_size(call, 2, "LEN", &words->len) ||
	    !command_prot(call, 3, false, &words->prot) ||
	    (call->count > 6 && !command_size(call, 6, "OFFSET", &words->offset)))
		return -EINVAL;
	return check_mmap_flags(call, words->flags);
}

/* The access mode with which mmap opens FILE. */
static int mmap_access_mode(const struct mmap_words *words)
{
	bool shared_writable =
	    (words->flags & WORD_PRIVATE) == 0 && (words->prot & PROT_WRITE) != 0;

	if ((words->flags & WORD_MODES) != 0)
		return word_access_mode(words->flags & WORD_MODES);
	return word_access_mode(shared_writable ? WORD_RDWR : WORD_RDONLY);
}

static struct vm_file *mmap_descriptor(struct command_call *call, const struct mmap_words *words,
                                       int *error)
{
	struct vm_file *file;
	uint64_t fd;

	if (!number_parse(call->words[5] + strlen("fd:"), &fd)) {
		*error = command_fail(
		    call, -EINVAL,
		    "fd:N needs the number of a descriptor (a file of such a name: ./fd:...)");
		return NULL;
	}
	if ((words->flags & WORD_MODES) != 0) {
		*error = command_fail(call, -EINVAL, "a descriptor keeps the mode of its open");
		return NULL;
	}
	file = fd <= INT_MAX ? vm_process_file(call->process, (int)fd) : NULL;
	*error = file == NULL ? -EBADF : 0;
	return file;
}

static struct vm_file *mmap_file(struct command_call *call, const struct mmap_words *words,
                                 int *error)
{
	*error = 0;
	if (call->count <= 5)
		return NULL;
	if (g_str_has_prefix(call->words[5], "fd:"))
		return mmap_descriptor(call, words, error);
	return command_file(call, 5, mmap_access_mode(words), error);
}

static int host_map_flags(uint64_t words)
{
	int type = (words & WORD_PRIVATE) != 0  ? MAP_PRIVATE
	           : (words & WORD_SHARED) != 0 ? MAP_SHARED
	                                        : MAP_SHARED_VALIDATE;

	return type | (int)(words & INT_MAX);
}

int command_mmap(struct command_call *call)
{
	struct mmap_words words;
	struct vm_file *file = NULL;
	int64_t result;
	int error;

	if ((error = parse_mmap(call, &words)) < 0 ||
	    ((file = mmap_file(call, &words, &error)) == NULL && error < 0))
		return error;
	result = vm_mmap(call->process, words.addr, words.len, words.prot,
	                 host_map_flags(words.flags), file, words.offset);
	if (file != NULL)
		vm_file_unref(file);
	bool fixed = (words.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
	if (result == -EINVAL) {
		command_blame(call, words.len == 0, why_length);
		command_blame(call, unaligned(words.offset), "OFFSET must be a multiple of 4096");
		if (fixed && words.addr < VM_USER_END)
			command_blame_unaligned(call, words.addr);
	}
	command_blame(call, fixed && (uint64_t)result == words.addr && result < 0,
	              "Linux takes a fixed address among the last 4095 for an errno");
	return command_done_address(call, result);
}

/* --- Other calls that change areas ------------------------------------------------------------ */

const struct command_reason munmap_reasons[] = {
    {EINVAL, "the range is not all in user space"},
    {ENOMEM, "it would leave too many areas"},
    {0, NULL},
};

int command_munmap(struct command_call *call)
{
	uint64_t addr, len;

	if (!command_range(call, &addr, &len))
		return -EINVAL;
	command_blame(call, len == 0, why_length);
	command_blame_unaligned(call, addr);
	return command_done(call, vm_munmap(call->process, addr, len));
}

const struct command_reason mprotect_reasons[] = {
    {EACCES, "a shared mapping of a file opened read-only cannot become writable, nor a mapping "
             "of a file on a noexec mount executable"},
    {EINVAL, "growsdown is for an area that grows down"},
    {ENOMEM, "part of the range is not mapped, or there would be too many areas"},
    {0, NULL},
};

int command_mprotect(struct command_call *call)
{
	uint64_t addr, len;
	int prot;

	if (!command_range(call, &addr, &len) || !command_prot(call, 3, true, &prot))
		return -EINVAL;
	command_blame_unaligned(call, addr);
	return command_done(call, vm_mprotect(call->process, addr, len, prot));
}

const struct command_reason mremap_reasons[] = {
    {EAGAIN, "the limit on locked memory is reached"},
    {EFAULT, "the old range is not one area, or of a kind that cannot grow"},
    {EINVAL,
     "see mremap(2): fixed and dontunmap need maymove, and the two ranges must not overlap"},
    {ENOMEM, "there is no room"},
    {0, NULL},
};

int command_mremap(struct command_call *call)
{
	uint64_t addr, old_len, new_len, flags = 0, new_addr = 0;
	struct vm_reason reason;
	int64_t result;

	if (!command_address(call, 1, "ADDR", &addr) ||
	    !command_size(call, 2, "OLDLEN", &old_len) ||
	    !command_size(call, 3, "NEWLEN", &new_len) ||
	    (call->count > 4 && !command_words(call, 4, mremap_words, &flags)) ||
	    (call->count > 5 && !command_address(call, 5, "NEWADDR", &new_addr)))
		return -EINVAL;
	if ((flags & MREMAP_FIXED) != 0 && call->count <= 5)
		return command_fail(call, -EINVAL, "fixed needs NEWADDR");
	result = vm_mremap(call->process, addr, old_len, new_len, (int)flags, new_addr);
	if (result == -EINVAL) {
		command_blame_unaligned(call, addr);
		command_blame(call, new_len == 0, "NEWLEN must not be 0");
		command_blame(call, (flags & MREMAP_FIXED) != 0 && unaligned(new_addr),
		              "NEWADDR must be a multiple of 4096");
	}
	bool blocked = vm_reason((int)result, &reason) && reason.why == VM_WHY_IN_THE_WAY;
	command_note(call, blocked, "with maymove it could move");
	return command_done_address(call, result);
}

int command_brk(struct command_call *call)
{
	uint64_t addr;

	if (!command_address(call, 1, "ADDR", &addr))
		return -EINVAL;
	return command_done_address(call, vm_brk(call->process, addr));
}

const struct command_reason sbrk_reasons[] = {
    {ENOMEM, "the heap cannot end there"},
    {0, NULL},
};

/* Parse a size that may be negative. */
static bool parse_increment(const char *text, int64_t *increment)
{
	bool negative = text[0] == '-';
	uint64_t size;

	if (!size_parse(text + negative, &size) || size > (uint64_t)INT64_MAX + negative)
		return false;
	*increment = (int64_t)(negative ? -size : size);
	return true;
}

int command_sbrk(struct command_call *call)
{
	int64_t increment;

	if (!parse_increment(call->words[1], &increment))
		return command_fail(
		    call, -EINVAL,
		    "INCREMENT must be a number of bytes, with K, M, G or T, not '%s'",
		    call->words[1]);
	return command_done_address(call, vm_sbrk(call->process, increment));
}

const struct command_reason msync_reasons[] = {
    {EBUSY, "invalidate: part of the range is locked"},
    {EFBIG, "vasfs may not write that far into a file (ulimit -f); the page stays dirty"},
    {EINVAL, "sync and async exclude each other"},
    {EIO, "the file could not be written"},
    {ENOMEM, "part of the range is not mapped"},
    {0, NULL},
};

int command_msync(struct command_call *call)
{
	uint64_t addr, len, flags;

	if (!command_range(call, &addr, &len) || !command_words(call, 3, msync_words, &flags))
		return -EINVAL;
	command_blame_unaligned(call, addr);
	return command_done(call, vm_msync(call->process, addr, len, (int)flags));
}
