/*
 * proc_numa.c - PID/numa_maps, as show_numa_map of Linux writes it on a machine with one node.
 */
#include "fs/text/render.h"
#include "util/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* The longest line without its name, and some more. */
enum { LINE_ROOM = 256 };

static uint64_t pages(uint64_t bytes)
{
	return bytes / VM_PAGE_SIZE;
}

static void add_name(GString *out, const struct vm_area_info *area)
{
	if (area->ino != 0) {
		g_string_append(out, " file=");
		text_escaped(out, area->name, "\n\t= ");
	} else if (area->name != NULL && strcmp(area->name, "[heap]") == 0) {
		g_string_append(out, " heap");
	} else if (area->name != NULL && strcmp(area->name, "[stack]") == 0) {
		g_string_append(out, " stack");
	}
}

/* Append ` KEY=VALUE` if it is SHOWN. */
static void add_count(GString *out, const char *key, uint64_t value, bool shown)
{
	if (shown)
		g_string_append_printf(out, " %s=%" PRIu64, key, value);
}

/* All pages are on node 0 and count as inactive: which of them are active is not looked for. */
static void add_pages(GString *out, const struct vm_area_usage *usage)
{
	uint64_t all = pages(usage->rss), anon = pages(usage->anonymous);
	uint64_t dirty = pages(usage->shared_dirty + usage->private_dirty);

	if (all == 0)
		return;
	add_count(out, "anon", anon, anon > 0);
	add_count(out, "dirty", dirty, dirty > 0);
	add_count(out, "mapped", all, all != anon && all != dirty);
	add_count(out, "mapmax", usage->most_users, usage->most_users > 1);
	add_count(out, "active", 0, true);
	add_count(out, "N0", all, true);
	add_count(out, "kernelpagesize_kB", VM_PAGE_SIZE / 1024, true);
}

static bool add_area(void *ctx, const struct vm_area_usage *usage)
{
	size_t name = usage->area.name != NULL ? 4 * strlen(usage->area.name) : 0;
	struct text_lines *lines = ctx;

	if (!text_room(lines, LINE_ROOM + name))
		return false;
	text_hex(lines->out, usage->area.start, 8);
	g_string_append(lines->out, " default");
	add_name(lines->out, &usage->area);
	add_pages(lines->out, usage);
	g_string_append_c(lines->out, '\n');
	return text_line_ends(lines, usage->area.end);
}

int lines_numa_maps(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
                    const struct fs_caller *caller)
{
	int error = vm_process_usage(process, lines->from, add_area, lines);

	return error == 0 && lines->full ? -ENOMEM : error;
}
