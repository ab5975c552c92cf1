/*
 * picture.c - the pictures that are files: what each looks at, and how it is drawn.
 */
#include "fs/picture/picture.h"
#include "fs/picture/draw.h"
#include "fs/picture/svg.h"

#include <errno.h>

/* In place of a drawing: process PID has ended, and is kept until its parent asks for it. */
static void draw_ended(GString *out, pid_t pid)
{
	svg_begin(out, 640, 6 * SQUARE, "ended", true);
	svg_text(out, "h", 2 * SQUARE, 4 * SQUARE, "Process %d has ended: it has no memory.",
	         (int)pid);
	svg_end(out);
}

/* A zombie has a picture, too, but nothing in it. Otherwise ERROR stays. */
static int or_ended(GString *out, struct vm_process *process, int error)
{
	if (error != -ESRCH || !vm_process_listed(process))
		return error;
	draw_ended(out, vm_process_pid(process));
	return 0;
}

int view_map_svg(GString *out, struct fs_mount *mount, struct vm_process *process,
                 const struct fs_caller *caller)
{
	struct space space;
	int error = space_look(&space, process, &space_whole);

	if (error != 0)
		return or_ended(out, process, error);
	draw_map(out, &space, true);
	space_clear(&space);
	return 0;
}

int view_frames_svg(GString *out, struct fs_mount *mount, struct vm_process *process,
                    const struct fs_caller *caller)
{
	g_autofree struct frames *frames = frames_look(mount, caller);

	if (frames == NULL)
		return -ENOMEM;
	draw_frames(out, frames, true);
	return 0;
}

int view_pagetable_svg(GString *out, struct fs_mount *mount, struct vm_process *process,
                       const struct fs_caller *caller)
{
	int error;
	g_autofree struct tables *tables = tables_look(mount, process, caller, &error);

	if (tables == NULL)
		return or_ended(out, process, error);
	draw_tables(out, tables, true);
	return 0;
}
