/*
 * proc_smaps.c - PID/smaps and PID/smaps_rollup: what each area, and all areas together, have in
 * memory. Keys, order and padding are those of Linux 6.x, because tools parse them. What the model
 * does not have is 0.
 */
#include "fs/text/kib_rows.h"
#include "fs/text/render.h"
#include "util/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* The longest entry without the name of its area, and some more. */
#define ENTRY_ROOM 2048

/* Proportional shares are in units of 1/4096 byte. */
#define PSS_SHIFT 12

/* The rows before and after the shares by kind. Only the rollup has those shares. */
static void add_resident(GString *out, const struct vm_area_usage *usage)
{
	const struct kib_row rows[] = {
	    {"Rss:", usage->rss},
	    {"Pss:", usage->pss >> PSS_SHIFT},
	    {"Pss_Dirty:", usage->pss_dirty >> PSS_SHIFT},
	};

	kib_rows(out, rows, G_N_ELEMENTS(rows), 1);
}

static void add_rest(GString *out, const struct vm_area_usage *usage)
{
	const struct kib_row rows[] = {
	    {"Shared_Clean:", usage->shared_clean},
	    {"Shared_Dirty:", usage->shared_dirty},
	    {"Private_Clean:", usage->private_clean},
	    {"Private_Dirty:", usage->private_dirty},
	    {"Referenced:", usage->referenced},
	    {"Anonymous:", usage->anonymous},
	    {"KSM:", 0},
	    {"LazyFree:", usage->lazy_free},
	    {"AnonHugePages:", 0},
	    {"ShmemPmdMapped:", 0},
	    {"FilePmdMapped:", 0},
	    {"Shared_Hugetlb:", 0},
	    {"Private_Hugetlb:", 0},
	    {"Swap:", usage->swap},
	    {"SwapPss:", usage->swap_pss >> PSS_SHIFT},
	    {"Locked:", usage->pss_locked >> PSS_SHIFT},
	};

	kib_rows(out, rows, G_N_ELEMENTS(rows), 1);
}

/* --- smaps ------------------------------------------------------------------------------------ */

static bool add_area(void *ctx, const struct vm_area_usage *usage)
{
	const struct kib_row sizes[] = {
	    {"Size:", usage->area.end - usage->area.start},
	    {"KernelPageSize:", VM_PAGE_SIZE},
	    {"MMUPageSize:", VM_PAGE_SIZE},
	};
	struct text_lines *lines = ctx;

	if (!text_room(lines, ENTRY_ROOM + maps_line_room(&usage->area)))
		return false;
	maps_line(lines->out, &usage->area);
	kib_rows(lines->out, sizes, G_N_ELEMENTS(sizes), 1);
	add_resident(lines->out, usage);
	add_rest(lines->out, usage);
	g_string_append_printf(lines->out, "THPeligible:    %8u\nVmFlags: %s\n", 0,
	                       usage->vm_flags);
	return text_line_ends(lines, usage->area.end);
}

int lines_smaps(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                const struct fs_caller *caller)
{
	int error = vm_process_usage(process, lines->from, add_area, lines);

	return error == 0 && lines->full ? -ENOMEM : error;
}

/* --- smaps_rollup ----------------------------------------------------------------------------- */

struct sum {
	struct vm_area_usage all;
	bool any;
};

static bool sum_area(void *ctx, const struct vm_area_usage *usage)
{
	static const size_t fields[] = {
#define FIELD(name) offsetof(struct vm_area_usage, name)
	    FIELD(rss),           FIELD(shared_clean), FIELD(shared_dirty), FIELD(private_clean),
	    FIELD(private_dirty), FIELD(referenced),   FIELD(anonymous),    FIELD(swap),
	    FIELD(locked),        FIELD(lazy_free),    FIELD(pss),          FIELD(pss_dirty),
	    FIELD(pss_anon),      FIELD(pss_file),     FIELD(pss_shmem),    FIELD(pss_locked),
	    FIELD(swap_pss),
#undef FIELD
	};
	struct sum *sum = ctx;

	if (!sum->any)
		sum->all.area.start = usage->area.start;
	sum->any = true;
	sum->all.area.end = usage->area.end;
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		G_STRUCT_MEMBER(uint64_t, &sum->all, fields[i]) +=
		    G_STRUCT_MEMBER(uint64_t, usage, fields[i]);
	return true;
}

int render_smaps_rollup(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct sum sum = {.all.area = {.perm = "---p", .name = "[rollup]"}};
	int error = vm_process_usage(process, 0, sum_area, &sum);

	if (error)
		return error;

	const struct kib_row kinds[] = {
	    {"Pss_Anon:", sum.all.pss_anon >> PSS_SHIFT},
	    {"Pss_File:", sum.all.pss_file >> PSS_SHIFT},
	    {"Pss_Shmem:", sum.all.pss_shmem >> PSS_SHIFT},
	};

	maps_line(out, &sum.all.area);
	add_resident(out, &sum.all);
	kib_rows(out, kinds, G_N_ELEMENTS(kinds), 1);
	add_rest(out, &sum.all);
	return 0;
}
