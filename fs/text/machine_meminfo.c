/*
 * machine_meminfo.c - the amounts of memory and what was done with them: meminfo, vmstat, swaps.
 * Keys, columns and order are those of Linux, because tools look for them. What the model does not
 * have is 0.
 */
#include "fs/text/kib_rows.h"
#include "fs/text/render.h"
#include "fs/text/units.h"
#include "util/text.h"

#include <inttypes.h>
#include <string.h>

#define VMALLOC_TOTAL_KIB UINT64_C(34359738367)

/*
 * What frames are used for, in pages. Only the policy `linux` has active lists; with all others all
 * pages count as inactive.
 */
static void add_meminfo_use(GString *out, const struct vm_machine_info *info)
{
	uint64_t anon = info->frames_anon + info->frames_shmem;
	const struct kib_row rows[] = {
	    {"MemTotal:", info->frames_total},
	    {"MemFree:", info->frames_free},
	    {"MemAvailable:", info->frames_free + info->frames_file},
	    {"Buffers:", 0},
	    {"Cached:", info->frames_file + info->frames_shmem},
	    {"SwapCached:", info->swap_cached},
	    {"Active:", info->active_anon + info->active_file},
	    {"Inactive:", anon - info->active_anon + info->frames_file - info->active_file},
	    {"Active(anon):", info->active_anon},
	    {"Inactive(anon):", anon - info->active_anon},
	    {"Active(file):", info->active_file},
	    {"Inactive(file):", info->frames_file - info->active_file},
	    {"Unevictable:", info->locked},
	    {"Mlocked:", info->locked},
	    {"SwapTotal:", info->swap_total},
	    {"SwapFree:", info->swap_total - info->swap_used},
	    {"Zswap:", 0},
	    {"Zswapped:", 0},
	    {"Dirty:", info->frames_dirty},
	    {"Writeback:", info->frames_writeback},
	    {"AnonPages:", info->frames_anon},
	    {"Mapped:", info->frames_mapped},
	    {"Shmem:", info->frames_shmem},
	};

	kib_rows(out, rows, G_N_ELEMENTS(rows), VM_PAGE_SIZE);
}

/* What the kernel would use for itself, and the commit charge, in pages. */
static void add_meminfo_kernel(GString *out, const struct vm_machine_info *info)
{
	const struct kib_row rows[] = {
	    {"KReclaimable:", 0},
	    {"Slab:", 0},
	    {"SReclaimable:", 0},
	    {"SUnreclaim:", 0},
	    {"KernelStack:", 0},
	    {"PageTables:", info->tables},
	    {"SecPageTables:", 0},
	    {"NFS_Unstable:", 0},
	    {"Bounce:", 0},
	    {"WritebackTmp:", 0},
	    {"CommitLimit:", info->commit_limit},
	    {"Committed_AS:", info->committed},
	};

	kib_rows(out, rows, G_N_ELEMENTS(rows), VM_PAGE_SIZE);
}

int render_meminfo(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_machine_info info;

	vm_machine_info(mount->machine, &info);
	add_meminfo_use(out, &info);
	add_meminfo_kernel(out, &info);
	g_string_append_printf(out, "VmallocTotal:   %8" PRIu64 " kB\n", VMALLOC_TOTAL_KIB);
	g_string_append(out, "VmallocUsed:           0 kB\n"
	                     "VmallocChunk:          0 kB\n"
	                     "Percpu:                0 kB\n"
	                     "HardwareCorrupted:     0 kB\n"
	                     "AnonHugePages:         0 kB\n"
	                     "ShmemHugePages:        0 kB\n"
	                     "ShmemPmdMapped:        0 kB\n"
	                     "FileHugePages:         0 kB\n"
	                     "FilePmdMapped:         0 kB\n"
	                     "CmaTotal:              0 kB\n"
	                     "CmaFree:               0 kB\n"
	                     "Unaccepted:            0 kB\n"
	                     "Balloon:               0 kB\n"
	                     "HugePages_Total:       0\n"
	                     "HugePages_Free:        0\n"
	                     "HugePages_Rsvd:        0\n"
	                     "HugePages_Surp:        0\n"
	                     "Hugepagesize:       2048 kB\n"
	                     "Hugetlb:               0 kB\n"
	                     "DirectMap4k:           0 kB\n"
	                     "DirectMap2M:           0 kB\n");
	g_string_append_printf(out, "DirectMap1G:    %8" PRIu64 " kB\n",
	                       info.direct_map * KIB_PER_PAGE);
	return 0;
}

