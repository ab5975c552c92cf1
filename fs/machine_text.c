/*
 * machine_text.c - the root's text files: frames, objects, meminfo, vmstat, version.
 *
 * meminfo and vmstat have Linux's keys in its order, so that tools find them; what the model does not have is 0.
 * frames and objects are our own: fields parted by one blank, no header, a path last. README.in lists their columns.
 */
#include "fs/render.h"
#include "util/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/sysmacros.h>

enum {
	KIB_PER_PAGE = VM_PAGE_SIZE / 1024,
	OVERCOMMIT_RATIO = 50, /* per cent, as vm.overcommit_ratio */
	LINE_ROOM = 256,       /* longest line of frames or objects without its path, with room to spare */
};

#define VMALLOC_TOTAL_KIB UINT64_C(34359738367)

/* --- frames ----------------------------------------------------------------------------------- */

static const char *const frame_kinds[] = {
    [VM_FRAME_ANON] = "anon",
    [VM_FRAME_FILE] = "file",
    [VM_FRAME_SHMEM] = "shmem",
};

/* What is going on with the frame, as words joined by |, or "-". */
static void add_frame_state(GString *out, const struct vm_frame_info *frame)
{
	const struct {
		const char *word;
		bool set;
	} words[] = {{"dirty", frame->dirty}, {"writeback", frame->writeback}, {"pinned", frame->pins > 0}};
	const char *separator = "";

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (!words[i].set)
			continue;
		g_string_append(out, separator);
		g_string_append(out, words[i].word);
		separator = "|";
	}
	if (!*separator)
		g_string_append_c(out, '-');
}

static void add_frame_keys(GString *out, const struct vm_frame_info *frame)
{
	if (frame->object) {
		g_string_append(out, " object=");
		text_decimal(out, frame->object);
		g_string_append(out, " index=");
		text_decimal(out, frame->index);
	}
	if (frame->pid) {
		g_string_append(out, " pid=");
		text_decimal(out, (uint64_t)frame->pid);
		g_string_append(out, " va=");
		text_hex(out, frame->va, 16);
	}
}

static void add_frame(void *ctx, const struct vm_frame_info *frame)
{
	struct text_lines *lines = ctx;
	GString *out = lines->out;

	if (!text_room(lines, LINE_ROOM))
		return;
	g_string_append(out, "0x");
	text_hex(out, frame->pfn, 1);
	g_string_append_c(out, ' ');
	g_string_append(out, frame_kinds[frame->kind]);
	g_string_append_c(out, ' ');
	text_decimal(out, frame->users);
	g_string_append_c(out, ' ');
	add_frame_state(out, frame);
	add_frame_keys(out, frame);
	g_string_append_c(out, '\n');
}

int render_frames(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct text_lines lines = {.out = out};

	vm_machine_frames(mount->machine, add_frame, &lines);
	return lines.full ? -ENOMEM : 0;
}

/* --- objects ---------------------------------------------------------------------------------- */

static void add_object(void *ctx, const struct vm_object_info *object)
{
	struct text_lines *lines = ctx;
	GString *out = lines->out;
	const char *name = object->name ? object->name : "";

	if (!text_room(lines, LINE_ROOM + 4 * strlen(name)))
		return;
	g_string_append_printf(out, "%" PRIu64 " %s %02x:%02x %ju %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " ",
	                       object->number, object->shmem ? "shmem" : "file", major(object->dev), minor(object->dev),
	                       (uintmax_t)object->ino, object->size, object->areas, object->pages, object->dirty);
	text_escaped(out, name, "\n");
	g_string_append_c(out, '\n');
}

int render_objects(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct text_lines lines = {.out = out};

	vm_machine_objects(mount->machine, add_object, &lines);
	return lines.full ? -ENOMEM : 0;
}

/* --- meminfo, vmstat -------------------------------------------------------------------------- */

struct row {
	const char *key;
	uint64_t value;
};

