/*
 * knob.c - the files of sys/vm: from text to values and back. The engine decides which values are
 * allowed.
 */
#include "fs/text/knob.h"
#include "util/number.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* --- Numbers ---------------------------------------------------------------------------------- */

static int show_number(GString *out, struct fs_mount *mount, enum vm_knob knob)
{
	g_string_append_printf(out, "%" PRIu64 "\n", vm_machine_knob(mount->machine, knob));
	return 0;
}

static int store_number(struct fs_mount *mount, enum vm_knob knob, const char *text)
{
	uint64_t value;

	return number_parse(text, &value) ? vm_machine_set_knob(mount->machine, knob, value)
	                                  : -EINVAL;
}

#define NUMBER(name, knob) \
	int knob_show_##name(GString *out, struct fs_mount *mount, struct vm_process *process) \
	{ \
		return show_number(out, mount, knob); \
	} \
\
	int knob_store_##name(struct fs_mount *mount, struct vm_process *process, \
	                      const char *text) \
	{ \
		return store_number(mount, knob, text); \
	}

NUMBER(dirty_ratio, VM_KNOB_DIRTY_RATIO)
NUMBER(local_frames, VM_KNOB_LOCAL_FRAMES)
NUMBER(max_map_count, VM_KNOB_MAX_MAP_COUNT)
NUMBER(mmap_min_addr, VM_KNOB_MMAP_MIN_ADDR)
NUMBER(overcommit, VM_KNOB_OVERCOMMIT_MEMORY)
NUMBER(overcommit_ratio, VM_KNOB_OVERCOMMIT_RATIO)
NUMBER(swappiness, VM_KNOB_SWAPPINESS)
NUMBER(writeback, VM_KNOB_DIRTY_WRITEBACK_CENTISECS)

/* --- Words ------------------------------------------------------------------------------------ */

/* The words for 0 and 1. */
typedef const char *const knob_words[2];

static knob_words oom_words = {"fail", "kill"};
static knob_words segv_words = {"report", "kill"};
static knob_words fork_words = {"share", "copy"};

static int show_word(GString *out, struct fs_mount *mount, enum vm_knob knob, knob_words words)
{
	g_string_append_printf(out, "%s\n", words[vm_machine_knob(mount->machine, knob) != 0]);
	return 0;
}

static int store_word(struct fs_mount *mount, enum vm_knob knob, knob_words words, const char *text)
{
	for (unsigned value = 0; value < 2; value++)
		if (strcmp(words[value], text) == 0)
			return vm_machine_set_knob(mount->machine, knob, value);
	return -EINVAL;
}

int knob_show_oom(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	return show_word(out, mount, VM_KNOB_OOM_KILL, oom_words);
}

int knob_store_oom(struct fs_mount *mount, struct vm_process *process, const char *text)
{
	return store_word(mount, VM_KNOB_OOM_KILL, oom_words, text);
}

int knob_show_segv(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	return show_word(out, mount, VM_KNOB_SEGV_KILL, segv_words);
}

int knob_store_segv(struct fs_mount *mount, struct vm_process *process, const char *text)
{
	return store_word(mount, VM_KNOB_SEGV_KILL, segv_words, text);
}

int knob_show_fork(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	return show_word(out, mount, VM_KNOB_FORK_COPY, fork_words);
}

int knob_store_fork(struct fs_mount *mount, struct vm_process *process, const char *text)
{
	return store_word(mount, VM_KNOB_FORK_COPY, fork_words, text);
}

/* --- Others ----------------------------------------------------------------------------------- */

int knob_show_policy(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	g_string_append_printf(out, "%s\n", vm_machine_policy(mount->machine));
	return 0;
}

int knob_store_policy(struct fs_mount *mount, struct vm_process *process, const char *text)
{
	return vm_machine_set_policy(mount->machine, text);
}

int knob_store_drop_caches(struct fs_mount *mount, struct vm_process *process, const char *text)
{
	enum { PAGE_CACHE = 1, LARGEST = 4 };
	uint64_t value;

	if (!number_parse(text, &value) || value < 1 || value > LARGEST)
		return -EINVAL;
	if (value & PAGE_CACHE)
		vm_machine_drop_caches(mount->machine);
	return 0;
}
