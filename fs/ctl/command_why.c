/*
 * command_why.c - sentences for the reasons that the engine notes. They say which limit it was, its
 * value, and where it is set.
 */
#include "fs/ctl/command_why.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

char *why_bytes(uint64_t bytes)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	unsigned unit = 0;

	while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < G_N_ELEMENTS(units)) {
		bytes /= 1024;
		unit++;
	}
	return g_strdup_printf("%" PRIu64 " %s", bytes, units[unit]);
}

static char *host_error(const char *what, uint64_t error)
{
	const char *symbol = strerrorname_np((int)error);

	if (error == 0 || symbol == NULL)
		return g_strdup(what);
	return g_strdup_printf("%s: %s (%s)", what, symbol, strerrordesc_np((int)error));
}

/* No frame can be made free. What swap has is shown, too: it may be the reason. */
static char *why_frames(struct vm_machine *machine, const struct vm_reason *reason)
{
	g_autofree char *ram = why_bytes(reason->limit), *locked = why_bytes(reason->used);
	struct vm_machine_info info;

	vm_machine_info(machine, &info);
	uint64_t room = info.swap_total - MIN(info.swap_used, info.swap_total);
	g_autofree char *bytes = why_bytes(room << VM_PAGE_SHIFT);
	g_autofree char *swap = info.swap_total == 0
	                            ? g_strdup("there is no swap")
	                            : g_strdup_printf("%s of swap are free", bytes);
	return g_strdup_printf("physical memory is used up: nothing in RAM (%s, of which %s are "
	                       "locked) can go, and %s",
	                       ram, locked, swap);
}

/* Reasons whose numbers are bytes. NULL: it is none of these. */
static char *why_limit(const struct vm_reason *reason)
{
	g_autofree char *asked = why_bytes(reason->asked), *used = why_bytes(reason->used),
	                *limit = why_bytes(reason->limit);

	switch (reason->why) {
	case VM_WHY_AS:
		return g_strdup_printf("%s more than the %s mapped now is past the limit of the "
		                       "address space, %s (RLIMIT_AS: setrlimit as)",
		                       asked, used, limit);
	case VM_WHY_DATA:
		return g_strdup_printf("%s more than the %s of data now is past the limit of data, "
		                       "%s (RLIMIT_DATA: setrlimit data)",
		                       asked, used, limit);
	case VM_WHY_STACK:
		return g_strdup_printf("the stack would be %s long, further down than its limit of "
		                       "%s (RLIMIT_STACK: setrlimit stack)",
		                       asked, limit);
	case VM_WHY_MEMLOCK:
		return g_strdup_printf("%s more than the %s locked now is past the limit of locked "
		                       "memory, %s (RLIMIT_MEMLOCK: setrlimit memlock)",
		                       asked, used, limit);
	case VM_WHY_COMMIT_ONE:
		return g_strdup_printf("%s is more than RAM and swap together (%s); "
		                       "sys/vm/overcommit_memory is 0",
		                       asked, limit);
	case VM_WHY_COMMIT_ALL:
		return g_strdup_printf("%s more than the %s promised now (Committed_AS) is past "
		                       "CommitLimit, %s; sys/vm/overcommit_memory is 2",
		                       asked, used, limit);
	case VM_WHY_SNAPSHOTS:
		return g_strdup_printf("%s more than the %s that snapshots take now is too much: "
		                       "all together may have %s, one user half of that",
		                       asked, used, limit);
	case VM_WHY_PLACE:
		return g_strdup_printf("no range of %s is free in the address space", asked);
	case VM_WHY_FILE_END:
		return g_strdup_printf("beyond the end of the file: it has %s, the page begins at "
		                       "0x%" PRIx64,
		                       limit, reason->asked);
	default:
		return NULL;
	}
}

/* All users together have as many THINGS as they may, or the user has as many as fit his share. */
static char *why_share(const struct vm_reason *reason, const char *things)
{
	if (reason->used >= reason->limit)
		return g_strdup_printf("the machine has %" PRIu64 " %s and may have %" PRIu64,
		                       reason->used, things, reason->limit);
	return g_strdup_printf("you have %" PRIu64 " %s, of %" PRIu64
	                       " that the machine has; it may have %" PRIu64
	                       ", one user half of them, and the last quarter is root's",
	                       reason->asked, things, reason->used, reason->limit);
}