/*
 * Linux's names come first, then our own, which start with sim_. All count pages, except pgpgin and
 * pgpgout, which count KiB.
 */
int render_vmstat(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_machine_info info;

	vm_machine_info(mount->machine, &info);

	const struct {
		const char *key;
		uint64_t value;
	} rows[] = {
	    {"nr_free_pages", info.frames_free},
	    {"nr_mlock", info.locked},
	    {"nr_inactive_anon", info.frames_anon + info.frames_shmem - info.active_anon},
	    {"nr_active_anon", info.active_anon},
	    {"nr_inactive_file", info.frames_file - info.active_file},
	    {"nr_active_file", info.active_file},
	    {"nr_unevictable", info.locked},
	    /* Each page that is read from swap was in a frame before. */
	    {"workingset_refault_anon", info.swap_ins},
	    {"nr_anon_pages", info.frames_anon},
	    {"nr_mapped", info.frames_mapped},
	    {"nr_file_pages", info.frames_file + info.frames_shmem + info.swap_cached},
	    {"nr_dirty", info.frames_dirty},
	    {"nr_writeback", info.frames_writeback},
	    {"nr_shmem", info.frames_shmem},
	    {"nr_written", info.file_writes + info.swap_outs},
	    {"nr_page_table_pages", info.tables},
	    {"nr_swapcached", info.swap_cached},
	    {"pgpgin", (info.file_reads + info.swap_ins) * KIB_PER_PAGE},
	    {"pgpgout", (info.file_writes + info.swap_outs) * KIB_PER_PAGE},
	    {"pswpin", info.swap_ins},
	    {"pswpout", info.swap_outs},
	    {"pgalloc_normal", info.frames_taken},
	    {"allocstall_normal", info.stalls},
	    {"pgfree", info.frames_put},
	    {"pgfault", info.faults},
	    {"pgmajfault", info.major_faults},
	    {"pgreuse", info.cow_reuses},
	    /* There is no kswapd: a process that needs a frame looks for one itself. */
	    {"pgsteal_kswapd", 0},
	    {"pgsteal_direct", info.reclaimed},
	    {"pgscan_kswapd", 0},
	    {"pgscan_direct", info.scanned},
	    {"oom_kill", info.oom_kills},
	    {"sim_cow_copies", info.cow_copies},
	    {"sim_cow_reuses", info.cow_reuses},
	    {"sim_pages_zeroed", info.zeroed},
	    {"sim_file_reads", info.file_reads},
	    {"sim_file_writes", info.file_writes},
	    {"sim_forks", info.forks},
	    {"sim_processes", info.processes},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		g_string_append_printf(out, "%s %" PRIu64 "\n", rows[i].key, rows[i].value);
	return 0;
}

/*
 * The format of swap_show: a name padded to 40 columns, then tabs. A number below LONG_NUMBER is
 * followed by one tab more.
 */
int render_swaps(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	enum { NAME_COLUMNS = 40, LONG_NUMBER = 10000000, PRIORITY = -2 };
	const char *name = mount->swap_name != NULL ? mount->swap_name : "swap";
	struct vm_machine_info info;
	uint64_t total, used;
	size_t len;

	vm_machine_info(mount->machine, &info);
	g_string_append(out, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	if (info.swap_total == 0)
		return 0;
	total = info.swap_total * KIB_PER_PAGE;
	used = info.swap_used * KIB_PER_PAGE;
	len = out->len;
	text_escaped(out, name, " \t\n\\");
	len = out->len - len;
	g_string_append_printf(out, "%*s", len < NAME_COLUMNS ? (int)(NAME_COLUMNS - len) : 1, " ");
	g_string_append_printf(out, "file\t\t%" PRIu64 "\t%s%" PRIu64 "\t%s%d\n", total,
	                       total < LONG_NUMBER ? "\t" : "", used,
	                       used < LONG_NUMBER ? "\t" : "", PRIORITY);
	return 0;
}
