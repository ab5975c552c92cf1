/*
 * machine_zone.c - where the frames are: buddyinfo, zoneinfo, and slabinfo. The machine has one
 * node with one zone, and keeps no free blocks that are larger than a page.
 */
#include "fs/text/render.h"

#include <inttypes.h>

/* Orders of free blocks: MAX_PAGE_ORDER + 1. */
enum { ORDERS = 11 };

int render_buddyinfo(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_machine_info info;

	vm_machine_info(mount->machine, &info);
	g_string_append(out, "Node 0, zone   Normal ");
	for (int order = 0; order < ORDERS; order++)
		g_string_append_printf(out, "%6" PRIu64 " ", order == 0 ? info.frames_free : 0);
	g_string_append_c(out, '\n');
	return 0;
}

/* Rows of the per-node part and of the zone, in pages. */
static void add_rows(GString *out, const struct vm_machine_info *info)
{
	const struct {
		const char *key;
		uint64_t value;
	} rows[] = {
	    {"nr_inactive_anon", info->frames_anon + info->frames_shmem - info->active_anon},
	    {"nr_active_anon", info->active_anon},
	    {"nr_inactive_file", info->frames_file - info->active_file},
	    {"nr_active_file", info->active_file},
	    {"nr_unevictable", info->locked},
	    {"nr_anon_pages", info->frames_anon},
	    {"nr_mapped", info->frames_mapped},
	    {"nr_file_pages", info->frames_file + info->frames_shmem + info->swap_cached},
	    {"nr_dirty", info->frames_dirty},
	    {"nr_writeback", info->frames_writeback},
	    {"nr_shmem", info->frames_shmem},
	    {"nr_page_table_pages", info->tables},
	    {"nr_swapcached", info->swap_cached},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		g_string_append_printf(out, "      %-12s %" PRIu64 "\n", rows[i].key,
		                       rows[i].value);
}

int render_zoneinfo(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_machine_info info;

	vm_machine_info(mount->machine, &info);
	g_string_append(out, "Node 0, zone   Normal\n  per-node stats\n");
	add_rows(out, &info);
	g_string_append_printf(
	    out,
	    "  pages free     %" PRIu64 "\n        boost    0\n"
	    "        min      0\n        low      0\n        high     0\n"
	    "        spanned  %" PRIu64 "\n        present  %" PRIu64 "\n        managed  %" PRIu64
	    "\n        cma      0\n        protection: (0)\n",
	    info.frames_free, info.frames_total, info.frames_total, info.frames_total);
	g_string_append_printf(out,
	                       "      nr_free_pages %" PRIu64 "\n      nr_mlock     %" PRIu64 "\n",
	                       info.frames_free, info.locked);
	g_string_append_printf(out, "  pagesets\n    cpu: 0\n              count: 0\n"
	                            "              high:  0\n              batch: 1\n"
	                            "  vm stats threshold: 0\n  node_unreclaimable:  0\n"
	                            "  start_pfn:           1\n");
	return 0;
}

/*
 * Of what the engine keeps for the machine only areas have a size that is told (vm.h). They are in
 * memory of the host, so meminfo counts none of it.
 */
int render_slabinfo(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	enum { AREA_SIZE = 160, PER_SLAB = VM_PAGE_SIZE / AREA_SIZE };
	struct vm_machine_info info;

	vm_machine_info(mount->machine, &info);
	uint64_t slabs = (info.areas + PER_SLAB - 1) / PER_SLAB;
	g_string_append(out, "slabinfo - version: 2.1\n"
	                     "# name            <active_objs> <num_objs> <objsize> <objperslab> "
	                     "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : "
	                     "slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	g_string_append_printf(out,
	                       "%-17s %6" PRIu64 " %6" PRIu64
	                       " %6d %4d %4d : tunables %4d %4d %4d : slabdata %6" PRIu64
	                       " %6" PRIu64 " %6d\n",
	                       "vm_area_struct", info.areas, slabs * PER_SLAB, AREA_SIZE, PER_SLAB,
	                       1, 0, 0, 0, slabs, slabs, 0);
	return 0;
}