/* The file is of a machine that is not this one. */
static char *why_machine(const struct vm_reason *reason)
{
	static const struct {
		uint64_t machine;
		const char *name;
	} machines[] = {
	    {EM_386, "i386"},    {EM_X86_64, "x86-64"}, {EM_AARCH64, "aarch64"}, {EM_ARM, "arm"},
	    {EM_RISCV, "riscv"}, {EM_PPC64, "ppc64"},   {EM_S390, "s390"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(machines); i++)
		if (machines[i].machine == reason->used)
			return g_strdup_printf("it is a file of %s with %d bits, and this machine "
			                       "is x86-64 with 64",
			                       machines[i].name, (int)reason->asked);
	return g_strdup_printf("it is a file of another machine (number %" PRIu64
	                       "), and this one is x86-64",
	                       reason->used);
}

/* Reasons with an address, a number or nothing. NULL: it is none of these. */
static char *why_other(const struct vm_reason *reason)
{
	switch (reason->why) {
	case VM_WHY_STACK_GAP:
		return g_strdup_printf("the stack would come too close to what is mapped below "
		                       "0x%" PRIx64 ": 1 MiB must stay free",
		                       reason->asked);
	case VM_WHY_MEMLOCK_ZERO:
		return g_strdup("this process may not lock memory (RLIMIT_MEMLOCK is 0: setrlimit "
		                "memlock)");
	case VM_WHY_AREAS:
		return g_strdup_printf("the process has %" PRIu64 " areas and may have %" PRIu64
		                       " (sys/vm/max_map_count)",
		                       reason->used, reason->limit);
	case VM_WHY_TABLES:
		return g_strdup_printf("all %" PRIu64 " page tables of the machine are used up",
		                       reason->limit);
	case VM_WHY_HOST:
		return g_strdup("the host has no memory");
	case VM_WHY_PROCESSES:
		return why_share(reason, "processes");
	case VM_WHY_ALL_AREAS:
		return why_share(reason, "areas");
	case VM_WHY_HOLE:
		return g_strdup_printf("nothing is mapped at 0x%" PRIx64, reason->asked);
	case VM_WHY_IN_THE_WAY:
		return g_strdup_printf("it cannot grow: 0x%" PRIx64 " is in the way",
		                       reason->asked);
	case VM_WHY_SEVERAL:
		return g_strdup_printf(
		    "the old range is not one area: its first ends at 0x%" PRIx64, reason->asked);
	case VM_WHY_BREAK_LOW:
		return g_strdup_printf("the break 0x%" PRIx64
		                       " would lie below the start of the heap, 0x%" PRIx64,
		                       reason->asked, reason->limit);
	case VM_WHY_MIN_ADDR:
		return g_strdup_printf("addresses below 0x%" PRIx64
		                       " may not be mapped (sys/vm/mmap_min_addr)",
		                       reason->limit);
	case VM_WHY_NOEXEC:
		return g_strdup("the file is on a noexec mount, so a mapping of it cannot be "
		                "executable");
	case VM_WHY_NO_WRITE:
		return g_strdup("a shared mapping of a file opened read-only cannot be writable");
	case VM_WHY_CORE_NOT_ELF:
		return g_strdup("it is no ELF file");
	case VM_WHY_CORE_TYPE:
		return g_strdup(reason->used == ET_EXEC || reason->used == ET_DYN
		                    ? "it is a program or a library, not a core file"
		                    : "it is an ELF file, but not a core file");
	case VM_WHY_CORE_MACHINE:
		return why_machine(reason);
	case VM_WHY_CORE_BROKEN:
		return g_strdup("its ELF header is damaged");
	case VM_WHY_CORE_EMPTY:
		return g_strdup("it has no memory of a program");
	case VM_WHY_FILE_READ:
		if (reason->used == ENODATA)
			return g_strdup("the core file or snapshot does not have this page");
		return host_error("the file could not be read", reason->used);
	case VM_WHY_SWAP_READ:
		return host_error("swap could not be read", reason->used);
	case VM_WHY_DIRTY:
		return host_error(
		    "too many pages of files are dirty (sys/vm/dirty_ratio), and none "
		    "of this file can be written",
		    reason->used);
	case VM_WHY_NO_PAGE:
		return g_strdup("an area of the kernel that has no pages ([vvar])");
	default:
		return NULL;
	}
}

char *why_sentence(struct vm_machine *machine, int error)
{
	struct vm_reason reason;

	if (!vm_reason(error, &reason))
		return NULL;
	if (reason.why == VM_WHY_FRAMES)
		return why_frames(machine, &reason);
	char *sentence = why_limit(&reason);
	return sentence != NULL ? sentence : why_other(&reason);
}