static void add_meminfo_rows(GString *out, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		g_string_append_printf(out, "%-16s%8" PRIu64 " kB\n", rows[i].key, rows[i].value * KIB_PER_PAGE);
}

/* Pages: what a frame is used for. New pages stand on the inactive lists, and nothing here moves them. */
static void add_meminfo_use(GString *out, const struct vm_machine_info *info)
{
	uint64_t anon = info->frames_anon + info->frames_shmem;
	const struct row rows[] = {
	    {"MemTotal:", info->frames_total},
	    {"MemFree:", info->frames_free},
	    {"MemAvailable:", info->frames_free + info->frames_file},
	    {"Buffers:", 0},
	    {"Cached:", info->frames_file + info->frames_shmem},
	    {"SwapCached:", 0},
	    {"Active:", 0},
	    {"Inactive:", anon + info->frames_file},
	    {"Active(anon):", 0},
	    {"Inactive(anon):", anon},
	    {"Active(file):", 0},
	    {"Inactive(file):", info->frames_file},
	    {"Unevictable:", 0},
	    {"Mlocked:", 0},
	    {"SwapTotal:", 0},
	    {"SwapFree:", 0},
	    {"Dirty:", info->frames_dirty},
	    {"Writeback:", info->frames_writeback},
	    {"AnonPages:", info->frames_anon},
	    {"Mapped:", info->frames_mapped},
	    {"Shmem:", info->frames_shmem},
	};

	add_meminfo_rows(out, rows, G_N_ELEMENTS(rows));
}

/* Pages: what the kernel would use for itself, and what it has promised. */
static void add_meminfo_kernel(GString *out, const struct vm_machine_info *info)
{
	const struct row rows[] = {
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
	    {"CommitLimit:", info->frames_total * OVERCOMMIT_RATIO / 100},
	    {"Committed_AS:", info->committed},
	};

	add_meminfo_rows(out, rows, G_N_ELEMENTS(rows));
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
	                     "AnonHugePages:         0 kB\n"
	                     "ShmemHugePages:        0 kB\n"
	                     "ShmemPmdMapped:        0 kB\n"
	                     "FileHugePages:         0 kB\n"
	                     "FilePmdMapped:         0 kB\n"
	                     "HugePages_Total:       0\n"
	                     "HugePages_Free:        0\n"
	                     "HugePages_Rsvd:        0\n"
	                     "HugePages_Surp:        0\n"
	                     "Hugepagesize:       2048 kB\n"
	                     "Hugetlb:               0 kB\n");
	return 0;
}

/* Linux's names first, then our own, which start with sim_. Pages but for pgpgin and pgpgout, which are KiB. */
int render_vmstat(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_machine_info info;

	vm_machine_info(mount->machine, &info);

	const struct row rows[] = {
	    {"nr_free_pages", info.frames_free},
	    {"nr_inactive_anon", info.frames_anon + info.frames_shmem},
	    {"nr_active_anon", 0},
	    {"nr_inactive_file", info.frames_file},
	    {"nr_active_file", 0},
	    {"nr_unevictable", 0},
	    {"nr_anon_pages", info.frames_anon},
	    {"nr_mapped", info.frames_mapped},
	    {"nr_file_pages", info.frames_file + info.frames_shmem},
	    {"nr_dirty", info.frames_dirty},
	    {"nr_writeback", info.frames_writeback},
	    {"nr_shmem", info.frames_shmem},
	    {"nr_written", info.file_writes},
	    {"nr_page_table_pages", info.tables},
	    {"pgpgin", info.file_reads * KIB_PER_PAGE},
	    {"pgpgout", info.file_writes * KIB_PER_PAGE},
	    {"pswpin", 0},
	    {"pswpout", 0},
	    {"pgfault", info.faults},
	    {"pgmajfault", info.major_faults},
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

/* --- version ---------------------------------------------------------------------------------- */

int render_version(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	g_string_append(out, "vasfs version " VASFS_VERSION " (virtual memory of Linux 6.x on x86-64, simulated)\n");
	return 0;
}
