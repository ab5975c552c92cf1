/*
 * proc_maps.c - PID/maps: one line for each area, byte for byte as show_map_vma of Linux writes it.
 */
#include "fs/text/render.h"
#include "util/text.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

/*
 * A name starts one blank after this column. The kernel computes it as 25 + sizeof(void *) * 6 - 1.
 */
#define NAME_COLUMN 72

/* The longest line without its name, and some more. */
#define LINE_ROOM 160

/* Escapes can make a name four times as long: a newline becomes \012. */
size_t maps_line_room(const struct vm_area_info *area)
{
	return LINE_ROOM + (area->name ? 4 * strlen(area->name) : 0);
}

static void add_name(GString *out, size_t line_start, const char *name)
{
	size_t width = out->len - line_start;

	if (width < NAME_COLUMN)
		g_string_append_printf(out, "%*s", (int)(NAME_COLUMN - width), "");
	g_string_append_c(out, ' ');
	text_escaped(out, name, "\n");
}

void maps_line(GString *out, const struct vm_area_info *area)
{
	size_t line_start = out->len;

	text_hex(out, area->start, 8);
	g_string_append_c(out, '-');
	text_hex(out, area->end, 8);
	g_string_append_c(out, ' ');
	g_string_append(out, area->perm);
	g_string_append_c(out, ' ');
	text_hex(out, area->offset, 8);
	g_string_append_c(out, ' ');
	text_hex(out, major(area->dev), 2);
	g_string_append_c(out, ':');
	text_hex(out, minor(area->dev), 2);
	g_string_append_c(out, ' ');
	text_decimal(out, area->ino);
	g_string_append_c(out, ' ');
	if (area->name)
		add_name(out, line_start, area->name);
	g_string_append_c(out, '\n');
}

static bool add_area(void *ctx, const struct vm_area_info *area)
{
	struct text_lines *lines = ctx;

	if (!text_room(lines, maps_line_room(area)))
		return false;
	maps_line(lines->out, area);
	return text_line_ends(lines, area->end);
}

int lines_maps(struct text_lines *lines, struct fs_mount *mount, struct vm_process *process,
               const struct fs_caller *caller)
{
	int error = vm_process_areas(process, lines->from, add_area, lines);

	return error == 0 && lines->full ? -ENOMEM : error;
}
